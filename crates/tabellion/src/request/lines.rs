//! What answers are made of: a record that was appended, an epoch that ended, a summary, a key of an issuer.

use serde::{Deserialize, Serialize};
use tabellion_ledger::Ack;

/// The place of an appended entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appended {
    /// Its index.
    pub index: u64,
    /// Its record, hex.
    pub record_id: String,
    /// Log size of its batch's checkpoint.
    pub size: u64,
    /// Whether it had been there before, under the same idempotency key.
    pub duplicate: bool,
}

impl From<&Ack> for Appended {
    fn from(ack: &Ack) -> Self {
        Self { index: ack.index, record_id: ack.record_id.to_hex(), size: ack.size, duplicate: ack.duplicate }
    }
}

/// How a producer's last epoch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastEpoch {
    /// Its number.
    pub epoch: u64,
    /// Whether it was closed.
    pub closed: bool,
    /// Its last number.
    pub last_seq: u64,
}

/// One line about an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Its index.
    pub index: u64,
    /// `record`, `statement` or `seal`.
    pub kind: String,
    /// Record type; `seal` for a seal.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Record id, hex; absent for a seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<String>,
    /// Sealer's clock for records, commit time for seals, microseconds.
    pub at: u64,
    /// The system, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
}

/// One line about a key of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerLine {
    /// Thumbprint of the key, hex.
    pub id: String,
    /// The claim `iss` of its statements; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `EdDSA` or `ES256`; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// Key id that its statements carry besides the thumbprint, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Whether statements under it are taken in.
    pub counts: bool,
}
