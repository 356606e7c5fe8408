//! What waits for somebody, by their roles.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::Micros;
use tabellion_model::register::{Register, Review, Waits};
use tabellion_views::query::{ItemFilter, ItemPage, ItemRow, ItemSort, MAX_ROWS};

use super::deciding::{check_second_person, deciding_role};
use super::is_ended;
use super::items::{ItemSummary, waits};
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
    /// Answered for by the one who asks, and their turn.
    pub own: Waiting,
    /// Waiting for a second person who may close them or send them back, as the one who asks may.
    pub close: Waiting,
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
            if !register.approves() {
                self.worked_on(actor, register, &mut inbox)?;
                continue;
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

    /// Items of a register without approvals that wait for `actor`: those they answer for, and those that they may close.
    fn worked_on(&self, actor: &Actor, register: &Register, inbox: &mut Inbox) -> Result<(), Refusal> {
        let Some(person) = actor.credential() else { return Ok(()) };
        let open = || ItemFilter {
            register: Some(register.name.clone()),
            not_in: register.ended_states().map(str::to_owned).collect(),
            ..ItemFilter::default()
        };
        let own = ItemFilter { owner: Some(person), ..open() };
        self.wait(&mut inbox.own, register, &own, ItemSort::Due, |row| {
            Ok(waits(register, row) == Some(Waits::Owner)
                && self.may_item(actor, Permission::EditRegisters, row)?)
        })?;
        let second_person = self.second_person(actor)?;
        let all = self.within_reach(actor, Permission::MoveRegisters, open())?;
        let second = register.states.iter().filter(|state| state.waits == Some(Waits::SecondPerson));
        for state in second {
            // Items begin in the first state without having been moved there.
            let first = state.name == register.first_state();
            let wanted = ItemFilter { state: Some((state.name.clone(), first)), ..all.clone() };
            self.wait(&mut inbox.close, register, &wanted, ItemSort::Due, |row| {
                let life = self.views.register_life(&row.register, &row.item)?;
                let mut steps = register
                    .transitions
                    .iter()
                    .filter(|step| step.second_person && step.from.contains(&state.name));
                Ok(steps.any(|step| {
                    self.check_step(actor, &second_person, register, row, &life, &step.to).is_ok()
                }))
            })?;
        }
        Ok(())
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
