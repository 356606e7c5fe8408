//! Policies: tried, published, withdrawn; every version stays readable.
//!
//! Promises: only a text that was checked comes into force. Must never: change a version that was published.

use std::sync::{Mutex, MutexGuard, TryLockError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::{PolicyPublished, PolicyWithdrawn};
use tabellion_model::probe::PROBE_POLICY;
use tabellion_views::query::PolicyVersion as Recorded;

use super::asking::all;
use super::forms::{DigestForm, IdForm, PolicyNameForm, Reference, Time};
use super::prose::Prose;
use super::replays::{Acknowledged, Cleared};
use super::writing::{draft_of, key_of};
use super::{Actor, Desk, Given, Written, digest_of};
use crate::refusal::{Code, Refusal};

/// Most texts that are tried at a time. Within the limits of the language a check takes a second at worst, all of it on a processor.
pub(crate) const MAX_TRIALS: usize = 2;

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
    pub note: Prose,
    /// What was looked at of what the change comes to, where that is needed.
    #[serde(default)]
    pub replay: Option<Acknowledged>,
}

/// Why a policy goes out of force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyWithdrawal")]
pub struct Withdrawal {
    /// Why.
    pub reason: Prose,
    /// What was looked at of what the change comes to, where that is needed.
    #[serde(default)]
    pub replay: Option<Acknowledged>,
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
    /// Who; where two people made it, the one who confirmed it.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Who put it forward; null: nobody, one person made it, or erased.
    #[schemars(with = "Option<IdForm>")]
    pub proposed_by: Option<String>,
    /// Why the second person wanted it so.
    pub confirmed: Option<String>,
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
    /// Tries a text without publishing it, when not too many others do.
    pub fn try_policy(&self, tried: &PolicyText) -> Result<CheckedPolicy, Refusal> {
        let _place = self.place_to_try()?;
        self.check_policy(tried)
    }

