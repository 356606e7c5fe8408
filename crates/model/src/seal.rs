//! Seals: the entry that ends every batch, attributes and dates what came before it in the batch (`docs/formats.md` §5).

use serde_json::json;
use tabellion_tlog::{CoseError, Hash, Protected, PublicKey, Sign1, Signer, Unprotected, sign1};

use crate::form::{FormFault, Members};
use crate::id::KeyId;
use crate::jcs::{JcsError, MAX_INTEGER, parse_jcs, to_jcs};
use crate::origin::Origin;
use crate::time::Micros;

/// Content type of a seal.
pub const SEAL_CONTENT_TYPE: &str = "application/tabellion-seal+json";
/// The `format` member.
pub const SEAL_FORMAT: &str = "tabellion.seal/1";

/// What the writer says of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSeal {
    /// The log.
    pub log: Origin,
    /// Index of the batch's first entry.
    pub first: u64,
    /// Entries before the seal, from 1.
    pub count: u64,
    /// RFC 9162 root over the leaf hashes of those entries alone.
    pub root: Hash,
    /// When the batch was committed; never before the seal before it.
    pub committed_at: Micros,
    /// Version of the stream `keys` after this batch.
    pub keys: u64,
}

/// A seal as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchSealEntry {
    /// What it says.
    pub seal: BatchSeal,
    /// The signed object.
    pub sign1: Sign1,
    /// The writer key that it names.
    pub kid: KeyId,
}

/// Why bytes are not a seal, or a seal cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a `COSE_Sign1` of the one form, not signable, or the signature does not verify.
    #[error("the seal: {0}")]
    Cose(#[from] CoseError),
    /// The payload is not canonical JSON.
    #[error("the seal: {0}")]
    Json(#[from] JcsError),
    /// A member is missing, unknown or of the wrong type.
    #[error(transparent)]
    Form(#[from] FormFault),
    /// The protected header is not that of a seal, or the unprotected one is not empty.
    #[error("the seal's headers are not those of a seal: content type, key id and nothing else")]
    Headers,
    /// The payload is missing.
    #[error("the seal has no payload")]
    Detached,
    /// The batch reaches beyond the numbers that a log can have.
    #[error("the seal's numbers are out of range: a batch has entries, and all numbers end at 2^53−1")]
    Range,
    /// The key given is not the one that the seal names.
    #[error("the seal names another key than {0}")]
    OtherKey(KeyId),
}

impl BatchSeal {
    /// Index of the seal itself.
    pub fn index(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// Size of the log with this batch; the first index of the next.
    pub fn size_after(&self) -> u64 {
        self.index().saturating_add(1)
    }

    /// The canonical payload.
    pub fn to_payload(&self) -> Result<Vec<u8>, SealError> {
        self.check()?;
        Ok(to_jcs(&json!({
            "committed_at": self.committed_at.0,
            "count": self.count,
            "first": self.first,
            "format": SEAL_FORMAT,
            "keys": self.keys,
            "log": self.log.as_str(),
            "root": self.root.to_hex(),
        }))?)
    }

    /// Reads a payload; accepts what [`BatchSeal::to_payload`] writes.
    pub fn parse(payload: &[u8]) -> Result<Self, SealError> {
        let mut members = Members::of("the seal", parse_jcs(payload)?)?;
        members.fixed("format", SEAL_FORMAT)?;
        let seal = Self {
            log: members.typed("log", "is not an origin", |value| Origin::new(value.as_str()?).ok())?,
            first: members.natural("first")?,
            count: members.count("count")?,
            root: members.digest("root")?,
            committed_at: members.time("committed_at")?,
            keys: members.count("keys")?,
        };
        members.finish()?;
        seal.check()?;
        Ok(seal)
    }

    fn check(&self) -> Result<(), SealError> {
        let in_range = self.count > 0
            && self.keys > 0
            && [self.size_after(), self.keys, self.committed_at.0]
                .iter()
                .all(|number| *number <= MAX_INTEGER);
        if in_range { Ok(()) } else { Err(SealError::Range) }
    }

    /// Signs with the writer key and gives the bytes of the entry.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SealError> {
        let protected = protected(&KeyId::of(&signer.public()));
        Ok(sign1(&protected, &self.to_payload()?, true, signer)?.encode())
    }
}

impl BatchSealEntry {
    /// Reads a seal without verifying its signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        Self::from_sign1(Sign1::parse(bytes)?)
    }

    /// Reads the seal in an object that is already parsed.
    pub(crate) fn from_sign1(sign1: Sign1) -> Result<Self, SealError> {
        let kid = KeyId(Hash(sign1.protected.kid.ok_or(SealError::Headers)?));
        if sign1.protected != protected(&kid) || sign1.unprotected != Unprotected::Empty {
            return Err(SealError::Headers);
        }
        let seal = BatchSeal::parse(sign1.payload.as_deref().ok_or(SealError::Detached)?)?;
        Ok(Self { seal, sign1, kid })
    }

    /// Verifies the signature with the key that the seal names.
    pub fn verify(&self, key: &PublicKey) -> Result<(), SealError> {
        let given = KeyId::of(key);
        if given != self.kid {
            return Err(SealError::OtherKey(given));
        }
        Ok(self.sign1.verify(key, None)?)
    }
}

fn protected(kid: &KeyId) -> Protected {
    Protected {
        content_type: Some(SEAL_CONTENT_TYPE.to_owned()),
        kid: Some(*kid.as_bytes()),
        cwt_iss: None,
        cwt_sub: None,
        vds: None,
    }
}
