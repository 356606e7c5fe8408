//! The record that an anchor confirmed a checkpoint: evidence of when in the log itself, and the beacon for what comes after it.

use tabellion_model::Entry;
use tabellion_model::registry::{AnchorConfirmed, Facts, Kind};

use super::Job;
use crate::draft::Draft;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::reader::Reader;

/// All of a log, in thousandths.
const WHOLE_PERMILLE: u64 = 1000;
/// Most entries that are looked at to see whether anything but anchoring went on. Where there are more, something did.
const MAX_LOOK: u64 = 256;

/// Appends `anchor.confirmed` for a job that is, once: asking again gives the same entry.
pub(super) fn record(ledger: &Ledger, name: &str, job: &Job) -> Result<Option<u64>, LedgerError> {
    let (Some(kind), Some(evidence)) = (job.kind(), job.evidence_hash()) else { return Ok(None) };
    let Ok(target) = super::Target::of(&job.checkpoint) else { return Ok(None) };
    let facts = Facts::AnchorConfirmed(AnchorConfirmed {
        anchor: kind,
        evidence_sha256: evidence,
        root: target.checkpoint.checkpoint.root,
        size: job.size,
    });
    let mut draft = Draft::new(facts.kind().name());
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.assurance = Some("observed".to_owned());
    draft.idempotency_key = Some(format!("anchor/{name}/{}", job.size));
    draft.observed_at = Some(job.created_at);
    Ok(Some(ledger.append_one_own(&draft)?.index))
}

impl Reader {
    /// Entries in a thousand that stand under a checkpoint of `confirmed` entries: 1000 as soon as nothing but seals, epochs and anchoring's own records came
    /// after it, which call for no anchor. `Unavailable` when the log cannot be read.
    pub fn covered_permille(&self, confirmed: u64) -> Result<u64, LedgerError> {
        let size = self.size();
        if confirmed >= size || growth(self, confirmed)? == Growth::None {
            return Ok(WHOLE_PERMILLE);
        }
        // Rounded down: a single entry that is not covered shows.
        Ok((u128::from(confirmed) * u128::from(WHOLE_PERMILLE) / u128::from(size.max(1)))
            .try_into()
            .unwrap_or(WHOLE_PERMILLE))
    }
}

/// By what a log has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Growth {
    /// By nothing but seals, epochs and anchoring's own records: with these every anchor would call for the next.
    None,
    /// By checkpoints of other logs as well. Two logs that are each other's root log would call for each other's next without end.
    OfShards,
    /// By something of its own.
    OfItsOwn,
}

/// By what the log has grown since `size`.
pub(super) fn growth(reader: &Reader, size: u64) -> Result<Growth, LedgerError> {
    let now = reader.size();
    if now > size.saturating_add(MAX_LOOK) {
        return Ok(Growth::OfItsOwn);
    }
    let mut grown = Growth::None;
    if now > size {
        reader.entries(size, now, |view| {
            grown = grown.max(match &view.entry {
                Entry::Seal(_) => Growth::None,
                Entry::Statement(_) => Growth::OfItsOwn,
                Entry::Record(record) => match Kind::of(&record.header.record_type) {
                    Some(Kind::AnchorConfirmed | Kind::EpochOpened | Kind::EpochClosed) => Growth::None,
                    Some(Kind::ShardCheckpointRecorded | Kind::ShardKeyRotated) => Growth::OfShards,
                    _ => Growth::OfItsOwn,
                },
            });
            Ok(())
        })?;
    }
    Ok(grown)
}
