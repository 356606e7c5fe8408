//! Policies: tried, published, withdrawn; every version stays readable.
//!
//! Promises: only a text that was checked comes into force. Must never: change a version that was published.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::{PolicyPublished, PolicyWithdrawn};

use super::forms::{DigestForm, IdForm, PolicyNameForm, Reason, Reference, Time};
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written, digest_of};
use crate::reads::{Placed, PolicyChange, PolicyRow};
use crate::refusal::{Code, Refusal};

/// A text to try.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// The text, in Cedar.
    #[schemars(length(min = 1, max = 65536))]
    pub text: String,
}

/// A text to bring into force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// The text, in Cedar.
    #[schemars(length(min = 1, max = 65536))]
    pub text: String,
    /// What changed and why.
    #[schemars(length(min = 1, max = 2000))]
    pub note: String,
}

/// What a text would bring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckedPolicy {
    /// The ids of its rules.
    pub rules: Vec<String>,
    /// SHA-256 of the text: what decisions would name.
    #[schemars(with = "DigestForm")]
    pub digest: String,
}

/// A policy as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name.
    #[schemars(with = "PolicyNameForm")]
    pub name: String,
    /// Whether a text is in force.
    pub in_force: bool,
    /// The text in force.
    pub text: Option<String>,
    /// SHA-256 of the text: what decisions name.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record of the newest change.
    pub changed: Reference,
}

/// Policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// By name; withdrawn ones too.
    pub policies: Vec<Policy>,
}

/// One change of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyVersion {
    /// The version it made.
    pub version: u64,
    /// When.
    pub at: Time,
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// The text that came into force; null for a withdrawal, or erased.
    pub text: Option<String>,
    /// SHA-256 of the text.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// What changed and why; null: erased.
    pub note: Option<String>,
    /// Whether it took the policy out of force.
    pub withdrawn: bool,
    /// Its record.
    pub recorded: Reference,
}

/// The history of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyHistory {
    /// Oldest first.
    pub versions: Vec<PolicyVersion>,
}

impl Desk {
    /// Tries a text without publishing it.
    pub fn check_policy(&self, tried: &PolicyText) -> Result<CheckedPolicy, Refusal> {
        let rules = (self.tools.check_policy)(&tried.text).map_err(|fault| {
            let place = match (fault.line, fault.column) {
                (0, _) => String::new(),
                (line, column) => format!("line {line}, column {column}: "),
            };
            Refusal::at(Code::PolicyFaulty, "/text", format!("{place}{}", fault.what))
        })?;
        Ok(CheckedPolicy { rules, digest: digest_of(&tried.text) })
    }

    /// All policies.
    pub fn policies(&self) -> Policies {
        Policies { policies: self.reads.policies().iter().filter_map(shown).collect() }
    }

    /// One policy.
    pub fn policy(&self, name: &str) -> Result<Policy, Refusal> {
        self.reads.policy(name).as_ref().and_then(shown).ok_or_else(|| Refusal::not_found("policy"))
    }

    /// Every change of one policy.
    pub fn policy_history(&self, name: &str) -> Result<PolicyHistory, Refusal> {
        let row = self.reads.policy(name).ok_or_else(|| Refusal::not_found("policy"))?;
        Ok(PolicyHistory { versions: row.history.iter().map(version).collect() })
    }

    /// Brings a text into force in place of the one before.
    pub fn publish_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewPolicy,
    ) -> Result<(Policy, Written), Refusal> {
        let checked = self.check_policy(&PolicyText { text: new.text.clone() })?;
        let written = self.once(actor, "publish-policy", given, |earlier| {
            let current = self.reads.policy(name).map_or(0, |row| row.version);
            if earlier.is_none() && given.version.is_none() && current > 0 {
                return Err(Refusal::new(
                    Code::VersionRequired,
                    "a policy of this name was published before",
                ));
            }
            let body = PolicyPublished {
                name: name.to_owned(),
                text: new.text.clone(),
                digest: checked.digest.clone(),
                note: new.note.clone(),
            };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, current))?])
        })?;
        Ok((self.policy(name)?, written))
    }

    /// Takes a policy out of force.
    pub fn withdraw_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Reason,
    ) -> Result<(Policy, Written), Refusal> {
        let written = self.once(actor, "withdraw-policy", given, |earlier| {
            let row = self.reads.policy(name).ok_or_else(|| Refusal::not_found("policy"))?;
            let withdrawn = matches!(row.history.last(), Some((_, _, PolicyChange::Withdrawn(_))));
            if earlier.is_none() && withdrawn {
                return Err(Refusal::new(Code::AlreadySo, "the policy is not in force"));
            }
            let body = PolicyWithdrawn { name: name.to_owned(), reason: why.reason.clone() };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.policy(name)?, written))
    }
}

fn stream(name: &str) -> String {
    format!("policy/{name}")
}

fn shown(row: &PolicyRow) -> Option<Policy> {
    let (changed, _, _) = row.history.last()?;
    let published = row.in_force();
    Some(Policy {
        name: row.name.clone(),
        in_force: published.is_some(),
        text: published.map(|published| published.text.clone()),
        digest: published.map(|published| published.digest.clone()),
        version: row.version,
        changed: Reference::from(changed),
    })
}

fn version((placed, version, change): &(Placed, u64, PolicyChange)) -> PolicyVersion {
    let (text, digest, note, withdrawn) = match change {
        PolicyChange::Published(published) => {
            let published = published.clone();
            (Some(published.text), Some(published.digest), Some(published.note), false)
        }
        PolicyChange::Withdrawn(withdrawn) => (None, None, Some(withdrawn.reason.clone()), true),
        PolicyChange::Erased => (None, None, None, false),
    };
    PolicyVersion {
        version: *version,
        at: Time(placed.at),
        by: placed.actor.to_hex(),
        text,
        digest,
        note,
        withdrawn,
        recorded: Reference::from(placed),
    }
}
