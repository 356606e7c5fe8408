//! Recorded decisions, asked again by the policies in force and by those that would be.
//!
//! Promises: over the same prefix of the log, with the same policies and nothing erased between, the same digest. Must never: hold more than one record.

use std::collections::BTreeMap;

use serde_json::json;
use tabellion_model::{CredentialId, Micros, RecordId, SystemId, to_jcs};
use tabellion_policy::{Known, KnownSystem, RecordedDecision, Replay, Replayed, SignedPack, Stack, Turn};
use tabellion_tlog::sha256;
use tabellion_views::query::{
    DecisionBody, DecisionRecord, DecisionsWanted, DescribedFrom, PackSaid, PackVersion,
    PolicyVersion as Recorded,
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
    /// The pack in its place, where `name` is that of a pack.
    pub(in crate::work) pack: Option<PackChange<'a>>,
    /// Of decisions below this log size.
    pub(in crate::work) size: u64,
    pub(in crate::work) from: Option<Micros>,
    pub(in crate::work) to: Option<Micros>,
}

/// What is to become of a pack.
#[derive(Debug, Clone, Copy)]
pub(in crate::work) struct PackChange<'a> {
    /// The pack; none: it is removed.
    pub(in crate::work) signed: Option<&'a SignedPack>,
    /// The systems that it holds for.
    pub(in crate::work) systems: &'a [SystemId],
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
        let mut all = json!({
            "policy": asked.name, "text": asked.text.map(|text| digest_of(text).to_hex()), "size": self.size, "policies": self.policies,
            "from": asked.from.map(|at| at.0), "to": asked.to.map(|at| at.0),
            "decisions": self.decisions, "replayed": self.replayed, "by_no_rule": self.by_no_rule, "beyond": self.beyond,
            "turned": turned.collect::<Vec<_>>(), "not_asked": not_asked.collect::<Vec<_>>(),
        });
        if let (Some(change), Some(all)) = (asked.pack, all.as_object_mut()) {
            let systems = change.systems.iter().map(ToString::to_string).collect::<Vec<_>>();
            all.insert("pack".to_owned(), json!([change.signed.map(SignedPack::digest), systems]));
        }
        let bytes = to_jcs(&all).map_err(|error| Refusal::new(Code::Broken, error.to_string()))?;
        Ok(sha256(&bytes).to_hex())
    }
}

impl Desk {
    /// Asks the newest decisions again.
    pub(super) fn asked_again(&self, asked: &Asked<'_>) -> Result<Found, Refusal> {
        let (rows, packs) = (self.policy_rows(u64::MAX)?, self.pack_rows()?);
        let replay = replay(&rows, &packs, asked);
        let wanted =
            DecisionsWanted { below: asked.size, from: asked.from, to: asked.to, most: MAX_REPLAYED };
        let there = self.views.decisions(&wanted)?;
        let mut found = Found {
            size: asked.size,
            policies: versions(&rows, &packs),
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

/// Name and version of each policy, then of each pack.
pub(super) fn versions(rows: &[Recorded], packs: &[PackVersion]) -> Vec<(String, u64)> {
    let packs = packs.iter().map(|pack| (format!("{}/", pack.name), pack.version));
    rows.iter().map(|row| (row.name.clone(), row.version)).chain(packs).collect()
}

/// A pack in force as it is put beside policies: its name, file, systems and digest.
type InForce<'r> = (&'r str, &'r str, &'r [SystemId], &'r str);

/// What is in force, and what would be, as the gateway takes it: where one of them cannot be read, it takes none.
fn replay(rows: &[Recorded], packs: &[PackVersion], asked: &Asked<'_>) -> Replay {
    let policies = |but: Option<&str>| -> Option<Vec<(String, String, String)>> {
        let in_force = rows.iter().filter(|row| !row.withdrawn && but != Some(row.name.as_str()));
        in_force.map(|row| texts(row).map(|(text, digest)| (row.name.clone(), text, digest))).collect()
    };
    let loaded = |but: Option<&str>| -> Option<Vec<InForce<'_>>> {
        let others = packs.iter().filter(|pack| but != Some(pack.name.as_str()));
        others.filter(|pack| !matches!(pack.said, PackSaid::Removed(_))).map(readable).collect()
    };
    let (policy, pack) =
        if asked.pack.is_some() { (None, Some(asked.name)) } else { (Some(asked.name), None) };
    let mut digests = Vec::new();
    let before = policies(None).zip(loaded(None)).and_then(|(policies, packs)| {
        digests.extend(policies.iter().map(|(_, _, digest)| digest.clone()));
        digests.extend(packs.iter().map(|(_, _, _, digest)| (*digest).to_owned()));
        stack(&policies, &packs)
    });
    let after = policies(policy).zip(loaded(pack)).and_then(|(mut policies, mut packs)| {
        policies.extend(asked.text.map(|text| (asked.name.to_owned(), text.to_owned(), String::new())));
        policies.sort_unstable();
        packs.sort_unstable();
        let mut stack = stack(&policies, &packs)?;
        if let Some(PackChange { signed: Some(signed), systems }) = asked.pack {
            stack.add(signed.pack(), systems);
        }
        Some(stack)
    });
    if before.is_none() {
        digests.clear();
    }
    Replay::of(&before.unwrap_or_default(), digests, &after.unwrap_or_default())
}

fn stack(policies: &[(String, String, String)], packs: &[InForce<'_>]) -> Option<Stack> {
    let mut stack = Stack::default();
    for (name, text, _) in policies {
        stack.publish(name, text);
    }
    for (_, file, systems, _) in packs {
        stack.load(file, systems).ok()?;
    }
    Some(stack)
}

/// A pack that is in force; none: it cannot be read.
fn readable(pack: &PackVersion) -> Option<InForce<'_>> {
    let PackSaid::Loaded(said) = &pack.said else { return None };
    let whole = digest_of(&said.file).to_hex() == said.digest;
    whole.then_some((&pack.name, &said.file, &said.systems, &said.digest))
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
