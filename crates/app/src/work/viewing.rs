//! Captured prompts and answers: a person sees them after saying why, and that is on record first.
//!
//! Promises: nothing of it is given to a person before their reason is durable; whoever may see it also sees who looked before. Must never: take a
//! permission for a reason, or give content when the record could not be written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{DraftParent, DraftStream};
use tabellion_model::body::ContentViewed;
use tabellion_model::{Micros, RecordId};
use tabellion_tlog::leaf_hash;
use tabellion_views::query::{CallDetail, Page, ViewingRow};

use super::calls::{Call, is_kept};
use super::forms::{IdForm, Reference, Time};
use super::prose::Prose;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// How long a reason counts: to read, go back and read again; the next day somebody asks anew.
const VIEWING: Micros = Micros(60 * 60 * 1_000_000);
/// Viewings that are listed, the newest.
const LISTED: u32 = 50;

/// Why somebody wants to see it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewViewing {
    /// Why, for whoever asks later.
    pub reason: Prose,
}

/// Somebody who asked to see what was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Viewing {
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// The record.
    pub recorded: Reference,
}

/// Who asked to see what was captured of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Viewings {
    /// The newest first, at most 50.
    pub viewings: Vec<Viewing>,
}

impl Desk {
    /// Records why `actor` wants to see what was captured of a call; from then on it is shown to them, for an hour.
    pub fn view_captured(
        &self,
        actor: &Actor,
        given: &Given,
        id: RecordId,
        new: &NewViewing,
    ) -> Result<(Call, Written), Refusal> {
        let call = self.captured_call(actor, id)?;
        if !matches!(actor, Actor::Person { .. }) {
            return Err(Refusal::new(Code::NotPermitted, "a reason is a person's: sign in to give one"));
        }
        if !is_kept(&call) {
            return Err(Refusal::new(Code::AlreadySo, "nothing of this call's prompt and answer is kept"));
        }
        let decided = self.ledger.reader().entry(call.row.entry)?;
        let body = ContentViewed { reason: new.reason.to_text() };
        let written = self.once(actor, "view-captured", given, |_| {
            let mut draft = draft_of(&body, String::new(), 0)?;
            // Whoever else looks at the same time is in nobody's way.
            draft.stream = Some(DraftStream { name: format!("content/{id}"), expected: None });
            draft.system = call.row.system.map(|system| system.to_hex());
            draft.parents = vec![DraftParent {
                hash: leaf_hash(&decided.bytes).to_hex(),
                record_id: id.to_hex(),
                role: "viewed".to_owned(),
            }];
            Ok(vec![draft])
        })?;
        Ok((self.call(actor, id)?, written))
    }

    /// Who asked to see what was captured of a call.
    pub fn viewings(&self, actor: &Actor, id: RecordId) -> Result<Viewings, Refusal> {
        self.captured_call(actor, id)?;
        let found = self.present().viewings(&id, Page { before: None, limit: LISTED })?;
        let viewings = found.rows.into_iter().map(|row| self.viewing(row)).collect::<Result<_, _>>()?;
        Ok(Viewings { viewings })
    }

    fn viewing(&self, row: ViewingRow) -> Result<Viewing, Refusal> {
        Ok(Viewing {
            by: row.by.to_hex(),
            at: Time(row.at),
            reason: row.reason,
            recorded: self.reference(row.entry)?,
        })
    }

    /// The call, when `actor` may see what was captured of it.
    fn captured_call(&self, actor: &Actor, id: RecordId) -> Result<CallDetail, Refusal> {
        let call = self.views.call(&id)?.ok_or_else(|| Refusal::not_found("call"))?;
        if !self.may(actor, Permission::ReadCalls, call.row.system)? {
            return Err(Refusal::not_found("call"));
        }
        if !self.may(actor, Permission::ReadCaptured, call.row.system)? {
            return Err(Refusal::new(Code::NotPermitted, "none of your roles may see prompts and answers"));
        }
        Ok(call)
    }

    /// Whether `actor`, who has the permission, is shown what was captured of the call that `call` decided: programs by their key, people once their
    /// reason is on record.
    pub(super) fn has_reason(&self, actor: &Actor, call: RecordId) -> Result<bool, Refusal> {
        let Actor::Person { id, .. } = actor else { return Ok(true) };
        let viewed = self.present().viewed_at(&call, id)?;
        // The clock of the present, also where the past is read: a reason does not last because somebody looks back.
        let now = self.tools.clock.now().max(self.ledger.reader().committed_at());
        Ok(viewed.is_some_and(|at| now.0.saturating_sub(at.0) < VIEWING.0))
    }
}
