//! What the records of a log's second key say (`docs/formats.md` §6.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tabellion_tlog::{ML_DSA_SIGNATURE_BYTES, MlDsaPublicKey};

use super::{Revocation, object};
use crate::form::{FormFault, Members};
use crate::id::KeyId;

/// The only signature algorithm of a second key in version 1.
const ALG: &str = "ml-dsa-44";
/// What a signature must be, as refusals say it.
const SIGNATURE_FORM: &str = "is not 2,420 bytes as canonical base64";

/// A signature by a second key.
type Signature = [u8; ML_DSA_SIGNATURE_BYTES];

/// A second key with its id, KEY2 in the formats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondKeyInfo {
    /// Thumbprint of the key.
    pub key_id: KeyId,
    /// The key.
    pub public: MlDsaPublicKey,
}

impl SecondKeyInfo {
    /// The key with its id.
    pub fn of(public: MlDsaPublicKey) -> Self {
        Self { key_id: KeyId(public.key_id()), public }
    }

    fn to_json(&self) -> Json {
        Json::Object(object([
            ("alg", ALG.into()),
            ("key_id", self.key_id.to_hex().into()),
            ("public", STANDARD.encode(self.public.as_bytes()).into()),
        ]))
    }

    /// Reads KEY2; the id must be the thumbprint of the key.
    fn read(members: &mut Members, name: &str) -> Result<Self, FormFault> {
        let mut key = members.object(name)?;
        key.fixed("alg", ALG)?;
        let public = key.typed("public", "is not 1,312 bytes as canonical base64", |value| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            Some(MlDsaPublicKey::from_bytes(bytes.as_slice().try_into().ok()?))
        })?;
        let info = Self::of(public);
        if key.key_id("key_id")? != info.key_id {
            return Err(key.fault("key_id", "is not the thumbprint of the key"));
        }
        key.finish()?;
        Ok(info)
    }
}

/// States which key signs checkpoints that are handed out a second time from here on, where none did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondKeyIntroduced {
    /// The key.
    pub key: SecondKeyInfo,
    /// By the key itself, so that nobody can put another's key on record.
    pub signature: Signature,
}

impl SecondKeyIntroduced {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([("key", self.key.to_json()), ("signature", STANDARD.encode(self.signature).into())])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self { key: SecondKeyInfo::read(members, "key")?, signature: signature(members, "signature")? })
    }
}

/// States that another key signs in its place from here on. Both signed for it, so that whoever believes the old key can follow to the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondKeyRotated {
    /// The new key.
    pub key: SecondKeyInfo,
    /// By the new key.
    pub new_signature: Signature,
    /// The key that goes.
    pub old: KeyId,
    /// By the key that goes.
    pub old_signature: Signature,
}

impl SecondKeyRotated {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("key", self.key.to_json()),
            ("new_signature", STANDARD.encode(self.new_signature).into()),
            ("old", self.old.to_hex().into()),
            ("old_signature", STANDARD.encode(self.old_signature).into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            key: SecondKeyInfo::read(members, "key")?,
            new_signature: signature(members, "new_signature")?,
            old: members.key_id("old")?,
            old_signature: signature(members, "old_signature")?,
        })
    }
}

/// States that the key signs no more, and that no other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondKeyWithdrawn {
    /// The key.
    pub key_id: KeyId,
    /// Why.
    pub reason: Revocation,
}

impl SecondKeyWithdrawn {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([("key_id", self.key_id.to_hex().into()), ("reason", self.reason.as_str().into())])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            key_id: members.key_id("key_id")?,
            reason: members.typed("reason", "is not compromised, lost or retired", |value| {
                Revocation::parse(value.as_str()?)
            })?,
        })
    }
}

fn signature(members: &mut Members, name: &str) -> Result<Signature, FormFault> {
    members.typed(name, SIGNATURE_FORM, |value| {
        STANDARD.decode(value.as_str()?).ok()?.as_slice().try_into().ok()
    })
}
