//! A source's own signature under its heartbeats, and which key makes it (`docs/formats.md` §7.1).
//!
//! Promises: what is signed is the whole of a heartbeat, its counts, its place in the count and the key itself, so that no part of it can be the notary's word.
//! Must never: say whose key it is. That is on record: the key of a source's first signed heartbeat, until a person puts another in its place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use super::key::signature as signature_of;
use super::{Heartbeat, KeyInfo, object};
use crate::form::{FormFault, Members};
use crate::id::{KeyId, ProducerId};
use crate::jcs::{JcsError, to_jcs};
use crate::time::Micros;

/// What a source signs begins so: no signature of another kind can be taken for one of these.
const DOMAIN: &[u8] = b"tabellion.heartbeat/1\n";
/// The member of a heartbeat that holds the source's own signature.
pub(super) const SIGNED: &str = "signed";
/// What a signature must be, as refusals say it.
const SIGNATURE_FORM: &str = "is not 64 bytes as canonical base64";

/// A source's own signature under a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatSignature {
    /// When it was signed, by the source's clock: a claim.
    pub at: Micros,
    /// The key.
    pub key: KeyInfo,
    /// Ed25519 over [`Heartbeat::message`].
    pub signature: [u8; 64],
}

impl HeartbeatSignature {
    pub(super) fn to_json(&self) -> Json {
        let mut members = unsigned(self.at, &self.key);
        members.insert("signature".to_owned(), STANDARD.encode(self.signature).into());
        Json::Object(members)
    }

    /// Reads the member, where there is one.
    pub(super) fn read(members: &mut Members) -> Result<Option<Box<Self>>, FormFault> {
        let Some(value) = members.optional(SIGNED) else { return Ok(None) };
        members.put(SIGNED, value);
        let mut signed = members.object(SIGNED)?;
        let read = Self {
            at: signed.time("at")?,
            key: KeyInfo::read(&mut signed, "key")?,
            signature: signed.typed("signature", SIGNATURE_FORM, signature_of)?,
        };
        signed.finish()?;
        Ok(Some(Box::new(read)))
    }
}

/// The member as it is signed: without its signature.
fn unsigned(at: Micros, key: &KeyInfo) -> Map<String, Json> {
    object([("at", at.0.into()), ("key", key.to_json())])
}

impl Heartbeat {
    /// The bytes that the source signs at the time `at` with `key`: `tabellion.heartbeat/1`, a newline, and the RFC 8785 form of all that the record says in
    /// clear but the signature itself. Refuses numbers that no record can hold.
    pub fn message(&self, at: Micros, key: &KeyInfo) -> Result<Vec<u8>, JcsError> {
        let mut clear = self.counts();
        clear.insert(SIGNED.to_owned(), Json::Object(unsigned(at, key)));
        Ok([DOMAIN, &to_jcs(&Json::Object(clear))?].concat())
    }

    /// Whether its signature is one by the key that it names; `None`: it is not signed.
    pub fn is_signed(&self) -> Option<bool> {
        let signed = self.signed.as_deref()?;
        let message = self.message(signed.at, &signed.key).ok()?;
        Some(signed.key.public.verify(&message, &signed.signature).is_ok())
    }
}

/// States that a source signs with this key from here on: a person with the right to says so, over whatever key was on record. `source.key_set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceKeySet {
    /// The source.
    pub producer: ProducerId,
    /// Its key from here on.
    pub key: KeyInfo,
    /// The key that was on record before; none: there was none.
    pub old: Option<KeyId>,
}

impl SourceKeySet {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        let mut clear = object([("key", self.key.to_json()), ("producer", self.producer.to_hex().into())]);
        clear.extend(self.old.map(|old| ("old".to_owned(), old.to_hex().into())));
        clear
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            producer: members.id("producer")?,
            key: KeyInfo::read(members, "key")?,
            old: members.digest_optional("old")?.map(KeyId),
        })
    }
}
