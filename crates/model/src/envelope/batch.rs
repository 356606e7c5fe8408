//! Batches: one checkpoint's envelope signs the root of a tree (RFC 9162: leaf 0x00, node 0x01), and every leaf keeps its path.
//!
//! Two forms exist. An agent's proof bundle (`ario.agent.proof/v1`) carries the leaf, and its checkpoint has root and size in its payload. An anchoring
//! library's receipt stands beside an `ario.events/v1` envelope, whose complete canonical bytes are the leaf; root and size stand in the record that
//! the checkpoint commits to.

use tabellion_tlog::{Hash, ProofError, leaf_hash, verify_inclusion};

use super::json::Value;
use super::read::{Envelope, hex_member};
use super::{DEV, EnvelopeError, hash_of};

/// `spec_version` of an agent's proof bundle.
pub const PROOF_BUNDLE_FORMAT: &str = "ario.agent.proof/v1";
/// Longest path: a tree of 2^63 leaves has no longer one.
const MAX_PATH: usize = 63;

/// A leaf of an agent's day with its proof.
#[derive(Debug, Clone)]
pub struct ProofBundle {
    /// The envelope that signs the day's tree.
    pub checkpoint: Envelope,
    /// SHA-256 over the canonical bytes of the whole bundle.
    pub digest: Hash,
    /// Whether the bytes read were the canonical ones.
    pub is_canonical: bool,
    /// Whether the leaf marks itself as made for trying out.
    pub is_dev: bool,
    leaf: Hash,
    index: u64,
    path: Vec<Hash>,
}

/// What an anchoring library keeps for one envelope of a batch.
#[derive(Debug, Clone)]
pub struct InclusionReceipt {
    /// The envelope that signs the batch's tree.
    pub checkpoint: Envelope,
    leaf: Hash,
    index: u64,
    path: Vec<Hash>,
    root: Hash,
}

/// Root and size that a checkpoint commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) root: Hash,
    pub(super) size: u64,
}

impl ProofBundle {
    pub(super) fn read(value: &Value, bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let canonical = value.to_canonical();
        let leaf = value.get("leaf").ok_or(EnvelopeError::MissingMember("leaf"))?;
        if !matches!(leaf, Value::Object(_)) {
            return Err(EnvelopeError::MemberForm { member: "leaf", problem: "is not an object" });
        }
        if value.text_of("checkpoint_tx_id").is_none_or(str::is_empty) {
            return Err(EnvelopeError::MissingMember("checkpoint_tx_id"));
        }
        Ok(Self {
            is_dev: leaf.text_of("environment") == Some(DEV),
            leaf: leaf_hash(&leaf.to_canonical()),
            index: count(value, "leaf_index")?,
            path: path(value, "audit_path")?,
            checkpoint: inner(value, "checkpoint_envelope")?,
            digest: tabellion_tlog::sha256(&canonical),
            is_canonical: canonical == bytes,
        })
    }

    /// Whether the leaf stands in the tree that the checkpoint's payload names.
    pub(super) fn check(&self) -> Result<Batch, String> {
        let payload = self.checkpoint.value.get("payload").ok_or("the checkpoint carries no payload")?;
        let batch = batch_of(payload).ok_or("the checkpoint's payload names no root and number of leaves")?;
        prove(&self.leaf, self.index, &self.path, batch)
    }
}

impl InclusionReceipt {
    pub(super) fn read(value: &Value) -> Result<Self, EnvelopeError> {
        Ok(Self {
            checkpoint: inner(value, "checkpointEnvelope")?,
            leaf: Hash(hex_member(value, "leafHash")?),
            index: count(value, "leafIndex")?,
            path: path(value, "auditPath")?,
            root: Hash(hex_member(value, "root")?),
        })
    }

    /// Whether `envelope` stands in the tree of the record that the checkpoint commits to.
    pub(super) fn check(&self, envelope: &Envelope, record: &[u8]) -> Result<Batch, String> {
        if tabellion_tlog::sha256(record) != self.checkpoint.payload_hash {
            return Err("the checkpoint commits to another record than the one given".to_owned());
        }
        let record = super::json::parse(record, super::MAX_PAYLOAD_BYTES)
            .map_err(|error| format!("the checkpoint's record: {error}"))?;
        let batch = record
            .get("event")
            .and_then(batch_of)
            .ok_or("the checkpoint's record names no root and number of leaves")?;
        let leaf = leaf_hash(&envelope.to_canonical());
        if leaf != self.leaf {
            return Err("the receipt is for another envelope than this one".to_owned());
        }
        if batch.root != self.root {
            return Err("the receipt names another root than the checkpoint signs".to_owned());
        }
        prove(&leaf, self.index, &self.path, batch)
    }
}

fn prove(leaf: &Hash, index: u64, path: &[Hash], batch: Batch) -> Result<Batch, String> {
    verify_inclusion(leaf, index, batch.size, path, &batch.root).map(|()| batch).map_err(
        |error| match error {
            ProofError::Root { .. } => "the path does not lead from the leaf to the signed root".to_owned(),
            other => other.to_string(),
        },
    )
}

/// `merkle_root` and `leaf_count` of an object.
fn batch_of(value: &Value) -> Option<Batch> {
    let root = hash_of(value.text_of("merkle_root")?)?;
    let size = value.get("leaf_count")?.as_count()?;
    Some(Batch { root, size })
}

fn inner(value: &Value, name: &'static str) -> Result<Envelope, EnvelopeError> {
    let inner = value.get(name).ok_or(EnvelopeError::MissingMember(name))?;
    Envelope::of_value(inner.clone(), None, false)
}

fn count(value: &Value, name: &'static str) -> Result<u64, EnvelopeError> {
    let count = value.get(name).ok_or(EnvelopeError::MissingMember(name))?;
    count.as_count().ok_or(EnvelopeError::MemberForm { member: name, problem: "is not an integer from 0" })
}

fn path(value: &Value, name: &'static str) -> Result<Vec<Hash>, EnvelopeError> {
    let problem =
        EnvelopeError::MemberForm { member: name, problem: "is not a path of SHA-256 values in hex" };
    let Some(Value::List(items)) = value.get(name) else { return Err(problem) };
    if items.len() > MAX_PATH {
        return Err(problem);
    }
    let hashes: Option<Vec<Hash>> = items.iter().map(|item| hash_of(item.as_text()?)).collect();
    hashes.ok_or(problem)
}
