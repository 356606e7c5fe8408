//! The second, post-quantum signature on checkpoints that are handed out: ML-DSA-44 beside Ed25519 (C2SP tlog-cosignature, note type 0x06, time 0).
//!
//! Promises: only what the log has signed by Ed25519 before is signed so too; the same checkpoint gives the same line; only the key on record signs, or
//! the first one, which is then recorded. Must never: hold up a commit: a checkpoint inside a segment carries Ed25519 alone.

mod change;

use std::sync::{Arc, Mutex, PoisonError};

use tabellion_model::{KeyId, SecondKeys};
use tabellion_tlog::{MlDsaSigningKey, NoteSignature, SignedCheckpoint, VerifierKey, sign_ml_dsa};

use crate::disk::Disk;
use crate::error::OpenError;
use crate::keyring::{MlDsaFile, list_ml_dsa};
use crate::reader::Reader;
use crate::shared::Shared;

/// The key and what it signed last, since one checkpoint is handed out many times.
pub(crate) struct Hybrid {
    key: VerifierKey,
    secret: MlDsaSigningKey,
    last: Mutex<Option<(String, String)>>,
}

impl Hybrid {
    /// The checkpoint with the line. One that cannot be signed is handed out as it is: Ed25519 stands.
    fn sign(&self, checkpoint: &str) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((plain, signed)) = last.as_ref()
            && plain == checkpoint
        {
            return signed.clone();
        }
        let is_own = |line: &NoteSignature| line.name == self.key.name() && line.key_id == self.key.id();
        let read = SignedCheckpoint::parse(checkpoint.as_bytes()).ok();
        let plain = read.filter(|signed| !signed.note.signatures.iter().any(is_own));
        let line = plain.and_then(|signed| {
            let line = sign_ml_dsa(&signed.checkpoint, &self.secret).ok()?;
            Some(signed.with_signatures(&[line]).bytes)
        });
        let Some(signed) = line else { return checkpoint.to_owned() };
        *last = Some((checkpoint.to_owned(), signed.clone()));
        signed
    }
}

/// How the key files stand to the second key on record.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The file of the key that signs.
    pub(crate) signs: Option<MlDsaFile>,
    /// Files of keys that were never on record, and sign nothing.
    pub(crate) strangers: Vec<MlDsaFile>,
    /// Why the key on record does not sign, and what to do; `None`: it does, or there is none.
    pub(crate) trouble: Option<Trouble>,
}

/// Why the key on record does not sign.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A key file is there, and it is another key's: nobody may write to the log before that is clear.
    Foreign(String),
    /// No file holds it: the log goes on with its other signature alone.
    Missing(String),
}

impl Held {
    /// Compares the files in `disk` with what the log says.
    pub(crate) fn compare(disk: &dyn Disk, on_record: &SecondKeys) -> Result<Self, OpenError> {
        let mut files = list_ml_dsa(disk)?;
        let in_force = on_record.in_force();
        let signs = in_force.and_then(|grant| files.iter().find(|file| file.key_id == grant.info.key_id));
        let signs = signs.cloned();
        files.retain(|file| on_record.find(&file.key_id).is_none());
        let Some(grant) = in_force else {
            // The first key of a log may come from a version that recorded none.
            return Ok(match (on_record.all().is_empty(), files.len()) {
                (true, 1) => Self { signs: files.pop(), ..Self::default() },
                (true, 2..) => Self { trouble: Some(Trouble::Foreign(several(&files))), ..Self::default() },
                _ => Self { strangers: files, ..Self::default() },
            });
        };
        let (key_id, since) = (grant.info.key_id, grant.since);
        let trouble = match (&signs, files.first()) {
            (Some(_), _) => None,
            (None, Some(other)) => Some(Trouble::Foreign(format!(
                "{} holds second key {}, and the log has {key_id} on record since entry {since}. Put the file of that key back from your key backup; \
                 if it is lost, move {0} away and then: tabellion key revoke {key_id} --reason lost, tabellion key hybrid",
                other.path, other.key_id
            ))),
            (None, None) => Some(Trouble::Missing(format!(
                "second key {key_id} is on record since entry {since} and no file in keys holds it: checkpoints are signed by Ed25519 alone. Put its file \
                 back from your key backup; if it is lost: tabellion key revoke {key_id} --reason lost, tabellion key hybrid"
            ))),
        };
        Ok(Self { signs, strangers: files, trouble })
    }

