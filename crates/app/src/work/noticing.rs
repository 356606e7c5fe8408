//! What is recorded although nobody asked for it: that an attempt was refused, and what the program finds by itself.
//!
//! Promises: the same is recorded once, under a key that says what it is of. Must never: take a record that could not be made for one that was made before.

use tabellion_ledger::{Draft, DraftStream, LedgerError, RejectCode};
use tabellion_model::body::Body;

use super::writing::GOVERNANCE_RETENTION;
use super::{Actor, Desk};
use crate::refusal::{Code, Refusal};

/// A draft of `body`'s type in `stream`, which has to be at version `expected` where that is said.
pub(super) fn noticed<B: Body>(body: &B, stream: String, expected: Option<u64>) -> Result<Draft, Refusal> {
    let mut draft = Draft::new(B::TYPE);
    draft.body = body.fields().map_err(|fault| Refusal::new(Code::Broken, fault.to_string()))?;
    draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
    draft.stream = Some(DraftStream { name: stream, expected });
    draft.assurance = Some("observed".to_owned());
    Ok(draft)
}

impl Desk {
    /// A draft of what `actor` was refused, beside the stream `of` what it was about. `key` says who, of what, and why.
    pub(super) fn attempt<B: Body>(
        &self,
        actor: &Actor,
        body: &B,
        of: &str,
        key: String,
    ) -> Result<Draft, Refusal> {
        let mut draft = noticed(body, format!("{of}/refused"), None)?;
        draft.actor = actor.credential().map(|id| id.to_hex());
        draft.parents = self.in_session(actor, None)?;
        draft.idempotency_key = Some(key);
        Ok(draft)
    }

    /// Records an attempt, once.
    pub(super) fn record_attempt(&self, draft: Draft) -> Result<(), Refusal> {
        let appended = self.ledger.append_all(&[draft]);
        self.note(appended.as_ref().map(drop));
        match appended {
            // Recorded before, in whichever words: once is enough.
            Ok(_) | Err(LedgerError::Rejected { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Records what was found. Whether that was now; false: it was before, in whichever words, or the system that it is about is gone.
    pub(super) fn record_found(&self, draft: Draft) -> Result<bool, Refusal> {
        let appended = self.ledger.append_all(&[draft]);
        self.note(appended.as_ref().map(drop));
        match appended {
            Ok(acks) => {
                self.passed(&acks)?;
                Ok(acks.iter().any(|ack| !ack.duplicate))
            }
            Err(LedgerError::Rejected {
                code: RejectCode::IdempotencyConflict | RejectCode::IdempotencyErased | RejectCode::SystemGone,
                ..
            }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
