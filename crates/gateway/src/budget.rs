//! Budgets at the gate: a call reserves the most that it may take before it is let through, and is settled when it ends.
//!
//! Promises: all budgets that hold for a call hold together; two calls never take the same rest. A reservation is given back only when the call was never
//! recorded. Must never: wait while the purse is held, or let a call through whose budgets cannot be read.

pub(crate) mod batch;
pub(crate) mod bound;
mod pace;
mod purse;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value as Json};
use tabellion_model::Micros;
use tabellion_model::body::BudgetSubject;
use tabellion_model::charge::{Charged, Cost, MAX_CHARGED, Rates, Reserved, Spent};
use tabellion_views::gate::{GateBudget, GateCell, GatePrice};

use crate::decide::Refusal;
pub(crate) use pace::Pace;
use purse::{Purse, Take, Ticket};

/// Every budget's live state, shared by all threads.
#[derive(Default)]
pub(crate) struct Budgets {
    // INVARIANT: held for arithmetic alone, over a number of entries that the views have not read; never over I/O or an await.
    purse: Mutex<Purse>,
}

/// What a call reserved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) reserved: Reserved,
    rates: Option<Rates>,
}

impl Charge {
    /// What is `reserved`, rated by `price` where the reservation names it.
    pub(crate) fn new(reserved: Reserved, price: Option<&GatePrice>) -> Self {
        let named = price.filter(|price| reserved.price == Some(price.record));
        Self { reserved, rates: named.map(|price| price.rates) }
    }

    /// The most that it may cost; none: no price is known.
    pub(crate) fn cost(&self) -> Option<Cost> {
        self.most().cost
    }

    fn most(&self) -> Take {
        let tokens = self.reserved.tokens();
        Take { tokens, cost: self.rates.map(|rates| rates.most(tokens)) }
    }

    fn spent(&self, spent: Spent) -> Take {
        let tokens = spent.tokens(self.reserved);
        Take { tokens, cost: self.rates.map(|rates| rates.cost(tokens)) }
    }
}

impl Budgets {
    fn lock(&self) -> MutexGuard<'_, Purse> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves what `charge` may take at most in every budget that holds. The sums are those of the newest snapshot, whatever the call was decided against.
    /// `instead_of` is of the same call and about to end, so that the two are not under way at once.
    pub(crate) fn reserve(
        self: &Arc<Self>,
        gate: &GateCell,
        who: BudgetSubject<'_>,
        charge: Charge,
        instead_of: Option<&Hold>,
        now: Micros,
    ) -> Result<Hold, Refusal> {
        let mut purse = self.lock();
        // Inside the lock: sums of one snapshot beside what was recorded beyond another would count twice or not at all.
        let gate = gate.load();
        purse.read(gate.position);
        let named = Named::of(&gate.budgets, who)?;
        let ticket = purse
            .reserve(&gate.budgets, who, &charge.most(), instead_of.and_then(|hold| hold.ticket), now)
            .map_err(|exceeded| words::refusal(&exceeded, &charge.reserved))?;
        Ok(Hold { budgets: Arc::clone(self), ticket: Some(ticket), recorded: false, charge, named })
    }

    /// Whether every budget that holds has room for what `charge` may take at most, now; reserves nothing. Gives the names of those that hold.
    pub(crate) fn look(
        &self,
        gate: &GateCell,
        who: BudgetSubject<'_>,
        charge: Charge,
        now: Micros,
    ) -> Result<Vec<String>, Refusal> {
        let mut purse = self.lock();
        let gate = gate.load();
        purse.read(gate.position);
        let named = Named::of(&gate.budgets, who)?;
        purse
            .look(&gate.budgets, who, &charge.most(), now)
            .map_err(|exceeded| words::refusal(&exceeded, &charge.reserved))?;
        Ok(named.all)
    }
}

/// The budgets that hold, as a record names them.
struct Named {
    /// All of them; sealed.
    all: Vec<String>,
    /// Those of persons, teams and agents, which are charged by name; in the clear.
    charged: Vec<Charged>,
}

impl Named {
    /// Those of `budgets`, by name order. A call that a record could not charge to all that hold for it is refused.
    fn of(budgets: &[GateBudget], who: BudgetSubject<'_>) -> Result<Box<Self>, Refusal> {
        let mut named = Self { all: Vec::new(), charged: Vec::new() };
        for budget in budgets {
            let Some(held) = budget.held.as_ref().filter(|held| held.scope.holds(who)) else { continue };
            let version = Charged { budget: budget.name.clone(), version: budget.version };
            named.all.push(version.to_string());
            if held.scope.caller().is_some() {
                named.charged.push(version);
            }
        }
        if named.charged.len() > MAX_CHARGED { Err(words::too_many()) } else { Ok(Box::new(named)) }
    }
}

/// A reservation, until the call is settled. Dropped before the call was recorded it gives everything back; afterwards what was reserved stands.
pub(crate) struct Hold {
    budgets: Arc<Budgets>,
    ticket: Option<Ticket>,
    recorded: bool,
    pub(crate) charge: Charge,
    named: Box<Named>,
}

impl Hold {
    /// The budgets that hold, as the record names them.
    pub(crate) fn names(&self) -> &[String] {
        &self.named.all
    }

    /// What stands of it in the clear of the record.
    pub(crate) fn clear(&self) -> Map<String, Json> {
        Charged::to_clear(self.charge.reserved, &self.named.charged)
    }

    /// The permission is on record as `entry`.
    pub(crate) fn recorded(&mut self, entry: u64, now: Micros) {
        self.recorded = true;
        if let Some(ticket) = self.ticket {
            self.budgets.lock().recorded(ticket, entry, now);
        }
    }

    /// The end is on record as `entry`, with what was `spent`.
    pub(crate) fn settle(&mut self, entry: u64, spent: Spent) {
        if let Some(ticket) = self.ticket.take() {
            self.budgets.lock().settled(ticket, entry, &self.charge.spent(spent));
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.budgets.lock().dropped(ticket, !self.recorded);
        }
    }
}
