//! The append without a thread that waits: for API keys, whose standing and system the gateway's snapshot knows, so that nothing has to be looked up.
//!
//! Promises: what is recorded and answered is what the other way records and answers. Must never: touch the disk, or wait for anything but the commit.

use serde_json::Map;
use tabellion_ledger::{Ack, GroupResult, LedgerError};
use tokio::sync::oneshot;

use super::{MadeRecord, MadeRecords, NewRecord, NewRecords, ONE, Planned, SEVERAL};
use crate::refusal::Refusal;
use crate::work::writing::{key_of, sign};
use crate::work::{Actor, Desk, Given, Written};

/// How often a record is sealed again because a key that it was sealed with was destroyed meanwhile.
const RESEAL_LIMIT: u32 = 4;

/// Records that are durable and not yet answered.
pub(crate) struct Placed {
    planned: Planned,
    acks: Vec<Ack>,
}

impl Placed {
    /// Whether the answer can be made from memory. Else it was recorded before, or more is wanted than that it is durable: making it may wait.
    pub(crate) fn is_ready(&self) -> bool {
        let is_new = self.acks.iter().all(|ack| !ack.duplicate);
        is_new && self.planned.facts.iter().all(|facts| !facts.wanted.waits())
    }
}

impl Desk {
    /// Appends a file or an event.
    pub(crate) async fn place_one(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewRecord,
    ) -> Result<Placed, Refusal> {
        self.place(actor, ONE, given, self.planned_one(actor, new, &Map::new())?).await
    }

    /// Appends several files and events together, or none of them.
    pub(crate) async fn place_all(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewRecords,
    ) -> Result<Placed, Refusal> {
        self.place(actor, SEVERAL, given, self.planned_all(actor, new)?).await
    }

    /// The answer to the one.
    pub(crate) fn answer_one(&self, placed: Placed) -> Result<(MadeRecord, Written), Refusal> {
        self.made_one(placed.planned, &placed.acks)
    }

    /// The answer to the several.
    pub(crate) fn answer_all(&self, placed: Placed) -> Result<(MadeRecords, Written), Refusal> {
        self.made_all(placed.planned, &placed.acks)
    }

    /// Seals and appends what is planned; returns when it is durable.
    async fn place(
        &self,
        actor: &Actor,
        operation: &str,
        given: &Given,
        mut planned: Planned,
    ) -> Result<Placed, Refusal> {
        self.check_present()?;
        let key = key_of(actor, operation, given)?;
        sign(&mut planned.drafts, actor, key.as_deref());
        let mut attempt = 0;
        loop {
            attempt += 1;
            let appended = self.appended(&planned).await;
            self.note(appended.as_ref().map(drop));
            match appended {
                Err(LedgerError::SealAgain) if attempt < RESEAL_LIMIT => {}
                Err(error) => return Err(error.into()),
                Ok(acks) => return Ok(Placed { planned, acks }),
            }
        }
    }

    async fn appended(&self, planned: &Planned) -> GroupResult {
        let prepared = planned.drafts.iter().map(|draft| self.ledger.prepare(draft));
        let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
        let (answer, wait) = oneshot::channel();
        self.ledger.submit(prepared, Box::new(move |result| drop(answer.send(result))));
        wait.await.unwrap_or_else(|_| Err(LedgerError::Fatal("the committer's thread ended".to_owned())))
    }
}
