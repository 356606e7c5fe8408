//! `/api/v1/configuration-changes`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::ConfigurationChangeId;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::configuration::{Change, Changes};
use crate::work::forms::{IdForm, Reason};

/// A change's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfChange {
    /// The change.
    #[schemars(with = "IdForm")]
    change: ConfigurationChangeId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Changes> {
    Ok(Reply::of(Json(asked.desk.configuration_changes(asked.actor()?)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfChange, Nothing, Nothing>) -> Answered<Change> {
    let change = asked.desk.configuration_change(asked.actor()?, input.path.change)?;
    let version = change.version;
    Ok(Reply::of(Json(change)).version(version))
}

pub(in crate::api) fn explain(
    asked: &Asked<'_>,
    input: &Input<OfChange, Nothing, Reason>,
) -> Answered<Changed<Change>> {
    let done =
        asked.desk.explain_configuration(asked.actor()?, &asked.given, input.path.change, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
