//! What the record of a registered statement says (`docs/formats.md` §8).

use serde_json::{Map, Value as Json};
use tabellion_tlog::Hash;

use super::object;
use crate::form::{FormFault, Members};
use crate::id::KeyId;

/// States that a statement which somebody else signed was checked under a known issuer's key and taken in. The digest is over the whole statement,
/// its signature included, so that nobody but the issuer and those who were given it can try guesses against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRegistered {
    /// Thumbprint of the issuer's key.
    pub issuer_key: KeyId,
    /// SHA-256 of the statement's bytes, with an empty unprotected header.
    pub statement_sha256: Hash,
}

impl StatementRegistered {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("issuer_key", self.issuer_key.to_hex().into()),
            ("statement_sha256", self.statement_sha256.to_hex().into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            issuer_key: KeyId(members.digest("issuer_key")?),
            statement_sha256: members.digest("statement_sha256")?,
        })
    }
}
