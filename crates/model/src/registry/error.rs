//! Why a record is not what its type says.

use super::{KEYS_STREAM, TYPE_VERSION};
use crate::form::FormFault;

/// Why a record is not what its type says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The `critical` member differs from the registry.
    #[error("member `critical` of a {0} record is wrong")]
    Critical(&'static str),
    /// A `clear` member is missing, unknown or of the wrong type.
    #[error(transparent)]
    Clear(#[from] FormFault),
    /// The type carries no `clear` member.
    #[error("a {0} record carries no member `clear`")]
    NoClear(String),
    /// The stream `keys` and the key records belong together.
    #[error("the stream `{KEYS_STREAM}` is for key records, and every key record is in it")]
    KeysStream,
    /// Genesis and header disagree, or genesis is not the beginning.
    #[error(
        "a genesis repeats the header's origin, tenant and env and is number 1 of epoch 1 and version 1 of its stream"
    )]
    Genesis,
    /// The record's number is not the one that its type prescribes.
    #[error("a {kind} record must have number {due}, not {given}")]
    Seq {
        /// The type.
        kind: &'static str,
        /// The number it must have.
        due: u64,
        /// The number it has.
        given: u64,
    },
    /// A key record without the root's signature.
    #[error("a {0} record is a statement of the root key and is never sealed without a signature")]
    Unsigned(&'static str),
    /// A record about a system names none.
    #[error("a {0} record names the system it is about")]
    NoSystem(&'static str),
    /// A tombstone counts other than its fields.
    #[error(
        "an erasure.done record says that {said} units were erased and has {fields} fields; each erased unit is one field"
    )]
    Tombstones {
        /// The number in `clear`.
        said: u64,
        /// Fields in all of its units.
        fields: u64,
    },
    /// The type's version is not one that this version writes.
    #[error("version {given} of type {name} is not known here, version {TYPE_VERSION} is")]
    Version {
        /// The type.
        name: &'static str,
        /// The version given.
        given: u32,
    },
}
