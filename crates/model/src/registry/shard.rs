//! What a root log says of the logs whose checkpoints it takes, its shards (`docs/formats.md` §8).
//!
//! Promises: what the record holds is enough to make the shard's signed checkpoint again, so that the entry itself shows that the shard signed it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tabellion_tlog::{Checkpoint, Hash, PublicKey, VerifierKey, sha256};

use super::{Divergence, KeyInfo, Rotated, key::signature, object};
use crate::form::{FormFault, Members};
use crate::id::KeyId;
use crate::key::rotation_message;
use crate::origin::Origin;
use crate::registry::Purpose;

/// What the names of the streams of shards begin with.
pub const SHARD_STREAMS: &str = "shard/";
/// What a signature must be, as refusals say it.
const SIGNATURE_FORM: &str = "is not 64 bytes as canonical base64";

/// The name under which a root log keeps a shard: SHA-256 of its origin.
pub fn shard_name(origin: &Origin) -> Hash {
    sha256(origin.as_str().as_bytes())
}

/// The stream of all records about a shard.
pub fn shard_stream(origin: &Origin) -> String {
    format!("{SHARD_STREAMS}{}", shard_name(origin))
}

/// Says that checkpoints of a log are taken from here on, under which key; a later one for the same log replaces its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRegistered {
    /// The key that signs its checkpoints.
    pub key: KeyInfo,
    /// The shard.
    pub origin: Origin,
    /// The root key that grants its others.
    pub root_key: KeyInfo,
}

impl ShardRegistered {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("key", self.key.to_json()),
            ("origin", self.origin.as_str().into()),
            ("root_key", self.root_key.to_json()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            key: KeyInfo::read(members, "key")?,
            origin: origin(members)?,
            root_key: KeyInfo::read(members, "root_key")?,
        })
    }
}

/// Says that a shard's checkpoints are signed by another key from here on: both keys signed for it, in a record of the shard that its root signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardKeyRotated {
    /// The shard.
    pub origin: Origin,
    /// What the shard's own record says.
    pub rotation: Rotated,
    /// SHA-256 of the entry that is that record.
    pub record_sha256: Hash,
}

impl ShardKeyRotated {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("origin", self.origin.as_str().into()),
            ("record_sha256", self.record_sha256.to_hex().into()),
            ("rotation", Json::Object(self.rotation.to_clear())),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let origin = origin(members)?;
        let mut inner = members.object("rotation")?;
        let rotation = Rotated::read(&mut inner)?;
        inner.finish()?;
        Ok(Self { origin, rotation, record_sha256: members.digest("record_sha256")? })
    }

    /// Whether `old`, the shard's key so far, and the new key both signed for the change.
    pub fn is_agreed(&self, old: &PublicKey) -> bool {
        let rotated = &self.rotation;
        let (credential, new) = (&rotated.credential, &rotated.key);
        let message = rotation_message(credential, &self.origin, &new.key_id, &rotated.old, rotated.purpose);
        rotated.purpose == Purpose::Log
            && rotated.old == KeyId::of(old)
            && old.verify(&message, &rotated.old_signature).is_ok()
            && new.public.verify(&message, &rotated.new_signature).is_ok()
    }
}

/// A shard's checkpoint, signature and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardCheckpoint {
    /// The key that signed it.
    pub key: KeyId,
    /// The shard.
    pub origin: Origin,
    /// Root of its tree.
    pub root: Hash,
    /// Ed25519 over the checkpoint's note text.
    pub signature: [u8; 64],
    /// Entries in its tree.
    pub size: u64,
}

impl ShardCheckpoint {
    /// What was signed.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint { origin: self.origin.as_str().to_owned(), size: self.size, root: self.root }
    }

    /// Whether `key` signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        KeyId::of(key) == self.key
            && VerifierKey::new(self.origin.as_str(), *key).is_ok()
            && key.verify(self.checkpoint().text().as_bytes(), &self.signature).is_ok()
    }

    pub(super) fn to_clear(&self) -> Map<String, Json> {
        object([
            ("key", self.key.to_hex().into()),
            ("origin", self.origin.as_str().into()),
            ("root", self.root.to_hex().into()),
            ("signature", STANDARD.encode(self.signature).into()),
            ("size", self.size.into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            key: members.key_id("key")?,
            origin: origin(members)?,
            root: members.digest("root")?,
            signature: members.typed("signature", SIGNATURE_FORM, signature)?,
            size: members.natural("size")?,
        })
    }
}

/// Says that a shard signed a checkpoint that does not continue what the root log has of it. It is in this record whole and was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardConflict {
    /// What it showed.
    pub shown: ShardCheckpoint,
    /// How it differs.
    pub kind: Divergence,
    /// Size of the newest checkpoint that the root log had taken.
    pub known_size: u64,
    /// Whether two checkpoints under the shard's own signature contradict each other by themselves; else no proof was given that they do not.
    pub proved: bool,
}

impl ShardConflict {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        let mut clear = self.shown.to_clear();
        clear.insert("kind".to_owned(), self.kind.as_str().into());
        clear.insert("known_size".to_owned(), self.known_size.into());
        clear.insert("proved".to_owned(), self.proved.into());
        clear
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            shown: ShardCheckpoint::read(members)?,
            kind: members
                .typed("kind", "is not rolled_back or forked", |value| Divergence::parse(value.as_str()?))?,
            known_size: members.natural("known_size")?,
            proved: members.flag("proved")?,
        })
    }
}

fn origin(members: &mut Members) -> Result<Origin, FormFault> {
    members.typed("origin", "is not an origin", |value| Origin::new(value.as_str()?).ok())
}
