//! Cosignatures (C2SP tlog-cosignature): what a witness signs, with Ed25519 (0x04) and with ML-DSA-44 (0x06).
//!
//! Promises that both commit to the time, that the ML-DSA-44 form commits to the witness's name as well, and that a subtree is never taken
//! for a whole tree: what is made and verified here begins at entry 0.

use crate::checkpoint::Checkpoint;
use crate::key::{SignatureError, Signer};
use crate::ml_dsa::{ML_DSA_SIGNATURE_BYTES, MlDsaPublicKey, MlDsaSigningKey};
use crate::note::{NoteError, NoteSignature};
use crate::vkey::{KeyMaterial, SignatureType, VerifierKey, VerifierKeyError};

/// Largest time a cosignature may claim, by the specification.
const MAX_TIMESTAMP: u64 = i64::MAX as u64;
/// First bytes of what ML-DSA-44 signs.
const SUBTREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";
/// Longest name of a cosigner: its length is one byte of what ML-DSA-44 signs.
pub const MAX_COSIGNER_NAME_BYTES: usize = 255;

/// A witness's signature line of type 0x04 for a checkpoint's text, seen at `timestamp` (seconds since 1970).
pub fn cosign(
    text: &str,
    name: &str,
    timestamp: u64,
    signer: &dyn Signer,
) -> Result<NoteSignature, NoteError> {
    check_timestamp(timestamp)?;
    let key = VerifierKey::with_type(name, signer.public(), SignatureType::CosignatureV1)?;
    let signature = signer.sign(cosigned_text(text, timestamp).as_bytes())?;
    Ok(line(&key, timestamp, &signature))
}

/// A witness's signature line of type 0x06 for a checkpoint, seen at `timestamp` (seconds since 1970).
pub fn cosign_ml_dsa(
    checkpoint: &Checkpoint,
    name: &str,
    timestamp: u64,
    secret: &MlDsaSigningKey,
) -> Result<NoteSignature, NoteError> {
    check_timestamp(timestamp)?;
    let key = VerifierKey::ml_dsa(name, secret.public().clone())?;
    let message = cosigned_tree(checkpoint, name, timestamp).ok_or(VerifierKeyError::CosignerName)?;
    Ok(line(&key, timestamp, &secret.sign(&message)?))
}

/// A log's own signature line of type 0x06 for its checkpoint, under a key name equal to the origin. It claims no time.
pub fn sign_ml_dsa(checkpoint: &Checkpoint, secret: &MlDsaSigningKey) -> Result<NoteSignature, NoteError> {
    let key = VerifierKey::ml_dsa(&checkpoint.origin, secret.public().clone())?;
    let message = cosigned_tree(checkpoint, &checkpoint.origin, 0).ok_or(VerifierKeyError::CosignerName)?;
    Ok(line(&key, 0, &secret.sign(&message)?))
}

/// The time that a cosignature by `key` claims; an error when it is wrong. Zero: it claims none.
pub(crate) fn verify(text: &str, key: &VerifierKey, blob: &[u8]) -> Result<u64, SignatureError> {
    let (timestamp, signature) = blob.split_first_chunk::<8>().ok_or(SignatureError)?;
    let timestamp = u64::from_be_bytes(*timestamp);
    if timestamp > MAX_TIMESTAMP {
        return Err(SignatureError);
    }
    match key.material() {
        KeyMaterial::Ed25519(public) => {
            let message = cosigned_text(text, timestamp);
            public.verify(message.as_bytes(), signature.try_into().map_err(|_| SignatureError)?)?;
        }
        KeyMaterial::MlDsa44(public) => verify_ml_dsa(text, key.name(), timestamp, public, signature)?,
    }
    Ok(timestamp)
}

fn verify_ml_dsa(
    text: &str,
    name: &str,
    timestamp: u64,
    public: &MlDsaPublicKey,
    signature: &[u8],
) -> Result<(), SignatureError> {
    let signature: &[u8; ML_DSA_SIGNATURE_BYTES] = signature.try_into().map_err(|_| SignatureError)?;
    // It signs the tree and not the text, so the text has to be that of a checkpoint and of nothing more.
    let checkpoint = Checkpoint::parse(text).map_err(|_| SignatureError)?;
    public.verify(&cosigned_tree(&checkpoint, name, timestamp).ok_or(SignatureError)?, signature)
}

fn check_timestamp(timestamp: u64) -> Result<(), NoteError> {
    // Zero would say that the cosigner makes no statement about when, which a witness may not do.
    if timestamp == 0 || timestamp > MAX_TIMESTAMP {
        return Err(NoteError::Timestamp(timestamp));
    }
    Ok(())
}

fn line(key: &VerifierKey, timestamp: u64, signature: &[u8]) -> NoteSignature {
    let signature = [timestamp.to_be_bytes().as_slice(), signature].concat();
    NoteSignature { name: key.name().to_owned(), key_id: key.id(), signature }
}

/// What Ed25519 signs.
fn cosigned_text(text: &str, timestamp: u64) -> String {
    format!("cosignature/v1\ntime {timestamp}\n{text}")
}

/// What ML-DSA-44 signs: label, name, time, origin, start, end, root. `None`: a name is too long for its length byte.
fn cosigned_tree(checkpoint: &Checkpoint, name: &str, timestamp: u64) -> Option<Vec<u8>> {
    let mut message = SUBTREE_LABEL.to_vec();
    push_name(&mut message, name)?;
    message.extend_from_slice(&timestamp.to_be_bytes());
    push_name(&mut message, &checkpoint.origin)?;
    message.extend_from_slice(&0u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(checkpoint.root.as_bytes());
    Some(message)
}

fn push_name(message: &mut Vec<u8>, name: &str) -> Option<()> {
    message.push(u8::try_from(name.len()).ok().filter(|length| *length > 0)?);
    message.extend_from_slice(name.as_bytes());
    Some(())
}
