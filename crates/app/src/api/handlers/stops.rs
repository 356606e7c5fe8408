//! `/api/v1/stops`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::StopId;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{IdForm, Reason};
use crate::work::stops::{NewStop, Stop, Stops};

/// A stop's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfStop {
    /// The stop.
    #[schemars(with = "IdForm")]
    stop: StopId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Stops> {
    Ok(Reply::of(Json(asked.desk.stops()?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfStop, Nothing, Nothing>) -> Answered<Stop> {
    let stop = asked.desk.stop(input.path.stop)?;
    let version = stop.version;
    Ok(Reply::of(Json(stop)).version(version))
}

pub(in crate::api) fn order(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewStop>,
) -> Answered<Changed<Stop>> {
    let done = asked.desk.order_stop(asked.actor()?, &asked.given, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn lift(
    asked: &Asked<'_>,
    input: &Input<OfStop, Nothing, Reason>,
) -> Answered<Changed<Stop>> {
    let done = asked.desk.lift_stop(asked.actor()?, &asked.given, input.path.stop, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
