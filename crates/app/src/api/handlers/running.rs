//! `/api/v1/providers` and `/api/v1/masking`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::running::{MaskingRules, Provider};
use crate::work::masked::{MaskedQuery, MaskedSums};
use crate::work::masking::{MaskingPreview, Sample, rules};

/// Providers of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Providers {
    /// Whether a gateway runs in this process.
    running: bool,
    /// Its providers, as they stand now.
    providers: Vec<Provider>,
}

pub(in crate::api) fn providers(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<Providers> {
    let now = asked.settings.running.providers.as_ref();
    let providers = now.map(|providers| providers()).unwrap_or_default();
    Ok(Reply::of(Json(Providers { running: now.is_some(), providers })))
}

pub(in crate::api) fn masking(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<MaskingRules> {
    Ok(Reply::of(Json(rules(&asked.settings.running)?.rules.clone())))
}

pub(in crate::api) fn preview(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, Sample>,
) -> Answered<MaskingPreview> {
    Ok(Reply::of(Json(asked.desk.preview_masking(&asked.settings.running, &input.body)?)))
}

pub(in crate::api) fn masked(
    asked: &Asked<'_>,
    input: &Input<Nothing, MaskedQuery, Nothing>,
) -> Answered<MaskedSums> {
    Ok(Reply::of(Json(asked.desk.masked_sums(asked.actor()?, &input.query)?)))
}
