//! Changing keys: granting, rotating with both signatures, revoking. Every change is a statement under the root key.
//!
//! Order, and why: a new key's file is durable before the record that grants it, so that the log can never name a key that nobody has; the
//! committer takes the new key up in the very batch that holds the record, so that no seal or checkpoint is ever signed with a key
//! that is not in force at its place.

use tabellion_model::registry::{EpochOpened, Facts, Granted, KeyInfo, Revocation, Revoked};
use tabellion_model::{CredentialId, KeyId, ProducerId, Purpose, Standing, key};
use tabellion_tlog::PublicKey;

use crate::commit::Ack;
use crate::error::{LedgerError, OpenError, RejectCode};
use crate::init::{StatementWriter, granted};
use crate::keyring::KeyPair;
use crate::ledger::Ledger;
use crate::numbers::Epoch;
use crate::shared::Shared;

/// One change to the log's keys.
enum KeyChange {
    Granted(KeyPair),
    Rotated { old: KeyPair, new: KeyPair },
    Revoked { key: KeyId, reason: Revocation },
}

impl Ledger {
    /// Makes a key, writes its file and grants it. For `log`, `writer` and `package` only when none is in force.
    pub fn grant_key(&self, purpose: Purpose) -> Result<(KeyPair, Ack), LedgerError> {
        let pair = self.new_key(purpose, None)?;
        let ack = self.change_keys(vec![KeyChange::Granted(pair.clone())])?;
        Ok((pair, ack))
    }

    /// Grants a key that somebody else holds; only its public half is known here.
    pub fn grant_public_key(&self, public: &PublicKey, credential: CredentialId) -> Result<Ack, LedgerError> {
        let granted = Granted { credential, key: KeyInfo::of(*public), purpose: Purpose::Actor };
        self.sign_changes(vec![(Facts::KeyGranted(granted), None)])
    }

    /// Replaces the key in force for `purpose` by a new one; the old and the new key both sign, the root records it.
    pub fn rotate_key(&self, purpose: Purpose) -> Result<(KeyPair, Ack), LedgerError> {
        let old = {
            let state = self.state();
            crate::ledger::load_in_force(self.shared.disk.as_ref(), &self.shared.keys, &state, purpose)
                .map_err(|error| unavailable(&error))?
        };
        self.rotate_pair(old)
    }

    /// Replaces one of several actor keys, whose file is here, by a new one of the same credential.
    pub fn rotate_actor_key(&self, key: &KeyId) -> Result<(KeyPair, Ack), LedgerError> {
        let in_force = {
            let state = self.state();
            state.keys.may_sign(Purpose::Actor, key, state.size())
        };
        if !in_force {
            return Err(LedgerError::rejected(
                RejectCode::NotFound,
                format!("no actor key {key} is in force in this log"),
            ));
        }
        let old = self.key_pair(Purpose::Actor, key).map_err(|error| unavailable(&error))?;
        self.rotate_pair(old)
    }

    fn rotate_pair(&self, old: KeyPair) -> Result<(KeyPair, Ack), LedgerError> {
        let new = self.new_key(old.purpose, Some(old.credential))?;
        let ack = self.change_keys(vec![KeyChange::Rotated { old, new: new.clone() }])?;
        Ok((new, ack))
    }

    /// Revokes a key. For `log`, `writer` and `package` a new key is granted in the same step.
    pub fn revoke_key(&self, key: &KeyId, reason: Revocation) -> Result<(Option<KeyPair>, Ack), LedgerError> {
        let purpose = {
            let state = self.state();
            let status =
                state.keys.find(key, state.size()).filter(|status| status.standing == Standing::InForce);
            status.map(|status| status.grant.purpose).filter(|purpose| *purpose != Purpose::Root)
        };
        let purpose = purpose.ok_or_else(|| {
            LedgerError::rejected(RejectCode::NotFound, format!("no key {} is in force in this log", key.0))
        })?;
        let mut changes = vec![KeyChange::Revoked { key: *key, reason }];
        let mut replacement = None;
        if purpose != Purpose::Actor {
            let pair = self.new_key(purpose, None)?;
            replacement = Some(pair.clone());
            changes.push(KeyChange::Granted(pair));
        }
        Ok((replacement, self.change_keys(changes)?))
    }

