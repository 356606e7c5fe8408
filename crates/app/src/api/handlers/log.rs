//! `/api/v1/records`, `/api/v1/entries`, `/api/v1/checkpoint` and `/api/v1/packages`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Answered;
use crate::api::dispatch::blocking;
use crate::api::route::{Asked, Input, Json, Nothing, Plain, Reply, Zip};
use crate::refusal::Refusal;
use crate::work::access::NewAccess;
use crate::work::acknowledging::Acknowledgement;
use crate::work::digests::{DigestPlaces, DigestQuery};
use crate::work::entries::{Entries, EntryForm, EntryQuery};
use crate::work::packages::NewPackage;
use crate::work::records::{MadeRecord, MadeRecords, NewRecord, NewRecords};
use crate::work::{Actor, Desk, Given, Written};

/// An entry's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfEntry {
    /// The entry's index.
    index: u64,
}

pub(in crate::api) fn record(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewRecord>,
) -> Answered<MadeRecord> {
    Ok(one(asked.desk.record(asked.actor()?, &asked.given, &input.body)?))
}

pub(in crate::api) fn records(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewRecords>,
) -> Answered<MadeRecords> {
    Ok(several(asked.desk.record_all(asked.actor()?, &asked.given, &input.body)?))
}

pub(in crate::api) async fn record_promptly(
    desk: Arc<Desk>,
    actor: Actor,
    given: Given,
    new: NewRecord,
) -> Answered<MadeRecord> {
    if !desk.knows_target(&actor, &new) {
        return blocking(move || desk.record(&actor, &given, &new)).await?.map(one);
    }
    let placed = desk.place_one(&actor, &given, &new).await?;
    if placed.is_ready() {
        return desk.answer_one(placed).map(one);
    }
    blocking(move || desk.answer_one(placed)).await?.map(one)
}

pub(in crate::api) async fn records_promptly(
    desk: Arc<Desk>,
    actor: Actor,
    given: Given,
    new: NewRecords,
) -> Answered<MadeRecords> {
    if !new.records.iter().all(|new| desk.knows_target(&actor, new)) {
        return blocking(move || desk.record_all(&actor, &given, &new)).await?.map(several);
    }
    let placed = desk.place_all(&actor, &given, &new).await?;
    if placed.is_ready() {
        return desk.answer_all(placed).map(several);
    }
    blocking(move || desk.answer_all(placed)).await?.map(several)
}

fn one((made, written): (MadeRecord, Written)) -> Reply<Json<MadeRecord>> {
    let location = format!("/api/v1/entries/{}", written.index);
    Reply::of(Json(made)).written(written).header("location", location)
}

fn several((made, written): (MadeRecords, Written)) -> Reply<Json<MadeRecords>> {
    Reply::of(Json(made)).written(written)
}

pub(in crate::api) fn entries(
    asked: &Asked<'_>,
    input: &Input<Nothing, EntryQuery, Nothing>,
) -> Answered<Entries> {
    Ok(Reply::of(Json(asked.desk.entries(asked.actor()?, &input.query)?)))
}

/// A digest in a path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfDigest {
    /// The SHA-256: 64 hex digits, with `sha256:` before them or without.
    #[schemars(length(min = 64, max = 72))]
    digest: String,
}

pub(in crate::api) fn digest(
    asked: &Asked<'_>,
    input: &Input<OfDigest, DigestQuery, Nothing>,
) -> Answered<DigestPlaces> {
    Ok(Reply::of(Json(asked.desk.digest_places(asked.actor()?, &input.path.digest, &input.query)?)))
}

pub(in crate::api) fn entry(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Answered<EntryForm> {
    Ok(Reply::of(Json(asked.desk.entry(asked.actor()?, input.path.index)?)))
}

pub(in crate::api) fn receipt(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(asked.desk.receipt(asked.actor()?, input.path.index)?)))
}

pub(in crate::api) fn acknowledgement(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Answered<Acknowledgement> {
    Ok(Reply::of(Json(asked.desk.acknowledgement(asked.actor()?, input.path.index)?)))
}

/// Which fields an SD-JWT discloses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Fields {
    /// Names with commas between them, empty for none; absent: every field that may be shown to whoever asks.
    #[serde(default)]
    #[schemars(length(max = 8192))]
    fields: Option<String>,
}

pub(in crate::api) fn sd_jwt(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Fields, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    let text = asked.desk.sd_jwt(asked.actor()?, input.path.index, input.query.fields.as_deref())?;
    Ok(Reply::of(Plain(text.into_bytes())))
}

pub(in crate::api) fn proof(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(asked.desk.proof(asked.actor()?, input.path.index)?.into_bytes())))
}

pub(in crate::api) fn checkpoint(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(asked.desk.checkpoint().into_bytes())))
}

pub(in crate::api) fn cosigned_checkpoint(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(asked.desk.cosigned_checkpoint()?.into_bytes())))
}

pub(in crate::api) fn cosigned_receipt(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(asked.desk.cosigned_receipt(asked.actor()?, input.path.index)?)))
}

pub(in crate::api) fn anchored_receipt(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(asked.desk.anchored_receipt(asked.actor()?, input.path.index)?)))
}

pub(in crate::api) fn access(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewAccess>,
) -> Result<Reply<Zip>, Refusal> {
    let (file, written) = asked.desk.give_access(asked.actor()?, &asked.given, &input.body)?;
    let name = format!("attachment; filename=\"{}\"", file.name());
    Ok(Reply::of(Zip(file.bytes)).written(written).header("content-disposition", name))
}

pub(in crate::api) fn package(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewPackage>,
) -> Result<Reply<Zip>, Refusal> {
    let (bytes, exported, written) = asked.desk.build_package(asked.actor()?, &asked.given, &input.body)?;
    let name = format!("attachment; filename=\"evidence-{}.zip\"", exported.size);
    Ok(Reply::of(Zip(bytes)).written(written).header("content-disposition", name))
}
