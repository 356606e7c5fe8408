//! Record numbers over a range (formats §7): what is there, what is missing, and where the count ends.
//!
//! The rules are those of [`NumberLedger`]; this adds the names of missing numbers and goes on after an error, so that a report
//! can say where. An epoch without its close is unknown after its last number, which is reported and never guessed.

use crate::header::Header;
use crate::manifest::EpochRow;
use crate::number::{Coverage, EpochReport, NumberLedger};
use crate::verdict::Problems;

/// Most open epochs that a report names; the rest are counted.
const NAMED_OPEN: usize = 8;

/// Fold of the headers of a range, in order.
#[derive(Debug)]
pub(crate) struct RangeNumbers {
    ledger: NumberLedger,
    pub(crate) problems: Problems,
}

/// The words for numbers `due` to `seq` − 1, when there are any.
fn gap(due: u64, seq: u64) -> Option<String> {
    match seq.checked_sub(due)? {
        0 => None,
        1 => Some(format!("number {due} is missing")),
        _ => Some(format!("numbers {due} to {} are missing", seq - 1)),
    }
}

impl RangeNumbers {
    /// A fold over a range that begins at `first`.
    pub(crate) fn from(first: u64) -> Self {
        Self { ledger: NumberLedger::new(Coverage::from_first(first)), problems: Problems::default() }
    }

    /// Counts one record.
    pub(crate) fn observe(&mut self, index: u64, header: &Header) {
        let place = || format!("entry {index}, record {}", header.record_id);
        let known = self.ledger.current(&header.producer).filter(|epoch| epoch.epoch == header.epoch);
        if let Some(epoch) = known
            && let Some(gap) = gap(epoch.last_seq.saturating_add(1), header.seq)
        {
            self.problems.broken(|| {
                format!("before {}: {gap} of producer {} epoch {}", place(), epoch.producer, epoch.epoch)
            });
        }
        if let Some((system, seq)) = header.system {
            let counted = known.and_then(|epoch| epoch.systems.get(&system));
            let from_one = known.map_or(header.seq == 1, |epoch| epoch.first_seq == 1);
            let due = counted.map(|count| count.last_seq.saturating_add(1)).or(from_one.then_some(1));
            if let Some(gap) = due.and_then(|due| gap(due, seq)) {
                self.problems.broken(|| format!("before {}: {gap} of system {system}", place()));
            }
        }
        if let Err(error) = self.ledger.observe(header) {
            self.problems.broken(|| format!("{}: {error}", place()));
        }
    }

    /// One row per epoch, sorted.
    pub(crate) fn rows(&self) -> Vec<EpochRow> {
        let row = |epoch: &EpochReport| EpochRow {
            producer: epoch.producer,
            epoch: epoch.epoch,
            first_seq: epoch.first_seq,
            last_seq: epoch.last_seq,
            count: epoch.count,
            missing: epoch.missing(),
            opened: epoch.opened,
            closed: epoch.closed,
        };
        self.ledger.epochs().map(row).collect()
    }

    /// What a report says when nothing is missing.
    pub(crate) fn summary(&self) -> String {
        let (records, epochs) = self
            .ledger
            .epochs()
            .fold((0, 0_usize), |(records, epochs), epoch| (records + epoch.count, epochs + 1));
        let open: Vec<&EpochReport> = self.ledger.epochs().filter(|epoch| !epoch.closed).collect();
        let named: Vec<String> = open
            .iter()
            .take(NAMED_OPEN)
            .map(|epoch| {
                format!("producer {} epoch {} unknown after {}", epoch.producer, epoch.epoch, epoch.last_seq)
            })
            .collect();
        let more = open.len().saturating_sub(NAMED_OPEN);
        let tail = match (open.len(), more) {
            (0, _) => "every epoch is closed".to_owned(),
            (_, 0) => named.join(", "),
            _ => format!("{}, and {more} more", named.join(", ")),
        };
        format!("records: {records}, epochs: {epochs}, none missing; {tail}")
    }
}
