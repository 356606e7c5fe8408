//! `/api/v1/calls`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::RecordId;

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::calls::{Call, CallQuery, Calls};
use crate::work::forms::IdForm;

/// A call's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfCall {
    /// The record that decided the call: what the gateway answered as `x-request-id`.
    #[schemars(with = "IdForm")]
    call: RecordId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, input: &Input<Nothing, CallQuery, Nothing>) -> Answered<Calls> {
    Ok(Reply::of(Json(asked.desk.calls(asked.actor()?, &input.query)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfCall, Nothing, Nothing>) -> Answered<Call> {
    Ok(Reply::of(Json(asked.desk.call(asked.actor()?, input.path.call)?)))
}
