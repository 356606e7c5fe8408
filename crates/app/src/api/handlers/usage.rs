//! `/api/v1/usage-reports`, `/api/v1/findings` and `/api/v1/inventory/unknown`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::{FindingId, RecordId};

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::findings::{Finding, Findings, Unknowns};
use crate::work::forms::{IdForm, Reason};
use crate::work::usage::{NewUsageReport, UsageComparison, UsageReports};

/// An export's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfReport {
    /// The record of the export.
    #[schemars(with = "IdForm")]
    report: RecordId,
}

/// A finding's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfFinding {
    /// The finding.
    #[schemars(with = "IdForm")]
    finding: FindingId,
}

pub(in crate::api) fn reports(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<UsageReports> {
    Ok(Reply::of(Json(asked.desk.usage_reports(asked.actor()?)?)))
}

pub(in crate::api) fn report(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewUsageReport>,
) -> Answered<UsageComparison> {
    let (comparison, written) = asked.desk.report_usage(asked.actor()?, &asked.given, &input.body)?;
    let location = format!("/api/v1/usage-reports/{}", comparison.report.id);
    Ok(Reply::of(Json(comparison)).written(written).header("location", location))
}

pub(in crate::api) fn comparison(
    asked: &Asked<'_>,
    input: &Input<OfReport, Nothing, Nothing>,
) -> Answered<UsageComparison> {
    Ok(Reply::of(Json(asked.desk.usage_comparison(asked.actor()?, input.path.report)?)))
}

pub(in crate::api) fn findings(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<Findings> {
    Ok(Reply::of(Json(asked.desk.findings(asked.actor()?)?)))
}

pub(in crate::api) fn finding(
    asked: &Asked<'_>,
    input: &Input<OfFinding, Nothing, Nothing>,
) -> Answered<Finding> {
    let finding = asked.desk.finding(asked.actor()?, input.path.finding)?;
    let version = finding.version;
    Ok(Reply::of(Json(finding)).version(version))
}

pub(in crate::api) fn close(
    asked: &Asked<'_>,
    input: &Input<OfFinding, Nothing, Reason>,
) -> Answered<Changed<Finding>> {
    let done = asked.desk.close_finding(asked.actor()?, &asked.given, input.path.finding, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn unknown(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Unknowns> {
    Ok(Reply::of(Json(asked.desk.unknown_called(asked.actor()?)?)))
}
