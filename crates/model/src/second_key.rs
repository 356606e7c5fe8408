//! Which second key signed checkpoints of a log from which entry on (`docs/formats.md` §6.1): the fold of its records.
//!
//! Promises: a key is known only because it signed for itself, and follows another only because that one signed for it too.

use tabellion_tlog::{ML_DSA_SIGNATURE_BYTES, MlDsaSigningKey, SignerError};

use crate::id::KeyId;
use crate::origin::Origin;
use crate::registry::{Facts, Revocation, SecondKeyInfo, SecondKeyIntroduced, SecondKeyRotated};

/// What the signatures of these records cover begins so.
const DOMAIN: &str = "tabellion.second-key/1\n";
/// The stream of these records.
pub const SECOND_KEY_STREAM: &str = "second-key";

/// How a second key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondKeyEnd {
    /// Another signs since the record at this index.
    Rotated {
        /// Index of the record.
        index: u64,
    },
    /// None signs since the record at this index.
    Withdrawn {
        /// Index of the record.
        index: u64,
        /// Why.
        reason: Revocation,
    },
}

/// One second key, and when it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondKeyGrant {
    /// The key.
    pub info: SecondKeyInfo,
    /// Index of the record that introduced it or rotated it in.
    pub since: u64,
    /// How it ended; `None`: it is in force.
    pub end: Option<SecondKeyEnd>,
}

/// Why a record about a second key does not follow from those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecondKeyError {
    /// One is in force.
    #[error("second key {0} is in force: it is rotated or withdrawn, and no other introduced beside it")]
    InForce(KeyId),
    /// The key named is not the one in force.
    #[error("second key {0} is not in force")]
    NotInForce(KeyId),
    /// The key was one before.
    #[error("second key {0} was on record before")]
    Again(KeyId),
    /// A signature is wrong.
    #[error("the signature of second key {0} over this change is wrong")]
    Signature(KeyId),
}

/// Every second key that a log ever had, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecondKeys(Vec<SecondKeyGrant>);

impl SecondKeys {
    /// All of them.
    pub fn all(&self) -> &[SecondKeyGrant] {
        &self.0
    }

    /// The one in force after the newest record.
    pub fn in_force(&self) -> Option<&SecondKeyGrant> {
        self.0.last().filter(|grant| grant.end.is_none())
    }

    /// The key with this id, whatever became of it.
    pub fn find(&self, key_id: &KeyId) -> Option<&SecondKeyGrant> {
        self.0.iter().find(|grant| grant.info.key_id == *key_id)
    }

    /// Folds what the record at `index` of the log `origin` says. Facts of other kinds change nothing.
    pub fn apply(&mut self, index: u64, facts: &Facts, origin: &Origin) -> Result<(), SecondKeyError> {
        match facts {
            Facts::SecondKeyIntroduced(introduced) => {
                if let Some(grant) = self.in_force() {
                    return Err(SecondKeyError::InForce(grant.info.key_id));
                }
                let SecondKeyIntroduced { key, signature } = introduced.as_ref();
                self.check_new(key)?;
                check(key, &message(origin, &key.key_id, None), signature)?;
                self.0.push(SecondKeyGrant { info: key.clone(), since: index, end: None });
            }
            Facts::SecondKeyRotated(rotated) => {
                let SecondKeyRotated { key, new_signature, old, old_signature } = rotated.as_ref();
                self.check_new(key)?;
                let goes = self.ending(old)?;
                let message = message(origin, &key.key_id, Some(old));
                check(&goes.info, &message, old_signature)?;
                check(key, &message, new_signature)?;
                goes.end = Some(SecondKeyEnd::Rotated { index });
                self.0.push(SecondKeyGrant { info: key.clone(), since: index, end: None });
            }
            Facts::SecondKeyWithdrawn(withdrawn) => {
                let end = SecondKeyEnd::Withdrawn { index, reason: withdrawn.reason };
                self.ending(&withdrawn.key_id)?.end = Some(end);
            }
            _ => {}
        }
        Ok(())
    }

    fn check_new(&self, key: &SecondKeyInfo) -> Result<(), SecondKeyError> {
        self.find(&key.key_id).map_or(Ok(()), |grant| Err(SecondKeyError::Again(grant.info.key_id)))
    }

    fn ending(&mut self, key_id: &KeyId) -> Result<&mut SecondKeyGrant, SecondKeyError> {
        let last = self.0.last_mut().filter(|grant| grant.end.is_none() && grant.info.key_id == *key_id);
        last.ok_or(SecondKeyError::NotInForce(*key_id))
    }
}

/// What a record says that introduces `key`.
pub fn introduce_second_key(origin: &Origin, key: &MlDsaSigningKey) -> Result<Facts, SignerError> {
    let info = SecondKeyInfo::of(key.public().clone());
    let signature = key.sign(&message(origin, &info.key_id, None))?;
    Ok(Facts::SecondKeyIntroduced(Box::new(SecondKeyIntroduced { key: info, signature })))
}

/// What a record says by which `new` follows `old`.
pub fn rotate_second_key(
    origin: &Origin,
    old: &MlDsaSigningKey,
    new: &MlDsaSigningKey,
) -> Result<Facts, SignerError> {
    let (key, old_id) = (SecondKeyInfo::of(new.public().clone()), KeyId(old.public().key_id()));
    let message = message(origin, &key.key_id, Some(&old_id));
    let (new_signature, old_signature) = (new.sign(&message)?, old.sign(&message)?);
    Ok(Facts::SecondKeyRotated(Box::new(SecondKeyRotated { key, new_signature, old: old_id, old_signature })))
}

/// What is signed: the domain, and canonical JSON of ids and an origin, none of which needs an escape.
fn message(origin: &Origin, new: &KeyId, old: Option<&KeyId>) -> Vec<u8> {
    let old = old.map(|old| format!(r#""old":"{old}","#)).unwrap_or_default();
    format!(r#"{DOMAIN}{{"new":"{new}",{old}"origin":"{origin}"}}"#).into_bytes()
}

fn check(
    key: &SecondKeyInfo,
    message: &[u8],
    signature: &[u8; ML_DSA_SIGNATURE_BYTES],
) -> Result<(), SecondKeyError> {
    key.public.verify(message, signature).map_err(|_| SecondKeyError::Signature(key.key_id))
}
