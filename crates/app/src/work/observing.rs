//! Policies that are observed before they are enforced: tried on every call beside what is in force, and deciding none.
//!
//! Promises: a text that is observed comes into force only after its time and its number of calls, by somebody other than who put it there, and over exactly the
//! digest that was observed; what it would have done is counted from records of calls. Must never: end an observation, or take a text out of force, by itself.

use std::collections::BTreeMap;
use std::iter::once;
use std::sync::{MutexGuard, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::Draft;
use tabellion_model::body::{
    Body, ObservationEnd, PolicyObservationEnded, PolicyObserved, PolicyPublished, PolicyRefused,
};
use tabellion_model::{Micros, SystemId};
use tabellion_views::query::{Observation as Row, Tried, WouldChange};

use super::forms::{DigestForm, IdForm, PolicyNameForm, Reason, Reference, Time};
use super::policies::{NewPolicy, Policy, PolicyText, check_free, stream as policy_stream};
use super::prose::Prose;
use super::replays::{Acknowledged, Cleared};
use super::writing::{Earlier, draft_of, foreign, key_of};
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// What bringing an observed text into force is called in idempotency keys.
const ENFORCE: &str = "enforce-policy";
/// Microseconds of an hour.
const HOUR_US: u64 = 3_600_000_000;

/// What has to hold before a text comes into force: how long and on how many calls it is observed, and whether two people have to want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservationRules {
    /// Hours since it was put there.
    pub hours: u64,
    /// Calls that it was tried on.
    pub calls: u64,
    /// Whether nothing comes into force without having been observed.
    pub first: bool,
    /// Whether every change of policies takes two people: what is put forward by one is confirmed by another.
    pub two_people: bool,
}

impl Default for ObservationRules {
    /// A week, so that every day of one is in it, and as many calls as a person looks through.
    fn default() -> Self {
        Self { hours: 168, calls: 100, first: false, two_people: false }
    }
}

/// What is to come into force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enforcement {
    /// SHA-256 of the text as it was shown: what is decided on.
    #[schemars(with = "DigestForm")]
    pub digest: String,
    /// Why.
    pub reason: Prose,
    /// What was looked at of what the change comes to, where that is needed.
    #[serde(default)]
    pub replay: Option<Acknowledged>,
}

/// Calls of one system that an observed text would have decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AffectedSystem {
    /// The system.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// What people call it; null: erased.
    pub name: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// How many by each rule that would have decided; none where no rule would have permitted.
    pub rules: BTreeMap<String, u64>,
    /// The newest of them.
    pub newest: Reference,
}

/// A policy's observation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The policy's name.
    #[schemars(with = "PolicyNameForm")]
    pub name: String,
    /// The text that is observed; null: none is any more, or it was erased.
    pub text: Option<String>,
    /// SHA-256 of the text: what calls name.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// What changes and why, or why it ended; null: erased.
    pub note: Option<String>,
    /// Whether it is observed now.
    pub observed: bool,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// Since when, or when it ended.
    pub at: Time,
    /// Who did that.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// From when on it may come into force, as far as time goes.
    pub enforceable_from: Time,
    /// Calls that it was tried on, as far as their records can still be read.
    pub calls: u64,
    /// How many it must be.
    pub calls_needed: u64,
    /// What stands against bringing it into force, besides who does it; empty: nothing.
    pub missing: Vec<String>,
    /// Permitted calls that it would have denied, by system, within the reader's reach.
    pub would_deny: Vec<AffectedSystem>,
    /// Denied calls that it would have permitted, by system, within the reader's reach.
    pub would_permit: Vec<AffectedSystem>,
    /// The record.
    pub recorded: Reference,
}

