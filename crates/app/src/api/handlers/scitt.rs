//! `/scitt/entries` and `/.well-known/scitt-keys`: the log as SCITT's reference API (SCRAPI) has it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::route::{Asked, Cbor, CoseAnswer, CoseBody, Input, Nothing, Reply};
use crate::refusal::Refusal;

/// An entry's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfEntry {
    /// The entry's index.
    index: u64,
}

/// A key's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfKey {
    /// The key's id, as a receipt names it: base64url without padding, or hex.
    #[schemars(length(min = 1, max = 64))]
    kid: String,
}

pub(in crate::api) fn register(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, CoseBody>,
) -> Result<Reply<CoseAnswer>, Refusal> {
    let (receipt, written) = asked.desk.register_statement(asked.actor()?, &input.body.0)?;
    let location = location(written.index);
    Ok(Reply::of(CoseAnswer(receipt)).written(written).header("location", location))
}

pub(in crate::api) fn receipt(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Result<Reply<CoseAnswer>, Refusal> {
    let index = input.path.index;
    let receipt = asked.desk.cose_receipt(asked.actor()?, index)?;
    Ok(Reply::of(CoseAnswer(receipt)).header("location", location(index)))
}

pub(in crate::api) fn statement(
    asked: &Asked<'_>,
    input: &Input<OfEntry, Nothing, Nothing>,
) -> Result<Reply<CoseAnswer>, Refusal> {
    Ok(Reply::of(CoseAnswer(asked.desk.transparent_statement(asked.actor()?, input.path.index)?)))
}

pub(in crate::api) fn keys(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Cbor>, Refusal> {
    Ok(Reply::of(Cbor(asked.desk.receipt_keys()?)))
}

pub(in crate::api) fn key(
    asked: &Asked<'_>,
    input: &Input<OfKey, Nothing, Nothing>,
) -> Result<Reply<Cbor>, Refusal> {
    Ok(Reply::of(Cbor(asked.desk.receipt_key(&input.path.kid)?)))
}

fn location(index: u64) -> String {
    format!("/scitt/entries/{index}")
}
