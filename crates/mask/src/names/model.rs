//! The trained tables, compiled in. Promises that reading them never fails: a table that is not what this code expects knows
//! nothing and finds nothing, and a test says so.
//!
//! The file, numbers little endian: 8 bytes `tabnames`; u32 version of the format; u32 version of the training; u32 bits of the
//! row count; u32 bits of the word count; 40 empty bytes; 8 x 8 i16, the score of a label after another (row 7: at the start, the last column is
//! empty); then the rows, 8 bytes each: a check byte and the score of each label as i8; then the words, 4 bytes each: 18 bits of
//! check, 14 bits of what the word is known as (0: an empty place).

use super::hash;

/// Labels: none, then the first and a further word of a person, a place, an organisation.
pub(super) const LABELS: usize = 7;
/// The file's first bytes.
pub(super) const MAGIC: &[u8; 8] = b"tabnames";
/// How the file is laid out.
pub(super) const FORMAT: u32 = 1;
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const STEP_BYTES: usize = 128;
/// 2^17 rows: a megabyte, of which a text touches little.
pub(super) const ROW_BITS: u32 = 17;
pub(super) const ROWS: usize = 1 << ROW_BITS;
/// 2^18 places for words, some two thirds of which are taken.
pub(super) const WORD_BITS: u32 = 18;
pub(super) const WORDS: usize = 1 << WORD_BITS;
pub(super) const FILE_BYTES: usize = HEADER_BYTES + STEP_BYTES + ROWS * 8 + WORDS * 4;
/// Places that are looked at for a word, at most.
pub(super) const MAX_PROBES: usize = 24;

/// What a word is known as: bits of the lexicon.
pub(super) mod known {
    pub(in crate::names) const FIRST: u16 = 1;
    pub(in crate::names) const LAST: u16 = 1 << 1;
    pub(in crate::names) const CITY: u16 = 1 << 2;
    pub(in crate::names) const PART: u16 = 1 << 3;
    pub(in crate::names) const BIG: u16 = 1 << 4;
    pub(in crate::names) const REGION: u16 = 1 << 5;
    pub(in crate::names) const STREET: u16 = 1 << 6;
    pub(in crate::names) const FIRM: u16 = 1 << 7;
    pub(in crate::names) const COMMON: u16 = 1 << 8;
    pub(in crate::names) const RARE: u16 = 1 << 9;
    pub(in crate::names) const PERSON_KEY: u16 = 1 << 10;
    pub(in crate::names) const PLACE_KEY: u16 = 1 << 11;
    pub(in crate::names) const FIRM_KEY: u16 = 1 << 12;
    pub(in crate::names) const PLAIN_KEY: u16 = 1 << 13;
    /// What a name is known by; the rest is what any word may be.
    pub(in crate::names) const NAME: u16 = FIRST | LAST | CITY | PART | BIG | REGION;
    pub(in crate::names) const ANY_KEY: u16 = PERSON_KEY | PLACE_KEY | FIRM_KEY | PLAIN_KEY;
}

/// Scores of the labels of one word.
pub(super) type Scores = [i32; LABELS];

/// The tables.
#[derive(Clone, Copy)]
pub(super) struct Model<'b> {
    steps: &'b [u8],
    rows: &'b [u8],
    words: &'b [u8],
}

/// On a cache line's border, so that no pair of rows lies across two.
#[repr(align(64))]
struct Aligned<T: ?Sized>(T);

static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!("model.bin"));

/// The model that is compiled in.
pub(super) fn built_in() -> Model<'static> {
    Model::read(&FILE.0).unwrap_or(Model { steps: &[], rows: &[], words: &[] })
}

/// Where a feature's row may be, and its check byte.
pub(super) fn place_of(feature: u64) -> (usize, u8) {
    let mixed = hash::spread(feature);
    let row = (mixed >> 40) as usize & (ROWS - 1);
    (row, (mixed & 0xff) as u8)
}

/// Where a word may be, and its check.
pub(super) fn word_place(word: u64) -> (usize, u32) {
    let mixed = hash::spread(word ^ 0x5bd1_e995);
    let place = (mixed >> 44) as usize & (WORDS - 1);
    (place, ((mixed & 0x3_ffff) as u32) << 14)
}

impl<'b> Model<'b> {
    /// The tables of a file, if it is one.
    pub(super) fn read(file: &'b [u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
        let right = file.len() == FILE_BYTES
            && file.starts_with(MAGIC)
            && number(8)? == FORMAT
            && number(16)? == ROW_BITS
            && number(20)? == WORD_BITS;
        if !right {
            return None;
        }
        let (steps, rest) = file.get(HEADER_BYTES..)?.split_at_checked(STEP_BYTES)?;
        let (rows, words) = rest.split_at_checked(ROWS * 8)?;
        Some(Self { steps, rows, words })
    }

    /// The score of a label (the second) behind another; 7 is the start.
    pub(super) fn step(&self, before: usize, label: usize) -> i32 {
        let at = (before * 8 + label) * 2;
        let bytes = self.steps.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        i32::from(i16::from_le_bytes(bytes.unwrap_or_default()))
    }

    /// Adds what a feature says of each label. A feature has one of two places, side by side.
    #[inline]
    pub(super) fn add(&self, feature: u64, scores: &mut Scores) {
        let (row, check) = place_of(feature);
        for row in [row, row ^ 1] {
            let at = row * 8;
            let Some(&[found, ref weights @ ..]) =
                self.rows.get(at..at + 8).and_then(|row| <&[u8; 8]>::try_from(row).ok())
            else {
                return;
            };
            if found == check {
                for (score, weight) in scores.iter_mut().zip(weights) {
                    *score += i32::from(i8::from_le_bytes([*weight]));
                }
                return;
            }
        }
    }

    /// What a word is known as.
    pub(super) fn known(&self, word: u64) -> u16 {
        let (mut place, check) = word_place(word);
        for _ in 0..MAX_PROBES {
            let at = place * 4;
            let Some(bytes) = self.words.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()) else {
                return 0;
            };
            let found = u32::from_le_bytes(bytes);
            if found == 0 {
                return 0;
            }
            if found & !0x3fff == check {
                return (found & 0x3fff) as u16;
            }
            place = (place + 1) & (WORDS - 1);
        }
        0
    }
}
