//! The key that wraps the table's keys, and which of two it is while they are moved from one to the next (docs/formats.md §13.3).
//!
//! Promises: what says so is replaced whole or not at all, before the first key is moved and after the last; until then both keys open their part. Must
//! never: take another key for the one that is named.

use std::io;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use tabellion_tlog::Hash;
use zeroize::Zeroizing;

use super::slot::{self, NONCE, Slot, WRAPPED};
use super::table::RESTORE;
use crate::disk::{self, Disk};
use crate::entropy::Entropy;
use crate::error::OpenError;

/// Says under which key the table's keys are, once they were moved for the first time.
pub(crate) const WRAPPING_PATH: &str = "vault/wrapping";
const FORMAT: &str = "tabellion.vault-wrapping/1";
/// A line of some 300 bytes; more is none of ours.
const MAX_WRAPPING_BYTES: u64 = 4096;
/// What to say where the table's own check value does not open, and no file says that the key was changed since the table was made.
pub(super) const OTHER_KEY: &str = "keys/vault.key is not the key that this vault was made with, and there is no vault/wrapping, which says under which key it is once that was changed. If it was changed (vault.rotated in the log), \
vault/wrapping is missing: put it back with the vault from the newest backup of this log. If not, put the right keys/vault.key back from your key backup";
/// What to say where the check value of `vault/wrapping` does not open.
const NOT_THE_KEY: &str = "keys/vault.key is not the key that this vault is wrapped under; put the right file back from your key backup";

/// The tenant's master key: wraps every key of the table.
#[derive(Clone)]
pub(crate) struct MasterKey(Aes256Gcm);

impl MasterKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key)))
    }

    fn wrap(&self, nonce: &[u8; NONCE], message: &[u8; 32], aad: &[u8]) -> io::Result<[u8; WRAPPED]> {
        let sealed = self.0.encrypt(&Nonce::from(*nonce), Payload { msg: message, aad });
        sealed
            .ok()
            .and_then(|sealed| sealed.try_into().ok())
            .ok_or_else(|| io::Error::other("a vault key cannot be wrapped"))
    }

    fn unwrap(
        &self,
        nonce: &[u8; NONCE],
        wrapped: &[u8; WRAPPED],
        aad: &[u8],
    ) -> Option<Zeroizing<[u8; 32]>> {
        let opened =
            Zeroizing::new(self.0.decrypt(&Nonce::from(*nonce), Payload { msg: wrapped, aad }).ok()?);
        Some(Zeroizing::new(opened.as_slice().try_into().ok()?))
    }

    /// What tells this key from every other one, for the log of `origin`: always the same.
    pub(super) fn check(&self, origin: &Hash) -> io::Result<[u8; WRAPPED]> {
        self.wrap(&[0; NONCE], &[0; 32], origin.as_bytes())
    }

    pub(super) fn fits(&self, check: &[u8; WRAPPED], origin: &Hash) -> bool {
        self.unwrap(&[0; NONCE], check, origin.as_bytes()).is_some()
    }

    /// A key as it stands in a slot whose identity is `aad`.
    pub(super) fn wrap_key(
        &self,
        key: &[u8; 32],
        aad: &[u8],
        entropy: &dyn Entropy,
    ) -> io::Result<slot::Wrapping> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce)?;
        Ok((nonce, self.wrap(&nonce, key, aad)?))
    }
}

/// The keys that there are files of.
pub(crate) struct MasterKeys {
    pub(crate) vault: MasterKey,
    /// The one that takes its place, while keys are moved to it.
    pub(crate) next: Option<MasterKey>,
}

/// How far a change of the wrapping key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Every key is under the one key.
    Settled,
    /// Keys are moved to the next one; those that are not are under the one before.
    Moving,
    /// Every key is moved; what is left of the key before is taken away.
    Clearing,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    /// Entry that says that it was begun.
    begun: u64,
    check: String,
    format: String,
    generation: u32,
    /// How many keys were moved, once all are.
    moved: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_check: Option<String>,
    phase: Phase,
}

/// What the table's keys are wrapped under.
pub(crate) struct Wrapping {
    /// How often the key was changed.
    generation: u32,
    phase: Phase,
    current: MasterKey,
    /// While keys are moved.
    next: Option<MasterKey>,
    begun: u64,
    moved: u64,
    /// Whether the current key is in the file of the next one.
    is_in_next_file: bool,
}

impl Wrapping {
    /// Under a key that was never changed.
    pub(super) fn first(current: MasterKey) -> Self {
        Self {
            generation: 0,
            phase: Phase::Settled,
            current,
            next: None,
            begun: 0,
            moved: 0,
            is_in_next_file: false,
        }
    }

