//! COSE Receipts (RFC 9942, verifiable data structure 1) and transparent statements (RFC 9943).
//!
//! Promises that a verified receipt's root was computed from the leaf and signed by the log key: the root is never sent. A
//! transparent statement is made for handing out and is never an entry.

use crate::cose::{
    CoseError, InclusionProof, MAX_RECEIPT_BYTES, MAX_RECEIPTS, Protected, Sign1, Unprotected,
    VDS_RFC9162_SHA256, sign1,
};
use crate::hash::Hash;
use crate::key::{PublicKey, Signer};
use crate::verify::{MAX_PATH_HASHES, ProofError, root_from_inclusion};

/// Why a receipt cannot be read, made or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The COSE message.
    #[error("the receipt cannot be accepted: {0}")]
    Cose(#[from] CoseError),
    /// The inclusion proof.
    #[error("the receipt's inclusion proof does not hold: {0}")]
    Proof(#[from] ProofError),
    /// A COSE message that is no receipt.
    #[error("this COSE message is not a receipt: {0}")]
    NotAReceipt(&'static str),
    /// Another number of receipts.
    #[error("a transparent statement carries 1 to 16 receipts, not {0}")]
    Count(usize),
    /// The statement already has something in its unprotected header.
    #[error("receipts can be attached to a statement with an empty unprotected header only")]
    NotAStatement,
}

/// A receipt that was parsed; nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoseReceipt {
    /// Origin of the log (claim `iss`).
    pub iss: String,
    /// What the receipt is about (claim `sub`).
    pub sub: String,
    /// Id of the log key.
    pub kid: Hash,
    /// Place and path in the tree.
    pub proof: InclusionProof,
    message: Sign1,
}

/// What a verified receipt says: a log that has this root at this size holds the leaf at this index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptFacts {
    /// Origin of the log.
    pub iss: String,
    /// What the receipt is about.
    pub sub: String,
    /// Leaves of the tree, as the receipt says. RFC 9942 signs the root alone, so this is one of the sizes at which the path takes
    /// the same turns; only a checkpoint binds the exact one.
    pub size: u64,
    /// Index of the leaf, as the receipt says: one of those at which the path takes the same turns.
    pub index: u64,
    /// Root of the tree, computed from the leaf.
    pub root: Hash,
}

