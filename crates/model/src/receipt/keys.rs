//! The keys that a receipt brings along: the genesis and the records that brought in the keys it uses (formats §9).
//!
//! A receipt holds a few of the log's key records, so nothing here can say that a key was not revoked meanwhile. Every key
//! counts only from a record that the root key signed, and a rotated key only when the key before it agreed.

use tabellion_tlog::PublicKey;

use crate::id::{CredentialId, KeyId};
use crate::key::{KeyChain, rotation_message};
use crate::placed::PlacedEntry;
use crate::registry::{Facts, Purpose, facts, is_key_record};
use crate::statement::Statement;

/// A key and the record that brought it in.
#[derive(Clone, Copy, Debug)]
pub(super) struct BroughtKey {
    pub(super) public: PublicKey,
    pub(super) purpose: Purpose,
    pub(super) credential: CredentialId,
    /// Index of the record.
    since: u64,
}

/// The keys of one receipt.
#[derive(Debug)]
pub(super) struct ReceiptKeys {
    /// The chain after the genesis alone: root key, origin, environment.
    pub(super) genesis: KeyChain,
    brought: Vec<BroughtKey>,
}

impl ReceiptKeys {
    /// Follows the records; says what is wrong with the first that does not belong.
    pub(super) fn follow(records: &[PlacedEntry]) -> Result<Self, String> {
        let (first, rest) = records
            .split_first()
            .filter(|(first, _)| first.index == 0)
            .ok_or("entry 0, the genesis, is not here")?;
        let genesis = KeyChain::genesis(&first.entry).map_err(|error| format!("entry 0: {error}"))?;
        let mut keys = Self { genesis, brought: Vec::new() };
        for placed in rest {
            keys.take(placed).map_err(|problem| format!("entry {}: {problem}", placed.index))?;
        }
        Ok(keys)
    }

    fn take(&mut self, placed: &PlacedEntry) -> Result<(), String> {
        let statement = Statement::parse(&placed.entry).map_err(|error| error.to_string())?;
        let header = &statement.record.header;
        let of_this_log = header.log == *self.genesis.origin() && header.env == self.genesis.env();
        if !is_key_record(header) || !of_this_log || header.actor != self.genesis.root_credential() {
            return Err("is not a key record of this log".to_owned());
        }
        statement
            .verify(&self.genesis.root().public)
            .map_err(|error| format!("the root key did not sign it: {error}"))?;
        let (info, purpose, credential) = match facts(header).map_err(|error| error.to_string())? {
            Some(Facts::KeyGranted(granted)) => (granted.key, granted.purpose, granted.credential),
            Some(Facts::KeyRotated(rotated)) => {
                let old = self.brought.iter().find(|key| KeyId::of(&key.public) == rotated.old).ok_or_else(
                    || format!("the record of key {}, which it replaces, is not here", rotated.old),
                )?;
                let message = rotation_message(
                    &rotated.credential,
                    self.genesis.origin(),
                    &rotated.key.key_id,
                    &rotated.old,
                    rotated.purpose,
                );
                let agreed = old.purpose == rotated.purpose
                    && old.credential == rotated.credential
                    && old.public.verify(&message, &rotated.old_signature).is_ok()
                    && rotated.key.public.verify(&message, &rotated.new_signature).is_ok();
                if !agreed {
                    return Err("the old and the new key did not both sign this rotation".to_owned());
                }
                (rotated.key, rotated.purpose, rotated.credential)
            }
            _ => return Err("brings in no key".to_owned()),
        };
        self.brought.push(BroughtKey { public: info.public, purpose, credential, since: placed.index });
        Ok(())
    }

    /// The last key brought in for a purpose before a position.
    pub(super) fn last(&self, purpose: Purpose, position: u64) -> Result<&BroughtKey, String> {
        self.brought
            .iter()
            .rev()
            .find(|key| key.purpose == purpose && key.since < position)
            .ok_or_else(|| format!("no record here brings in a {purpose} key before {position}"))
    }

    /// The key with this id, when it was brought in before a position.
    pub(super) fn find(&self, key_id: &KeyId, position: u64) -> Option<&BroughtKey> {
        self.brought.iter().find(|key| KeyId::of(&key.public) == *key_id && key.since < position)
    }
}