    /// A place among those who try texts, as long as what this gives is kept.
    pub(super) fn place_to_try(&self) -> Result<MutexGuard<'_, ()>, Refusal> {
        self.trying.iter().find_map(free).ok_or_else(|| {
            Refusal::new(Code::Unavailable, format!("{MAX_TRIALS} texts are being tried, the most at a time"))
        })
    }

    pub(super) fn check_policy(&self, tried: &PolicyText) -> Result<CheckedPolicy, Refusal> {
        let rules = (self.tools.check_policy)(&tried.text).map_err(|fault| {
            let place = match (fault.line, fault.column) {
                (0, _) => String::new(),
                (line, column) => format!("line {line}, column {column}: "),
            };
            Refusal::at(Code::PolicyFaulty, "/text", format!("{place}{}", fault.what))
        })?;
        Ok(CheckedPolicy { rules, digest: digest_of(&tried.text).to_hex() })
    }

    /// All policies.
    pub fn policies(&self) -> Result<Policies, Refusal> {
        let mut rows = all(|page| self.views.policies(page))?;
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let policies = rows.into_iter().map(|row| self.shown_policy(row));
        Ok(Policies { policies: policies.collect::<Result<_, _>>()? })
    }

    /// The newest version of every policy as the views have it, by name; `below`: of those whose entry is below this log size.
    pub fn policy_rows(&self, below: u64) -> Result<Vec<Recorded>, Refusal> {
        let mut rows = Vec::new();
        for newest in all(|page| self.views.policies(page))? {
            if newest.entry < below {
                rows.push(newest);
                continue;
            }
            let versions = all(|page| self.views.policy_versions(&newest.name, page))?;
            rows.extend(versions.into_iter().find(|version| version.entry < below));
        }
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// Every version of one policy as the views have it, newest first.
    pub fn policy_version_rows(&self, name: &str) -> Result<Vec<Recorded>, Refusal> {
        self.policy_row(name)?;
        Ok(all(|page| self.views.policy_versions(name, page))?)
    }

    /// One policy.
    pub fn policy(&self, name: &str) -> Result<Policy, Refusal> {
        self.shown_policy(self.policy_row(name)?)
    }

    /// Every change of one policy.
    pub fn policy_history(&self, name: &str) -> Result<PolicyHistory, Refusal> {
        self.policy_row(name)?;
        let newest_first = all(|page| self.views.policy_versions(name, page))?;
        let versions = newest_first.into_iter().rev().map(|row| self.shown_version(row));
        Ok(PolicyHistory { versions: versions.collect::<Result<_, _>>()? })
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
        self.refresh()?;
        let cleared = self.cleared_publication(actor, given, name, new)?;
        let _held = self.hold_observations();
        let written = self.once(actor, "publish-policy", given, |earlier| {
            let current = match earlier {
                None => self.may_be_published(given, name)?,
                Some(_) => self.views.policy(name)?.map_or(0, |row| row.version),
            };
            let body = PolicyPublished {
                name: name.to_owned(),
                text: new.text.clone(),
                digest: checked.digest.clone(),
                note: new.note.to_text(),
                replay: self.replay_said(cleared.as_ref(), earlier)?,
                confirmed: None,
            };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, current))?])
        })?;
        Ok((self.policy(name)?, written))
    }

    /// Clears a publication. What refuses it anyway is said first: nobody acknowledges what then does not happen.
    fn cleared_publication(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewPolicy,
    ) -> Result<Option<Cleared>, Refusal> {
        let change = (name, Some(new.text.as_str()));
        let key = key_of(actor, "publish-policy", given)?;
        if self.earlier(key.as_deref(), false)?.is_none() {
            self.may_be_published(given, name)?;
        }
        self.clear_change(actor, ("publish-policy", given), change, new.replay.as_ref())
    }

    /// The version that a publication follows, where nothing stands against it.
    fn may_be_published(&self, given: &Given, name: &str) -> Result<u64, Refusal> {
        check_free(name)?;
        self.check_one_person_may()?;
        self.check_unobserved(name)?;
        let current = self.views.policy(name)?.map_or(0, |row| row.version);
        if given.version.is_none() && current > 0 {
            return Err(Refusal::new(Code::VersionRequired, "a policy of this name was published before"));
        }
        Ok(current)
    }

    /// Takes a policy out of force.
    pub fn withdraw_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Withdrawal,
    ) -> Result<(Policy, Written), Refusal> {
        // Views that stand still are no reason to leave a policy in force: it is replayed on what they know.
        self.refresh_for_taking();
        let change = (name, None);
        let key = key_of(actor, "withdraw-policy", given)?;
        if self.earlier(key.as_deref(), false)?.is_none() {
            self.check_one_person_may()?;
        }
        let cleared = self.clear_change(actor, ("withdraw-policy", given), change, why.replay.as_ref())?;
        // Of two changes made at once, each was replayed without the other.
        let _held = self.hold_observations();
        let written = self.once_taking(actor, "withdraw-policy", given, |earlier| {
            let row = self.policy_row(name)?;
            if earlier.is_none() && row.withdrawn {
                return Err(Refusal::new(Code::AlreadySo, "the policy is not in force"));
            }
            let body = PolicyWithdrawn {
                name: name.to_owned(),
                reason: why.reason.to_text(),
                replay: self.replay_said(cleared.as_ref(), earlier)?,
                confirmed: None,
            };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.policy(name)?, written))
    }

    pub(super) fn policy_row(&self, name: &str) -> Result<Recorded, Refusal> {
        self.views.policy(name)?.ok_or_else(|| Refusal::not_found("policy"))
    }

    fn shown_policy(&self, row: Recorded) -> Result<Policy, Refusal> {
        let (text, digest) = row.content.map(|content| (content.text, content.digest)).unwrap_or_default();
        Ok(Policy {
            name: row.name,
            in_force: text.is_some(),
            text,
            digest,
            version: row.version,
            changed: self.reference(row.entry)?,
        })
    }

    fn shown_version(&self, row: Recorded) -> Result<PolicyVersion, Refusal> {
        let second = row.content.as_ref().and_then(|content| content.confirmed.clone());
        let proposer = second.as_ref().map(|second| self.views.policy_proposer(second.proposed));
        let (text, digest, note) = match row.content {
            Some(content) => (content.text, content.digest, Some(content.note)),
            None => (None, None, None),
        };
        Ok(PolicyVersion {
            version: row.version,
            at: Time(row.at),
            by: row.by.to_hex(),
            proposed_by: proposer.transpose()?.flatten().map(|by| by.to_hex()),
            confirmed: second.map(|second| second.reason),
            text,
            digest,
            note,
            withdrawn: row.withdrawn,
            recorded: self.reference(row.entry)?,
        })
    }
}

/// Refuses a name that the gateway's own rule has: beside it no canary could be decided.
pub(super) fn check_free(name: &str) -> Result<(), Refusal> {
    if name != PROBE_POLICY {
        return Ok(());
    }
    let what = format!(
        "{PROBE_POLICY} is the name of the gateway's own rule, which permits its canaries; choose another name for this policy"
    );
    Err(Refusal::new(Code::Malformed, what))
}

/// The stream of a policy.
pub(super) fn stream(name: &str) -> String {
    format!("policy/{name}")
}

/// A place that nobody holds.
fn free(place: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    match place.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}
