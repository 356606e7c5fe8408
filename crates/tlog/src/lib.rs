//! A transparency log without I/O: the tree, its tiles and proofs, signed notes, checkpoints, policies, and COSE statements and
//! receipts.
//!
//! Promises that every parser of outside bytes has named limits, accepts one byte form only and never panics, and that every
//! verification says which check failed. Reads no clock, no file, no network and no randomness: keys, times and bytes come from
//! the caller.
//!
//! Formats: RFC 9162 (tree and proofs), C2SP tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-proof,
//! tlog-policy, FIPS 204 (ML-DSA-44), RFC 9052 (COSE), RFC 9942 (COSE Receipts), RFC 9943 (SCITT),
//! RFC 9995 (hash envelopes). `docs/formats.md` says which parts of them Tabellion writes.

mod add_checkpoint;
pub mod anchor;
mod base64;
mod bundle;
mod cbor;
mod checkpoint;
mod cose;
mod cosignature;
mod foreign;
mod hash;
mod key;
mod ml_dsa;
mod note;
mod policy;
mod proof;
mod prove;
mod range;
mod receipt;
mod tile;
mod verify;
mod vkey;

pub use add_checkpoint::{
    AddCheckpoint, AddCheckpointError, MAX_ADD_CHECKPOINT_BYTES, MAX_CONSISTENCY_HASHES, MAX_SIZE_BYTES,
    Refused, SIZE_MEDIA_TYPE, parse_conflict_size,
};
pub use bundle::{BundleError, BundleReader, MAX_ENTRY_BYTES, push_entry};
pub use checkpoint::{Checkpoint, CheckpointError, MAX_ORIGIN_BYTES, SignedCheckpoint};
pub use cose::{
    ALG_EDDSA, CoseError, InclusionProof, MAX_COSE_BYTES, MAX_PAYLOAD_BYTES, MAX_RECEIPT_BYTES, MAX_RECEIPTS,
    Protected, Sign1, Unprotected, VDS_RFC9162_SHA256, sign1, tbs,
};
pub use cosignature::{MAX_COSIGNER_NAME_BYTES, cosign, cosign_ml_dsa, sign_ml_dsa};
pub use foreign::{
    EnvelopeError, ForeignError, ForeignHeader, ForeignStatement, HashEnvelope, IssuerAlgorithm, IssuerKey,
    IssuerKeyError, Label, MAX_FOREIGN_BYTES, MAX_FOREIGN_TRANSPARENT_BYTES, MAX_REGISTRATION_BYTES,
    PayloadHash, attach_registrations, detach_registrations,
};
pub use hash::{Hash, hex_digits, leaf_hash, node_hash, sha256};
pub use key::{PublicKey, PublicKeyError, SignatureError, Signer, SignerError, SigningKey};
pub use ml_dsa::{ML_DSA_PUBLIC_KEY_BYTES, ML_DSA_SIGNATURE_BYTES, MlDsaPublicKey, MlDsaSigningKey};
pub use note::{
    MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature, VerifiedSignature, parse_signature_lines,
    sign_note,
};
pub use policy::{
    AcceptedCheckpoint, Group, LogLine, MAX_DEFINITIONS, MAX_POLICY_BYTES, Policy, PolicyCheckError,
    PolicyError, PolicyFault, Quorum, QuorumReport, WitnessLine,
};
pub use proof::{MAX_PROOF_BYTES, TlogProof, TlogProofError};
pub use prove::{NodeSource, ProveError, consistency_path, inclusion_path, inclusion_path_of};
pub use range::{CompactRange, MAX_TREE_SIZE, RangeError, decompose, root_of};
pub use receipt::{
    CoseReceipt, ReceiptError, ReceiptFacts, attach_entry, attach_receipts, detach_entry, detach_receipts,
};
pub use tile::{TILE_WIDTH, TileError, TileId, bundle_path, new_tile_ids, parse_bundle_path, tile_ids_for};
pub use verify::{MAX_PATH_HASHES, ProofError, root_from_inclusion, verify_consistency, verify_inclusion};
pub use vkey::{KeyMaterial, MAX_KEY_NAME_BYTES, SignatureType, VerifierKey, VerifierKeyError};
