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

/// Everything whose record is among the first `size` entries of the log, by its record; the same for the same size as long as the outboxes are whole.
/// Damaged files are errors, so that evidence is not left out in silence.
pub fn anchored(disk: &Arc<dyn Disk>, size: u64) -> Result<Vec<Anchored>, OutboxError> {
    let mut found = Vec::new();
    for (name, at) in job_names(disk.as_ref())? {
        let outbox = Outbox::new(Arc::clone(disk), &name);
        let job = outbox.job(at)?;
        if let (Some(kind), Some(record)) = (job.kind(), job.record.filter(|record| *record < size)) {
            let evidence = outbox.evidence(&job)?;
            found.push(Anchored { kind, checkpoint: job.checkpoint, size: job.size, record, evidence });
        }
    }
    found.sort_by_key(|one| one.record);
    Ok(found)
}

impl Reader {
    /// Everything that anchors have confirmed and that is on record among the first `size` entries.
    pub fn anchored(&self, size: u64) -> Result<Vec<Anchored>, LedgerError> {
        anchored(&self.disk(), size).map_err(|error| LedgerError::Unavailable(error.to_string()))
    }
}
