//! The keys that a receipt brings along: the genesis and the records that brought in the keys it uses (formats §9).
//!
//! A receipt holds a few of the log's key records, so nothing here can say that a key was not revoked meanwhile; what the
//! records at hand do say is honoured. Every key counts only from a record that the root key signed, and a rotated key only
//! when the key before it agreed.

use tabellion_tlog::PublicKey;

use crate::entry::Entry;
use crate::id::{CredentialId, KeyId, ProducerId};
use crate::key::{KeyChain, rotation_message};
use crate::placed::PlacedEntry;
use crate::registry::{Facts, KeyInfo, Purpose, Rotated, facts, is_key_record};
use crate::statement::Statement;

/// Why the key records of a receipt are not to be followed.
#[derive(Debug)]
pub(super) enum KeysFault {
    /// One of them cannot be read.
    Unreadable(String),
    /// They can be read and contradict each other.
    Contradiction(String),
}

/// A key and the record that brought it in.
#[derive(Clone, Copy, Debug)]
pub(super) struct BroughtKey {
    pub(super) info: KeyInfo,
    pub(super) purpose: Purpose,
    pub(super) credential: CredentialId,
    /// Index of the record that brought it in.
    since: u64,
    /// Index of the record that took it out, as far as that is here.
    until: Option<u64>,
}

/// The keys of one receipt.
#[derive(Debug)]
pub(super) struct ReceiptKeys {
    /// The chain after the genesis alone: root key, origin, environment.
    pub(super) genesis: KeyChain,
    brought: Vec<BroughtKey>,
    /// `stream_version` of the last record taken.
    version: u64,
}

impl BroughtKey {
    /// Whether it was in force for a position, by the records at hand.
    pub(super) fn is_in_force(&self, position: u64) -> bool {
        self.since < position && self.until.is_none_or(|until| until >= position)
    }
}

impl ReceiptKeys {
    /// Reads all records, then follows them; names the first that does not belong.
    pub(super) fn follow(records: &[PlacedEntry]) -> Result<Self, KeysFault> {
        let mut read = Vec::with_capacity(records.len());
        for placed in records {
            let entry = Entry::parse(&placed.entry)
                .map_err(|error| KeysFault::Unreadable(format!("entry {}: {error}", placed.index)))?;
            read.push((placed, entry));
        }
        let broken = KeysFault::Contradiction;
        let mut read = read.into_iter();
        let (first, _) = read
            .next()
            .filter(|(first, _)| first.index == 0)
            .ok_or_else(|| broken("entry 0, the genesis, is not here".to_owned()))?;
        let genesis = KeyChain::genesis(&first.entry).map_err(|error| broken(format!("entry 0: {error}")))?;
        let mut keys = Self { genesis, brought: Vec::new(), version: 1 };
        for (placed, entry) in read {
            let taken = match entry {
                Entry::Statement(statement) => keys.take(placed.index, &statement),
                Entry::Record(_) | Entry::Seal(_) => Err("is no key record".to_owned()),
            };
            taken.map_err(|problem| broken(format!("entry {}: {problem}", placed.index)))?;
        }
        Ok(keys)
    }

    fn take(&mut self, index: u64, statement: &Statement) -> Result<(), String> {
        let header = &statement.record.header;
        let root = self.genesis.root();
        let of_this_log = header.log == *self.genesis.origin() && header.env == self.genesis.env();
        let of_the_root = header.actor == self.genesis.root_credential()
            && header.producer == ProducerId::of_key(&root.key_id);
        if !is_key_record(header) || !of_this_log || !of_the_root {
            return Err("is not a key record of this log".to_owned());
        }
        statement.verify(&root.public).map_err(|error| format!("the root key did not sign it: {error}"))?;
        let version = header.stream.as_ref().map_or(0, |(_, version)| *version);
        if version <= self.version {
            return Err(format!("version {version} of stream keys does not come after {}", self.version));
        }
        match facts(header).map_err(|error| error.to_string())? {
            Some(Facts::KeyGranted(granted)) => {
                self.bring(index, granted.key, granted.purpose, granted.credential)?;
            }
            Some(Facts::KeyRotated(rotated)) => self.rotate(index, &rotated)?,
            Some(Facts::KeyRevoked(revoked)) => {
                let key = self.brought.iter_mut().find(|key| key.info.key_id == revoked.key_id);
                let key = key.ok_or_else(|| format!("revokes key {}, which is not here", revoked.key_id))?;
                key.until.get_or_insert(index);
            }
            _ => return Err("brings in no key".to_owned()),
        }
        self.version = version;
        Ok(())
    }

    fn bring(
        &mut self,
        since: u64,
        info: KeyInfo,
        purpose: Purpose,
        credential: CredentialId,
    ) -> Result<(), String> {
        let known = info.key_id == self.genesis.root().key_id;
        if known || self.brought.iter().any(|key| key.info.key_id == info.key_id) {
            return Err(format!("brings in key {} a second time", info.key_id));
        }
        self.brought.push(BroughtKey { info, purpose, credential, since, until: None });
        Ok(())
    }

    fn rotate(&mut self, index: u64, rotated: &Rotated) -> Result<(), String> {
        let origin = self.genesis.origin();
        let new = &rotated.key;
        let message =
            rotation_message(&rotated.credential, origin, &new.key_id, &rotated.old, rotated.purpose);
        let old =
            self.brought.iter_mut().find(|key| key.info.key_id == rotated.old).ok_or_else(|| {
                format!("the record of key {}, which it replaces, is not here", rotated.old)
            })?;
        if old.until.is_some() || old.purpose != rotated.purpose || old.credential != rotated.credential {
            return Err(format!("key {} is not in force for that purpose and credential", rotated.old));
        }
        let signed = |key: &PublicKey, signature: &[u8; 64]| key.verify(&message, signature).is_ok();
        if !signed(&old.info.public, &rotated.old_signature) || !signed(&new.public, &rotated.new_signature) {
            return Err("the old and the new key did not both sign this rotation".to_owned());
        }
        old.until = Some(index);
        self.bring(index, *new, rotated.purpose, rotated.credential)
    }

    /// The last key brought in for a purpose that is in force for a position.
    pub(super) fn last(&self, purpose: Purpose, position: u64) -> Result<&BroughtKey, String> {
        self.brought
            .iter()
            .rev()
            .find(|key| key.purpose == purpose && key.is_in_force(position))
            .ok_or_else(|| format!("no record here puts a {purpose} key in force for {position}"))
    }

    /// The key with this id.
    pub(super) fn find(&self, key_id: &KeyId) -> Option<&BroughtKey> {
        self.brought.iter().find(|key| key.info.key_id == *key_id)
    }
}
