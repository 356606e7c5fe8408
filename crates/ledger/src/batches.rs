//! Where every batch of the log is, in a few bytes each.
//!
//! Batches follow each other in their segment without a hole larger than a page's rest, so that a batch is known by its entries and its bytes once the first
//! of its run is. Must never: answer for a batch that was not pushed.

use crate::saved::pack::{Packer, Unpacker};

/// Batches whose lengths are read one after the other to find one of them.
const RUN: usize = 64;
/// Where batches begin: at a page.
const PAGE: u64 = crate::wal::BATCH_ALIGN;
/// Most bytes that one packed number takes.
const MAX_PACKED: usize = 5;

/// Where one batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchRef {
    pub(crate) first: u64,
    /// Entries, the seal included.
    pub(crate) entries: u32,
    pub(crate) bytes: u32,
    pub(crate) segment: u32,
    pub(crate) offset: u64,
}

impl BatchRef {
    /// Log size right after this batch.
    pub(crate) fn size_after(&self) -> u64 {
        self.first + u64::from(self.entries)
    }

    /// Offset in its segment at which the batch after it begins.
    pub(crate) fn end(&self) -> u64 {
        (self.offset + u64::from(self.bytes)).next_multiple_of(PAGE)
    }
}

/// Up to [`RUN`] batches that follow each other in one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// First entry of its first batch.
    first: u64,
    offset: u64,
    segment: u32,
    /// Number of its first batch.
    place: u32,
    /// Where its lengths begin in `packed`.
    packed: u32,
}

/// All batches of one log, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Batches {
    runs: Vec<Run>,
    /// For every batch its entries and its bytes, as base-128 numbers, low digits first.
    packed: Vec<u8>,
    last: Option<BatchRef>,
    count: u32,
}

impl Batches {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn last(&self) -> Option<BatchRef> {
        self.last
    }

    /// Adds the batch that follows the last one.
    pub(crate) fn push(&mut self, batch: BatchRef) {
        let place = self.count;
        let continues = self.last.is_some_and(|last| {
            last.segment == batch.segment && last.end() == batch.offset && last.size_after() == batch.first
        });
        let is_full = self.runs.last().is_none_or(|run| (place - run.place) as usize == RUN);
        if is_full || !continues {
            let BatchRef { first, segment, offset, .. } = batch;
            let packed = u32::try_from(self.packed.len()).unwrap_or(u32::MAX);
            self.runs.push(Run { first, offset, segment, place, packed });
        }
        pack(&mut self.packed, batch.entries);
        pack(&mut self.packed, batch.bytes);
        self.last = Some(batch);
        self.count += 1;
    }

    /// The batch of this number, from 0.
    pub(crate) fn get(&self, place: usize) -> Option<BatchRef> {
        let after = self.runs.partition_point(|run| run.place as usize <= place);
        let at = after.checked_sub(1)?;
        self.run(at).nth(place - self.runs.get(at)?.place as usize)
    }

    /// The batch that holds entry `index`.
    pub(crate) fn holding(&self, index: u64) -> Option<BatchRef> {
        let after = self.runs.partition_point(|run| run.first <= index);
        self.run(after.checked_sub(1)?)
            .find(|batch| index < batch.size_after())
            .filter(|batch| batch.first <= index)
    }

    /// How many batches end at log size `size` or before.
    pub(crate) fn ended_by(&self, size: u64) -> usize {
        let after = self.runs.partition_point(|run| run.first < size);
        let Some(at) = after.checked_sub(1) else { return 0 };
        let before = self.runs.get(at).map_or(0, |run| run.place as usize);
        before + self.run(at).take_while(|batch| batch.size_after() <= size).count()
    }

