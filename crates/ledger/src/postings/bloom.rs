//! Says of most tags that are not in a run that they are not (B. H. Bloom, 1970; in blocks of one cache line: Putze, Sanders, Singler, 2007).
//!
//! Must never: say so of one that is.

use super::Tag;

/// Bits of a block: one cache line.
const BLOCK_BITS: u64 = 512;
const BLOCK_BYTES: usize = 64;
/// Bits for each tag: one in a hundred that are not there passes.
const BITS_PER_TAG: u64 = 12;
/// Bits that a tag sets, of nine bits of its hash each.
const PROBES: u32 = 6;

/// The filter of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bloom(Vec<u8>);

impl Bloom {
    /// Bytes of a filter for `tags` tags.
    pub(crate) fn bytes_for(tags: u64) -> usize {
        let blocks = (tags * BITS_PER_TAG).div_ceil(BLOCK_BITS).max(1);
        usize::try_from(blocks).unwrap_or(usize::MAX).saturating_mul(BLOCK_BYTES)
    }

    pub(crate) fn new(tags: u64) -> Self {
        Self(vec![0; Self::bytes_for(tags)])
    }

    /// The filter with these bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn insert(&mut self, tag: Tag) {
        let (block, bits) = self.place(tag);
        for bit in bits {
            if let Some(byte) = self.0.get_mut(block + bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }

    /// `false`: it was never inserted.
    pub(crate) fn may_hold(&self, tag: Tag) -> bool {
        let (block, mut bits) = self.place(tag);
        bits.all(|bit| self.0.get(block + bit / 8).is_none_or(|byte| byte & (1 << (bit % 8)) != 0))
    }

    /// First byte of a tag's block, and the bits in it.
    fn place(&self, Tag(tag): Tag) -> (usize, impl Iterator<Item = usize> + use<>) {
        let blocks = (self.0.len() / BLOCK_BYTES) as u128;
        let block = usize::try_from((u128::from(tag) * blocks) >> 64).unwrap_or(0) * BLOCK_BYTES;
        // The high bits of the tag chose the block; what is left is spread anew (the constant of splitmix64).
        let mixed = (tag ^ (tag >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bit = move |probe: u32| usize::try_from((mixed >> (9 * probe + 1)) % BLOCK_BITS).unwrap_or(0);
        (block, (0..PROBES).map(bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postings::TagKey;

    #[test]
    fn what_is_there_always_passes_and_little_else() {
        let (key, count) = (TagKey::new(&[7; 32]), 20_000u64);
        let tag = |number: u64| key.tag(&number.to_le_bytes());
        let mut filter = Bloom::new(count);
        (0..count).for_each(|number| filter.insert(tag(number)));
        let filter = Bloom::from_bytes(filter.as_bytes());
        assert!((0..count).all(|number| filter.may_hold(tag(number))), "a record would be made twice");
        let passing = (count..2 * count).filter(|number| filter.may_hold(tag(*number))).count() as u64;
        assert!(
            passing < count / 40,
            "{passing} of {count} absent tags pass: most appends would read the disk"
        );
    }
}
