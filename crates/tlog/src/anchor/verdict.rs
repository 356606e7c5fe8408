//! What one anchor's evidence shows about a digest, given whom the reader believes.

use super::ans104::DataItem;
use super::ots::{Attestation, OtsProof};
use super::rfc3161::{self, Expected};
use super::{AnchorKind, AnchorTrust, dates::SECOND, evm};
use crate::hash::Hash;

/// A block's time may be ahead of the world's by two hours (Bitcoin's network rule); how far it may be behind is a matter of the next blocks, and
/// the same span is allowed for.
const BITCOIN_SLACK: u64 = 2 * 3_600;
/// A maker of blocks of an EVM chain may be ahead by fifteen seconds and is held to increasing times; a minute leaves room either way.
const EVM_SLACK: u64 = 60;

/// The times that an anchor allows, microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan {
    /// Not before.
    pub earliest_us: u64,
    /// Not after.
    pub latest_us: u64,
}

/// What the evidence shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorFinding {
    /// The digest existed within this span, by the word of somebody whom the reader names.
    Holds {
        /// When the evidence was made.
        span: TimeSpan,
        /// Who says so, in words.
        source: String,
        /// Whether nobody could know the evidence's bytes before: then whatever contains their hash is younger.
        unforeseeable: bool,
    },
    /// Nothing speaks against it, and something is missing that only the reader can have.
    NotChecked(String),
    /// The evidence is not of this digest, or contradicts itself.
    Broken(String),
}

/// Checks evidence of `kind` about `digest`.
pub fn verify_evidence(
    kind: AnchorKind,
    evidence: &[u8],
    digest: &Hash,
    trust: &AnchorTrust,
) -> AnchorFinding {
    match kind {
        AnchorKind::Rfc3161 => time_stamp(evidence, digest, trust),
        AnchorKind::OpenTimestamps => open_timestamps(evidence, digest, trust),
        AnchorKind::Arweave => arweave(evidence, digest),
        AnchorKind::Evm => chain(evidence, digest, trust),
        // It stands in records, which this crate does not know: tabellion-model's `verify_anchor` reads them.
        AnchorKind::RootLog => {
            AnchorFinding::NotChecked("a root log's receipt is for a reader of records".to_owned())
        }
    }
}

fn time_stamp(evidence: &[u8], digest: &Hash, trust: &AnchorTrust) -> AnchorFinding {
    let expected = Expected { imprint: digest, nonce: None, policy: None };
    let mut refusals = Vec::new();
    if trust.authorities.is_empty() {
        return AnchorFinding::NotChecked(
            "the trust file names no time-stamp authority; add a line #! rfc3161 NAME CERTIFICATE for one that you trust".to_owned(),
        );
    }
    for (name, certificate) in &trust.authorities {
        match rfc3161::verify(evidence, &expected, std::slice::from_ref(certificate)) {
            Ok(stamp) => {
                let span = TimeSpan {
                    earliest_us: stamp.time_us.saturating_sub(stamp.accuracy_us),
                    latest_us: stamp.time_us.saturating_add(stamp.accuracy_us),
                };
                let source = format!("time-stamp {} of authority {name}", stamp.serial);
                return AnchorFinding::Holds { span, source, unforeseeable: true };
            }
            Err(error) => refusals.push(error),
        }
    }
    let known = |error: &&rfc3161::TimeStampError| **error != rfc3161::TimeStampError::UnknownAuthority;
    match refusals.iter().find(known) {
        Some(fault) => AnchorFinding::Broken(fault.to_string()),
        None => AnchorFinding::NotChecked(rfc3161::TimeStampError::UnknownAuthority.to_string()),
    }
}

fn open_timestamps(evidence: &[u8], digest: &Hash, trust: &AnchorTrust) -> AnchorFinding {
    let proof = match OtsProof::parse(evidence) {
        Ok(proof) if proof.digest == *digest => proof,
        Ok(proof) => {
            return AnchorFinding::Broken(format!("the proof is of {}, not of {digest}", proof.digest));
        }
        Err(error) => return AnchorFinding::Broken(error.to_string()),
    };
    let attested = proof.attestations();
    for block in &trust.bitcoin {
        if let Some(time) = attested.iter().find_map(|one| one.by_block(block.height, &block.header)) {
            let span = TimeSpan {
                earliest_us: time.saturating_sub(BITCOIN_SLACK).saturating_mul(SECOND),
                latest_us: time.saturating_add(BITCOIN_SLACK).saturating_mul(SECOND),
            };
            let source = format!("Bitcoin block {}, whose header the trust file gives", block.height);
            return AnchorFinding::Holds { span, source, unforeseeable: false };
        }
    }
    let heights = proof.bitcoin_heights();
    if let Some(height) =
        heights.iter().find(|height| trust.bitcoin.iter().any(|block| block.height == **height))
    {
        return AnchorFinding::Broken(format!(
            "the proof does not lead to the Merkle root of Bitcoin block {height} that the trust file gives"
        ));
    }
    let pending = attested.iter().any(|one| matches!(one.attestation, Attestation::Pending(_)));
    AnchorFinding::NotChecked(match heights.first() {
        Some(height) => format!(
            "leads to Bitcoin block {height}, whose header was not given; take it from a node that you trust and add a line #! bitcoin {height} HEADER"
        ),
        None if pending => "only a calendar's promise so far, which proves nothing".to_owned(),
        None => "attested in no way that is known here".to_owned(),
    })
}

fn arweave(evidence: &[u8], digest: &Hash) -> AnchorFinding {
    let item = match DataItem::parse(evidence) {
        Ok(item) => item,
        Err(error) => return AnchorFinding::Broken(error.to_string()),
    };
    if item.data != digest.as_bytes() {
        return AnchorFinding::Broken(
            "the data item holds something else than the checkpoint's digest".to_owned(),
        );
    }
    match item.verify() {
        Err(error) => AnchorFinding::Broken(error.to_string()),
        Ok(()) => AnchorFinding::NotChecked(format!(
            "signed data item {}; that it was published, and when, only a gateway or node of Arweave can say: ask one that you trust for this id",
            item.id()
        )),
    }
}

fn chain(evidence: &[u8], digest: &Hash, trust: &AnchorTrust) -> AnchorFinding {
    let block = match evm::Evidence::parse(evidence).and_then(|evidence| evidence.verify(digest)) {
        Ok(block) => block,
        Err(error) => return AnchorFinding::Broken(error.to_string()),
    };
    let (chain, number, hash) = (block.chain, block.number, hex::encode(block.hash));
    let same = trust.evm.iter().find(|known| known.chain == chain && known.number == number);
    match same {
        Some(known) if known.hash == block.hash => {
            let span = TimeSpan {
                earliest_us: block.time.saturating_sub(EVM_SLACK).saturating_mul(SECOND),
                latest_us: block.time.saturating_add(EVM_SLACK).saturating_mul(SECOND),
            };
            let source = format!("block {number} of chain {chain}, whose hash the trust file gives");
            AnchorFinding::Holds { span, source, unforeseeable: true }
        }
        Some(_) => AnchorFinding::Broken(format!(
            "leads to block {hash} at height {number} of chain {chain}, and the trust file gives another hash for it"
        )),
        None => AnchorFinding::NotChecked(format!(
            "leads to block {hash} at height {number} of chain {chain}, which the trust file does not name; take it from a node that you trust \
             and add a line #! evm {chain} {number} HASH"
        )),
    }
}
