//! Introducing, rotating and withdrawing the log's second key. Every change is a record that the log's own writer seals.
//!
//! Order, and why: a new key's file is durable before the record that names it, so that the log never names a key that nobody has; the record is durable
//! before the key signs anything that is handed out, so that no signature is by a key that the log does not name. A key that was made and not
//! recorded, because the process died between the two, is taken up by the next start where it is the first, and else named there.

use std::sync::PoisonError;

use tabellion_model::registry::{Facts, Revocation, SecondKeyWithdrawn};
use tabellion_model::{KeyId, SECOND_KEY_STREAM, StreamName, introduce_second_key, rotate_second_key};
use tabellion_tlog::MlDsaSigningKey;

use super::{Held, Trouble};
use crate::commit::Ack;
use crate::draft::{Draft, DraftStream};
use crate::error::{LedgerError, OpenError, RejectCode};
use crate::keyring::MlDsaFile;
use crate::ledger::Ledger;
use crate::vault::EVIDENCE_CLASS;

impl Ledger {
    /// Makes a second key for a log that has none in force, records it and signs with it. A key file that was never recorded is taken, and none made.
    pub fn introduce_second_key(&self) -> Result<(KeyId, Ack), LedgerError> {
        if let Some(grant) = self.reader().second_keys().in_force() {
            return Err(LedgerError::rejected(
                RejectCode::StreamConflict,
                format!(
                    "second key {} is in force since entry {}: a second key is never replaced without a word. To replace it: tabellion key rotate hybrid",
                    grant.info.key_id, grant.since
                ),
            ));
        }
        let held = self.held()?;
        let file = match held.signs.into_iter().chain(held.strangers).collect::<Vec<_>>().as_slice() {
            [] => self.new_second_key()?,
            [file] => file.clone(),
            several => return Err(LedgerError::Unavailable(super::several(several))),
        };
        let secret = self.open_second_key(&file)?;
        let facts = introduce_second_key(self.origin(), &secret).map_err(|error| fatal(&error))?;
        Ok((file.key_id, self.change_second_key(&facts, Some(secret))?))
    }

    /// Replaces the second key in force by a new one; both sign the change.
    pub fn rotate_second_key(&self) -> Result<(KeyId, Ack), LedgerError> {
        if self.reader().second_keys().in_force().is_none() {
            return Err(none_in_force());
        }
        let held = self.held()?;
        let Some(file) = held.signs else {
            return Err(LedgerError::Unavailable(held.notes().join("; ")));
        };
        let old = self.open_second_key(&file)?;
        let file = self.new_second_key()?;
        let new = self.open_second_key(&file)?;
        let facts = rotate_second_key(self.origin(), &old, &new).map_err(|error| fatal(&error))?;
        Ok((file.key_id, self.change_second_key(&facts, Some(new))?))
    }

    /// Takes the second key out of force; nothing signs a second time until another is introduced. Its file may be lost.
    pub fn withdraw_second_key(&self, key_id: &KeyId, reason: Revocation) -> Result<Ack, LedgerError> {
        let on_record = self.reader().second_keys();
        if on_record.in_force().is_none_or(|grant| grant.info.key_id != *key_id) {
            return Err(none_in_force());
        }
        self.change_second_key(
            &Facts::SecondKeyWithdrawn(SecondKeyWithdrawn { key_id: *key_id, reason }),
            None,
        )
    }

    /// Puts the first second key on record where a version made it that recorded none. What keeps it from being recorded now is there at the next start too.
    pub(crate) fn record_second_key(&self) -> Result<(), LedgerError> {
        let unrecorded = {
            let state = self.state();
            state.second_keys.all().is_empty() && state.conflict.is_none()
        };
        if !unrecorded || self.reader().hybrid_key().is_none() {
            return Ok(());
        }
        match self.introduce_second_key() {
            Ok(_) | Err(LedgerError::Unavailable(_) | LedgerError::Full(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Appends the record, and signs with `next` once it is durable.
    fn change_second_key(&self, facts: &Facts, next: Option<MlDsaSigningKey>) -> Result<Ack, LedgerError> {
        let _alone = self.shared.second_key_change.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = StreamName::new(SECOND_KEY_STREAM).map_err(|error| fatal(&error))?;
        let version = self.state().streams.get(&stream).copied().unwrap_or(0);
        // Somebody else's change may have come between what was looked at and here.
        let (mut folded, origin) = (self.reader().second_keys(), self.origin());
        folded.apply(u64::MAX, facts, origin).map_err(|error| {
            LedgerError::rejected(RejectCode::StreamConflict, format!("{error}; look again and decide anew"))
        })?;
        let mut draft = Draft::new(facts.kind().name());
        draft.clear = facts.to_clear().unwrap_or_default();
        draft.assurance = Some("observed".to_owned());
        draft.retention = Some(EVIDENCE_CLASS.to_owned());
        draft.stream = Some(DraftStream { name: stream.as_str().to_owned(), expected: Some(version) });
        let ack = self.append_one_own(&draft)?;
        self.shared.sign_with(next).map_err(|error| unavailable(&error))?;
        Ok(ack)
    }

    fn held(&self) -> Result<Held, LedgerError> {
        let held = Held::compare(self.shared.disk.as_ref(), &self.reader().second_keys());
        match held.map_err(|error| unavailable(&error))? {
            Held { trouble: Some(Trouble::Foreign(what)), .. } => Err(LedgerError::Unavailable(what)),
            held => Ok(held),
        }
    }

    fn new_second_key(&self) -> Result<MlDsaFile, LedgerError> {
        let shared = self.shared.as_ref();
        let made =
            shared.keys.create_ml_dsa(shared.disk.as_ref(), shared.clock.now(), shared.entropy.as_ref());
        made.map_err(|error| unavailable(&error))
    }

    fn open_second_key(&self, file: &MlDsaFile) -> Result<MlDsaSigningKey, LedgerError> {
        let opened = self.shared.keys.load_ml_dsa(self.shared.disk.as_ref(), file);
        opened.map_err(|error| unavailable(&error))
    }
}

fn none_in_force() -> LedgerError {
    let text = "no such second key is in force in this log; tabellion key list shows them, tabellion key hybrid makes one";
    LedgerError::rejected(RejectCode::NotFound, text)
}

fn unavailable(error: &OpenError) -> LedgerError {
    LedgerError::Unavailable(error.to_string())
}

fn fatal(error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Fatal(format!("the second key's record cannot be made: {error}"))
}
