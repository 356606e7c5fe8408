//! Recorded decisions, asked again by the policies in force and by those that would be.
//!
//! Promises: over the same prefix of the log, with the same policies and nothing erased between, the same digest. Must never: hold more than one record.

use std::collections::BTreeMap;

use serde_json::json;
use tabellion_model::{CredentialId, Micros, RecordId, SystemId, to_jcs};
use tabellion_policy::{Known, KnownSystem, NamedPolicy, RecordedDecision, Replay, Replayed, Turn};
use tabellion_tlog::sha256;
use tabellion_views::query::{
    DecisionBody, DecisionRecord, DecisionsWanted, DescribedFrom, PolicyVersion as Recorded,
};

use super::MAX_REPLAYED;
use crate::refusal::{Code, Refusal};
use crate::work::{Desk, digest_of};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(in crate::work) struct Asked<'a> {
    /// The policy's name.
    pub(in crate::work) name: &'a str,
    /// The text in its place; none: it is withdrawn.
    pub(in crate::work) text: Option<&'a str>,
    /// Of decisions below this log size.
    pub(in crate::work) size: u64,
    pub(in crate::work) from: Option<Micros>,
    pub(in crate::work) to: Option<Micros>,
}

/// A decision that would come out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::work) struct Turned {
    pub(in crate::work) entry: u64,
    pub(in crate::work) record_id: RecordId,
    pub(in crate::work) system: Option<SystemId>,
    pub(in crate::work) turn: Turn,
    /// What would come.
    pub(in crate::work) verdict: &'static str,
    /// The rules that would decide.
    pub(in crate::work) rules: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::work) struct Found {
    pub(in crate::work) size: u64,
    /// Every policy's name and version, those withdrawn too.
    pub(in crate::work) policies: Vec<(String, u64)>,
    pub(in crate::work) decisions: u64,
    pub(in crate::work) replayed: u64,
    pub(in crate::work) by_no_rule: u64,
    pub(in crate::work) beyond: u64,
    /// Newest first.
    pub(in crate::work) turned: Vec<Turned>,
    /// By reason: how many, and the entry of the newest.
    pub(in crate::work) not_asked: BTreeMap<String, (u64, u64)>,
    /// Over all of it.
    pub(in crate::work) digest: String,
}

impl Found {
    pub(in crate::work) fn not_asked(&self) -> u64 {
        self.not_asked.values().map(|(decisions, _)| decisions).sum()
    }

    pub(in crate::work) fn now_denied(&self) -> u64 {
        self.of(Turn::NowDenied)
    }

    pub(in crate::work) fn now_permitted(&self) -> u64 {
        self.of(Turn::NowPermitted)
    }

    /// Whether somebody has to have looked: an answer changes, or nobody knows whether one does.
    pub(in crate::work) fn needs_acknowledgement(&self) -> bool {
        self.now_denied() + self.now_permitted() + self.not_asked() + self.beyond > 0
    }

    fn of(&self, turn: Turn) -> u64 {
        self.turned.iter().filter(|turned| turned.turn == turn).count() as u64
    }

    fn take(&mut self, entry: u64, record: &DecisionRecord, replayed: Replayed) {
        match replayed {
            Replayed::ByNoRule => self.by_no_rule += 1,
            Replayed::NotAsked(why) => self.not_asked.entry(why).or_insert((0, entry)).0 += 1,
            Replayed::Same => self.replayed += 1,
            Replayed::Turned { before, after } => {
                self.replayed += 1;
                self.turned.push(Turned {
                    entry,
                    record_id: record.record_id,
                    system: record.header.system.map(|(system, _)| system),
                    turn: Turn::of(&before, &after),
                    verdict: after.as_str(),
                    rules: after.rules().to_vec(),
                });
            }
        }
    }

    fn digest(&self, asked: &Asked<'_>) -> Result<String, Refusal> {
        let turned =
            self.turned.iter().map(|one| json!([one.entry, one.turn.as_str(), one.verdict, one.rules]));
        let not_asked = self.not_asked.iter().map(|(why, (decisions, _))| json!([why, decisions]));
        let all = json!({
            "policy": asked.name, "text": asked.text.map(|text| digest_of(text).to_hex()), "size": self.size, "policies": self.policies,
            "from": asked.from.map(|at| at.0), "to": asked.to.map(|at| at.0),
            "decisions": self.decisions, "replayed": self.replayed, "by_no_rule": self.by_no_rule, "beyond": self.beyond,
            "turned": turned.collect::<Vec<_>>(), "not_asked": not_asked.collect::<Vec<_>>(),
        });
        let bytes = to_jcs(&all).map_err(|error| Refusal::new(Code::Broken, error.to_string()))?;
        Ok(sha256(&bytes).to_hex())
    }
}

