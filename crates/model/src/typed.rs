//! Typed members of closed JSON objects: the reading half of every form of this crate that is written in [`crate::form`]'s terms.

use serde_json::Value as Json;
use tabellion_tlog::Hash;

use crate::form::{FormFault, Members};
use crate::id::{Id, KeyId, hash_from_hex};
use crate::jcs::MAX_INTEGER;
use crate::time::Micros;

/// What an id must look like, as refusals say it.
const ID_FORM: &str = "is not 32 lower-case hex digits";
/// What a hash must look like, as refusals say it.
const HASH_FORM: &str = "is not 64 lower-case hex digits";
/// What a count must look like, as refusals say it.
const COUNT_FORM: &str = "is not an integer from 1 to 2^53−1";
/// What a position or time must look like, as refusals say it.
const NATURAL_FORM: &str = "is not an integer from 0 to 2^53−1";

impl Members {
    /// A member that `read` understands; `problem` says what it is not.
    pub(crate) fn typed<T>(
        &mut self,
        name: &str,
        problem: &str,
        read: impl FnOnce(&Json) -> Option<T>,
    ) -> Result<T, FormFault> {
        let value = self.any(name)?;
        read(&value).ok_or_else(|| self.fault(name, problem))
    }

    /// As [`Members::typed`], for a member that may be left out.
    pub(crate) fn typed_optional<T>(
        &mut self,
        name: &str,
        problem: &str,
        read: impl FnOnce(&Json) -> Option<T>,
    ) -> Result<Option<T>, FormFault> {
        match self.optional(name) {
            None => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| self.fault(name, problem)),
        }
    }

    pub(crate) fn id<K>(&mut self, name: &str) -> Result<Id<K>, FormFault> {
        self.typed(name, ID_FORM, id_of)
    }

    pub(crate) fn id_optional<K>(&mut self, name: &str) -> Result<Option<Id<K>>, FormFault> {
        self.typed_optional(name, ID_FORM, id_of)
    }

    pub(crate) fn key_id(&mut self, name: &str) -> Result<KeyId, FormFault> {
        self.digest(name).map(KeyId)
    }

    pub(crate) fn digest(&mut self, name: &str) -> Result<Hash, FormFault> {
        self.typed(name, HASH_FORM, digest_of)
    }

    pub(crate) fn digest_optional(&mut self, name: &str) -> Result<Option<Hash>, FormFault> {
        self.typed_optional(name, HASH_FORM, digest_of)
    }

    /// An integer from 1.
    pub(crate) fn count(&mut self, name: &str) -> Result<u64, FormFault> {
        self.typed(name, COUNT_FORM, |value| natural_of(value).filter(|count| *count > 0))
    }

    pub(crate) fn count_optional(&mut self, name: &str) -> Result<Option<u64>, FormFault> {
        self.typed_optional(name, COUNT_FORM, |value| natural_of(value).filter(|count| *count > 0))
    }

    /// An integer from 0.
    pub(crate) fn natural(&mut self, name: &str) -> Result<u64, FormFault> {
        self.typed(name, NATURAL_FORM, natural_of)
    }

    pub(crate) fn natural_optional(&mut self, name: &str) -> Result<Option<u64>, FormFault> {
        self.typed_optional(name, NATURAL_FORM, natural_of)
    }

    pub(crate) fn time(&mut self, name: &str) -> Result<Micros, FormFault> {
        self.natural(name).map(Micros)
    }
}

fn id_of<K>(value: &Json) -> Option<Id<K>> {
    value.as_str().and_then(Id::from_hex)
}

fn digest_of(value: &Json) -> Option<Hash> {
    value.as_str().and_then(hash_from_hex)
}

fn natural_of(value: &Json) -> Option<u64> {
    value.as_u64().filter(|number| *number <= MAX_INTEGER)
}
