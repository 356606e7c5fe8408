//! What a source sends: its records with their numbers, what it lost, and how it is.
//!
//! Promises: a record is kept as it was sent beside what was read of it, so that a root over what was sent can be computed again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tabellion_model::registry::{Heartbeat, HeartbeatSignature, LossReason, SourceLife};
use tabellion_model::{KeyInfo, Micros, to_jcs};
use tabellion_tlog::{Hash, PublicKey, leaf_hash, root_of, sha256};

use crate::refusal::{Code, Refusal};
use crate::work::forms::DigestForm;
use crate::work::records::{NewRecord, check_digest};

/// Largest number of a source.
const MAX_NUMBER: u64 = tabellion_model::MAX_INTEGER;

/// A value and the JSON that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent<T> {
    /// What it says.
    pub value: T,
    /// As it came.
    pub json: Value,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Sent<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let value = T::deserialize(json.clone()).map_err(serde::de::Error::custom)?;
        Ok(Self { value, json })
    }
}

impl<T: JsonSchema> JsonSchema for Sent<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Why content stays away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithheldForm {
    /// Sampling left it out.
    Sampled,
    /// The source keeps it to itself.
    Private,
}

/// A record of which only a commitment comes here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// SHA-256 over base64url (without padding) of the RFC 8785 form of `[salt, name, value]`, salt being 16 random bytes in base64url: the form of a
    /// disclosure, so that whoever keeps the three can prove later what it was.
    #[schemars(with = "DigestForm")]
    pub sha256: String,
    /// Why the content is not sent.
    pub withheld: WithheldForm,
}

/// A record with its number: exactly one of `record` and `commitment`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberedRecord {
    /// The source's number of it, from 1 in each epoch, none left out.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub seq: u64,
    /// When it happened by the source's clock, in microseconds since 1970: a claim.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub captured_at: Option<u64>,
    /// What is to be recorded.
    #[serde(default)]
    pub record: Option<NewRecord>,
    /// A commitment in its place.
    #[serde(default)]
    pub commitment: Option<Commitment>,
}

/// Why numbers are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossForm {
    /// The spool was full and what came was refused.
    SpoolFull,
    /// The spool was damaged.
    SpoolDamaged,
    /// The log refused the record for good.
    Refused,
    /// Something else.
    Other,
}

impl From<LossForm> for LossReason {
    fn from(form: LossForm) -> Self {
        match form {
            LossForm::SpoolFull => Self::SpoolFull,
            LossForm::SpoolDamaged => Self::SpoolDamaged,
            LossForm::Refused => Self::Refused,
            LossForm::Other => Self::Other,
        }
    }
}

/// Numbers that the source knows it lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// The first.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub first: u64,
    /// The last.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub last: u64,
    /// Why.
    pub reason: LossForm,
}

/// A source's own signature under a heartbeat (docs/formats.md §7.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedForm {
    /// When it was signed, by the source's clock, in microseconds since 1970: a claim.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub at: u64,
    /// The source's Ed25519 public key, 32 bytes in base64. The first one that a heartbeat is signed with is the source's from then on.
    #[schemars(length(min = 44, max = 44))]
    pub public_key: String,
    /// Ed25519 over `tabellion.heartbeat/1`, a newline, and the RFC 8785 form of what the record says in clear without this signature, 64 bytes in base64.
    #[schemars(length(min = 88, max = 88))]
    pub signature: String,
}

impl SignedForm {
    fn of(&self) -> Result<HeartbeatSignature, Refusal> {
        let refused = |member: &str, text: &str| {
            Refusal::at(Code::Malformed, format!("/heartbeat/signed/{member}"), text)
        };
        let signature = STANDARD.decode(&self.signature).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(HeartbeatSignature {
            at: Micros(self.at),
            key: public_key(&self.public_key).ok_or_else(|| refused("public_key", NO_KEY))?,
            signature: signature.ok_or_else(|| refused("signature", "a signature is 64 bytes in base64"))?,
        })
    }
}

/// What a public key must be, as refusals say it.
pub(super) const NO_KEY: &str = "this is no usable Ed25519 public key of 32 bytes in base64";

/// A public key as it is sent.
pub(super) fn public_key(text: &str) -> Option<KeyInfo> {
    let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
    PublicKey::from_bytes(&bytes).ok().map(KeyInfo::of)
}

