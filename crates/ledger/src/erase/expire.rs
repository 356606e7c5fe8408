//! Content whose time is over goes, class by class; what is on hold stays.
//!
//! Promises: a key is destroyed only when every month that it may stand for has been kept for its whole time, and by the most exact rule that
//! covers it; each order is a record; nothing of a held key goes, whatever else of its class does. Must never: touch an entry, or the class of
//! what proves erasures.

use std::collections::BTreeSet;

use tabellion_model::registry::ErasureScope;
use tabellion_model::{HoldId, Micros, SystemId, VaultKeyId};

use super::rules::RetentionPlan;
use super::{Erasure, KEYS_PER_ORDER};
use crate::error::LedgerError;
use crate::holds;
use crate::ledger::Ledger;
use crate::reader::Reader;
use crate::vault::{EVIDENCE_CLASS, KeyFilter, RetentionClass};

/// How long content of one class is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetentionRule {
    /// The class.
    pub class: String,
    /// The system whose content this is about; such a rule goes before one for every system. `None`: every other one.
    pub system: Option<SystemId>,
    /// Whole months that content is kept after the month it counts from.
    pub months: u32,
    /// The first month (yyyymm) that content counts from; what was recorded earlier counts from it. `None`: from the month it was recorded in.
    pub counted_from: Option<u32>,
}

impl RetentionRule {
    /// The last month (yyyymm) whose content has been kept for its time at the month `now`; `None` when there is none.
    pub fn last_due(&self, now: u32) -> Option<u32> {
        let count = (now / 100) * 12 + (now % 100).checked_sub(1)?;
        let due = count.checked_sub(self.months.checked_add(1)?)?;
        let due = due / 12 * 100 + due % 12 + 1;
        self.counted_from.is_none_or(|from| from <= due).then_some(due)
    }

    fn covers(&self, class: &str, system: Option<SystemId>) -> bool {
        self.class == class && (self.system.is_none() || self.system == system)
    }
}

/// What a rule has to say today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// The rule.
    pub rule: RetentionRule,
    /// The last month (yyyymm) that goes.
    pub until: u32,
    /// Content keys whose time is over, which no hold keeps and no rule that was in force until lately.
    pub keys: usize,
    /// Content keys whose time is over and which holds keep.
    pub held: usize,
    /// These holds.
    pub holds: Vec<HoldId>,
    /// What is due by this rule alone, and stays for the rule's time of grace.
    pub waiting: Option<Waiting>,
}

/// Content that goes once the rule that lets it go has been on record for long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Content keys.
    pub keys: usize,
    /// When the first of them go.
    pub from: Micros,
}

/// What rules that were in force until lately keep: all but these keys.
struct KeptBack {
    let_go: BTreeSet<VaultKeyId>,
    until: Micros,
}

impl Expiry {
    /// Whether there is anything to say.
    fn says_anything(&self) -> bool {
        self.keys + self.held > 0 || self.waiting.is_some()
    }
}

/// What a rule did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The rule, and what it found.
    pub expiry: Expiry,
    /// What went, with the orders on record; no orders when nothing did.
    pub erasure: Erasure,
}

impl Ledger {
    /// Erases what is due by `plan`, and tells `each` rule's outcome. What is on hold stays, and is asked about again the next time. Refused, with nothing erased, where anything is due while the clock is in
    /// doubt ([`Reader::clock_doubt`]).
    pub fn expire_due(&self, plan: &RetentionPlan, mut each: impl FnMut(Expired)) -> Result<(), LedgerError> {
        for rule in &plan.rules {
            let Some(until) = rule.last_due(self.shared.clock.now().month()) else { continue };
            let keys = self.reader().expired_keys(rule, until, plan)?;
            let kept_back = self.reader().kept_back(plan, &rule.class)?;
            let (expiry, free) = self.reader().look(rule, until, &keys, &kept_back);
            if !free.is_empty() {
                self.check_clock()?;
            }
            let mut erasure = Erasure::of_nothing();
            for keys in free.chunks(KEYS_PER_ORDER) {
                // A hold may have come since: each order is asked about by itself.
                let keys = self.reader().look(rule, until, keys, &kept_back).1;
                if !keys.is_empty() {
                    let reason = reason(rule, until);
                    let order = self.order_of(ErasureScope::Retention, None, &keys, &reason, None)?;
                    erasure.units += self.record_tombstones(order.record_id, &keys)?;
                    erasure.keys += keys.len();
                    erasure.orders.push(order);
                }
            }
            if expiry.says_anything() {
                each(Expired { expiry, erasure });
            }
        }
        Ok(())
    }
}

