//! Registers: the same rules for each, whatever its definition says it keeps.
//!
//! Promises: a revision that somebody did not see is never replaced or approved by them; nobody decides on their own work; what is decided on is exactly
//! the digest that was shown. Must never: know a register by its name, apart from the inventory that traffic is compared with.

mod compared;
mod content;
mod deciding;
mod editing;
mod gaps;
mod history;
mod inbox;
mod items;
mod noting;
mod refresh;
mod shown;
mod stepping;
mod tasks;
mod watch;

use tabellion_model::register::{About, Register, RegisterState};
use tabellion_model::{ItemId, SystemId};
use tabellion_views::query::ItemRow;

use super::{Actor, Desk};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

pub(crate) use content::{is_written_later, owner_roles};
pub use deciding::NewDecision;
pub(crate) use deciding::words as any_of;
pub(crate) use editing::opening;
pub use editing::{NewItem, NewRevision, Submission};
pub(crate) use gaps::approved_models;
pub use gaps::{GapKind, InventoryGap, InventoryGaps};
pub use history::{Change, Event, History};
pub use inbox::{Inbox, Waiting};
pub use items::{ItemQuery, ItemSummaries, ItemSummary, Order, Standing};
pub use noting::NewNote;
pub use refresh::Opened;
pub use shown::{
    ApprovalShown, FieldShown, Item, OptionShown, RefreshShown, RegisterShown, RegistersShown, SectionShown,
    StateShown, StepShown,
};
pub use stepping::NewState;
pub(crate) use tasks::names_controls;
pub use watch::Watch;

/// The register that traffic is compared with.
pub const INVENTORY: &str = "ai_system";

impl Desk {
    /// Every register, with its form, states and steps.
    pub fn registers(&self) -> RegistersShown {
        RegistersShown { registers: self.tools.registers.all().iter().map(RegisterShown::of).collect() }
    }

    /// The definition of one register.
    pub fn register(&self, name: &str) -> Result<&Register, Refusal> {
        self.tools.registers.get(name).ok_or_else(|| Refusal::not_found("register"))
    }

    /// The item, when `actor` may do `permission` to it. What may not even be seen is not there.
    fn reach_item(
        &self,
        actor: &Actor,
        permission: Permission,
        register: &Register,
        item: ItemId,
    ) -> Result<ItemRow, Refusal> {
        let row = self.item_row(register, item)?;
        if self.may_item(actor, permission, &row)? {
            return Ok(row);
        }
        if self.may_item(actor, Permission::ReadRegisters, &row)? {
            return Err(Refusal::new(
                Code::NotPermitted,
                "your role permits this for items that you answer for, or about systems that you answer for, and this one is neither",
            ));
        }
        Err(Refusal::not_found("item"))
    }

    /// Whether `actor` may do `permission` to an item: within reach is what is about a system that they answer for, and what they answer for themselves.
    pub(crate) fn may_item(
        &self,
        actor: &Actor,
        permission: Permission,
        row: &ItemRow,
    ) -> Result<bool, Refusal> {
        if self.may(actor, permission, row.system)? {
            return Ok(true);
        }
        let (Reach::Own, Actor::Person { id, .. }) = (actor.reach(permission), actor) else {
            return Ok(false);
        };
        // Judged by the present, like everything that a role reaches.
        let present = self.present().register_item(&row.register, &row.item)?;
        Ok(present.is_some_and(|row| row.owner == Some(*id)))
    }

    /// A retry needs no right to what it has done already: the answer says nothing new.
    fn reach_or_earlier_item(
        &self,
        actor: &Actor,
        permission: Permission,
        register: &Register,
        item: ItemId,
        earlier: bool,
    ) -> Result<ItemRow, Refusal> {
        if earlier {
            self.item_row(register, item)
        } else {
            self.reach_item(actor, permission, register, item)
        }
    }

    /// Whether `actor` may write this item.
    pub(crate) fn may_edit_item(
        &self,
        actor: &Actor,
        register: &Register,
        item: ItemId,
    ) -> Result<bool, Refusal> {
        self.may_item(actor, Permission::EditRegisters, &self.item_row(register, item)?)
    }

    fn item_row(&self, register: &Register, item: ItemId) -> Result<ItemRow, Refusal> {
        self.views.register_item(&register.name, &item)?.ok_or_else(|| Refusal::not_found("item"))
    }
}

fn stream(register: &Register, item: ItemId) -> String {
    format!("register/{}/{item}", register.name)
}

fn about(system: Option<SystemId>, mut draft: tabellion_ledger::Draft) -> tabellion_ledger::Draft {
    draft.system = system.map(|system| system.to_hex());
    draft
}

/// The state an item stands in; none: it can no longer be read.
fn state_of<'a>(register: &'a Register, row: &'a ItemRow) -> Option<&'a str> {
    match &row.moved {
        None => Some(register.first_state()),
        Some(state) => state.as_deref(),
    }
}

/// Whether nothing changes any more.
fn is_ended(register: &Register, row: &ItemRow) -> bool {
    state_of(register, row).and_then(|state| register.state(state)).is_some_and(|state| state.ended)
}

/// Nothing is written on an item that ended, and nothing on one whose state nobody can read.
fn check_open(register: &Register, row: &ItemRow) -> Result<(), Refusal> {
    let state = known_state(register, row)?;
    if state.ended {
        return Err(Refusal::new(Code::StateImpossible, ended(register, state)));
    }
    Ok(())
}

/// Where the item stands; refused when that can no longer be read.
fn known_state<'a>(register: &'a Register, row: &'a ItemRow) -> Result<&'a RegisterState, Refusal> {
    state_of(register, row).and_then(|name| register.state(name)).ok_or_else(|| {
        let else_what = if register.about == About::OnePerSystem { "" } else { "; open a new one" };
        Refusal::new(
            Code::StateImpossible,
            format!("where the item stands can no longer be read, and nothing is written on it{else_what}"),
        )
    })
}

/// What holds of an item that ended in `state`, and what helps.
fn ended(register: &Register, state: &RegisterState) -> String {
    let title = state.title.to_lowercase();
    let Some(back) = register.transitions.iter().find(|step| step.from.contains(&state.name)) else {
        return format!("the item is {title}, which is for good; open a new one");
    };
    let to = register.state(&back.to).map_or(back.to.as_str(), |state| state.title.as_str());
    format!(
        "the item is {title}; {} who wrote none of it can bring it back to {}",
        deciding::words(back.roles.iter()),
        to.to_lowercase()
    )
}

/// Whoever names a version has to mean the one that is there: nothing that others wrote is lost unseen.
fn check_version(row: &ItemRow, given: &super::Given, digest: Option<&str>) -> Result<(), Refusal> {
    match given.version {
        Some(version) if version != row.version => Err(Refusal::new(
            Code::Stale,
            format!(
                "it is at version {} now, revision {} with the digest {}, last changed at {}; you named version {version}",
                row.version,
                row.revision,
                digest.unwrap_or("of erased content"),
                row.changed_at
            ),
        )),
        _ => Ok(()),
    }
}
