//! Legal holds: what may not be erased, whoever asks.

use std::collections::BTreeMap;

use tabellion_model::{HoldId, Micros, SystemId, VaultKeyId};

use crate::error::{LedgerError, RejectCode};
use crate::reader::{Reader, UnitContent};
use crate::state::{Hold, LogState};
use crate::vault::{KeyTable, SubjectTag};

/// A hold in force, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldView {
    /// Names it.
    pub hold: HoldId,
    /// Index of its record.
    pub index: u64,
    /// When it was placed; `None`: its record cannot be read.
    pub placed_at: Option<Micros>,
    /// The system whose content it keeps.
    pub system: Option<SystemId>,
    /// How many keys of content it names; `None`: everything of the system.
    pub keys: Option<usize>,
    /// Whether any of these is of content about a data subject.
    pub personal: bool,
    /// Why; `None`: it cannot be read any more.
    pub reason: Option<String>,
}

/// The holds in force, ready to be asked about key after key.
pub(crate) struct InForce<'a> {
    state: &'a LogState,
    vault: &'a KeyTable,
    keys: BTreeMap<VaultKeyId, HoldId>,
    subjects: BTreeMap<SubjectTag, HoldId>,
}

impl<'a> InForce<'a> {
    /// Those of `state` over the keys of `vault`.
    pub(crate) fn of(state: &'a LogState, vault: &'a KeyTable) -> Self {
        let named =
            state.holds.iter().flat_map(|(id, hold)| hold.keys.iter().flatten().map(move |key| (*key, *id)));
        let keys: BTreeMap<VaultKeyId, HoldId> = named.collect();
        let subject = |(key, id): (&VaultKeyId, &HoldId)| Some((vault.scope(key)?.subject?, *id));
        let subjects = keys.iter().filter_map(subject).collect();
        Self { state, vault, keys, subjects }
    }

    /// The hold that forbids destroying `key`: by its id, by its system, or because another key of the same subject is held.
    pub(crate) fn over(&self, key: &VaultKeyId) -> Option<HoldId> {
        if self.state.holds.is_empty() {
            return None;
        }
        let scope = self.vault.scope(key);
        let system = scope.and_then(|scope| scope.system);
        let by_system = || {
            let holds = system.is_some().then_some(&self.state.holds)?.iter();
            let mut fitting = holds.filter(|(_, hold)| hold.keys.is_none() && hold.system == system);
            fitting.next().map(|(id, _)| *id)
        };
        let by_subject = || self.subjects.get(&scope?.subject?).copied();
        self.keys.get(key).copied().or_else(by_system).or_else(by_subject)
    }
}

/// Refuses when any of `keys` is on hold.
pub(crate) fn check(state: &LogState, vault: &KeyTable, keys: &[VaultKeyId]) -> Result<(), LedgerError> {
    let holds = InForce::of(state, vault);
    match keys.iter().find_map(|key| holds.over(key)) {
        None => Ok(()),
        Some(id) => Err(LedgerError::rejected(RejectCode::OnHold, forbids(state, &id))),
    }
}

/// What is said of the hold `id`: which, by whose record, and what to do.
fn forbids(state: &LogState, id: &HoldId) -> String {
    let hold = state.holds.get(id);
    let what = if let Some(system) = hold.and_then(|hold| hold.system) {
        format!("everything of system {system}")
    } else {
        let keys = hold.and_then(|hold| hold.keys.as_ref()).map_or(0, Vec::len);
        format!("the content under {keys} keys and of the same data subjects")
    };
    // Holds are placed by the operator alone, who speaks as the log's own writer.
    let record = hold.map_or_else(String::new, |hold| format!(" with entry {}", hold.index));
    format!(
        "the legal hold {id} forbids this erasure: the operator placed it{record} on {what}. {} in force; nothing was destroyed. See why with tabellion hold list; \
         once the case is closed, tabellion hold release {id}",
        match state.holds.len() {
            1 => "It is the only one".to_owned(),
            count => format!("It is one of {count}"),
        }
    )
}

impl Reader {
    /// Legal holds in force.
    pub fn holds(&self) -> Vec<HoldView> {
        let in_force: Vec<(HoldId, Hold)> =
            self.state().holds.iter().map(|(id, hold)| (*id, hold.clone())).collect();
        in_force
            .into_iter()
            .map(|(id, hold)| {
                let view = self.entry(hold.index).ok();
                let shown = view.iter().flat_map(|view| &view.units).filter_map(|unit| match &unit.content {
                    UnitContent::Shown(disclosures) => Some(disclosures),
                    UnitContent::Erased | UnitContent::Missing => None,
                });
                let reason = shown.flatten().find(|shown| shown.name() == "reason");
                let reason = reason.and_then(|shown| shown.value().as_str()).map(str::to_owned);
                let header = view.as_ref().and_then(|view| view.entry.header());
                let is_personal = |key: &VaultKeyId| {
                    let vault = self.shared.vault();
                    vault.scope(key).is_some_and(|scope| scope.subject.is_some())
                };
                HoldView {
                    hold: id,
                    index: hold.index,
                    placed_at: header.map(|header| header.observed_at),
                    system: hold.system,
                    keys: hold.keys.as_ref().map(Vec::len),
                    personal: hold.keys.iter().flatten().any(is_personal),
                    reason,
                }
            })
            .collect()
    }
}
