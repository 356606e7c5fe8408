//! `/api/v1/playground`.

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::playground::{NewTrial, Trial};

pub(in crate::api) fn try_call(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewTrial>,
) -> Answered<Trial> {
    let playground = asked.settings.playground.as_ref();
    Ok(Reply::of(Json(asked.desk.try_call(asked.actor()?, playground, input.body.clone())?)))
}
