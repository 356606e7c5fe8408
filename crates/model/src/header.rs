//! The header of a record: everything about it that anyone may read for ever (`docs/formats.md` §3).
//!
//! Promises: there is no place in it for personal or business text. People and agents appear as credential ids, subjects not at all;
//! [`Header::check`] holds every limit, so a header that passes can be written and read back.

mod words;

use serde_json::Map;
use tabellion_tlog::Hash;

use crate::id::{CredentialId, ProducerId, RecordId, SystemId};
use crate::jcs::{self, JcsError, Json, MAX_INTEGER};
use crate::origin::Origin;
use crate::time::Micros;
use crate::unit::{MAX_UNIT_FIELDS, UnitDigests, is_digest};

pub(crate) use words::is_word;
pub use words::{Assurance, Env, RecordType, StreamName, WordError, is_role};

/// Most parents of one record: what a person can follow; more are gathered by a record in between.
pub const MAX_PARENTS: usize = 64;
/// Most units of one record: the entry limit of 65,535 bytes leaves room for few more.
pub const MAX_UNITS: usize = 64;

/// A record that this one follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// Leaf hash of the parent's entry.
    pub hash: Hash,
    /// The parent's id.
    pub record_id: RecordId,
    /// What the parent is to this record, `[a-z][a-z0-9_]{0,31}`.
    pub role: String,
}

/// The header of one record. Members and limits: `docs/formats.md` §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What happened.
    pub record_type: RecordType,
    /// Version of the type's meaning, from 1.
    pub type_version: u32,
    /// A reader that does not know a critical type stops.
    pub critical: bool,
    /// The log it was sealed for.
    pub log: Origin,
    /// The environment it was sealed for.
    pub env: Env,
    /// The record's own id.
    pub record_id: RecordId,
    /// The sealer's clock: a claim.
    pub observed_at: Micros,
    /// The credential that spoke.
    pub actor: CredentialId,
    /// How the sealer knows.
    pub assurance: Assurance,
    /// Who numbers this record.
    pub producer: ProducerId,
    /// Life of the producer, from 1.
    pub epoch: u64,
    /// The producer's count in this epoch, from 1.
    pub seq: u64,
    /// The AI system, and the producer's count for it in this epoch, from 1.
    pub system: Option<(SystemId, u64)>,
    /// The thing this record changes, and its version afterwards, from 1.
    pub stream: Option<(StreamName, u64)>,
    /// Records it follows from; at most [`MAX_PARENTS`].
    pub parents: Vec<Parent>,
    /// Log size that a decision saw.
    pub basis: Option<u64>,
    /// Keyed tag of the caller's idempotency key.
    pub idem: Option<Hash>,
    /// Structural facts of types that may carry some; never empty.
    pub clear: Option<Map<String, Json>>,
    /// Digests of the body's fields; at most [`MAX_UNITS`], sorted by id.
    pub units: Vec<UnitDigests>,
}

/// Which limit a header breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A count is zero or a number is above 2^53 − 1.
    #[error("member {0} is out of range: counts begin at 1 and numbers end at 2^53−1")]
    Number(&'static str),
    /// Too many members of an array.
    #[error("member {member} has {count} elements, at most {max} fit")]
    TooMany {
        /// The array.
        member: &'static str,
        /// Elements found.
        count: usize,
        /// Elements allowed.
        max: usize,
    },
    /// A parent's role is not of its form.
    #[error("the role of a parent is not [a-z][a-z0-9_]{{0,31}}")]
    Role,
    /// `clear` is there and empty.
    #[error("member clear is empty; leave it out")]
    EmptyClear,
    /// `clear` holds something that canonical JSON cannot.
    #[error("member clear: {0}")]
    Clear(JcsError),
    /// Units are not in ascending order of their ids.
    #[error("member units is not sorted by id without repeats")]
    UnitOrder,
    /// A unit's digests are missing, too many, unsorted, repeated or not of their form.
    #[error(
        "the digests of a unit are not 1 to {MAX_UNIT_FIELDS} base64url SHA-256 values, sorted and without repeats"
    )]
    Digests,
}

impl Header {
    /// Checks every limit that the types of the members do not hold by themselves.
    pub fn check(&self) -> Result<(), HeaderError> {
        self.check_numbers()?;
        at_most("parents", self.parents.len(), MAX_PARENTS)?;
        if !self.parents.iter().all(|parent| is_role(&parent.role)) {
            return Err(HeaderError::Role);
        }
        if let Some(clear) = &self.clear {
            check_clear(clear)?;
        }
        at_most("units", self.units.len(), MAX_UNITS)?;
        if !self.units.is_sorted_by(|left, right| left.id < right.id) {
            return Err(HeaderError::UnitOrder);
        }
        if self.units.iter().all(|unit| has_valid_digests(&unit.digests)) {
            Ok(())
        } else {
            Err(HeaderError::Digests)
        }
    }

    fn check_numbers(&self) -> Result<(), HeaderError> {
        let counts = [
            ("type_version", Some(u64::from(self.type_version))),
            ("epoch", Some(self.epoch)),
            ("seq", Some(self.seq)),
            ("system_seq", self.system.as_ref().map(|(_, seq)| *seq)),
            ("stream_version", self.stream.as_ref().map(|(_, version)| *version)),
        ];
        for (name, count) in counts {
            if count.is_some_and(|count| count == 0 || count > MAX_INTEGER) {
                return Err(HeaderError::Number(name));
            }
        }
        for (name, number) in [("observed_at", Some(self.observed_at.0)), ("basis", self.basis)] {
            if number.is_some_and(|number| number > MAX_INTEGER) {
                return Err(HeaderError::Number(name));
            }
        }
        Ok(())
    }
}

fn at_most(member: &'static str, count: usize, max: usize) -> Result<(), HeaderError> {
    if count > max { Err(HeaderError::TooMany { member, count, max }) } else { Ok(()) }
}

fn check_clear(clear: &Map<String, Json>) -> Result<(), HeaderError> {
    if clear.is_empty() {
        return Err(HeaderError::EmptyClear);
    }
    jcs::check_members(clear).map_err(HeaderError::Clear)
}

fn has_valid_digests(digests: &[String]) -> bool {
    (1..=MAX_UNIT_FIELDS).contains(&digests.len())
        && digests.iter().all(|digest| is_digest(digest))
        && digests.is_sorted_by(|left, right| left < right)
}