    /// Reads what is said and finds the keys for it among those that there are.
    pub(super) fn load(disk: &dyn Disk, origin: &Hash, masters: MasterKeys) -> Result<Self, OpenError> {
        if !disk.exists(WRAPPING_PATH).map_err(OpenError::io("look for", WRAPPING_PATH))? {
            return Ok(Self::first(masters.vault));
        }
        let damaged = || {
            OpenError::Corrupt(format!(
                "{WRAPPING_PATH} is damaged; it says which key the vault is wrapped under. {RESTORE}"
            ))
        };
        let bytes = disk::read_all(disk, WRAPPING_PATH, MAX_WRAPPING_BYTES)
            .map_err(OpenError::io("read", WRAPPING_PATH))?;
        let said: Said = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        let check = check_of(&said.check).ok_or_else(damaged)?;
        let next_check =
            said.next_check.as_deref().map(|text| check_of(text).ok_or_else(damaged)).transpose()?;
        if said.format != FORMAT || next_check.is_some() != (said.phase == Phase::Moving) {
            return Err(damaged());
        }
        let in_next_file = masters.next.as_ref().filter(|key| key.fits(&check, origin));
        let is_in_next_file = in_next_file.is_some() && !masters.vault.fits(&check, origin);
        let current = if is_in_next_file { in_next_file } else { Some(&masters.vault) };
        let current = current.filter(|key| key.fits(&check, origin)).cloned();
        let current = current.ok_or_else(|| OpenError::Mismatch(NOT_THE_KEY.to_owned()))?;
        let next = next_check.map(|check| {
            masters.next.filter(|key| key.fits(&check, origin)).ok_or_else(|| {
                OpenError::Mismatch(
                    "the vault's keys are being moved to a new wrapping key, and keys/vault-next.key, which holds it, is missing or another one. What was moved opens \
                     with nothing else: put the file back from your key backup, or the vault and the keys of before"
                        .to_owned(),
                )
            })
        });
        Ok(Self {
            generation: said.generation,
            phase: said.phase,
            current,
            next: next.transpose()?,
            begun: said.begun,
            moved: said.moved,
            is_in_next_file,
        })
    }

    /// Makes a step durable, and takes it.
    pub(super) fn turn(&mut self, disk: &dyn Disk, origin: &Hash, to: Turn) -> io::Result<()> {
        let mut next = None;
        match to {
            Turn::Begin(key, begun) => {
                (self.phase, self.begun, self.moved) = (Phase::Moving, begun, 0);
                next = Some(key.check(origin)?);
                self.next = Some(*key);
            }
            Turn::Moved(moved) => {
                (self.phase, self.moved) = (Phase::Clearing, moved);
                self.generation = self.generation.wrapping_add(1);
                self.current = self.next.take().ok_or_else(|| io::Error::other("no key is being moved"))?;
                self.is_in_next_file = true;
            }
            Turn::Settled => (self.phase, self.is_in_next_file) = (Phase::Settled, false),
        }
        let said = Said {
            begun: self.begun,
            check: BASE64.encode(self.current.check(origin)?),
            format: FORMAT.to_owned(),
            generation: self.generation,
            moved: self.moved,
            next_check: next.map(|check| BASE64.encode(check)),
            phase: self.phase,
        };
        let mut bytes = serde_json::to_vec(&said).map_err(io::Error::other)?;
        bytes.push(b'\n');
        disk::write_file_durably(disk, WRAPPING_PATH, &bytes)
    }

    pub(super) fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The key that others are moved to, with its generation.
    pub(super) fn next(&self) -> Option<(u32, &MasterKey)> {
        self.next.as_ref().map(|key| (self.generation.wrapping_add(1), key))
    }

    /// Whether no key was ever moved to another one.
    pub(super) fn is_first(&self) -> bool {
        self.generation == 0
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// The entry that says that the newest change was begun, and how many keys were moved in it.
    pub(crate) fn newest_change(&self) -> (u64, u64) {
        (self.begun, self.moved)
    }

    pub(crate) fn is_in_next_file(&self) -> bool {
        self.is_in_next_file
    }

    /// A new key as it stands in its slot, with the generation that says where there.
    pub(super) fn wrap(
        &self,
        key: &[u8; 32],
        aad: &[u8],
        entropy: &dyn Entropy,
    ) -> io::Result<(u32, slot::Wrapping)> {
        let (generation, master) = self.next().unwrap_or((self.generation, &self.current));
        Ok((generation, master.wrap_key(key, aad, entropy)?))
    }

    /// The key of a slot.
    pub(super) fn open(&self, slot: &Slot) -> Option<Zeroizing<[u8; 32]>> {
        let open = |(generation, master): (u32, &MasterKey)| {
            let (nonce, wrapped) = slot.wrapping(generation)?;
            master.unwrap(nonce, wrapped, &slot.aad)
        };
        self.next().and_then(open).or_else(|| open((self.generation, &self.current)))
    }

    /// Whether a slot's key is yet to be moved.
    pub(super) fn is_unmoved(&self, slot: &Slot) -> bool {
        self.next().is_some_and(|(generation, _)| !slot.is_gone && slot.wrapping(generation).is_none())
    }

    /// What is to be said of a change that was cut short.
    pub(super) fn note(&self, unmoved: u64, live: u64) -> Option<String> {
        let how_far = match self.phase {
            Phase::Settled => return None,
            Phase::Moving => {
                format!(
                    "{} of {live} keys are under the new one, and all can be used",
                    live.saturating_sub(unmoved)
                )
            }
            Phase::Clearing => {
                format!(
                    "all {live} keys are under the new one; what is left of the one before is being taken away"
                )
            }
        };
        Some(format!(
            "the vault's wrapping key is being changed, begun with entry {}: {how_far}. Where no process is at it, the next start for writing goes on",
            self.begun
        ))
    }
}

/// A step of a change.
pub(super) enum Turn {
    /// Keys are moved to this one from here on; the entry that says so.
    Begin(Box<MasterKey>, u64),
    /// So many were moved, which is all.
    Moved(u64),
    /// Nothing of the key before is left.
    Settled,
}

fn check_of(text: &str) -> Option<[u8; WRAPPED]> {
    BASE64.decode(text).ok()?.try_into().ok()
}
