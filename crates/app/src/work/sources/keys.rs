//! The key that a source signs its heartbeats with.
//!
//! Promises: the key of a source's first signed heartbeat is its key, and only a person who may change its system's keys puts another in its place. Must never:
//! take another key, or no signature, for a source that has one: whoever has the API key alone could else speak for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tabellion_model::registry::{Facts, Heartbeat, SourceKeySet};
use tabellion_model::{KeyInfo, ProducerId};

use super::Source;
use super::delivering::facts_draft;
use super::sent::{NO_KEY, public_key};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::forms::{DigestForm, Reference};
use crate::work::prose::Prose;
use crate::work::writing::GOVERNANCE_RETENTION;
use crate::work::{Actor, Desk, Given, Written};

/// The key of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceKey {
    /// Its id: the SHA-256 COSE Key Thumbprint (RFC 9679).
    #[schemars(with = "DigestForm")]
    pub id: String,
    /// The Ed25519 public key, 32 bytes in base64.
    pub public_key: String,
    /// The record by which it is the source's: its first signed heartbeat, or a person's word.
    pub since: Reference,
}

/// A key in the place of a source's key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSourceKey {
    /// The Ed25519 public key, 32 bytes in base64, as the client's `public_key` gives it.
    #[schemars(length(min = 44, max = 44))]
    pub public_key: String,
    /// Why, and how you came by it.
    pub reason: Prose,
}

/// Refuses a heartbeat that is signed wrongly, or not by the key on record.
pub(super) fn check_signed(known: Option<(KeyInfo, u64)>, beat: &Heartbeat) -> Result<(), Refusal> {
    let refused = |text: String| Err(Refusal::at(Code::HeartbeatUnsigned, "/heartbeat/signed", text));
    match (&beat.signed, known) {
        (None, Some((key, _))) => {
            refused(format!("this source signs with key {}, and this is not signed", key.key_id))
        }
        (Some(signed), _) if beat.is_signed() != Some(true) => {
            refused(format!("key {} did not sign this", signed.key.key_id))
        }
        (Some(signed), Some((key, _))) if signed.key.key_id != key.key_id => refused(format!(
            "this source signs with key {}, and this is signed with {}",
            key.key_id, signed.key.key_id
        )),
        (None, None) | (Some(_), _) => Ok(()),
    }
}

impl Desk {
    /// Puts a key on record for a source, in the place of the one before.
    pub fn set_source_key(
        &self,
        actor: &Actor,
        given: &Given,
        producer: ProducerId,
        new: &NewSourceKey,
    ) -> Result<(Source, Written), Refusal> {
        let key =
            public_key(&new.public_key).ok_or_else(|| Refusal::at(Code::Malformed, "/public_key", NO_KEY))?;
        let _turn = self.turn_of_source(&producer);
        let written = self.once(actor, "set-source-key", given, |earlier| {
            let row = self.views.source(&producer)?.ok_or_else(|| Refusal::not_found("source"))?;
            if !self.may(actor, Permission::ReadEntries, row.system)? {
                return Err(Refusal::not_found("source"));
            }
            if !self.may(actor, Permission::ChangeKeys, row.system)? {
                let text = "another key for a source is put on record by somebody who may change the keys of its system";
                return Err(Refusal::new(Code::NotPermitted, text));
            }
            let before = row.key.map(|(key, _)| key.key_id);
            if earlier.is_none() && before == Some(key.key_id) {
                return Err(Refusal::new(Code::AlreadySo, "this key is the source's already"));
            }
            let set = SourceKeySet { producer, key, old: before.filter(|before| *before != key.key_id) };
            let mut draft = facts_draft(&Facts::SourceKeySet(Box::new(set)), String::new());
            draft.idempotency_key = None;
            if let Some(clear) = earlier.and_then(|earlier| earlier.header.clear.clone()) {
                // The same request once more: `old` is what it was then.
                draft.clear = clear;
            }
            draft.system = row.system.map(|system| system.to_hex());
            draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
            draft.body.insert("reason".to_owned(), Value::from(new.reason.to_text()));
            Ok(vec![draft])
        })?;
        Ok((self.source(actor, producer)?, written))
    }

    /// The key of a source, shown.
    pub(super) fn shown_source_key(
        &self,
        known: Option<(KeyInfo, u64)>,
    ) -> Result<Option<SourceKey>, Refusal> {
        let Some((key, entry)) = known else { return Ok(None) };
        Ok(Some(SourceKey {
            id: key.key_id.to_hex(),
            public_key: STANDARD.encode(key.public.as_bytes()),
            since: self.reference(entry)?,
        }))
    }
}
