//! What waits for somebody, by their roles.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::Micros;
use tabellion_model::register::{Register, Review};
use tabellion_views::query::{ItemFilter, ItemPage, ItemRow, ItemSort, MAX_ROWS};

use super::deciding::{check_second_person, deciding_role};
use super::is_ended;
use super::items::ItemSummary;
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::{Actor, Desk};

/// How long before its review an item is asked about: 30 days.
const AHEAD_US: u64 = 30 * 24 * 3600 * 1_000_000;

/// Items that wait for one kind of act.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Those that have waited longest are last; 200 of each register at most.
    pub items: Vec<ItemSummary>,
    /// Whether there are more.
    pub more: bool,
}

/// What waits for the one who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    /// To be approved or given back.
    pub decide: Waiting,
    /// Written by the one who asks, and given back.
    pub returned: Waiting,
    /// Approved, and a new look is asked for.
    pub refresh: Waiting,
    /// Approved, and due for review within 30 days or overdue.
    pub due: Waiting,
}

impl Desk {
    /// What waits for `actor`.
    pub fn inbox(&self, actor: &Actor) -> Result<Inbox, Refusal> {
        let mut inbox = Inbox::default();
        let editing = self.systems_within(actor, Permission::EditRegisters)?;
        let second = self.second_person(actor)?;
        let edits = actor.reach(Permission::EditRegisters) != Reach::Nothing;
        for register in self.tools.registers.all() {
            let of = || ItemFilter { register: Some(register.name.clone()), ..ItemFilter::default() };
            if deciding_role(actor, register).is_ok() {
                let wanted = ItemFilter { review: Some(Review::InReview), ..of() };
                self.wait(&mut inbox.decide, register, &wanted, ItemSort::Changed, |row| {
                    let life = self.views.register_life(&row.register, &row.item)?;
                    Ok(check_second_person(&second, register, &life).is_ok())
                })?;
            }
            if !edits {
                continue;
            }
            let returned =
                ItemFilter { review: Some(Review::Returned), saved_by: actor.credential(), ..of() };
            self.wait(&mut inbox.returned, register, &returned, ItemSort::Changed, |_| Ok(true))?;
            let refresh = ItemFilter { refresh_open: true, within: editing.clone(), ..of() };
            self.wait(&mut inbox.refresh, register, &refresh, ItemSort::Changed, |row| {
                Ok(row.approval.is_some())
            })?;
            let before = Micros(self.now().0.saturating_add(AHEAD_US));
            let due = ItemFilter { due_before: Some(before), within: editing.clone(), ..of() };
            self.wait(&mut inbox.due, register, &due, ItemSort::Due, |_| Ok(true))?;
        }
        Ok(inbox)
    }

    fn wait(
        &self,
        waiting: &mut Waiting,
        register: &Register,
        filter: &ItemFilter,
        sort: ItemSort,
        keep: impl Fn(&ItemRow) -> Result<bool, Refusal>,
    ) -> Result<(), Refusal> {
        let found = self.views.register_items(filter, ItemPage { sort, skip: 0, limit: MAX_ROWS })?;
        waiting.more |= found.total > found.rows.len() as u64;
        for row in found.rows.iter().filter(|row| !is_ended(register, row)) {
            if keep(row)? {
                waiting.items.push(self.summary(register, row));
            }
        }
        Ok(())
    }
}
