//! An `ario.events/v1` envelope for a record of ours: the profile whose event types are open to other producers.
//!
//! Promises: canonical bytes, a payload without any content of the record (its entry's digest and place, nothing more), and an environment that is
//! `production` only for a production log. Must never: sign for an entry that the caller has not read from its log.

use tabellion_tlog::{Hash, Signer, SignerError};

use super::json::Value;
use super::read::GENESIS;
use super::{Profile, sha256_hex};
use crate::header::{Env, RecordType};
use crate::id::RecordId;
use crate::origin::Origin;
use crate::time::Micros;

/// What happened, in the profile's grammar for producers of other domains.
const EVENT_TYPE: &str = "tabellion.record";

/// The record that an envelope is made for.
#[derive(Debug, Clone)]
pub struct EventRecord<'a> {
    /// The log.
    pub log: &'a Origin,
    /// Its environment.
    pub env: Env,
    /// Where the entry stands.
    pub index: u64,
    /// The entry's bytes; only their digest and number go into the payload.
    pub entry: &'a [u8],
    /// The record's id.
    pub record_id: RecordId,
    /// Its type.
    pub record_type: &'a RecordType,
}

/// A signed envelope with the payload that it commits to. Whoever wants to show what the envelope is about keeps both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedEnvelope {
    /// Canonical bytes of the envelope.
    pub envelope: Vec<u8>,
    /// Canonical bytes of the payload.
    pub payload: Vec<u8>,
}

/// Makes and signs the envelope. `event_id`: 128 random bits, from which a UUID of version 4 is made; `signed_at`: the signer's clock.
pub fn export_event(
    record: &EventRecord<'_>,
    event_id: [u8; 16],
    signed_at: Micros,
    signer: &dyn Signer,
) -> Result<ExportedEnvelope, SignerError> {
    let payload = payload_of(record).to_canonical();
    let environment = if record.env == Env::Production { "production" } else { "dev" };
    let mut members = vec![
        ("environment".to_owned(), environment.into()),
        ("event_id".to_owned(), Value::Text(uuid(event_id))),
        ("payload_hash".to_owned(), Value::Text(sha256_hex(&payload))),
        ("public_key".to_owned(), Value::Text(hex::encode(signer.public().as_bytes()))),
        ("signed_at".to_owned(), Value::Text(signed_at.to_string())),
        ("spec_version".to_owned(), Profile::Events.as_str().into()),
    ];
    let signature = signer.sign(&Value::object(members.clone()).to_canonical())?;
    members.push(("signature".to_owned(), Value::Text(hex::encode(signature))));
    Ok(ExportedEnvelope { envelope: Value::object(members).to_canonical(), payload })
}

/// The profile's event record. What is ours stands in `metadata`, the section that belongs to the caller.
fn payload_of(record: &EventRecord<'_>) -> Value {
    let object = |members: Vec<(&str, Value)>| {
        Value::object(members.into_iter().map(|(name, value)| (name.to_owned(), value)))
    };
    let hash = |hash: Hash| Value::Text(hash.to_hex());
    object(vec![
        ("payload_version", Value::Number(1.0)),
        ("spec_version", Profile::Events.as_str().into()),
        ("event_type", EVENT_TYPE.into()),
        ("subject", object(vec![("type", "producer".into()), ("producer_id", record.log.tenant().into())])),
        ("previous_hash", GENESIS.into()),
        (
            "event",
            object(vec![
                ("content_hash", hash(tabellion_tlog::sha256(record.entry))),
                ("content_length", integer(record.entry.len() as u64)),
            ]),
        ),
        ("context", object(Vec::new())),
        (
            "metadata",
            object(vec![
                ("index", integer(record.index)),
                ("leaf_hash", hash(tabellion_tlog::leaf_hash(record.entry))),
                ("log", record.log.as_str().into()),
                ("record_id", Value::Text(record.record_id.to_hex())),
                ("record_type", record.record_type.as_str().into()),
            ]),
        ),
        ("extras", object(Vec::new())),
    ])
}

/// Sizes and indexes are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "a log has fewer than 2^53 entries, and an entry fewer bytes")]
fn integer(count: u64) -> Value {
    Value::Number(count as f64)
}

/// RFC 9562 §5.4.
fn uuid(random: [u8; 16]) -> String {
    let mut bits = u128::from_be_bytes(random);
    bits = bits & !(0xf << 76) | (0x4 << 76);
    bits = bits & !(0x3 << 62) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