impl CoseReceipt {
    /// Signs that the tree of `proof.size` leaves with `root` holds a leaf at `proof.index`. The caller has checked the proof.
    pub fn issue(
        root: &Hash,
        proof: &InclusionProof,
        iss: &str,
        sub: &str,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, ReceiptError> {
        if proof.path.len() > MAX_PATH_HASHES {
            return Err(ProofError::TooLong { found: proof.path.len() }.into());
        }
        let protected = Protected {
            kid: Some(signer.public().key_id().0),
            cwt_iss: Some(iss.to_owned()),
            cwt_sub: Some(sub.to_owned()),
            vds: Some(VDS_RFC9162_SHA256),
            ..Protected::default()
        };
        let mut message = sign1(&protected, root.as_bytes(), false, signer)?;
        message.unprotected = Unprotected::Inclusion(proof.clone());
        Ok(message.encode())
    }

    /// Reads a receipt and refuses any that would be written differently. Checks no signature.
    pub fn parse(receipt: &[u8]) -> Result<Self, ReceiptError> {
        if receipt.len() > MAX_RECEIPT_BYTES {
            return Err(CoseError::TooLong { found: receipt.len(), most: MAX_RECEIPT_BYTES }.into());
        }
        let message = Sign1::parse(receipt)?;
        let Unprotected::Inclusion(proof) = message.unprotected.clone() else {
            return Err(ReceiptError::NotAReceipt("it has no inclusion proof"));
        };
        if message.payload.is_some() {
            return Err(ReceiptError::NotAReceipt("its payload, the root, has to be detached"));
        }
        let header = message.protected.clone();
        match (header.vds, header.content_type, header.kid, header.cwt_iss, header.cwt_sub) {
            (Some(VDS_RFC9162_SHA256), None, Some(kid), Some(iss), Some(sub)) => {
                Ok(Self { iss, sub, kid: Hash(kid), proof, message })
            }
            _ => Err(ReceiptError::NotAReceipt(
                "its protected header has to hold vds, kid, iss and sub, and nothing else",
            )),
        }
    }

    /// The byte form.
    pub fn encode(&self) -> Vec<u8> {
        self.message.encode()
    }

    /// Whether `log_key` signed the root that `leaf` leads to.
    pub fn verify(receipt: &[u8], leaf: &Hash, log_key: &PublicKey) -> Result<ReceiptFacts, ReceiptError> {
        let receipt = Self::parse(receipt)?;
        let InclusionProof { size, index, path } = &receipt.proof;
        let root = root_from_inclusion(leaf, *index, *size, path)?;
        receipt.message.verify(log_key, Some(root.as_bytes()))?;
        Ok(ReceiptFacts { iss: receipt.iss, sub: receipt.sub, size: *size, index: *index, root })
    }
}

/// A receipt that carries the entry it places: for a statement that is not an entry itself, but named by one (formats §4.1). Nobody signs where the
/// entry stands, and nobody needs to: another entry leads to another root.
pub fn attach_entry(receipt: &[u8], entry: &[u8]) -> Result<Vec<u8>, ReceiptError> {
    if entry.is_empty() || entry.len() > MAX_RECEIPT_BYTES {
        return Err(CoseError::TooLong { found: entry.len(), most: MAX_RECEIPT_BYTES }.into());
    }
    let mut message = CoseReceipt::parse(receipt)?.message;
    let Unprotected::Inclusion(proof) = message.unprotected else {
        return Err(ReceiptError::NotAReceipt("it has no inclusion proof"));
    };
    message.unprotected = Unprotected::Registration(proof, entry.to_vec());
    Ok(message.encode())
}

/// Takes such a receipt apart: the plain receipt, and the entry.
pub fn detach_entry(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ReceiptError> {
    let mut message = Sign1::parse(bytes)?;
    let Unprotected::Registration(proof, entry) = message.unprotected else {
        return Err(ReceiptError::NotAReceipt("it does not carry the entry it is about"));
    };
    if entry.is_empty() {
        return Err(ReceiptError::NotAReceipt("the entry it is about is empty"));
    }
    message.unprotected = Unprotected::Inclusion(proof);
    let receipt = message.encode();
    CoseReceipt::parse(&receipt)?;
    Ok((receipt, entry))
}

/// Makes a transparent statement: a signed statement, as logged, with its receipts.
pub fn attach_receipts(statement: &[u8], receipts: &[Vec<u8>]) -> Result<Vec<u8>, ReceiptError> {
    if receipts.is_empty() || receipts.len() > MAX_RECEIPTS {
        return Err(ReceiptError::Count(receipts.len()));
    }
    receipts.iter().try_for_each(|receipt| CoseReceipt::parse(receipt).map(|_| ()))?;
    let mut message = Sign1::parse(statement)?;
    if message.unprotected != Unprotected::Empty {
        return Err(ReceiptError::NotAStatement);
    }
    message.unprotected = Unprotected::Receipts(receipts.to_vec());
    Ok(message.encode())
}

/// Takes a transparent statement apart: the signed statement, as logged, and its receipts, each of the form of a receipt.
pub fn detach_receipts(transparent: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), ReceiptError> {
    let mut message = Sign1::parse(transparent)?;
    let Unprotected::Receipts(receipts) = std::mem::take(&mut message.unprotected) else {
        return Err(ReceiptError::NotAReceipt("it is a statement without receipts"));
    };
    receipts.iter().try_for_each(|receipt| CoseReceipt::parse(receipt).map(|_| ()))?;
    Ok((message.encode(), receipts))
}
