//! `/api/v1/erasures`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::ErasureRequestId;

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::erasures::{DecidedErasure, ErasureDecision, NewErasure, WaitingErasure, WaitingErasures};
use crate::work::forms::IdForm;

/// A request's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfErasure {
    /// The request.
    #[schemars(with = "IdForm")]
    erasure: ErasureRequestId,
}

pub(in crate::api) fn list(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<WaitingErasures> {
    Ok(Reply::of(Json(asked.desk.waiting_erasures(asked.actor()?)?)))
}

pub(in crate::api) fn request(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewErasure>,
) -> Answered<WaitingErasure> {
    let (waiting, written) = asked.desk.request_erasure(asked.actor()?, &asked.given, &input.body)?;
    Ok(Reply::of(Json(waiting)).written(written))
}

pub(in crate::api) fn decide(
    asked: &Asked<'_>,
    input: &Input<OfErasure, Nothing, ErasureDecision>,
) -> Answered<DecidedErasure> {
    let decided = asked.desk.decide_erasure(asked.actor()?, input.path.erasure, &input.body)?;
    Ok(Reply::of(Json(decided.0)).written(decided.1))
}
