//! `/api/v1/policies`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::{Reason, Word};
use crate::work::observing::{Enforcement, Observation};
use crate::work::policies::{
    CheckedPolicy, NewPolicy, Policies, Policy, PolicyHistory, PolicyText, Withdrawal,
};
use crate::work::proposing::{Confirmation, NewProposal, Proposal, TakingBack};
use crate::work::replays::{NewReplay, Replay};

/// A policy's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfPolicy {
    /// The policy's name.
    policy: Word,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Policies> {
    Ok(Reply::of(Json(asked.desk.policies()?)))
}

pub(in crate::api) fn check(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, PolicyText>,
) -> Answered<CheckedPolicy> {
    Ok(Reply::of(Json(asked.desk.try_policy(&input.body)?)))
}

pub(in crate::api) fn read(asked: &Asked<'_>, input: &Input<OfPolicy, Nothing, Nothing>) -> Answered<Policy> {
    let policy = asked.desk.policy(input.path.policy.as_str())?;
    let version = policy.version;
    Ok(Reply::of(Json(policy)).version(version))
}

pub(in crate::api) fn history(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Nothing>,
) -> Answered<PolicyHistory> {
    Ok(Reply::of(Json(asked.desk.policy_history(input.path.policy.as_str())?)))
}

pub(in crate::api) fn replay(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, NewReplay>,
) -> Answered<Replay> {
    let name = input.path.policy.as_str();
    Ok(Reply::of(Json(asked.desk.replay_policy(asked.actor()?, name, &input.body)?)))
}

pub(in crate::api) fn publish(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, NewPolicy>,
) -> Answered<Changed<Policy>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.publish_policy(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn withdraw(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Withdrawal>,
) -> Answered<Changed<Policy>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.withdraw_policy(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

/// Changes of policies that wait.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyProposals")]
pub(in crate::api) struct Waiting {
    /// The last put forward first.
    proposals: Vec<Proposal>,
}

pub(in crate::api) fn proposals(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<Waiting> {
    Ok(Reply::of(Json(Waiting { proposals: asked.desk.policy_proposals()? })))
}

pub(in crate::api) fn proposal(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Nothing>,
) -> Answered<Proposal> {
    let proposal = asked.desk.policy_proposal(input.path.policy.as_str())?;
    let version = proposal.version;
    Ok(Reply::of(Json(proposal)).version(version))
}

pub(in crate::api) fn propose(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, NewProposal>,
) -> Answered<Changed<Proposal>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.propose_policy(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn confirm(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Confirmation>,
) -> Answered<Changed<Policy>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.confirm_policy(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn take_back(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, TakingBack>,
) -> Answered<Changed<Proposal>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.take_back_policy(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn observation(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Nothing>,
) -> Answered<Observation> {
    let observation = asked.desk.observation(asked.actor()?, input.path.policy.as_str())?;
    let version = observation.version;
    Ok(Reply::of(Json(observation)).version(version))
}

pub(in crate::api) fn observe(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, NewPolicy>,
) -> Answered<Changed<Observation>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.observe_policy(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn enforce(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Enforcement>,
) -> Answered<Changed<Policy>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.enforce_observed(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn drop_observation(
    asked: &Asked<'_>,
    input: &Input<OfPolicy, Nothing, Reason>,
) -> Answered<Changed<Observation>> {
    let name = input.path.policy.as_str();
    let done = asked.desk.drop_observation(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}