/// A sign of life with counts since the epoch began: `sent` + `lost` + `spooled` = `last_seq`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatForm {
    /// Which heartbeat of the epoch this is, from 1.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub beat: u64,
    /// The last number given out; 0: none yet.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub last_seq: u64,
    /// Numbers that were acknowledged, those of this delivery included.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub sent: u64,
    /// Of those, without content by sampling.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub sampled: u64,
    /// Numbers that are declared lost, those of this delivery included.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub lost: u64,
    /// Numbers that wait to be sent: the last ones.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub spooled: u64,
    /// How long it takes, at most, until the source is heard of again, in seconds.
    #[schemars(range(min = 1, max = 86_400))]
    pub interval_s: u64,
    /// Whether the epoch ends here.
    pub closed: bool,
    /// The source's own signature; absent: it has no key.
    #[serde(default)]
    pub signed: Option<SignedForm>,
}

impl HeartbeatForm {
    /// As it is recorded.
    pub(super) fn of(&self, life: SourceLife) -> Result<Heartbeat, Refusal> {
        let beat = Heartbeat {
            life,
            beat: self.beat,
            last_seq: self.last_seq,
            sent: self.sent,
            sampled: self.sampled,
            lost: self.lost,
            spooled: self.spooled,
            interval_s: self.interval_s,
            closed: self.closed,
            signed: self.signed.as_ref().map(SignedForm::of).transpose()?.map(Box::new),
        };
        if beat.adds_up() && beat.last_seq <= MAX_NUMBER {
            return Ok(beat);
        }
        let text = "sent, lost and spooled have to add up to last_seq, sampled is a part of sent, and in an epoch that is closed nothing is spooled";
        Err(Refusal::at(Code::Malformed, "/heartbeat", text))
    }
}

/// What a source sends at once. All of it is recorded, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Which life of the source; a later one has a larger number.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub epoch: u64,
    /// Records, in ascending order of their numbers.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub records: Vec<Sent<NumberedRecord>>,
    /// Numbers that are lost.
    #[serde(default)]
    #[schemars(length(max = 32))]
    pub lost: Vec<Lost>,
    /// A sign of life.
    #[serde(default)]
    pub heartbeat: Option<HeartbeatForm>,
    /// The RFC 9162 root over `records` as the source computed it; another one, and nothing is recorded. Leaf data are the 32 bytes of SHA-256 over the RFC
    /// 8785 form of each element, in their order.
    #[serde(default)]
    #[schemars(with = "Option<DigestForm>")]
    pub batch_root: Option<String>,
}

impl Delivery {
    /// Refuses a delivery that contradicts itself.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.records.is_empty() && self.lost.is_empty() && self.heartbeat.is_none() {
            return Err(Refusal::at(Code::Malformed, "", "there is nothing in this delivery"));
        }
        if !self.records.is_sorted_by(|a, b| a.value.seq < b.value.seq) {
            let text = "records come in ascending order of their numbers, each number once";
            return Err(Refusal::at(Code::Malformed, "/records", text));
        }
        if let Some(place) = self.lost.iter().position(|lost| lost.first > lost.last) {
            return Err(Refusal::at(Code::Malformed, format!("/lost/{place}"), "last comes before first"));
        }
        for (place, record) in self.records.iter().enumerate() {
            if let Some(commitment) = &record.value.commitment {
                check_digest(&commitment.sha256, &format!("/records/{place}/commitment/sha256"))?;
            }
        }
        self.check_root()
    }

    fn check_root(&self) -> Result<(), Refusal> {
        let Some(said) = &self.batch_root else { return Ok(()) };
        let computed = batch_root(self.records.iter().map(|record| &record.json))?.to_hex();
        if *said == computed {
            return Ok(());
        }
        let text = format!("the records sent have the root {computed}; nothing was recorded");
        Err(Refusal::at(Code::DigestMismatch, "/batch_root", text))
    }
}

/// The RFC 9162 root over what was sent.
pub(super) fn batch_root<'a>(records: impl Iterator<Item = &'a Value>) -> Result<Hash, Refusal> {
    let leaves = records
        .map(|record| to_jcs(record).map(|bytes| leaf_hash(&sha256(&bytes).0)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Refusal::at(Code::Malformed, "/records", error.to_string()))?;
    Ok(root_of(leaves))
}
