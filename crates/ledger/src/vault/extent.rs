//! Which keys the table had at some moment, in a few bytes: a table that has others since, and no fewer, has the same extent at that place.

use super::table::KeyTable;
use crate::saved::pack::{Packer, Unpacker};

/// The keys in the first slots of a table, destroyed ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VaultExtent {
    /// Slots, the header included; all of them are durable.
    pub(crate) slots: u64,
    /// Keys in them that can be told.
    keys: u64,
    /// All their ids, one over the other.
    ids: u128,
}

impl VaultExtent {
    pub(crate) fn pack(&self, out: &mut Packer) {
        out.number(self.slots);
        out.number(self.keys);
        out.bytes(&self.ids.to_le_bytes());
    }

    pub(crate) fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let (slots, keys) = (from.number()?, from.number()?);
        Some(Self { slots, keys, ids: u128::from_le_bytes(from.bytes()?.try_into().ok()?) })
    }
}

impl KeyTable {
    /// The durable keys of now.
    pub(crate) fn extent(&self) -> VaultExtent {
        self.extent_of(self.durable())
    }

    /// Whether every key of `extent` is in its place.
    pub(crate) fn has(&self, extent: &VaultExtent) -> bool {
        extent.slots <= self.durable() && self.extent_of(extent.slots) == *extent
    }

    fn extent_of(&self, slots: u64) -> VaultExtent {
        let mut extent = VaultExtent { slots, keys: 0, ids: 0 };
        for (position, id) in self.positions().filter(|(position, _)| *position < slots) {
            extent.keys += 1;
            // A key that changed its place is another one.
            extent.ids ^=
                u128::from_le_bytes(*id.as_bytes()).rotate_left(u32::try_from(position % 128).unwrap_or(0));
        }
        extent
    }
}
