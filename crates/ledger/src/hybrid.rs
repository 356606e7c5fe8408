//! The second, post-quantum signature on checkpoints that are handed out: ML-DSA-44 beside Ed25519 (C2SP tlog-cosignature, note type 0x06, time 0).
//!
//! Promises: only what the log has signed by Ed25519 before is signed so too; the same checkpoint gives the same line. Must never: hold up a commit: a
//! checkpoint inside a segment carries Ed25519 alone.

use std::sync::{Arc, Mutex, PoisonError};

use tabellion_tlog::{MlDsaSigningKey, NoteSignature, SignedCheckpoint, VerifierKey, sign_ml_dsa};

use crate::error::OpenError;
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

impl Shared {
    /// Takes up the log's ML-DSA-44 key, when it has one.
    pub(crate) fn load_hybrid(&self) -> Result<(), OpenError> {
        let Some(secret) = self.keys.load_ml_dsa(self.disk.as_ref())? else { return Ok(()) };
        let origin = self.state.read().unwrap_or_else(PoisonError::into_inner).origin.clone();
        let key = VerifierKey::ml_dsa(origin.as_str(), secret.public().clone()).map_err(|error| {
            OpenError::Mismatch(format!("the ML-DSA-44 key cannot sign for {origin}: {error}"))
        })?;
        let hybrid = Hybrid { key, secret, last: Mutex::new(None) };
        *self.hybrid.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hybrid));
        Ok(())
    }

    /// A checkpoint of this log as it is handed out.
    pub(crate) fn handed_out(&self, checkpoint: &str) -> String {
        let hybrid = self.hybrid.read().unwrap_or_else(PoisonError::into_inner).clone();
        hybrid.map_or_else(|| checkpoint.to_owned(), |hybrid| hybrid.sign(checkpoint))
    }
}

impl Reader {
    /// The log's ML-DSA-44 key, when it signs with one: what a trust file names beside the others.
    pub fn hybrid_key(&self) -> Option<VerifierKey> {
        let hybrid = self.shared.hybrid.read().unwrap_or_else(PoisonError::into_inner);
        hybrid.as_ref().map(|hybrid| hybrid.key.clone())
    }
}
