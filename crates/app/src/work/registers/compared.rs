//! What earlier revisions of an item say, for whoever compares.

use tabellion_model::ItemId;
use tabellion_model::register::{Content, Life};

use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::{Actor, Desk};

/// What was approved of an item, and is still readable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApprovedContent {
    /// The life of the item, with who approved it and under which role.
    pub(crate) life: Life,
    /// What the approved revision says; none: nothing is approved, or it was erased.
    pub(crate) content: Option<Content>,
}

impl Desk {
    /// The revision that is approved now.
    pub(crate) fn approved_content(
        &self,
        actor: &Actor,
        register: &str,
        item: ItemId,
    ) -> Result<ApprovedContent, Refusal> {
        let register = self.register(register)?;
        self.reach_item(actor, Permission::ReadRegisters, register, item)?;
        let life = self.views.register_life(&register.name, &item)?;
        let entry = life.approved.as_ref().map(|approved| approved.revision_entry);
        let content = entry.map(|entry| self.views.register_content(entry)).transpose()?.flatten();
        Ok(ApprovedContent { life, content })
    }

    /// What revision `number` says; none: there is none, or it was erased.
    pub(crate) fn revision_content(
        &self,
        actor: &Actor,
        register: &str,
        item: ItemId,
        number: u64,
    ) -> Result<Option<Content>, Refusal> {
        let register = self.register(register)?;
        self.reach_item(actor, Permission::ReadRegisters, register, item)?;
        let revisions = self.views.register_revisions(&register.name, &item)?;
        let found = revisions.iter().find(|row| row.revision == number).map(|row| row.done.entry);
        Ok(found.map(|entry| self.views.register_content(entry)).transpose()?.flatten())
    }
}
