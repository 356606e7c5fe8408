//! What is to be done and what was asked, by the clause or control that it names.
//!
//! Promises: open items alone, of every register that has a field for clauses and controls, and only those within reach. Must never: be a part of any
//! status.

use tabellion_model::body::Role;
use tabellion_model::catalogue::Reference;
use tabellion_model::register::Register;
use tabellion_views::query::{ItemFilter, ItemPage, ItemSort, MAX_ROWS};

use super::items::ItemSummary;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::{Actor, Desk};

/// Most open items of one register that a list takes, in pages: far more than anybody looks through.
const MAX_PAGES: u64 = 10;

impl Desk {
    /// Open items that name `reference`, or all when none is given; due first.
    pub(crate) fn open_work(
        &self,
        actor: &Actor,
        reference: Option<Reference>,
    ) -> Result<Vec<ItemSummary>, Refusal> {
        self.worked_on_in(actor, |register| ItemFilter {
            reference: reference.map(|reference| reference.to_string()),
            ..open(register)
        })
    }

    /// Open items that `actor` opened in registers that their role opens items of: what an auditor asked for.
    pub(crate) fn asked_by(&self, actor: &Actor) -> Result<Vec<ItemSummary>, Refusal> {
        let Actor::Person { id, roles, .. } = actor else { return Ok(Vec::new()) };
        let asks = |register: &Register| roles.iter().any(|role: &Role| register.opened_by.contains(role));
        if !self.tools.registers.all().iter().any(asks) {
            return Ok(Vec::new());
        }
        let mut asked =
            self.worked_on_in(actor, |register| ItemFilter { created_by: Some(*id), ..open(register) })?;
        asked.retain(|item| self.tools.registers.get(&item.register).is_some_and(asks));
        Ok(asked)
    }

    fn worked_on_in(
        &self,
        actor: &Actor,
        filter: impl Fn(&Register) -> ItemFilter,
    ) -> Result<Vec<ItemSummary>, Refusal> {
        let mut found = Vec::new();
        for register in self.tools.registers.all().iter().filter(|register| names_controls(register)) {
            let filter = self.within_reach(actor, Permission::ReadRegisters, filter(register))?;
            for page in 0..MAX_PAGES {
                let page =
                    ItemPage { sort: ItemSort::Due, skip: page * u64::from(MAX_ROWS), limit: MAX_ROWS };
                let rows = self.views.register_items(&filter, page)?.rows;
                let last = rows.len() < MAX_ROWS as usize;
                found.extend(rows.iter().map(|row| self.summary(register, row)));
                if last {
                    break;
                }
            }
        }
        // Those without a day come last.
        found.sort_by(|a, b| (a.due.is_none(), &a.due).cmp(&(b.due.is_none(), &b.due)));
        Ok(found)
    }
}

/// Whether items of `register` say which clauses and controls they are about.
pub(crate) fn names_controls(register: &Register) -> bool {
    register.field("references").is_some()
}

fn open(register: &Register) -> ItemFilter {
    ItemFilter {
        register: Some(register.name.clone()),
        not_in: register.ended_states().map(str::to_owned).collect(),
        ..ItemFilter::default()
    }
}
