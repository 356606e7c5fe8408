//! Receipts (formats §9): one entry, its seal, the keys behind both and the checkpoint, in one file.
//!
//! A receipt is a C2SP tlog-proof, so any verifier of those checks the inclusion; the `extra` line adds what this verifier
//! needs to say who sealed it and when. Nothing in it is believed because it is there.

mod anchors;
mod check;
mod keys;
mod level;
mod live;
pub(crate) mod plan;
mod source;

pub use anchors::ReceiptAnchor;
pub use check::verify_receipt;
pub(crate) use check::verify_receipt_for;
pub(crate) use live::LIVE;

use serde_json::{Map, Value as Json, json};
use tabellion_tlog::{Hash, MAX_ENTRY_BYTES, TlogProof, TlogProofError, inclusion_path_of, leaf_hash};

use crate::form::{FormFault, Members, base64_text, hash_list};
use crate::jcs::{JcsError, MAX_INTEGER, parse_jcs, to_jcs};
use crate::placed::PlacedEntry;

/// The format name in every receipt's `extra`.
pub const RECEIPT_FORMAT: &str = "tabellion.receipt/1";
/// First line of a receipt, by which it is told from other files.
pub const RECEIPT_MAGIC: &str = "c2sp.org/tlog-proof@v1\n";
/// Most bytes of a receipt: an entry, a dozen key records and 3.6 MiB of disclosures.
pub const MAX_RECEIPT_FILE_BYTES: usize = 4 << 20;
/// Most key records in one receipt: the grants of four purposes with many rotations each.
const MAX_KEY_RECORDS: usize = 256;

/// Why bytes are not a receipt, or parts do not make one.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptFormError {
    /// More bytes than a receipt may have.
    #[error("a receipt has at most {MAX_RECEIPT_FILE_BYTES} bytes, this has {0}")]
    TooLarge(usize),
    /// Not a tlog-proof.
    #[error("{0}")]
    Proof(#[from] TlogProofError),
    /// An index that no number in JSON says exactly.
    #[error("index {0} is larger than any that a receipt can be of; the most is 9007199254740991")]
    Index(u64),
    /// A tlog-proof of something else.
    #[error("the proof has no `extra` line, so it is no Tabellion receipt")]
    NoExtra,
    /// Not canonical JSON.
    #[error("extra: {0}")]
    Jcs(#[from] JcsError),
    /// Canonical JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
}

/// The seal of the entry's batch and where the entry stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealProof {
    /// The seal, placed in the checkpoint's tree.
    pub placed: PlacedEntry,
    /// Inclusion path of the entry's leaf in the seal's own root.
    pub batch_path: Vec<Hash>,
}

/// A receipt, parsed and not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Index of the entry.
    pub index: u64,
    /// Inclusion path of the entry in the checkpoint's tree.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The entry.
    pub entry: Vec<u8>,
    /// Encoded disclosures of the entry's units, as far as the holder may see them.
    pub disclosures: Vec<String>,
    /// The genesis and the key records that the signatures here rest on, by ascending index.
    pub keys: Vec<PlacedEntry>,
    /// The seal of the batch; left out when the entry is itself a seal.
    pub seal: Option<SealProof>,
    /// Evidence of anchors for this very checkpoint, in ascending order; most receipts have none.
    pub anchors: Vec<ReceiptAnchor>,
}

impl SealProof {
    /// Builds the proof from a batch: the leaf hashes of its entries without the seal, and the position of the entry.
    /// `None` when there is no such position.
    pub fn of_batch(placed: PlacedEntry, leaves: &[Hash], position: u64) -> Option<Self> {
        Some(Self { placed, batch_path: inclusion_path_of(leaves, position)? })
    }
}

impl Receipt {
    /// The bytes of the receipt file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ReceiptFormError> {
        let keys: Vec<Json> = self.keys.iter().map(PlacedEntry::to_json).collect();
        let mut extra = Map::new();
        if !self.anchors.is_empty() {
            let anchors = self.anchors.iter().map(ReceiptAnchor::to_json).collect();
            extra.insert("anchors".to_owned(), Json::Array(anchors));
        }
        extra.insert("disclosures".to_owned(), json!(self.disclosures));
        extra.insert("entry".to_owned(), Json::String(base64_text(&self.entry)));
        extra.insert("format".to_owned(), json!(RECEIPT_FORMAT));
        extra.insert("keys".to_owned(), Json::Array(keys));
        if let Some(seal) = &self.seal {
            let mut value = seal.placed.to_json();
            if let Json::Object(members) = &mut value {
                members.insert("batch_path".to_owned(), hash_list(&seal.batch_path));
            }
            extra.insert("seal".to_owned(), value);
        }
        let proof = TlogProof {
            extra: Some(to_jcs(&Json::Object(extra))?),
            index: self.index,
            path: self.path.clone(),
            checkpoint: self.checkpoint.clone(),
        };
        let bytes = proof.to_string().into_bytes();
        if bytes.len() > MAX_RECEIPT_FILE_BYTES {
            return Err(ReceiptFormError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads a receipt file; refuses every other form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptFormError> {
        if bytes.len() > MAX_RECEIPT_FILE_BYTES {
            return Err(ReceiptFormError::TooLarge(bytes.len()));
        }
        let proof = TlogProof::parse(bytes)?;
        if proof.index > MAX_INTEGER {
            return Err(ReceiptFormError::Index(proof.index));
        }
        let extra = proof.extra.as_deref().ok_or(ReceiptFormError::NoExtra)?;
        let mut members = Members::of("extra", parse_jcs(extra)?)?;
        members.fixed("format", RECEIPT_FORMAT)?;
        let entry = members.bytes("entry")?;
        if entry.is_empty() || entry.len() > MAX_ENTRY_BYTES {
            return Err(members.fault("entry", "does not have 1 to 65535 bytes").into());
        }
        let keys = members.list("keys")?;
        if keys.is_empty() {
            return Err(members.fault("keys", "does not even hold the genesis").into());
        }
        if keys.len() > MAX_KEY_RECORDS {
            return Err(members.fault("keys", "has more key records than a receipt needs").into());
        }
        let receipt = Self {
            index: proof.index,
            path: proof.path,
            checkpoint: proof.checkpoint,
            entry,
            disclosures: members.texts("disclosures")?,
            keys: PlacedEntry::list_from_json("extra: `keys`", keys)?,
            seal: members.optional("seal").map(seal_from).transpose()?,
            anchors: members.optional("anchors").map(anchors::read).transpose()?.unwrap_or_default(),
        };
        members.finish()?;
        Ok(receipt)
    }

    /// Leaf hash of the entry.
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.entry)
    }
}

fn seal_from(value: Json) -> Result<SealProof, FormFault> {
    let place = "extra: `seal`";
    let mut members = Members::of(place, value)?;
    let batch_path = members.hashes("batch_path")?;
    let placed = PlacedEntry::from_members(place, &mut members)?;
    members.finish()?;
    Ok(SealProof { placed, batch_path })
}
