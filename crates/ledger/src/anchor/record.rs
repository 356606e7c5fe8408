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
        if confirmed >= size || !has_grown(self, confirmed)? {
            return Ok(WHOLE_PERMILLE);
        }
        // Rounded down: a single entry that is not covered shows.
        Ok((u128::from(confirmed) * u128::from(WHOLE_PERMILLE) / u128::from(size.max(1)))
            .try_into()
            .unwrap_or(WHOLE_PERMILLE))
    }
}

/// Whether the log has grown since `size` by anything but seals, epochs and anchoring's own records. Without this every anchor would call for the next.
pub(super) fn has_grown(reader: &Reader, size: u64) -> Result<bool, LedgerError> {
    let now = reader.size();
    if now > size.saturating_add(MAX_LOOK) {
        return Ok(true);
    }
    let mut grown = false;
    if now > size {
        reader.entries(size, now, |view| {
            grown |= match &view.entry {
                Entry::Seal(_) => false,
                Entry::Statement(_) => true,
                Entry::Record(record) => !matches!(
                    Kind::of(&record.header.record_type),
                    Some(Kind::AnchorConfirmed | Kind::EpochOpened | Kind::EpochClosed)
                ),
            };
            Ok(())
        })?;
    }
    Ok(grown)
}
