//! How fast somebody may ask for what takes nothing of a budget: by its calls in a minute and at once.
//!
//! Promises: it counts among the calls of everything that the same budget holds for. Must never: charge anything, or let somebody through whose budgets cannot be
//! read.

use std::sync::Arc;

use tabellion_model::Micros;
use tabellion_model::body::BudgetSubject;
use tabellion_model::charge::Reserved;
use tabellion_views::gate::GateCell;

use super::purse::Ticket;
use super::{Budgets, words};
use crate::decide::Refusal;

/// A place among requests at once, until it is dropped.
pub(crate) struct Pace {
    budgets: Arc<Budgets>,
    ticket: Ticket,
}

impl Budgets {
    /// A place for one more request of `who` in every budget that holds; refused where one has too many in this minute, or at once.
    pub(crate) fn pace(
        self: &Arc<Self>,
        gate: &GateCell,
        who: BudgetSubject<'_>,
        now: Micros,
    ) -> Result<Pace, Refusal> {
        let mut purse = self.lock();
        let gate = gate.load();
        purse.read(gate.position);
        let ticket = purse
            .pace(&gate.budgets, who, now)
            .map_err(|exceeded| words::refusal(&exceeded, &Reserved { input: 0, output: 0, price: None }))?;
        Ok(Pace { budgets: Arc::clone(self), ticket })
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.budgets.lock().dropped(self.ticket, true);
    }
}
