//! Erasure: the order is durable, then the keys are destroyed, then each erased unit gets its tombstone.
//!
//! No segment is rewritten and no proof changes. An erasure that was cut short is finished when the log is opened next. Must never: destroy
//! a key before its order is durable, or a key that is on hold.

pub(crate) mod access;
pub(crate) mod by_two;
pub(crate) mod clock;
pub(crate) mod daily;
pub(crate) mod expire;
pub(crate) mod going;
pub(crate) mod rules;

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;

use serde_json::{Map, Value};
use tabellion_model::registry::{ErasureDone, ErasureOrdered, ErasureScope, Facts, HoldPlaced};
use tabellion_model::{HoldId, Micros, RecordId, SystemId, VaultKeyId, tombstone};

use crate::commit::Ack;
use crate::draft::{Draft, DraftStream};
use crate::error::{LedgerError, RejectCode};
use crate::ledger::Ledger;
use crate::own_records::random_id;
use crate::queue::Command;
use crate::state::Deletion;
use crate::vault::{EVIDENCE_CLASS, KeyFilter, KeyScope, RetentionClass, call_tag, subject_tag};
use by_two::{Confirmed, by_two_only};

/// Keys in one order: 35 bytes of header each, so an order stays well below the 65,535 bytes of an entry.
const KEYS_PER_ORDER: usize = 1000;

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasureTarget {
    /// Everything about one data subject, in every system, under every name that [`OpenOptions::subject_names`](crate::OpenOptions::subject_names) gives for
    /// this one.
    Subject(String),
    /// The content of one entry that was recorded as erasable alone; of an entry of a call that of the whole call.
    Record(u64),
    /// What is kept of the call that this record began: prompt, answer, what placeholders stand for, what detectors said, of every attempt.
    Call(RecordId),
    /// Everything recorded for one system.
    System(SystemId),
    /// Everything of one retention class up to and including a month (yyyymm).
    Retention {
        /// The class.
        class: String,
        /// Last month that goes.
        until: u32,
    },
}

impl ErasureTarget {
    fn scope(&self) -> ErasureScope {
        match self {
            Self::Subject(_) => ErasureScope::Subject,
            // Of the scopes that orders know, the one that is about no subject, system or rule.
            Self::Record(_) | Self::Call(_) => ErasureScope::Record,
            Self::System(_) => ErasureScope::System,
            Self::Retention { .. } => ErasureScope::Retention,
        }
    }
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The orders, in the log.
    pub orders: Vec<Ack>,
    /// Keys destroyed.
    pub keys: usize,
    /// Units whose content is gone, each with its tombstone.
    pub units: usize,
    /// When the content goes, for the deletion of a system that a second person confirmed; nothing is destroyed before that.
    pub due: Option<Micros>,
}

impl Erasure {
    /// One that destroyed nothing.
    pub fn of_nothing() -> Self {
        Self { orders: Vec::new(), keys: 0, units: 0, due: None }
    }
}

/// What became of the deletions that were due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purge {
    /// Systems whose content is gone, each with what went.
    pub purged: Vec<(SystemId, Erasure)>,
    /// Systems whose content stays because of a legal hold, each with the refusal that names it; the next purge asks again.
    pub held: Vec<(SystemId, String)>,
}

impl Ledger {
    /// Erases `target` for `reason` (recorded, sealed). Refused while a legal hold applies, when there is nothing to erase, and where this log takes two
    /// people for it ([`Ledger::request_erasure`]); what expires by rule goes all the same.
    pub fn erase(&self, target: &ErasureTarget, reason: &str) -> Result<Erasure, LedgerError> {
        if self.erases_by_two() && !matches!(target, ErasureTarget::Retention { .. }) {
            return Err(by_two_only("an erasure"));
        }
        self.erase_now(target, reason, None)
    }

    /// Erases, with the confirmation by a second person in the same batch as the first order.
    fn erase_now(
        &self,
        target: &ErasureTarget,
        reason: &str,
        mut confirmed: Option<Confirmed>,
    ) -> Result<Erasure, LedgerError> {
        let keys = self.keys_of(target)?;
        if keys.is_empty() {
            return Err(nothing_to_erase(target));
        }
        crate::holds::check(&self.state(), &self.shared.vault(), &keys)?;
        let mut done = Erasure { keys: keys.len(), ..Erasure::of_nothing() };
        for keys in keys.chunks(KEYS_PER_ORDER) {
            let order = self.order(target, keys, reason, confirmed.take())?;
            done.units += self.record_tombstones(order.record_id, keys)?;
            done.orders.push(order);
        }
        Ok(done)
    }

