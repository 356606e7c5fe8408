//! `/api/v1/records`, `/api/v1/entries`, `/api/v1/checkpoint` and `/api/v1/packages`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Plain, Reply, Zip};
use crate::refusal::Refusal;
use crate::work::acknowledging::Acknowledgement;
use crate::work::entries::{Entries, EntryForm, EntryQuery};
use crate::work::packages::NewPackage;
use crate::work::records::{MadeRecord, NewRecord};

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
    let (made, written) = asked.desk.record(asked.actor()?, &asked.given, &input.body)?;
    let location = format!("/api/v1/entries/{}", written.index);
    Ok(Reply::of(Json(made)).written(written).header("location", location))
}

pub(in crate::api) fn entries(
    asked: &Asked<'_>,
    input: &Input<Nothing, EntryQuery, Nothing>,
) -> Answered<Entries> {
    Ok(Reply::of(Json(asked.desk.entries(asked.actor()?, &input.query)?)))
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

pub(in crate::api) fn package(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewPackage>,
) -> Result<Reply<Zip>, Refusal> {
    let (bytes, exported, written) = asked.desk.build_package(asked.actor()?, &asked.given, &input.body)?;
    let name = format!("attachment; filename=\"evidence-{}.zip\"", exported.size);
    Ok(Reply::of(Zip(bytes)).written(written).header("content-disposition", name))
}
