//! What anchors have confirmed, for packages.

use std::collections::BTreeMap;
use std::sync::Arc;

use tabellion_model::ReceiptAnchor;
use tabellion_tlog::anchor::AnchorKind;

use super::outbox::{covering, job_names};
use super::{Outbox, OutboxError};
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::reader::Reader;

/// Most anchors that a receipt takes along.
const MAX_RECEIPT_ANCHORS: usize = 8;

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

/// Of the checkpoints that cover entry `index` and that anchors have confirmed, the one whose evidence says most to a reader: its size and that evidence.
/// An Arweave item dates nothing by itself, so it decides only where there is nothing else. `None`: none is confirmed.
pub(crate) fn evidence_for(
    disk: &Arc<dyn Disk>,
    index: u64,
) -> Result<Option<(u64, Vec<ReceiptAnchor>)>, OutboxError> {
    let mut by_size: BTreeMap<u64, Vec<ReceiptAnchor>> = BTreeMap::new();
    for one in covering(disk, index)? {
        let outbox = Outbox::new(Arc::clone(disk), &one.name);
        let job = outbox.job(one.size)?;
        let Some(anchor) = job.kind() else { continue };
        let evidence = outbox.evidence(&job)?;
        by_size.entry(one.size).or_default().push(ReceiptAnchor { anchor, evidence });
    }
    let dating =
        |anchors: &[ReceiptAnchor]| anchors.iter().filter(|one| one.anchor != AnchorKind::Arweave).count();
    // Of equals the smallest checkpoint, which bounds the entry most closely.
    let best = by_size.into_iter().rev().max_by_key(|(_, anchors)| (dating(anchors), anchors.len()));
    Ok(best.map(|(size, mut anchors)| {
        anchors.sort_by_cached_key(ReceiptAnchor::sort_key);
        anchors.dedup();
        anchors.truncate(MAX_RECEIPT_ANCHORS);
        (size, anchors)
    }))
}

impl Reader {
    /// Everything that anchors have confirmed and that is on record among the first `size` entries.
    pub fn anchored(&self, size: u64) -> Result<AnchoredSet, LedgerError> {
        anchored(&self.disk(), size).map_err(|error| LedgerError::Unavailable(error.to_string()))
    }
}