    /// Orders and records that everything under `keys` is gone, whose keys nobody has. No hold helps against that.
    pub(crate) fn order_lost(&self, keys: &[VaultKeyId], reason: &str) -> Result<(), LedgerError> {
        for keys in keys.chunks(KEYS_PER_ORDER) {
            // Of the scopes that orders know, the one that is about no subject, record or system.
            let order = self.order_of(ErasureScope::Retention, None, keys, reason, None)?;
            self.record_tombstones(order.record_id, keys)?;
        }
        Ok(())
    }

    /// Records the order, destroys the keys.
    fn order(
        &self,
        target: &ErasureTarget,
        keys: &[VaultKeyId],
        reason: &str,
        confirmed: Option<Confirmed>,
    ) -> Result<Ack, LedgerError> {
        let system = match target {
            ErasureTarget::System(system) => Some(system),
            ErasureTarget::Subject(_)
            | ErasureTarget::Record(_)
            | ErasureTarget::Call(_)
            | ErasureTarget::Retention { .. } => None,
        };
        self.order_of(target.scope(), system, keys, reason, confirmed)
    }

    fn order_of(
        &self,
        scope: ErasureScope,
        system: Option<&SystemId>,
        keys: &[VaultKeyId],
        reason: &str,
        confirmed: Option<Confirmed>,
    ) -> Result<Ack, LedgerError> {
        let facts = Facts::ErasureOrdered(ErasureOrdered { keys: keys.to_vec(), scope });
        let mut draft = evidence(&facts).with("reason", reason);
        draft.system = system.map(ToString::to_string);
        let mut items = Vec::new();
        if let Some(Confirmed { request, draft: confirmation }) = confirmed {
            items.push(self.prepare_own(&confirmation)?.0);
            draft.stream = Some(DraftStream { name: by_two::stream(&request), expected: None });
        }
        items.push(self.prepare_own(&draft)?.0);
        let (answer, wait) = sync_channel(1);
        self.send(Command::Destroy {
            order: items,
            keys: keys.to_vec(),
            done: Box::new(move |result| drop(answer.send(result))),
        });
        let acks = wait
            .recv()
            .unwrap_or_else(|_| Err(LedgerError::Fatal("the committer's thread ended".to_owned())))?;
        acks.into_iter()
            .last()
            .ok_or_else(|| LedgerError::Fatal("an erasure order was answered without a result".to_owned()))
    }

    /// Finds the units under destroyed keys and records that they are gone. Returns how many there are.
    fn record_tombstones(&self, order: RecordId, keys: &[VaultKeyId]) -> Result<usize, LedgerError> {
        let keys: BTreeSet<VaultKeyId> = keys.iter().copied().collect();
        let units = self.reader().units_under(&keys)?;
        let total = units.len();
        let chunks = total.div_ceil(tombstone::MAX_TOMBSTONES).max(1);
        for number in 0..chunks {
            let part = units.iter().skip(number * tombstone::MAX_TOMBSTONES).take(tombstone::MAX_TOMBSTONES);
            let body: Map<String, Value> = part.map(|(_, unit)| tombstone::field(unit)).collect();
            let done = ErasureDone { erased: body.len() as u64, last: number + 1 == chunks, order };
            let mut draft = evidence(&Facts::ErasureDone(done));
            draft.body = body;
            draft.stream = Some(DraftStream { name: format!("erasure/{order}"), expected: None });
            self.append_one_own(&draft)?;
        }
        Ok(total)
    }

    /// Finishes erasures whose order is recorded but whose end is not: after a crash, or when a disk refused in between.
    pub(crate) fn finish_erasures(&self) -> Result<(), LedgerError> {
        let orders: Vec<(RecordId, Vec<VaultKeyId>)> =
            self.state().orders.iter().map(|(id, keys)| (*id, keys.clone())).collect();
        for (order, keys) in orders {
            self.record_tombstones(order, &keys)?;
        }
        Ok(())
    }

