//! Names without meaning: random 128-bit ids and key ids.
//!
//! Promises: an id of one kind cannot be passed for another, and none carries personal data. Ids are drawn by the caller; this crate has no randomness.

use std::fmt;
use std::marker::PhantomData;

use tabellion_tlog::{Hash, PublicKey, sha256};

/// Domain of producer ids that are derived from a hash (`docs/formats.md` §7).
const PRODUCER_DOMAIN: &[u8] = b"tabellion.producer/1";

/// What an id names. Implemented by the marker types of this module only.
pub trait IdKind {
    /// Word that error texts use.
    const NAME: &'static str;
}

/// An id of 16 random bytes, written as 32 lower-case hex digits.
pub struct Id<K> {
    bytes: [u8; 16],
    kind: PhantomData<fn() -> K>,
}

impl<K> Id<K> {
    /// Length in bytes.
    pub const SIZE: usize = 16;

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// Reads 32 lower-case hex digits; anything else is `None`.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self::from_bytes(bytes))
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// 32 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        let mut digits = [0; 32];
        tabellion_tlog::hex_digits(&self.bytes, &mut digits).to_owned()
    }
}

// Written by hand because `derive` would ask the same traits of the marker type.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: IdKind> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("a {} is 32 lower-case hex digits", K::NAME));
        Self::from_hex(&text).ok_or_else(wrong)
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", K::NAME)
    }
}

/// Marks record ids.
pub enum RecordKind {}
impl IdKind for RecordKind {
    const NAME: &'static str = "record";
}

/// Marks unit ids.
pub enum UnitKind {}
impl IdKind for UnitKind {
    const NAME: &'static str = "unit";
}

/// Marks credential ids.
pub enum CredentialKind {}
impl IdKind for CredentialKind {
    const NAME: &'static str = "credential";
}

/// Marks system ids.
pub enum SystemKind {}
impl IdKind for SystemKind {
    const NAME: &'static str = "system";
}

/// Marks producer ids.
pub enum ProducerKind {}
impl IdKind for ProducerKind {
    const NAME: &'static str = "producer";
}

/// Marks vault key ids.
pub enum VaultKeyKind {}
impl IdKind for VaultKeyKind {
    const NAME: &'static str = "vault key";
}

/// Marks hold ids.
pub enum HoldKind {}
impl IdKind for HoldKind {
    const NAME: &'static str = "hold";
}

/// Marks ids of requested erasures.
pub enum ErasureRequestKind {}
impl IdKind for ErasureRequestKind {
    const NAME: &'static str = "erasure request";
}

/// Marks ids of register items.
pub enum ItemKind {}
impl IdKind for ItemKind {
    const NAME: &'static str = "item";
}

/// Marks ids of findings.
pub enum FindingKind {}
impl IdKind for FindingKind {
    const NAME: &'static str = "finding";
}

/// Marks ids of changes of the configuration.
pub enum ConfigurationChangeKind {}
impl IdKind for ConfigurationChangeKind {
    const NAME: &'static str = "configuration change";
}

/// Marks ids of emergency stops.
pub enum StopKind {}
impl IdKind for StopKind {
    const NAME: &'static str = "stop";
}

/// Marks ids of openings.
pub enum OpeningKind {}
impl IdKind for OpeningKind {
    const NAME: &'static str = "opening";
}

/// Marks ids of views of tables that people keep.
pub enum ViewKind {}
impl IdKind for ViewKind {
    const NAME: &'static str = "view";
}

/// Names a record.
pub type RecordId = Id<RecordKind>;
/// Names a unit: the part of a record that is shown, withheld or erased together.
pub type UnitId = Id<UnitKind>;
/// Names the credential that spoke; never a person.
pub type CredentialId = Id<CredentialKind>;
/// Names an AI system.
pub type SystemId = Id<SystemKind>;
/// Names whoever numbers records.
pub type ProducerId = Id<ProducerKind>;
/// Names a key of the vault.
pub type VaultKeyId = Id<VaultKeyKind>;
/// Names an item of a register.
pub type ItemId = Id<ItemKind>;
/// Names a view of a table that somebody keeps.
pub type ViewId = Id<ViewKind>;
/// Names an erasure that somebody asked for.
pub type ErasureRequestId = Id<ErasureRequestKind>;
/// Names an emergency stop.
pub type StopId = Id<StopKind>;
/// Names a finding.
pub type FindingId = Id<FindingKind>;
/// Names a change of the configuration.
pub type ConfigurationChangeId = Id<ConfigurationChangeKind>;
/// Names an opening of declared routes.
pub type OpeningId = Id<OpeningKind>;
/// Names a legal hold.
pub type HoldId = Id<HoldKind>;

impl ProducerId {
    /// The producer id of the log itself, from the leaf hash of its genesis.
    pub fn of_log(genesis: &Hash) -> Self {
        Self::derived(genesis)
    }

    /// The producer id of whoever signs statements with this key, unless they chose another.
    pub fn of_key(key_id: &KeyId) -> Self {
        Self::derived(&key_id.0)
    }

    /// First 16 bytes of SHA-256(`tabellion.producer/1` ‖ hash), `docs/formats.md` §7.
    fn derived(hash: &Hash) -> Self {
        let digest = sha256(&[PRODUCER_DOMAIN, hash.as_bytes()].concat());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(digest.as_bytes()) {
            *to = *from;
        }
        Self::from_bytes(bytes)
    }
}

/// SHA-256 COSE Key Thumbprint (RFC 9679) of a public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub Hash);

impl KeyId {
    /// The id of a public key.
    pub fn of(key: &PublicKey) -> Self {
        Self(key.key_id())
    }

    /// Reads 64 lower-case hex digits; anything else is `None`.
    pub fn from_hex(text: &str) -> Option<Self> {
        hash_from_hex(text).map(Self)
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        self.0.to_hex()
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key:{self}")
    }
}

/// Reads a hash as 64 lower-case hex digits: upper case would be a second form of the same value.
pub(crate) fn hash_from_hex(text: &str) -> Option<Hash> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { None } else { Hash::from_hex(text) }
}