    /// The batches from number `place` on, in order.
    pub(crate) fn from(&self, place: usize) -> impl Iterator<Item = BatchRef> + '_ {
        let at = self.runs.partition_point(|run| run.place as usize <= place).saturating_sub(1);
        let skip = place - self.runs.get(at).map_or(0, |run| run.place as usize).min(place);
        (at..self.runs.len()).flat_map(|at| self.run(at)).skip(skip)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = BatchRef> + '_ {
        self.from(0)
    }

    /// The first batch in `segment`.
    pub(crate) fn first_in(&self, segment: u32) -> Option<BatchRef> {
        let at = self.runs.partition_point(|run| run.segment < segment);
        self.run(at).next().filter(|batch| batch.segment == segment)
    }

    pub(crate) fn pack(&self, out: &mut Packer) {
        out.list(&self.runs, |out, run| {
            let Run { first, offset, segment, place, packed } = *run;
            for number in [first, offset, u64::from(segment), u64::from(place), u64::from(packed)] {
                out.number(number);
            }
        });
        out.bytes(&self.packed);
        out.number(u64::from(self.count));
    }

    pub(crate) fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let runs = from.list(|from| {
            Some(Run {
                first: from.number()?,
                offset: from.number()?,
                segment: from.small()?,
                place: from.small()?,
                packed: from.small()?,
            })
        })?;
        let packed = from.bytes()?.to_vec();
        let mut batches = Self { runs, packed, last: None, count: from.small()? };
        batches.last = batches.count.checked_sub(1).and_then(|last| batches.get(last as usize));
        Some(batches)
    }

    fn run(&self, at: usize) -> impl Iterator<Item = BatchRef> + '_ {
        let run = self.runs.get(at).copied();
        let until = self.runs.get(at + 1).map_or(self.count, |next| next.place);
        let (mut first, mut offset) = run.map_or((0, 0), |run| (run.first, run.offset));
        let mut packed = run.and_then(|run| self.packed.get(run.packed as usize..)).unwrap_or_default();
        let batches = run.map_or(0, |run| until - run.place);
        let segment = run.map_or(0, |run| run.segment);
        (0..batches).map_while(move |_| {
            let batch = BatchRef {
                first,
                entries: unpack(&mut packed)?,
                bytes: unpack(&mut packed)?,
                segment,
                offset,
            };
            (first, offset) = (batch.size_after(), batch.end());
            Some(batch)
        })
    }
}

fn pack(out: &mut Vec<u8>, mut value: u32) {
    let mut digits = [0; MAX_PACKED];
    let mut used = 0;
    for digit in &mut digits {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        *digit = (low & 0x7f) | if value > 0 { 0x80 } else { 0 };
        used += 1;
        if value == 0 {
            break;
        }
    }
    out.extend(digits.iter().take(used));
}

fn unpack(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let (digit, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(digit & 0x7f).checked_shl(shift)?;
        if digit & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Batches of odd sizes over several segments, some of which begin anew in the middle of a run.
    fn many(count: u32) -> Vec<BatchRef> {
        let (mut first, mut offset, mut segment) = (0, PAGE, 0);
        let mut batches = Vec::new();
        for number in 0..count {
            if number % 97 == 96 {
                (segment, offset) = (segment + 1, PAGE);
            }
            let entries = 2 + number * number % 300;
            let batch = BatchRef { first, entries, bytes: 700 * entries + number, segment, offset };
            (first, offset) = (batch.size_after(), batch.end());
            batches.push(batch);
        }
        batches
    }

    #[test]
    fn every_batch_is_found_by_its_number_and_by_each_of_its_entries() {
        let all = many(1_000);
        let mut batches = Batches::default();
        for (place, batch) in all.iter().enumerate() {
            assert_eq!(batches.ended_by(batch.first), place, "a commit would be counted twice");
            batches.push(*batch);
        }
        assert_eq!(batches.iter().collect::<Vec<_>>(), all, "a batch would be read at the wrong place");
        for (place, batch) in all.iter().enumerate() {
            assert_eq!(batches.get(place), Some(*batch));
            for index in [batch.first, batch.first + 1, batch.size_after() - 1] {
                assert_eq!(batches.holding(index), Some(*batch), "entry {index} would not be found");
            }
            assert_eq!(batches.ended_by(batch.size_after()), place + 1);
            assert_eq!(batches.ended_by(batch.size_after() - 1), place);
            assert_eq!(batches.from(place).next(), Some(*batch));
        }
        let end = all.last().map_or(0, BatchRef::size_after);
        assert_eq!((batches.holding(end), batches.get(1_000), batches.len()), (None, None, 1_000));
        assert_eq!((Batches::default().holding(0), Batches::default().from(0).next()), (None, None));
        assert!(batches.packed.len() < 8 * all.len(), "ten million entries would not fit into memory");
    }
}
