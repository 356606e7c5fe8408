//! What erasures and holds say in clear: vault keys and counts, never whom they concern (`docs/formats.md` §8).

use serde_json::{Map, Value as Json};

use super::object;
use crate::form::{FormFault, Members};
use crate::id::{HoldId, RecordId, VaultKeyId};

/// What an erasure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErasureScope {
    /// Everything about one data subject.
    Subject,
    /// One record.
    Record,
    /// Content whose retention has ended.
    Retention,
    /// Everything of one AI system.
    System,
}

impl ErasureScope {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Record => "record",
            Self::Retention => "retention",
            Self::System => "system",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Subject, Self::Record, Self::Retention, Self::System];
        all.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Orders that vault keys be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureOrdered {
    /// The keys.
    pub keys: Vec<VaultKeyId>,
    /// What the erasure is about.
    pub scope: ErasureScope,
}

impl ErasureOrdered {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([("keys", keys_json(&self.keys)), ("scope", self.scope.as_str().into())])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            keys: members.typed("keys", KEYS_FORM, keys_of)?,
            scope: members.typed("scope", "is not subject, record, retention or system", |value| {
                ErasureScope::parse(value.as_str()?)
            })?,
        })
    }
}

/// States that an order was carried out; the erased units are its body fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasureDone {
    /// How many units this record names.
    pub erased: u64,
    /// Whether the order has no further `erasure.done` after this one.
    pub last: bool,
    /// The order.
    pub order: RecordId,
}

impl ErasureDone {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("erased", self.erased.into()),
            ("last", self.last.into()),
            ("order", self.order.to_hex().into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            erased: members.natural("erased")?,
            last: members.flag("last")?,
            order: members.id("order")?,
        })
    }
}

/// Keeps content from being erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldPlaced {
    /// Names the hold for its release.
    pub hold: HoldId,
    /// The vault keys that it keeps; absent when it is about the record's whole system.
    pub keys: Option<Vec<VaultKeyId>>,
}

impl HoldPlaced {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        let mut clear = object([("hold", self.hold.to_hex().into())]);
        if let Some(keys) = &self.keys {
            clear.insert("keys".to_owned(), keys_json(keys));
        }
        clear
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self { hold: members.id("hold")?, keys: members.typed_optional("keys", KEYS_FORM, keys_of)? })
    }
}

/// What a list of vault keys must be, as refusals say it.
const KEYS_FORM: &str = "is not an array of vault key ids";

fn keys_of(value: &Json) -> Option<Vec<VaultKeyId>> {
    value.as_array()?.iter().map(|key| VaultKeyId::from_hex(key.as_str()?)).collect()
}

fn keys_json(keys: &[VaultKeyId]) -> Json {
    Json::Array(keys.iter().map(|key| key.to_hex().into()).collect())
}
