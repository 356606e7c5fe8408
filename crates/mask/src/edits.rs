//! Changes to bytes that are sent on otherwise untouched: ranges and what goes in their place. Promises that what no edit
//! names leaves as it came, without being copied.

use std::ops::Range;

/// One edit reaches into another or lies before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an edit from byte {start} overlaps one that ends at byte {end}; edits are made once each")]
pub struct OverlapError {
    /// Where the refused edit begins.
    pub start: usize,
    /// Where the one in its way ends.
    pub end: usize,
}

/// Edits in the order of the bytes they replace.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Edits(Vec<(Range<usize>, Vec<u8>)>);

/// A part of the edited bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece<'e> {
    /// A range of the original, as it was.
    Kept(Range<usize>),
    /// What was put in.
    New(&'e [u8]),
}

impl Edits {
    /// No edits.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether everything leaves as it came.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Replaces a range of the original; an empty one inserts. In any order, though cheapest in that of the bytes: the list is
    /// kept sorted.
    pub fn replace(&mut self, range: Range<usize>, with: impl Into<Vec<u8>>) -> Result<(), OverlapError> {
        let place = self.0.partition_point(|(earlier, _)| earlier.start < range.start);
        let before = place.checked_sub(1).and_then(|before| self.0.get(before));
        if let Some((before, _)) = before.filter(|(before, _)| before.end > range.start) {
            return Err(OverlapError { start: range.start, end: before.end });
        }
        if let Some((behind, _)) =
            self.0.get(place).filter(|(behind, _)| behind.start < range.end || behind.start == range.start)
        {
            return Err(OverlapError { start: range.start, end: behind.end });
        }
        self.0.insert(place, (range, with.into()));
        Ok(())
    }

    /// Bytes of the result, of an original with so many bytes.
    pub fn new_len(&self, original_len: usize) -> usize {
        self.0.iter().fold(original_len, |len, (range, with)| {
            len.saturating_sub(range.len()).saturating_add(with.len())
        })
    }

    /// The result in parts, for a body that is written without being put together. Ranges lie within `original_len`.
    pub fn pieces(&self, original_len: usize) -> impl Iterator<Item = Piece<'_>> {
        let mut kept = 0;
        let tail = self.0.last().map_or(0, |(range, _)| range.end);
        self.0
            .iter()
            .flat_map(move |(range, with)| {
                let front = kept..range.start;
                kept = range.end;
                [Piece::Kept(front), Piece::New(with)]
            })
            .chain(std::iter::once(Piece::Kept(tail..original_len)))
            .filter(|piece| match piece {
                Piece::Kept(range) => !range.is_empty(),
                Piece::New(bytes) => !bytes.is_empty(),
            })
    }

    /// The result as slices of the original and of what was put in.
    pub fn slices<'a>(&'a self, original: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.pieces(original.len()).map(move |piece| match piece {
            Piece::Kept(range) => original.get(range).unwrap_or_default(),
            Piece::New(bytes) => bytes,
        })
    }

    /// The result in one piece.
    pub fn apply(&self, original: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.new_len(original.len()));
        for slice in self.slices(original) {
            out.extend_from_slice(slice);
        }
        out
    }
}