impl Desk {
    /// Asks the newest decisions again.
    pub(super) fn asked_again(&self, asked: &Asked<'_>) -> Result<Found, Refusal> {
        let rows = self.policy_rows(u64::MAX)?;
        let replay = replay(&rows, asked);
        let wanted =
            DecisionsWanted { below: asked.size, from: asked.from, to: asked.to, most: MAX_REPLAYED };
        let there = self.views.decisions(&wanted)?;
        let mut found = Found {
            size: asked.size,
            policies: versions(&rows),
            decisions: there.count,
            beyond: there.count.saturating_sub(there.entries.len() as u64),
            ..Found::default()
        };
        let mut around = Around { desk: self, systems: BTreeMap::new(), purposes: BTreeMap::new() };
        for entry in there.entries {
            let mut record = self.views.decision(entry)?;
            let mut decision = decision(entry, &mut record);
            let known = around.of(&mut decision, record.header.basis.unwrap_or(entry))?;
            found.take(entry, &record, replay.ask(&decision, &known));
        }
        found.digest = found.digest(asked)?;
        Ok(found)
    }
}

/// Name and version of each policy.
pub(super) fn versions(rows: &[Recorded]) -> Vec<(String, u64)> {
    rows.iter().map(|row| (row.name.clone(), row.version)).collect()
}

/// The policies in force, and what would be in force, as the gateway takes them: where one of them cannot be read, it takes none.
fn replay(rows: &[Recorded], asked: &Asked<'_>) -> Replay {
    let in_force = || rows.iter().filter(|row| !row.withdrawn);
    let named = |row: &Recorded| texts(row).map(|(text, digest)| (row.name.clone(), text, digest));
    let before: Vec<(String, String, String)> =
        in_force().map(named).collect::<Option<_>>().unwrap_or_default();
    let others = in_force().filter(|row| row.name != asked.name).map(named);
    let others: Option<Vec<(String, String, String)>> = others.collect();
    let mut after: Vec<(String, String)> = Vec::new();
    if let Some(others) = others {
        after.extend(others.into_iter().map(|(name, text, _)| (name, text)));
        after.extend(asked.text.map(|text| (asked.name.to_owned(), text.to_owned())));
        after.sort_unstable();
    }
    let before: Vec<(NamedPolicy<'_>, &str)> =
        before.iter().map(|(name, text, digest)| (NamedPolicy { name, text }, digest.as_str())).collect();
    let after: Vec<_> = after.iter().map(|(name, text)| NamedPolicy { name, text }).collect();
    Replay::of(&before, &after)
}

/// The text of a version with its digest, where the one fits the other.
fn texts(row: &Recorded) -> Option<(String, String)> {
    let content = row.content.as_ref()?;
    let (text, digest) = (content.text.clone()?, content.digest.clone()?);
    (digest_of(&text).to_hex() == digest).then_some((text, digest))
}

/// What a record says; its content is taken out of it.
fn decision(entry: u64, record: &mut DecisionRecord) -> RecordedDecision {
    let name = format!("entry {entry}");
    match &mut record.body {
        DecisionBody::Authorised(body) => {
            RecordedDecision::of_authorised(name, &record.header, body.take().map(|body| *body))
        }
        DecisionBody::Denied(body) => {
            RecordedDecision::of_denied(name, &record.header, body.take().map(|body| *body))
        }
    }
}

/// What records of decisions leave to other records: systems as they were described then, and the purposes of keys, which never change.
struct Around<'d> {
    desk: &'d Desk,
    systems: BTreeMap<SystemId, Vec<DescribedFrom>>,
    purposes: BTreeMap<CredentialId, Option<String>>,
}

impl Around<'_> {
    /// What else is known of a decision that saw the log up to `basis`; a purpose that was not claimed is the key's first.
    fn of(&mut self, decision: &mut RecordedDecision, basis: u64) -> Result<Known, Refusal> {
        if decision.purpose.is_none() && decision.surface.is_some() {
            decision.purpose = self.first_purpose(decision.key)?;
        }
        let mut known = Known::default();
        if let Some(system) = decision.system {
            known.systems.extend(self.described(system, basis)?.map(|described| (system, described)));
        }
        Ok(known)
    }

    fn first_purpose(&mut self, key: CredentialId) -> Result<Option<String>, Refusal> {
        if let Some(known) = self.purposes.get(&key) {
            return Ok(known.clone());
        }
        let row = self.desk.views.credential(&key)?.filter(|row| row.issued_again_entry.is_none());
        let first = row.and_then(|row| row.issued).and_then(|issued| issued.purposes.into_iter().next());
        self.purposes.insert(key, first.clone());
        Ok(first)
    }

    fn described(&mut self, system: SystemId, basis: u64) -> Result<Option<KnownSystem>, Refusal> {
        if !self.systems.contains_key(&system) {
            self.systems.insert(system, self.desk.views.described(system)?);
        }
        let versions = self.systems.get(&system).map(Vec::as_slice).unwrap_or_default();
        let then = versions.iter().rev().find(|(from, _)| *from < basis);
        let said = then.and_then(|(_, said)| said.as_ref());
        Ok(said.map(|said| KnownSystem { name: said.name.clone(), purposes: said.purposes.clone() }))
    }
}
