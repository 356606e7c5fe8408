//! `/api/v1/sources`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::ProducerId;

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::IdForm;
use crate::work::sources::{Delivered, Delivery, NewSourceKey, Source, SourceQuery, Sources};

/// A source's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfSource {
    /// The source.
    #[schemars(with = "IdForm")]
    source: ProducerId,
}

pub(in crate::api) fn list(
    asked: &Asked<'_>,
    input: &Input<Nothing, SourceQuery, Nothing>,
) -> Answered<Sources> {
    Ok(Reply::of(Json(asked.desk.sources(asked.actor()?, &input.query)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfSource, Nothing, Nothing>) -> Answered<Source> {
    Ok(Reply::of(Json(asked.desk.source(asked.actor()?, input.path.source)?)))
}

pub(in crate::api) fn deliver(
    asked: &Asked<'_>,
    input: &Input<OfSource, Nothing, Delivery>,
) -> Answered<Delivered> {
    let (delivered, written) = asked.desk.deliver(asked.actor()?, input.path.source, &input.body)?;
    Ok(Reply::of(Json(delivered)).written(written))
}

pub(in crate::api) fn set_key(
    asked: &Asked<'_>,
    input: &Input<OfSource, Nothing, NewSourceKey>,
) -> Answered<Source> {
    let (source, written) =
        asked.desk.set_source_key(asked.actor()?, &asked.given, input.path.source, &input.body)?;
    Ok(Reply::of(Json(source)).written(written))
}
