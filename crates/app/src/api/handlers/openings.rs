//! `/api/v1/openings`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::OpeningId;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{IdForm, Reason};
use crate::work::openings::{NewOpening, Opening, Openings};

/// An opening's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfOpening {
    /// The opening.
    #[schemars(with = "IdForm")]
    opening: OpeningId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Openings> {
    Ok(Reply::of(Json(asked.desk.openings()?)))
}

pub(in crate::api) fn read(
    asked: &Asked<'_>,
    input: &Input<OfOpening, Nothing, Nothing>,
) -> Answered<Opening> {
    let opening = asked.desk.opening(input.path.opening)?;
    let version = opening.version;
    Ok(Reply::of(Json(opening)).version(version))
}

pub(in crate::api) fn request(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewOpening>,
) -> Answered<Changed<Opening>> {
    let done = asked.desk.request_opening(asked.actor()?, &asked.given, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn confirm(
    asked: &Asked<'_>,
    input: &Input<OfOpening, Nothing, Reason>,
) -> Answered<Changed<Opening>> {
    let done = asked.desk.confirm_opening(asked.actor()?, &asked.given, input.path.opening, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn withdraw(
    asked: &Asked<'_>,
    input: &Input<OfOpening, Nothing, Reason>,
) -> Answered<Changed<Opening>> {
    let done = asked.desk.withdraw_opening(asked.actor()?, &asked.given, input.path.opening, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