impl Desk {
    /// Tries a text on calls from here on, beside what is in force.
    pub fn observe_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewPolicy,
    ) -> Result<(Observation, Written), Refusal> {
        let checked = self.check_policy(&PolicyText { text: new.text.clone() })?;
        let _held = self.hold_observations();
        let written = self.once(actor, "observe-policy", given, |earlier| {
            if earlier.is_none() {
                check_free(name)?;
            }
            let current = self.views.observation(name)?;
            let open = current.as_ref().is_some_and(|row| !row.ended);
            if earlier.is_none() && given.version.is_none() && open {
                return Err(Refusal::new(Code::VersionRequired, "a text of this name is observed already"));
            }
            let body = PolicyObserved {
                name: name.to_owned(),
                text: new.text.clone(),
                digest: checked.digest.clone(),
                note: new.note.to_text(),
            };
            let version = current.map_or(0, |row| row.version);
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, version))?])
        })?;
        Ok((self.observation(actor, name)?, written))
    }

    /// Tries a text no longer; nothing of it comes into force.
    pub fn drop_observation(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Reason,
    ) -> Result<(Observation, Written), Refusal> {
        let _held = self.hold_observations();
        let written = self.once(actor, "drop-observation", given, |earlier| {
            let row = self.observation_row(name)?;
            let body = match earlier {
                Some(earlier) => read::<PolicyObservationEnded>(earlier)?,
                None if row.ended => {
                    return Err(Refusal::new(Code::AlreadySo, "no text of this name is observed"));
                }
                None => self.ended(&row, name, ObservationEnd::Dropped, why.reason.to_text())?,
            };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.observation(actor, name)?, written))
    }

    /// Brings an observed text into force.
    pub fn enforce_observed(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Enforcement,
    ) -> Result<(Policy, Written), Refusal> {
        let written = self.cleared_enforcement(actor, given, name, wanted).and_then(|cleared| {
            let _held = self.hold_observations();
            self.enforced(actor, given, (name, wanted), cleared.as_ref())
        });
        if let Err(refusal) = &written
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            self.record_policy_refusal(actor, name, &wanted.digest, refusal.code)?;
        }
        let written = written?;
        Ok((self.policy(name)?, written))
    }

    /// Clears an enforcement. What refuses it anyway is said first: nobody acknowledges what then does not happen.
    fn cleared_enforcement(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Enforcement,
    ) -> Result<Option<Cleared>, Refusal> {
        self.refresh()?;
        let key = key_of(actor, ENFORCE, given)?;
        if self.earlier(key.as_deref(), false)?.is_some() {
            return Ok(None);
        }
        let row = self.observation_row(name)?;
        let published = self.may_be_enforced(actor, given, name, &row, wanted)?;
        let change = (name, Some(published.text.as_str()));
        self.clear_change(actor, (ENFORCE, given), change, wanted.replay.as_ref())
    }

    /// Records that an observed text comes into force.
    fn enforced(
        &self,
        actor: &Actor,
        given: &Given,
        (name, wanted): (&str, &Enforcement),
        cleared: Option<&Cleared>,
    ) -> Result<Written, Refusal> {
        self.once(actor, ENFORCE, given, |earlier| {
            let row = self.observation_row(name)?;
            if let Some(earlier) = earlier {
                return enforced_before(earlier, name);
            }
            let mut published = self.may_be_enforced(actor, given, name, &row, wanted)?;
            published.replay = self.replay_said(cleared, None)?;
            let end = self.ended(&row, name, ObservationEnd::Enforced, wanted.reason.to_text())?;
            let current = self.views.policy(name)?.map_or(0, |policy| policy.version);
            Ok(vec![
                draft_of(&published, policy_stream(name), current)?,
                draft_of(&end, stream(name), row.version)?,
            ])
        })
    }

    /// A policy's observation, its calls as far as `actor` may see them.
    pub fn observation(&self, actor: &Actor, name: &str) -> Result<Observation, Refusal> {
        let row = self.observation_row(name)?;
        let tried = if row.ended { Tried::default() } else { self.tried(&row)? };
        let missing = if row.ended { Vec::new() } else { self.missing(&row, &tried) };
        let rules = self.tools.observation;
        let shown = |changes: &[WouldChange]| self.affected(actor, changes);
        Ok(Observation {
            name: name.to_owned(),
            observed: !row.ended && row.text.is_some(),
            version: row.version,
            at: Time(row.at),
            by: row.by.to_hex(),
            enforceable_from: Time(enforceable_from(&row, rules)),
            calls: tried.calls,
            calls_needed: rules.calls,
            missing,
            would_deny: shown(&tried.would_deny)?,
            would_permit: shown(&tried.would_permit)?,
            recorded: self.reference(row.entry)?,
            text: row.text,
            digest: row.digest,
            note: row.note,
        })
    }

    /// Whether a text that was not observed may come into force under `name`.
    pub(super) fn check_unobserved(&self, name: &str) -> Result<(), Refusal> {
        if self.views.observation(name)?.is_some_and(|row| !row.ended) {
            return Err(Refusal::new(
                Code::StillObserved,
                "a text of this name is observed; bring that one into force, or end its observation first",
            ));
        }
        if self.tools.observation.first {
            return Err(Refusal::new(
                Code::StillObserved,
                "no text comes into force here that was not observed ([policies] observe_first); observe it",
            ));
        }
        Ok(())
    }

    /// Held while an observation begins or ends, or a text comes into force: what may is a rule over two streams.
    pub(super) fn hold_observations(&self) -> MutexGuard<'_, ()> {
        self.observing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observation_row(&self, name: &str) -> Result<Row, Refusal> {
        self.views.observation(name)?.ok_or_else(|| Refusal::not_found("observed policy"))
    }

    fn tried(&self, row: &Row) -> Result<Tried, Refusal> {
        let digest = row.digest.as_deref();
        Ok(digest.map(|digest| self.views.tried(digest, row.entry)).transpose()?.unwrap_or_default())
    }

    /// What stands against enforcing it, besides who does it.
    fn missing(&self, row: &Row, tried: &Tried) -> Vec<String> {
        let (rules, mut missing) = (self.tools.observation, Vec::new());
        let from = enforceable_from(row, rules);
        if row.text.is_none() {
            missing.push("its text was erased; observe it anew".to_owned());
        }
        if self.now() < from {
            missing.push(format!("it is observed until {from}, {} hours in all", rules.hours));
        }
        if tried.calls < rules.calls {
            missing
                .push(format!("it was tried on {} calls of the {} that it takes", tried.calls, rules.calls));
        }
        missing
    }

    /// What is published, when everything speaks for it; the order of the checks is the order in which the sentences help.
    fn may_be_enforced(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        row: &Row,
        wanted: &Enforcement,
    ) -> Result<PolicyPublished, Refusal> {
        if !matches!(actor, Actor::Person { .. }) {
            let text = "that a text comes into force after it was observed is a person's decision: sign in";
            return Err(Refusal::new(Code::NotPermitted, text));
        }
        if row.ended {
            return Err(Refusal::new(Code::AlreadySo, "no text of this name is observed any more"));
        }
        if given.version.is_some_and(|version| version != row.version) {
            return Err(Refusal::new(Code::Stale, "another text is observed by now"));
        }
        if row.digest.as_deref() != Some(wanted.digest.as_str()) {
            return Err(Refusal::at(
                Code::NotWhatWasShown,
                "/digest",
                "this is not the text that is observed",
            ));
        }
        let second = self.second_person(actor)?;
        if second.is(row.by) {
            return Err(Refusal::new(
                Code::OwnWork,
                "you put this text under observation, and a second person has to bring it into force; the attempt is recorded",
            ));
        }
        second.check_let_in_by_others(once(&row.by), row.session.iter())?;
        let missing = self.missing(row, &self.tried(row)?);
        let text = row.text.clone().filter(|_| missing.is_empty());
        let text = text.ok_or_else(|| Refusal::new(Code::StillObserved, missing.join("; ")))?;
        let checked = self.check_policy(&PolicyText { text: text.clone() })?;
        Ok(PolicyPublished {
            name: name.to_owned(),
            text,
            digest: checked.digest,
            note: wanted.reason.to_text(),
            replay: None,
            confirmed: None,
        })
    }

    /// The end of an observation, with what it came to.
    fn ended(
        &self,
        row: &Row,
        name: &str,
        end: ObservationEnd,
        reason: String,
    ) -> Result<PolicyObservationEnded, Refusal> {
        let tried = self.tried(row)?;
        let sum = |changes: &[WouldChange]| changes.iter().map(|change| change.calls).sum();
        Ok(PolicyObservationEnded {
            name: name.to_owned(),
            digest: row.digest.clone().unwrap_or_default(),
            observed: row.record_id,
            end,
            reason,
            calls: tried.calls,
            would_deny: sum(&tried.would_deny),
            would_permit: sum(&tried.would_permit),
        })
    }

    fn affected(&self, actor: &Actor, changes: &[WouldChange]) -> Result<Vec<AffectedSystem>, Refusal> {
        let within = self.systems_within(actor, Permission::ReadCalls)?;
        let may = |change: &&WouldChange| {
            within.as_ref().is_none_or(|within| change.system.is_some_and(|system| within.contains(&system)))
        };
        let shown = |change: &WouldChange| {
            Ok(AffectedSystem {
                system: change.system.map(|system| system.to_hex()),
                name: change.system.map(|system| self.name_of(&system)).transpose()?.flatten(),
                calls: change.calls,
                rules: change.rules.clone(),
                newest: self.reference(change.newest)?,
            })
        };
        changes.iter().filter(may).map(shown).collect()
    }

    pub(super) fn name_of(&self, system: &SystemId) -> Result<Option<String>, Refusal> {
        Ok(self.views.system(system)?.and_then(|row| row.described).map(|said| said.name))
    }

    /// Records that somebody tried to bring into force what they put there or forward: once for each person and digest.
    pub(super) fn record_policy_refusal(
        &self,
        actor: &Actor,
        name: &str,
        digest: &str,
        code: Code,
    ) -> Result<(), Refusal> {
        let Some(person) = actor.credential() else { return Ok(()) };
        let body = PolicyRefused {
            name: name.to_owned(),
            digest: digest.to_owned(),
            code: code.as_str().to_owned(),
        };
        let key = format!("policy-refused/{name}/{digest}/{person}");
        self.record_attempt(self.attempt(actor, &body, &policy_stream(name), key)?)
    }
}

fn enforceable_from(row: &Row, rules: ObservationRules) -> Micros {
    Micros(row.at.0.saturating_add(rules.hours.saturating_mul(HOUR_US)))
}

/// The drafts of an earlier request of the same key.
fn enforced_before(earlier: &Earlier, name: &str) -> Result<Vec<Draft>, Refusal> {
    let second = earlier.second.as_deref().ok_or_else(foreign)?;
    let versions = earlier.version_before().zip(second.version_before()).ok_or_else(foreign)?;
    Ok(vec![
        draft_of(&read::<PolicyPublished>(earlier)?, policy_stream(name), versions.0)?,
        draft_of(&read::<PolicyObservationEnded>(second)?, stream(name), versions.1)?,
    ])
}

fn read<B: Body>(earlier: &Earlier) -> Result<B, Refusal> {
    B::read(earlier.fields.clone()).map_err(|_| foreign())
}

fn stream(name: &str) -> String {
    format!("{}/observed", policy_stream(name))
}