    /// What an operator should know of it, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let trouble = self.trouble.iter().map(|trouble| match trouble {
            Trouble::Foreign(what) | Trouble::Missing(what) => what.clone(),
        });
        let strangers = self.strangers.iter().map(|file| {
            format!(
                "{} holds second key {}, which was never on record: it signs nothing. Move it away, unless it is to be the log's next one (tabellion key \
                 hybrid takes it where none is in force)",
                file.path, file.key_id
            )
        });
        trouble.chain(strangers).collect()
    }
}

fn several(files: &[MlDsaFile]) -> String {
    let named: Vec<String> = files.iter().map(|file| format!("{} ({})", file.path, file.key_id)).collect();
    format!(
        "there are several second keys and the log has none on record: {}. Leave the one that the trust file names, and move the others away",
        named.join(", ")
    )
}

impl Shared {
    /// Takes up the second key that is to sign, when there is one. Gives how the files stand to the record.
    pub(crate) fn load_hybrid(&self) -> Result<Held, OpenError> {
        let held = Held::compare(self.disk.as_ref(), &self.state().second_keys)?;
        if let Some(file) = &held.signs {
            let secret = self.keys.load_ml_dsa(self.disk.as_ref(), file)?;
            self.sign_with(Some(secret))?;
        }
        Ok(held)
    }

    /// The same for whoever is going to write: refused where a file holds another key than the one on record. Gives what to tell the operator.
    pub(crate) fn load_hybrid_to_write(&self) -> Result<Vec<String>, OpenError> {
        let held = self.load_hybrid()?;
        if let Some(Trouble::Foreign(what)) = held.trouble {
            return Err(OpenError::Mismatch(what));
        }
        Ok(held.notes())
    }

    /// From here on this key signs what is handed out, or none.
    pub(crate) fn sign_with(&self, secret: Option<MlDsaSigningKey>) -> Result<(), OpenError> {
        let origin = self.state().origin.clone();
        let hybrid = secret.map(|secret| {
            let key = VerifierKey::ml_dsa(origin.as_str(), secret.public().clone()).map_err(|error| {
                OpenError::Mismatch(format!("the ML-DSA-44 key cannot sign for {origin}: {error}"))
            })?;
            Ok::<_, OpenError>(Arc::new(Hybrid { key, secret, last: Mutex::new(None) }))
        });
        *self.hybrid.write().unwrap_or_else(PoisonError::into_inner) = hybrid.transpose()?;
        Ok(())
    }

    /// A checkpoint of this log as it is handed out.
    pub(crate) fn handed_out(&self, checkpoint: &str) -> String {
        let hybrid = self.hybrid.read().unwrap_or_else(PoisonError::into_inner).clone();
        hybrid.map_or_else(|| checkpoint.to_owned(), |hybrid| hybrid.sign(checkpoint))
    }
}

impl Reader {
    /// The log's second key, which a trust file names beside the others: the one on record, whether its file is here or not; where the log never recorded
    /// one, the one that signs.
    pub fn hybrid_key(&self) -> Option<VerifierKey> {
        let state = self.state();
        if let Some(grant) = state.second_keys.in_force() {
            return VerifierKey::ml_dsa(state.origin.as_str(), grant.info.public.clone()).ok();
        }
        let hybrid = self.shared.hybrid.read().unwrap_or_else(PoisonError::into_inner);
        hybrid.as_ref().map(|hybrid| hybrid.key.clone())
    }

    /// Every second key that the log has on record, and when each held.
    pub fn second_keys(&self) -> SecondKeys {
        self.state().second_keys.clone()
    }

    /// The second keys whose files are here.
    pub fn held_second_keys(&self) -> Result<Vec<KeyId>, OpenError> {
        Ok(list_ml_dsa(self.disk().as_ref())?.into_iter().map(|file| file.key_id).collect())
    }

    /// What is wrong between the second key on record and the key files, and what to do.
    pub fn second_key_trouble(&self) -> Result<Vec<String>, OpenError> {
        let on_record = self.second_keys();
        Ok(Held::compare(self.disk().as_ref(), &on_record)?.notes())
    }
}
