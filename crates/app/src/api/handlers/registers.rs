//! `/api/v1/registers`, the inbox and the gaps of the inventory.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::ItemId;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::refusal::Refusal;
use crate::work::Written;
use crate::work::forms::IdForm;
use crate::work::registers::{
    History, Inbox, InventoryGaps, Item, ItemQuery, ItemSummaries, NewDecision, NewItem, NewNote,
    NewRevision, NewState, RegistersShown, Submission,
};

/// A register's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfRegister {
    /// The register's name.
    #[schemars(length(min = 1, max = 40))]
    register: String,
}

/// An item's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfItem {
    /// The register's name.
    #[schemars(length(min = 1, max = 40))]
    register: String,
    /// The item.
    #[schemars(with = "IdForm")]
    item: ItemId,
}

pub(in crate::api) fn registers(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<RegistersShown> {
    Ok(Reply::of(Json(asked.desk.registers())))
}

pub(in crate::api) fn list(
    asked: &Asked<'_>,
    input: &Input<OfRegister, ItemQuery, Nothing>,
) -> Answered<ItemSummaries> {
    Ok(Reply::of(Json(asked.desk.register_items(asked.actor()?, &input.path.register, &input.query)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfItem, Nothing, Nothing>) -> Answered<Item> {
    let item = asked.desk.register_item(asked.actor()?, &input.path.register, input.path.item)?;
    let version = item.summary.version;
    Ok(Reply::of(Json(item)).version(version))
}

pub(in crate::api) fn history(
    asked: &Asked<'_>,
    input: &Input<OfItem, Nothing, Nothing>,
) -> Answered<History> {
    let path = &input.path;
    Ok(Reply::of(Json(asked.desk.register_history(asked.actor()?, &path.register, path.item)?)))
}

pub(in crate::api) fn open(
    asked: &Asked<'_>,
    input: &Input<OfRegister, Nothing, NewItem>,
) -> Answered<Changed<Item>> {
    let register = &input.path.register;
    let done = asked.desk.open_register_item(asked.actor()?, &asked.given, register, &input.body)?;
    let summary = &done.0.summary;
    let location = format!("/api/v1/registers/{}/items/{}", summary.register, summary.id);
    let version = summary.version;
    Ok(changed(done, version).header("location", location))
}

/// The answer to a change of an item.
fn done(done: Result<(Item, Written), Refusal>) -> Answered<Changed<Item>> {
    let done = done?;
    let version = done.0.summary.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn save(
    asked: &Asked<'_>,
    input: &Input<OfItem, Nothing, NewRevision>,
) -> Answered<Changed<Item>> {
    let path = &input.path;
    done(asked.desk.save_register_item(asked.actor()?, &asked.given, &path.register, path.item, &input.body))
}

pub(in crate::api) fn submit(
    asked: &Asked<'_>,
    input: &Input<OfItem, Nothing, Submission>,
) -> Answered<Changed<Item>> {
    let path = &input.path;
    done(asked.desk.submit_register_item(
        asked.actor()?,
        &asked.given,
        &path.register,
        path.item,
        &input.body,
    ))
}

pub(in crate::api) fn decide(
    asked: &Asked<'_>,
    input: &Input<OfItem, Nothing, NewDecision>,
) -> Answered<Changed<Item>> {
    let path = &input.path;
    done(asked.desk.decide_register_item(
        asked.actor()?,
        &asked.given,
        &path.register,
        path.item,
        &input.body,
    ))
}

pub(in crate::api) fn step(
    asked: &Asked<'_>,
    input: &Input<OfItem, Nothing, NewState>,
) -> Answered<Changed<Item>> {
    let path = &input.path;
    done(asked.desk.move_register_item(asked.actor()?, &asked.given, &path.register, path.item, &input.body))
}

pub(in crate::api) fn note(
    asked: &Asked<'_>,
    input: &Input<OfItem, Nothing, NewNote>,
) -> Answered<Changed<Item>> {
    let path = &input.path;
    done(asked.desk.note_register_item(asked.actor()?, &asked.given, &path.register, path.item, &input.body))
}

pub(in crate::api) fn inbox(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Inbox> {
    Ok(Reply::of(Json(asked.desk.inbox(asked.actor()?)?)))
}

pub(in crate::api) fn gaps(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<InventoryGaps> {
    Ok(Reply::of(Json(asked.desk.inventory_gaps(asked.actor()?)?)))
}