    fn keys_of(&self, target: &ErasureTarget) -> Result<Vec<VaultKeyId>, LedgerError> {
        let filters = match target {
            ErasureTarget::Subject(subject) => {
                let mut names = (self.names)(subject);
                names.insert(subject.clone());
                let filter = |name: &String| KeyFilter {
                    subject: Some(subject_tag(&self.secrets.pseudonym, name)),
                    ..KeyFilter::default()
                };
                names.iter().map(filter).collect()
            }
            ErasureTarget::System(system) => {
                vec![KeyFilter { system: Some(*system), ..KeyFilter::default() }]
            }
            ErasureTarget::Call(call) => {
                vec![KeyFilter { call: Some(call_tag(call)), ..KeyFilter::default() }]
            }
            ErasureTarget::Retention { class, until } => {
                let class = RetentionClass::new(class).map_err(crate::draft::malformed)?;
                if class.as_str() == EVIDENCE_CLASS {
                    return Err(crate::draft::malformed(format!(
                        "the class {EVIDENCE_CLASS} never expires: it holds the tombstones"
                    )));
                }
                vec![KeyFilter { class: Some((class, *until)), ..KeyFilter::default() }]
            }
            ErasureTarget::Record(index) => return self.keys_of_entry(*index),
        };
        let vault = self.shared.vault();
        // What proves an erasure outlives it: a system's or subject's orders and tombstones are never erased with it.
        Ok(filters
            .iter()
            .flat_map(|filter| vault.find(filter))
            .filter(|key| vault.scope(key).is_none_or(|scope| scope.class.as_str() != EVIDENCE_CLASS))
            .collect())
    }