impl Reader {
    /// What is due by `plan` at the clock's month: one for each rule that has anything due. Changes nothing.
    pub fn expiring(&self, plan: &RetentionPlan) -> Result<Vec<Expiry>, LedgerError> {
        let mut due = Vec::new();
        for rule in &plan.rules {
            if let Some(until) = rule.last_due(self.shared.clock.now().month()) {
                let keys = self.expired_keys(rule, until, plan)?;
                let kept_back = self.kept_back(plan, &rule.class)?;
                let expiry = self.look(rule, until, &keys, &kept_back).0;
                due.extend(expiry.says_anything().then_some(expiry));
            }
        }
        Ok(due)
    }

    /// Live keys that `rule` covers up to the month `until`, and no more exact one of `plan` does.
    fn expired_keys(
        &self,
        rule: &RetentionRule,
        until: u32,
        plan: &RetentionPlan,
    ) -> Result<Vec<VaultKeyId>, LedgerError> {
        let class = RetentionClass::new(&rule.class).map_err(crate::draft::malformed)?;
        if class.as_str() == EVIDENCE_CLASS {
            return Err(crate::draft::malformed(format!(
                "the class {EVIDENCE_CLASS} never expires: it holds the tombstones"
            )));
        }
        let exact = |system: SystemId| {
            let mut all = plan.rules.iter().chain(&plan.beside);
            all.any(|other| other.system.is_some() && other.covers(&rule.class, Some(system)))
        };
        let vault = self.shared.vault();
        let filter = KeyFilter { class: Some((class, until)), ..KeyFilter::default() };
        let mut found = vault.find(&filter);
        found.retain(|key| {
            let system = vault.scope(key).and_then(|scope| scope.system);
            match rule.system {
                Some(_) => system == rule.system,
                None => !system.is_some_and(exact),
            }
        });
        Ok(found)
    }

    /// What there is to say of `keys`, and those that nothing keeps.
    fn look(
        &self,
        rule: &RetentionRule,
        until: u32,
        keys: &[VaultKeyId],
        kept_back: &[KeptBack],
    ) -> (Expiry, Vec<VaultKeyId>) {
        let (state, vault) = (self.state(), self.shared.vault());
        let in_force = holds::InForce::of(&state, &vault);
        let (mut free, mut holds, mut waiting) = (Vec::new(), BTreeSet::new(), None::<Waiting>);
        let mut held = 0;
        for key in keys {
            let stays = kept_back.iter().filter(|kept| !kept.let_go.contains(key)).map(|kept| kept.until);
            if let Some(hold) = in_force.over(key) {
                held += 1;
                holds.insert(hold);
            } else if let Some(goes) = stays.max() {
                let known = waiting.get_or_insert(Waiting { keys: 0, from: goes });
                known.keys += 1;
                known.from = known.from.min(goes);
            } else {
                free.push(*key);
            }
        }
        let holds = holds.into_iter().collect();
        let expiry = Expiry { rule: rule.clone(), until, keys: free.len(), held, holds, waiting };
        (expiry, free)
    }

    /// What each set of rules that was in force until lately says of the keys of `class`.
    fn kept_back(&self, plan: &RetentionPlan, class: &str) -> Result<Vec<KeptBack>, LedgerError> {
        let month = self.shared.clock.now().month();
        let mut all = Vec::new();
        for earlier in &plan.earlier {
            let then = RetentionPlan::of(earlier.rules.as_deref().unwrap_or_default());
            let mut let_go = BTreeSet::new();
            for rule in then.rules.iter().filter(|rule| rule.class == class) {
                if let Some(until) = rule.last_due(month) {
                    let_go.extend(self.expired_keys(rule, until, &then)?);
                }
            }
            all.push(KeptBack { let_go, until: earlier.until });
        }
        Ok(all)
    }
}

/// What the order says.
fn reason(rule: &RetentionRule, until: u32) -> String {
    let whose = rule.system.map(|system| format!(" of system {system}")).unwrap_or_default();
    let since = rule.counted_from.map(|from| format!(", counted from {from} at the earliest"));
    format!(
        "retention: class {}{whose} is kept for {} months{}; content up to {until} goes",
        rule.class,
        rule.months,
        since.unwrap_or_default()
    )
}
