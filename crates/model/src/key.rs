//! Who may sign what, and when: the key records of a log, made and followed (`docs/formats.md` §6).
//!
//! Promises: a [`KeyChain`] holds only what the root key signed, in an unbroken count from the genesis; a key replaces another only when both
//! signed for it.

mod chain;

use tabellion_tlog::{Signer, SignerError};

use crate::header::{Assurance, Header, RecordType, StreamName, WordError};
use crate::id::{CredentialId, KeyId, ProducerId, RecordId};
use crate::origin::Origin;
use crate::registry::{Facts, KEYS_STREAM, KeyInfo, Purpose, Rotated, TYPE_VERSION};
use crate::time::Micros;

pub use chain::{KeyChain, KeyEnd, KeyError, KeyGrant, KeyStatus, Standing};

/// First line of the bytes that both keys of a rotation sign.
const ROTATION_DOMAIN: &str = "tabellion.key-rotation/1\n";

/// The bytes that the old and the new key sign in a rotation.
///
/// `tabellion.key-rotation/1\n` ‖ JCS `{"credential","log","new","old","purpose"}`; every text in it is plain ASCII.
pub fn rotation_message(
    credential: &CredentialId,
    log: &Origin,
    new: &KeyId,
    old: &KeyId,
    purpose: Purpose,
) -> Vec<u8> {
    let json = format!(
        r#"{{"credential":"{credential}","log":"{log}","new":"{new}","old":"{old}","purpose":"{purpose}"}}"#
    );
    [ROTATION_DOMAIN.as_bytes(), json.as_bytes()].concat()
}

/// Has both keys agree to a rotation; the root still has to sign the record that says so.
pub fn rotate(
    credential: CredentialId,
    log: &Origin,
    purpose: Purpose,
    old: &dyn Signer,
    new: &dyn Signer,
) -> Result<Rotated, SignerError> {
    let (old_id, key) = (KeyId::of(&old.public()), KeyInfo::of(new.public()));
    let message = rotation_message(&credential, log, &key.key_id, &old_id, purpose);
    Ok(Rotated {
        credential,
        key,
        new_signature: new.sign(&message)?,
        old: old_id,
        old_signature: old.sign(&message)?,
        purpose,
    })
}

/// Where and when a key record is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecordPlace {
    /// The log.
    pub log: Origin,
    /// Its environment.
    pub env: crate::header::Env,
    /// The new record's id.
    pub record_id: RecordId,
    /// The clock.
    pub observed_at: Micros,
    /// The root's credential.
    pub root: CredentialId,
    /// The root key.
    pub root_key: KeyId,
    /// Epoch of the root key's producer.
    pub epoch: u64,
    /// Its number in the epoch.
    pub seq: u64,
    /// The record's number in the stream `keys`.
    pub version: u64,
}

/// The header of the key record that says `facts`; sign it with the root key as a [`crate::Statement`].
pub fn key_record(facts: &Facts, place: KeyRecordPlace) -> Result<Header, WordError> {
    Ok(Header {
        record_type: RecordType::new(facts.kind().name())?,
        type_version: TYPE_VERSION,
        critical: facts.kind().is_critical(),
        log: place.log,
        env: place.env,
        record_id: place.record_id,
        observed_at: place.observed_at,
        actor: place.root,
        assurance: Assurance::Signed,
        producer: ProducerId::of_key(&place.root_key),
        epoch: place.epoch,
        seq: place.seq,
        system: None,
        stream: Some((StreamName::new(KEYS_STREAM)?, place.version)),
        parents: Vec::new(),
        basis: None,
        idem: None,
        clear: facts.to_clear(),
        units: Vec::new(),
    })
}
