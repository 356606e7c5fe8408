//! `/api/v1/systems`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::SystemId;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::capturing::Capturing;
use crate::work::forms::IdForm;
use crate::work::systems::{NewCapture, NewStage, System, SystemDescription, Systems};

/// A system's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfSystem {
    /// The system.
    #[schemars(with = "IdForm")]
    pub(super) system: SystemId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Systems> {
    Ok(Reply::of(Json(asked.desk.systems(asked.actor()?)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfSystem, Nothing, Nothing>) -> Answered<System> {
    let system = asked.desk.system(asked.actor()?, input.path.system)?;
    let version = system.version;
    Ok(Reply::of(Json(system)).version(version))
}

pub(in crate::api) fn register(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, SystemDescription>,
) -> Answered<Changed<System>> {
    let done = asked.desk.register_system(asked.actor()?, &asked.given, &input.body)?;
    let (version, location) = (done.0.version, format!("/api/v1/systems/{}", done.0.id));
    Ok(changed(done, version).header("location", location))
}

pub(in crate::api) fn change(
    asked: &Asked<'_>,
    input: &Input<OfSystem, Nothing, SystemDescription>,
) -> Answered<Changed<System>> {
    let done = asked.desk.change_system(asked.actor()?, &asked.given, input.path.system, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn stage(
    asked: &Asked<'_>,
    input: &Input<OfSystem, Nothing, NewStage>,
) -> Answered<Changed<System>> {
    let done = asked.desk.change_stage(asked.actor()?, &asked.given, input.path.system, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn capturing(
    asked: &Asked<'_>,
    input: &Input<OfSystem, Nothing, Nothing>,
) -> Answered<Capturing> {
    Ok(Reply::of(Json(asked.desk.capturing(asked.actor()?, input.path.system)?)))
}

pub(in crate::api) fn capture(
    asked: &Asked<'_>,
    input: &Input<OfSystem, Nothing, NewCapture>,
) -> Answered<Changed<System>> {
    let done = asked.desk.change_capture(asked.actor()?, &asked.given, input.path.system, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
