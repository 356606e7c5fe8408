//! `/api/v1/controls` and `/api/v1/soa`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::applicability::{NewApproval, NewDecision, Statement, StatementHistory, StatementRow};
use crate::work::controls::{Control, Controls};
use crate::work::forms::ReferenceForm;

/// A clause's or control's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfControl {
    /// The clause or control.
    #[schemars(with = "ReferenceForm")]
    control: String,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Controls> {
    Ok(Reply::of(Json(asked.desk.controls()?)))
}

pub(in crate::api) fn read(
    asked: &Asked<'_>,
    input: &Input<OfControl, Nothing, Nothing>,
) -> Answered<Control> {
    Ok(Reply::of(Json(asked.desk.control(&input.path.control)?)))
}

pub(in crate::api) fn statement(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<Statement> {
    Ok(Reply::of(Json(asked.desk.statement()?)))
}

pub(in crate::api) fn row(
    asked: &Asked<'_>,
    input: &Input<OfControl, Nothing, Nothing>,
) -> Answered<StatementHistory> {
    let found = asked.desk.statement_of(&input.path.control)?;
    let version = found.row.version;
    Ok(Reply::of(Json(found)).version(version))
}

pub(in crate::api) fn decide(
    asked: &Asked<'_>,
    input: &Input<OfControl, Nothing, NewDecision>,
) -> Answered<Changed<StatementRow>> {
    let done = asked.desk.decide_control(asked.actor()?, &asked.given, &input.path.control, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn approve(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewApproval>,
) -> Answered<Changed<Statement>> {
    let (statement, written) = asked.desk.approve_statement(asked.actor()?, &asked.given, &input.body)?;
    Ok(Reply { version: None, ..changed((statement, written), 0) })
}
