//! Reading closed JSON objects: every member named, typed, taken once, and nothing left over.
//!
//! Never guesses: a missing member, a wrong type and an unknown member are each refused with the place and the name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tabellion_tlog::Hash;

use crate::id::hash_from_hex;

/// Why a JSON document of the right syntax is not of the form it must have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct FormFault {
    /// File, line and member path.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl FormFault {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// The members of one object that are not yet read.
pub(crate) struct Members {
    place: String,
    left: Map<String, Json>,
}

impl Members {
    /// Starts on an object; `place` names it in refusals.
    pub(crate) fn of(place: impl Into<String>, value: Json) -> Result<Self, FormFault> {
        let place = place.into();
        match value {
            Json::Object(left) => Ok(Self { place, left }),
            _ => Err(FormFault::new(place, "is not an object")),
        }
    }

    pub(crate) fn fault(&self, name: &str, problem: &str) -> FormFault {
        FormFault::new(self.place.clone(), format!("member `{name}` {problem}"))
    }

    pub(crate) fn optional(&mut self, name: &str) -> Option<Json> {
        self.left.remove(name)
    }

    /// Gives a member back that was only looked at.
    pub(crate) fn put(&mut self, name: &str, value: Json) {
        self.left.insert(name.to_owned(), value);
    }

    pub(crate) fn any(&mut self, name: &str) -> Result<Json, FormFault> {
        self.optional(name).ok_or_else(|| self.fault(name, "is missing"))
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Self, FormFault> {
        let value = self.any(name)?;
        Self::of(format!("{}: `{name}`", self.place), value)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<String, FormFault> {
        match self.any(name)? {
            Json::String(text) => Ok(text),
            _ => Err(self.fault(name, "is not a string")),
        }
    }

    /// Text that is exactly `wanted`.
    pub(crate) fn fixed(&mut self, name: &str, wanted: &str) -> Result<(), FormFault> {
        if self.text(name)? == wanted {
            return Ok(());
        }
        Err(self.fault(name, &format!("is not {wanted:?}")))
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<u64, FormFault> {
        self.any(name)?.as_u64().ok_or_else(|| self.fault(name, "is not an integer from 0"))
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, FormFault> {
        self.any(name)?.as_bool().ok_or_else(|| self.fault(name, "is not true or false"))
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<Json>, FormFault> {
        match self.any(name)? {
            Json::Array(items) => Ok(items),
            _ => Err(self.fault(name, "is not an array")),
        }
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, FormFault> {
        let items = self.list(name)?;
        items
            .into_iter()
            .map(|item| match item {
                Json::String(text) => Ok(text),
                _ => Err(self.fault(name, "holds something that is not a string")),
            })
            .collect()
    }

    pub(crate) fn hash(&mut self, name: &str) -> Result<Hash, FormFault> {
        let text = self.text(name)?;
        hash_from_hex(&text).ok_or_else(|| self.fault(name, "is not 64 lower-case hex digits"))
    }

    pub(crate) fn hashes(&mut self, name: &str) -> Result<Vec<Hash>, FormFault> {
        let texts = self.texts(name)?;
        texts
            .iter()
            .map(|text| {
                hash_from_hex(text)
                    .ok_or_else(|| self.fault(name, "holds something that is not 64 lower-case hex digits"))
            })
            .collect()
    }

    /// Canonical padded base64; the engine refuses other spellings of the same bytes.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Vec<u8>, FormFault> {
        let text = self.text(name)?;
        STANDARD.decode(text).map_err(|_| self.fault(name, "is not canonical base64"))
    }

    /// Refuses members that nobody asked for.
    pub(crate) fn finish(self) -> Result<(), FormFault> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                Err(self.fault(&name, "is not part of this form"))
            }
        }
    }
}

/// Bytes in canonical padded base64.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Padded base64, the form of bytes in JSON.
pub(crate) fn base64_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Hex digits of each hash, the form of paths in JSON.
pub(crate) fn hash_list(hashes: &[Hash]) -> Json {
    hashes.iter().map(|hash| Json::String(hash.to_hex())).collect()
}