    /// Makes a key and keeps it durably, before any record can name it.
    fn new_key(&self, purpose: Purpose, credential: Option<CredentialId>) -> Result<KeyPair, LedgerError> {
        let Shared { disk, keys, clock, entropy, .. } = self.shared.as_ref();
        keys.create(disk.as_ref(), purpose, credential, clock.now(), entropy.as_ref())
            .map_err(|error| unavailable(&error))
    }

    fn change_keys(&self, changes: Vec<KeyChange>) -> Result<Ack, LedgerError> {
        let signed = changes
            .into_iter()
            .map(|change| {
                Ok(match change {
                    KeyChange::Granted(pair) => (Facts::KeyGranted(granted(&pair)), Some(pair)),
                    KeyChange::Rotated { old, new } => {
                        let both = key::rotate(
                            new.credential,
                            self.origin(),
                            new.purpose,
                            old.key.as_ref(),
                            new.key.as_ref(),
                        );
                        let both = both.map_err(|error| {
                            LedgerError::Fatal(format!("cannot sign the rotation: {error}"))
                        })?;
                        (Facts::KeyRotated(Box::new(both)), Some(new))
                    }
                    KeyChange::Revoked { key, reason } => {
                        (Facts::KeyRevoked(Revoked { key_id: key, reason }), None)
                    }
                })
            })
            .collect::<Result<Vec<_>, LedgerError>>()?;
        self.sign_changes(signed)
    }

    /// Appends key records as one epoch of the root's producer. Answers with the first record's place.
    fn sign_changes(&self, changes: Vec<(Facts, Option<KeyPair>)>) -> Result<Ack, LedgerError> {
        let (root, version, epoch) = {
            let state = self.state();
            let root = self
                .key_pair(Purpose::Root, &state.keys.root().key_id)
                .map_err(|error| unavailable(&error))?;
            let producer = ProducerId::of_key(&root.key_id());
            (root, state.keys.version(), state.numbers.get(&producer).cloned())
        };
        let producer = ProducerId::of_key(&root.key_id());
        let now = self.shared.clock.now();
        let number = epoch.as_ref().map_or(now.0, |epoch| now.0.max(epoch.number + 1));
        let mut writer = StatementWriter {
            origin: self.origin(),
            env: self.env(),
            signer: &root,
            producer,
            epoch: number,
            seq: 0,
            entropy: self.shared.entropy.as_ref(),
            now,
        };
        let broken = |error: String| LedgerError::Fatal(format!("cannot sign the key records: {error}"));
        let opened = epoch.as_ref().map_or(EpochOpened { previous: None }, Epoch::previous_facts);
        let opened = writer.sign(&Facts::EpochOpened(opened), None).map_err(broken)?;
        let mut items = vec![self.prepare_statement(opened, &[])?];
        for (offset, (facts, adopts)) in (1..).zip(changes) {
            let bytes = writer.sign(&facts, Some(version + offset)).map_err(broken)?;
            items.push(self.prepare_adopting(bytes, adopts)?);
        }
        let closing = Epoch { last_seq: writer.seq, ..Epoch::starting(number) }.closing_facts(writer.seq + 1);
        let closed = writer.sign(&Facts::EpochClosed(closing), None).map_err(broken)?;
        items.push(self.prepare_statement(closed, &[])?);
        let acks = self.append_prepared(items)?;
        acks.into_iter()
            .nth(1)
            .ok_or_else(|| LedgerError::Fatal("key records were answered without a result".to_owned()))
    }
}

fn unavailable(error: &OpenError) -> LedgerError {
    LedgerError::Unavailable(error.to_string())
}
