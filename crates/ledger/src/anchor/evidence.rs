//! What anchors have confirmed, for packages.

use std::sync::Arc;

use tabellion_tlog::anchor::AnchorKind;

use super::outbox::job_names;
use super::{Outbox, OutboxError};
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::reader::Reader;

/// A confirmed and recorded anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchored {
    /// Who confirmed.
    pub kind: AnchorKind,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Its size.
    pub size: u64,
    /// Index of its `anchor.confirmed` record.
    pub record: u64,
    /// The evidence.
    pub evidence: Vec<u8>,
}

/// What the outboxes hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnchoredSet {
    /// Confirmed and whole, by their records.
    pub whole: Vec<Anchored>,
    /// What cannot be used, each with its file and the way out, so that nothing is left out in silence.
    pub damaged: Vec<String>,
}

/// Everything whose record is among the first `size` entries of the log; the same for the same size as long as the outboxes are whole.
pub fn anchored(disk: &Arc<dyn Disk>, size: u64) -> Result<AnchoredSet, OutboxError> {
    let mut found = AnchoredSet::default();
    for (name, at) in job_names(disk.as_ref())? {
        match one(&Outbox::new(Arc::clone(disk), &name), at, size) {
            Ok(one) => found.whole.extend(one),
            Err(error) => found.damaged.push(error.to_string()),
        }
    }
    found.whole.sort_by_key(|one| one.record);
    Ok(found)
}

/// What the job of size `at` confirmed; `None`: nothing yet, or it is recorded behind the first `size` entries.
fn one(outbox: &Outbox, at: u64, size: u64) -> Result<Option<Anchored>, OutboxError> {
    let job = outbox.job(at)?;
    let (Some(kind), Some(record)) = (job.kind(), job.record.filter(|record| *record < size)) else {
        return Ok(None);
    };
    let evidence = outbox.evidence(&job)?;
    Ok(Some(Anchored { kind, checkpoint: job.checkpoint, size: job.size, record, evidence }))
}

impl Reader {
    /// Everything that anchors have confirmed and that is on record among the first `size` entries.
    pub fn anchored(&self, size: u64) -> Result<AnchoredSet, LedgerError> {
        anchored(&self.disk(), size).map_err(|error| LedgerError::Unavailable(error.to_string()))
    }
}
