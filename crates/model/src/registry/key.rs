//! What key records say (`docs/formats.md` §6).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tabellion_tlog::PublicKey;

use super::object;
use crate::form::{FormFault, Members};
use crate::header::{Env, Header};
use crate::id::{CredentialId, KeyId};
use crate::origin::Origin;
use crate::record::DIGEST_ALG;

/// The stream of every key record.
pub const KEYS_STREAM: &str = "keys";
/// The only signature algorithm of version 1.
const ALG: &str = "ed25519";
/// What a purpose must be, as refusals say it.
const PURPOSE_FORM: &str = "is not log, writer, package or actor";
/// What an inner signature must be, as refusals say it.
const SIGNATURE_FORM: &str = "is not 64 bytes as canonical base64";

/// What a key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Key records; there is one, in the genesis, and it is never granted.
    Root,
    /// Checkpoints and receipts.
    Log,
    /// Seals.
    Writer,
    /// Packages.
    Package,
    /// Statements.
    Actor,
}

impl Purpose {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Log => "log",
            Self::Writer => "writer",
            Self::Package => "package",
            Self::Actor => "actor",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Root, Self::Log, Self::Writer, Self::Package, Self::Actor];
        all.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// Whether only one key may be in force for this purpose.
    pub fn is_single(self) -> bool {
        self != Self::Actor
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A public key with its id, KEY in the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// Thumbprint of the key.
    pub key_id: KeyId,
    /// The key.
    pub public: PublicKey,
}

impl KeyInfo {
    /// The key with its id.
    pub fn of(public: PublicKey) -> Self {
        Self { key_id: KeyId::of(&public), public }
    }

    pub(crate) fn to_json(self) -> Json {
        Json::Object(object([
            ("alg", ALG.into()),
            ("key_id", self.key_id.to_hex().into()),
            ("public", STANDARD.encode(self.public.as_bytes()).into()),
        ]))
    }

    /// Reads KEY; the id must be the thumbprint of the key.
    pub(crate) fn read(members: &mut Members, name: &str) -> Result<Self, FormFault> {
        let mut key = members.object(name)?;
        key.fixed("alg", ALG)?;
        let public = key.typed("public", "is not an Ed25519 public key as canonical base64", |value| {
            let bytes: [u8; 32] = STANDARD.decode(value.as_str()?).ok()?.try_into().ok()?;
            PublicKey::from_bytes(&bytes).ok()
        })?;
        let info = Self::of(public);
        if key.key_id("key_id")? != info.key_id {
            return Err(key.fault("key_id", "is not the thumbprint of the key"));
        }
        key.finish()?;
        Ok(info)
    }
}

/// Says what a log is and which root key speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The log's name; its tenant is part of it.
    pub origin: Origin,
    /// The environment it is used in.
    pub env: Env,
    /// The root key.
    pub key: KeyInfo,
}

impl Genesis {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("digest_alg", DIGEST_ALG.into()),
            ("env", self.env.as_str().into()),
            ("key", self.key.to_json()),
            ("origin", self.origin.as_str().into()),
            ("tenant", self.origin.tenant().into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        members.fixed("digest_alg", DIGEST_ALG)?;
        let origin =
            members.typed("origin", "is not an origin", |value| Origin::new(value.as_str()?).ok())?;
        members.fixed("tenant", origin.tenant())?;
        Ok(Self {
            env: members.typed("env", "is not production, sandbox or development", |value| {
                Env::parse(value.as_str()?)
            })?,
            key: KeyInfo::read(members, "key")?,
            origin,
        })
    }

    /// Whether the genesis says the same as the header around it and is the beginning.
    pub(super) fn fits(&self, header: &Header) -> bool {
        self.origin == header.log
            && self.env == header.env
            && header.epoch == 1
            && header.seq == 1
            && header.stream.as_ref().is_some_and(|(_, version)| *version == 1)
    }
}

/// Lets a key speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The credential that speaks with it.
    pub credential: CredentialId,
    /// The key.
    pub key: KeyInfo,
    /// What it may sign; never [`Purpose::Root`].
    pub purpose: Purpose,
}

impl Granted {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("credential", self.credential.to_hex().into()),
            ("key", self.key.to_json()),
            ("purpose", self.purpose.as_str().into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            credential: members.id("credential")?,
            key: KeyInfo::read(members, "key")?,
            purpose: members.typed("purpose", PURPOSE_FORM, purpose)?,
        })
    }
}

/// Replaces a key by another, with the consent of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The credential that keeps speaking.
    pub credential: CredentialId,
    /// The new key.
    pub key: KeyInfo,
    /// The new key's signature over [`crate::key::rotation_message`].
    pub new_signature: [u8; 64],
    /// The key that is replaced.
    pub old: KeyId,
    /// The old key's signature over the same message.
    pub old_signature: [u8; 64],
    /// What both may sign; never [`Purpose::Root`].
    pub purpose: Purpose,
}

impl Rotated {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("credential", self.credential.to_hex().into()),
            ("key", self.key.to_json()),
            ("new_signature", STANDARD.encode(self.new_signature).into()),
            ("old", self.old.to_hex().into()),
            ("old_signature", STANDARD.encode(self.old_signature).into()),
            ("purpose", self.purpose.as_str().into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            credential: members.id("credential")?,
            key: KeyInfo::read(members, "key")?,
            new_signature: members.typed("new_signature", SIGNATURE_FORM, signature)?,
            old: members.key_id("old")?,
            old_signature: members.typed("old_signature", SIGNATURE_FORM, signature)?,
            purpose: members.typed("purpose", PURPOSE_FORM, purpose)?,
        })
    }
}

/// Why a key no longer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revocation {
    /// Somebody else may have it: what it signed around that time is in doubt.
    Compromised,
    /// Nobody has it any more.
    Lost,
    /// It is not needed any more.
    Retired,
}

impl Revocation {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compromised => "compromised",
            Self::Lost => "lost",
            Self::Retired => "retired",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Compromised, Self::Lost, Self::Retired].into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Takes a key out of force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// The key.
    pub key_id: KeyId,
    /// Why.
    pub reason: Revocation,
}

impl Revoked {
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

fn purpose(value: &Json) -> Option<Purpose> {
    Purpose::parse(value.as_str()?).filter(|purpose| *purpose != Purpose::Root)
}

pub(super) fn signature(value: &Json) -> Option<[u8; 64]> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}
