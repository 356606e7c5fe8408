//! `/api/v1/calls`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::RecordId;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::calls::{Call, CallQuery, Calls};
use crate::work::forms::IdForm;
use crate::work::unmasking::{NewUnmasking, Unmasked, Unmaskings};
use crate::work::viewing::{NewViewing, Viewings};

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

pub(in crate::api) fn viewings(
    asked: &Asked<'_>,
    input: &Input<OfCall, Nothing, Nothing>,
) -> Answered<Viewings> {
    Ok(Reply::of(Json(asked.desk.viewings(asked.actor()?, input.path.call)?)))
}

pub(in crate::api) fn view(
    asked: &Asked<'_>,
    input: &Input<OfCall, Nothing, NewViewing>,
) -> Answered<Changed<Call>> {
    let done = asked.desk.view_captured(asked.actor()?, &asked.given, input.path.call, &input.body)?;
    Ok(changed(done, 0))
}

pub(in crate::api) fn unmaskings(
    asked: &Asked<'_>,
    input: &Input<OfCall, Nothing, Nothing>,
) -> Answered<Unmaskings> {
    Ok(Reply::of(Json(asked.desk.unmaskings(asked.actor()?, input.path.call)?)))
}

pub(in crate::api) fn unmask(
    asked: &Asked<'_>,
    input: &Input<OfCall, Nothing, NewUnmasking>,
) -> Answered<Changed<Unmasked>> {
    let done = asked.desk.unmask(asked.actor()?, &asked.given, input.path.call, &input.body)?;
    Ok(changed(done, 0))
}
