//! One committed record, as a projection sees it.
//!
//! Promises: the header is complete; a body is either all there, in one unit whose id comes with it, or absent. Must never: hand out a value
//! without the unit that an erasure of it will name.

use serde::de::DeserializeOwned;
use tabellion_ledger::{PlainContent, PlainUnit};
use tabellion_model::body::Body;
use tabellion_model::{Header, Id, Micros, RecordId, UnitId};

use crate::written;

/// One record at its place in the log.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its index.
    pub index: u64,
    /// Commit time of its batch.
    pub committed_at: Micros,
    /// Its header.
    pub header: &'a Header,
    /// Its units.
    pub units: &'a [PlainUnit],
}

/// What one unit says, and the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged<T> {
    /// What it says.
    pub value: T,
    /// The unit that says it.
    pub unit: UnitId,
}

impl Record<'_> {
    /// Whether the record is of this type in the version that is known here.
    pub fn is<B: Body>(&self) -> bool {
        self.header.record_type.as_str() == B::TYPE && self.header.type_version == 1
    }

    /// The body, when one unit still discloses all of it. Field names are unique in a record, so no second unit can hold it too.
    pub fn body<B: Body>(&self) -> Option<Tagged<B>> {
        self.group()
    }

    /// A group of fields that is no whole body, when one unit still discloses all of it. At least one field of `T` must be required.
    pub fn group<T: DeserializeOwned>(&self) -> Option<Tagged<T>> {
        self.units.iter().find_map(|unit| {
            let PlainContent::Shown(plaintext) = &unit.content else { return None };
            Some(Tagged { value: written::fields(plaintext)?, unit: unit.id })
        })
    }

    /// The id after `prefix` in the name of the stream that the record changes, with the version it makes.
    pub fn stream_id<K>(&self, prefix: &str) -> Option<(Id<K>, u64)> {
        let (name, version) = self.stream_name(prefix)?;
        Some((Id::from_hex(name)?, version))
    }

    /// What follows `prefix` in the name of the stream that the record changes, with the version it makes.
    pub fn stream_name(&self, prefix: &str) -> Option<(&str, u64)> {
        let (stream, version) = self.header.stream.as_ref()?;
        Some((stream.as_str().strip_prefix(prefix)?, *version))
    }

    /// The record of the session in which this was done, as a column has it; none: not in a person's session, or a record of before sessions were named.
    pub fn session(&self) -> Option<[u8; 16]> {
        self.parent("session").map(|session| *session.as_bytes())
    }

    /// The record that this one follows from in `role`.
    pub fn parent(&self, role: &str) -> Option<RecordId> {
        self.header.parents.iter().find(|parent| parent.role == role).map(|parent| parent.record_id)
    }
}
