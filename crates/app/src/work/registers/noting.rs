//! Remarks on items, by whoever reads them: questions, answers on the way, what somebody else should know.
//!
//! Promises: a remark is a record of its own, in a stream beside the item's, so that nobody who is editing is disturbed; it changes nothing of the item,
//! counts for no approval and no status, and can be erased by itself. Also on an item that has ended.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::ItemId;
use tabellion_model::body::RegisterNoted;

use super::shown::Item;
use super::{about, stream};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::prose::Prose;
use crate::work::writing::draft_of;
use crate::work::{Actor, Desk, Given, Written};

/// What somebody remarks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRegisterNote")]
pub struct NewNote {
    /// The remark.
    pub text: Prose,
}

impl Desk {
    /// Remarks on an item.
    pub fn note_register_item(
        &self,
        actor: &Actor,
        given: &Given,
        register: &str,
        id: ItemId,
        new: &NewNote,
    ) -> Result<(Item, Written), Refusal> {
        let register = self.register(register)?;
        let written = self.once(actor, "note-register-item", given, |earlier| {
            let row = self.reach_or_earlier_item(
                actor,
                Permission::NoteRegisters,
                register,
                id,
                earlier.is_some(),
            )?;
            let body = RegisterNoted { register: register.name.clone(), item: id, text: new.text.to_text() };
            let mut draft = about(row.system, draft_of(&body, format!("{}/notes", stream(register, id)), 0)?);
            draft.erasable_alone = true;
            // Two people who remark at once are both heard.
            if let Some(stream) = &mut draft.stream {
                stream.expected = None;
            }
            Ok(vec![draft])
        })?;
        Ok((self.item_now(actor, register, id)?, written))
    }
}
