//! `/api/v1/rules`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{Reason, Word};
use crate::work::rules::{NewRule, Rule, RuleHistory, Rules};

/// A rule's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfRule {
    /// The rule's name.
    rule: Word,
}

pub(in crate::api) fn rules(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Rules> {
    Ok(Reply::of(Json(asked.desk.rules(asked.actor()?)?)))
}

pub(in crate::api) fn rule(asked: &Asked<'_>, input: &Input<OfRule, Nothing, Nothing>) -> Answered<Rule> {
    let rule = asked.desk.rule(asked.actor()?, input.path.rule.as_str())?;
    let version = rule.version;
    Ok(Reply::of(Json(rule)).version(version))
}

pub(in crate::api) fn rule_history(
    asked: &Asked<'_>,
    input: &Input<OfRule, Nothing, Nothing>,
) -> Answered<RuleHistory> {
    Ok(Reply::of(Json(asked.desk.rule_history(asked.actor()?, input.path.rule.as_str())?)))
}

pub(in crate::api) fn set_rule(
    asked: &Asked<'_>,
    input: &Input<OfRule, Nothing, NewRule>,
) -> Answered<Changed<Rule>> {
    let name = input.path.rule.as_str();
    let done = asked.desk.set_rule(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn end_rule(
    asked: &Asked<'_>,
    input: &Input<OfRule, Nothing, Reason>,
) -> Answered<Changed<Rule>> {
    let name = input.path.rule.as_str();
    let done = asked.desk.end_rule(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