    fn keys_of_entry(&self, index: u64) -> Result<Vec<VaultKeyId>, LedgerError> {
        let stored = self.reader().stored(index)?;
        let vault = self.shared.vault();
        let mut keys = Vec::new();
        for unit in &stored.units {
            match vault.scope(&unit.key) {
                Some(scope) if scope.own => keys.push(unit.key),
                Some(KeyScope { call: Some(call), .. }) => {
                    keys.extend(vault.find(&KeyFilter { call: Some(*call), ..KeyFilter::default() }));
                }
                Some(_) => {
                    return Err(LedgerError::rejected(
                        RejectCode::Malformed,
                        format!(
                            "entry {index} shares its key with other records, so it cannot be erased alone; erase its subject, or record such \
                             content with erasable_alone"
                        ),
                    ));
                }
                None => {}
            }
        }
        // Several units of a call may be under one key.
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// Places a legal hold on a subject or a system. Returns the hold's id (the record id of `hold.placed` is another).
    pub fn place_hold(&self, target: &ErasureTarget, reason: &str) -> Result<(HoldId, Ack), LedgerError> {
        let hold = HoldId::from_bytes(random_id(self.shared.entropy.as_ref())?);
        let (keys, system) = if let ErasureTarget::System(system) = target {
            (None, Some(system.to_string()))
        } else {
            let keys = self.keys_of(target)?;
            if keys.is_empty() || keys.len() > KEYS_PER_ORDER {
                let count = keys.len();
                let text = format!(
                    "{count} live content keys belong to what was named; a hold names 1 to {KEYS_PER_ORDER}"
                );
                return Err(LedgerError::rejected(RejectCode::NotFound, text));
            }
            (Some(keys), None)
        };
        let mut draft = evidence(&Facts::HoldPlaced(HoldPlaced { hold, keys })).with("reason", reason);
        draft.system = system;
        Ok((hold, self.append_one_own(&draft)?))
    }

    /// Releases a legal hold.
    pub fn release_hold(&self, hold: &HoldId, reason: &str) -> Result<Ack, LedgerError> {
        if !self.state().holds.contains_key(hold) {
            return Err(LedgerError::rejected(RejectCode::NotFound, format!("no hold {hold} is in force")));
        }
        self.append_one_own(&evidence(&Facts::HoldReleased(*hold)).with("reason", reason))
    }

    /// Asks for a system's deletion: from now on appends that name it are refused, at `due` its content goes. Refused where this log takes two people
    /// for it ([`Ledger::request_deletion_by_two`]).
    pub fn request_deletion(&self, system: &SystemId, due: Micros, reason: &str) -> Result<Ack, LedgerError> {
        if self.erases_by_two() {
            return Err(by_two_only("the deletion of a system"));
        }
        self.check_not_purged(system)?;
        self.append_one_own(&about_system(&Facts::DeletionRequested(due), system, reason))
    }

    /// Refuses where a system's content has gone: what is deleted stays so, and no other deletion of it could be taken back.
    pub(crate) fn check_not_purged(&self, system: &SystemId) -> Result<(), LedgerError> {
        match self.state().deletions.get(system) {
            Some(Deletion::Purged) => Err(LedgerError::rejected(
                RejectCode::SystemGone,
                format!("system {system} was deleted; its content is gone"),
            )),
            None | Some(Deletion::Requested { .. }) => Ok(()),
        }
    }

    /// Takes a deletion back that is not yet due.
    pub fn cancel_deletion(&self, system: &SystemId, reason: &str) -> Result<Ack, LedgerError> {
        if !matches!(self.state().deletions.get(system), Some(Deletion::Requested { .. })) {
            return Err(LedgerError::rejected(
                RejectCode::NotFound,
                format!("no deletion of system {system} is under way"),
            ));
        }
        self.append_one_own(&about_system(&Facts::DeletionCancelled, system, reason))
    }

    /// Purges every system whose deletion is due. What is on hold stays, and keeps nothing else from going. Where this log takes two people, what one person
    /// alone asked for stays, too. Refused while the clock is in doubt ([`Reader::clock_doubt`](crate::Reader::clock_doubt)).
    pub fn purge_due(&self) -> Result<Purge, LedgerError> {
        let now = self.shared.clock.now();
        let due: Vec<SystemId> = {
            let alone_suffices = !self.erases_by_two();
            let state = self.state();
            let is_due = |deletion: &Deletion| matches!(deletion, Deletion::Requested { due, by_two } if *due <= now && (*by_two || alone_suffices));
            state
                .deletions
                .iter()
                .filter(|(_, deletion)| is_due(deletion))
                .map(|(system, _)| *system)
                .collect()
        };
        let mut purge = Purge::default();
        if !due.is_empty() {
            self.check_clock()?;
        }
        for system in due {
            let nothing = |error: &LedgerError| error.code() == Some(RejectCode::NotFound);
            let on_hold = |error: &LedgerError| error.code() == Some(RejectCode::OnHold);
            let erasure =
                match self.erase_now(&ErasureTarget::System(system), "deletion of the system is due", None) {
                    Ok(erasure) => erasure,
                    Err(error) if nothing(&error) => Erasure::of_nothing(),
                    Err(error) if on_hold(&error) => {
                        purge.held.push((system, error.to_string()));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
            let facts = Facts::SystemPurged(erasure.orders.first().map(|order| order.record_id));
            self.append_one_own(&about_system(&facts, &system, "deletion of the system was due"))?;
            purge.purged.push((system, erasure));
        }
        Ok(purge)
    }
}

fn nothing_to_erase(target: &ErasureTarget) -> LedgerError {
    let text = match target {
        ErasureTarget::Call(_) => {
            "there is nothing to erase alone: no live content key is this call's. It is erased already, or nothing was kept of it but its record, or it was recorded \
             under keys that it shares with others; those go with their system, their person or their time"
        }
        ErasureTarget::Subject(_)
        | ErasureTarget::Record(_)
        | ErasureTarget::System(_)
        | ErasureTarget::Retention { .. } => {
            "there is nothing to erase: no live content key belongs to what was named"
        }
    };
    LedgerError::rejected(RejectCode::NotFound, text)
}

fn about_system(facts: &Facts, system: &SystemId, reason: &str) -> Draft {
    let mut draft = evidence(facts).with("reason", reason);
    draft.system = Some(system.to_string());
    draft
}

/// A draft that says `facts`, of the class that never expires.
fn evidence(facts: &Facts) -> Draft {
    let mut draft = Draft::new(facts.kind().name());
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.retention = Some(EVIDENCE_CLASS.to_owned());
    draft
}
