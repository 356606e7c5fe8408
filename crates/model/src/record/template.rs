//! Everything of a record but the numbers that only the committer can give, made ready before the queue.
//!
//! Promises: [`RecordTemplate::fill`] writes exactly the bytes of [`super::SealedRecord::to_bytes`] for the same numbers, with plain copies. It
//! runs on the one committer thread, for every record.

use tabellion_tlog::MAX_ENTRY_BYTES;

use super::RecordError;
use super::write::{self, Sink, Slot, push_decimal};
use crate::header::Header;
use crate::jcs::MAX_INTEGER;
use crate::registry;

/// Digits of 2^53 − 1, the longest number a slot can hold.
const SLOT_DIGITS: usize = 16;
/// Most slots of a template: epoch, seq, stream version, system seq.
const SLOTS: usize = 4;

/// The numbers that complete a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// The producer's epoch.
    pub epoch: u64,
    /// Its count in the epoch.
    pub seq: u64,
    /// Its count for the record's system; there exactly when the record names one.
    pub system_seq: Option<u64>,
    /// The stream's version after this record; there exactly when the record names one.
    pub stream_version: Option<u64>,
}

/// Why numbers do not complete a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumbersError {
    /// Zero or above 2^53 − 1.
    #[error("a record's numbers are from 1 to 2^53−1")]
    Range,
    /// A system or stream without its number, or a number without its system or stream.
    #[error(
        "a record has a system_seq exactly when it names a system and a stream_version exactly when it names a stream"
    )]
    Presence,
    /// The type fixes the record's own number: `epoch.opened` is number 1, `epoch.closed` the last that it states.
    #[error("a record of this type must have number {due}, not {given}")]
    SeqFixed {
        /// The number it must have.
        due: u64,
        /// The number given.
        given: u64,
    },
}

/// A sealed record with open numbers.
#[derive(Debug, Clone)]
pub struct RecordTemplate {
    /// The fixed bytes, one part after the other.
    fixed: Vec<u8>,
    /// Slot after the fixed bytes up to this offset; ascending.
    slots: Vec<(usize, Slot)>,
    /// Number that the type prescribes.
    fixed_seq: Option<u64>,
}

impl RecordTemplate {
    /// Prepares `header`; its `epoch`, `seq`, `system_seq` and `stream_version` are placeholders (any number from 1).
    ///
    /// Refuses what [`super::SealedRecord::to_bytes`] would refuse, types that may not be sealed (see [`registry::check_sealable`]), key
    /// records, which are statements, and a record that could be too large with some numbers.
    pub fn new(header: &Header) -> Result<Self, RecordError> {
        header.check()?;
        registry::check_sealable(header)?;
        registry::check_unsigned(header)?;
        let mut template = Self {
            fixed: Vec::with_capacity(write::estimate(header)),
            slots: Vec::with_capacity(SLOTS),
            fixed_seq: registry::fixed_seq(header)?,
        };
        write::write(header, &mut template)?;
        if template.max_len() > MAX_ENTRY_BYTES {
            return Err(RecordError::TooLarge(template.max_len()));
        }
        Ok(template)
    }

    /// Bytes of the longest record that this template can become.
    pub fn max_len(&self) -> usize {
        self.fixed.len() + self.slots.len() * SLOT_DIGITS
    }

    /// Appends the finished record to `out`; on an error `out` is left as it was.
    pub fn fill(&self, numbers: &Numbers, out: &mut Vec<u8>) -> Result<(), NumbersError> {
        self.check(numbers)?;
        let mut rest = self.fixed.as_slice();
        let mut done = 0;
        for (end, slot) in &self.slots {
            let (part, after) = rest.split_at_checked(end - done).unwrap_or((rest, &[]));
            out.extend_from_slice(part);
            push_decimal(out, numbers.of(*slot));
            rest = after;
            done = *end;
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    fn check(&self, numbers: &Numbers) -> Result<(), NumbersError> {
        let given = [Some(numbers.epoch), Some(numbers.seq), numbers.system_seq, numbers.stream_version];
        if given.iter().flatten().any(|number| *number == 0 || *number > MAX_INTEGER) {
            return Err(NumbersError::Range);
        }
        let names = |wanted| self.slots.iter().any(|(_, slot)| *slot == wanted);
        if numbers.system_seq.is_some() != names(Slot::SystemSeq)
            || numbers.stream_version.is_some() != names(Slot::StreamVersion)
        {
            return Err(NumbersError::Presence);
        }
        match self.fixed_seq {
            Some(due) if due != numbers.seq => Err(NumbersError::SeqFixed { due, given: numbers.seq }),
            _ => Ok(()),
        }
    }
}

impl Numbers {
    /// The number for a slot; presence is checked before.
    fn of(&self, slot: Slot) -> u64 {
        match slot {
            Slot::Epoch => self.epoch,
            Slot::Seq => self.seq,
            Slot::StreamVersion => self.stream_version.unwrap_or_default(),
            Slot::SystemSeq => self.system_seq.unwrap_or_default(),
        }
    }
}

impl Sink for RecordTemplate {
    fn bytes(&mut self, bytes: &[u8]) {
        self.fixed.extend_from_slice(bytes);
    }

    fn slot(&mut self, slot: Slot, _: u64) {
        self.slots.push((self.fixed.len(), slot));
    }
}
