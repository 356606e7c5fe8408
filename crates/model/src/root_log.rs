//! What a root log's receipt shows about a checkpoint of one of its shards (`docs/formats.md` §10.1, `docs/shards.md`).
//!
//! Promises: the evidence is a receipt of the root log as it stands, judged by the same checks as any other and under the root logs that the reader names,
//! and nobody else's keys. Must never: believe the root log's clock for a reader who does not name that log.

use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, TimeSpan, digest, verify_evidence};
use tabellion_tlog::{Hash, LogLine, Policy, Quorum};

use crate::entry::Entry;
use crate::receipt::{Receipt, verify_receipt};
use crate::registry::{Facts, ShardCheckpoint, facts};
use crate::seal::BatchSealEntry;
use crate::verdict::{Outcome, Report};

/// How far a root log's clock may be from the world's: it is read once a batch, and a clock that is kept in step by the network moves by less.
const CLOCK_SLACK_US: u64 = 1_000_000;

/// Checks an anchor's evidence of any kind about `digest`.
pub fn verify_anchor(kind: AnchorKind, evidence: &[u8], digest: &Hash, trust: &AnchorTrust) -> AnchorFinding {
    match kind {
        AnchorKind::RootLog => root_log(evidence, digest, trust),
        AnchorKind::Rfc3161 | AnchorKind::OpenTimestamps | AnchorKind::Arweave | AnchorKind::Evm => {
            verify_evidence(kind, evidence, digest, trust)
        }
    }
}

fn root_log(evidence: &[u8], digest: &Hash, trust: &AnchorTrust) -> AnchorFinding {
    let receipt = match Receipt::parse(evidence) {
        Ok(receipt) => receipt,
        Err(error) => return AnchorFinding::Broken(format!("no receipt of a root log: {error}")),
    };
    if !receipt.anchors.is_empty() {
        return AnchorFinding::Broken("the root log's receipt has anchors of its own".to_owned());
    }
    let logs = trust.root_logs.iter().map(|key| LogLine { key: key.clone(), url: None });
    let policy =
        Policy { logs: logs.collect(), witnesses: Vec::new(), groups: Vec::new(), quorum: Quorum::None };
    let report = verify_receipt(evidence, Some(&policy));
    let verdict = report.verdict();
    if matches!(verdict, Outcome::Broken | Outcome::Malformed) {
        return AnchorFinding::Broken(format!("the root log's receipt: {}", first(&report, verdict)));
    }
    let index = receipt.index;
    let Some((said, log)) =
        recorded(&receipt).filter(|(said, _)| self::digest(&said.checkpoint()) == *digest)
    else {
        return AnchorFinding::Broken(format!("entry {index} of the root log is not of this checkpoint"));
    };
    if said.origin.as_str() == log {
        return AnchorFinding::Broken("the root log vouches for itself".to_owned());
    }
    if verdict != Outcome::Holds {
        return AnchorFinding::NotChecked(format!(
            "entry {index} of {log}; {}. Ask whoever runs that log for its keys, and add a line #! root-log KEY if you trust it",
            first(&report, verdict)
        ));
    }
    let Some(seal) = seal_of(&receipt) else {
        return AnchorFinding::Broken("the root log's receipt has no seal".to_owned());
    };
    let at = seal.seal.committed_at.0;
    let span = TimeSpan {
        earliest_us: at.saturating_sub(CLOCK_SLACK_US),
        latest_us: at.saturating_add(CLOCK_SLACK_US),
    };
    let source = format!("commit time of entry {index} of root log {log}");
    AnchorFinding::Holds { span, source, unforeseeable: true }
}

/// The checkpoint of a shard that the receipt's entry records, and the log that recorded it.
fn recorded(receipt: &Receipt) -> Option<(ShardCheckpoint, String)> {
    // What somebody else signed, and the log only took in, is not the log's word.
    let Entry::Record(record) = Entry::parse(&receipt.entry).ok()? else { return None };
    match facts(&record.header).ok()?? {
        Facts::ShardCheckpointRecorded(said) => Some((said, record.header.log.as_str().to_owned())),
        _ => None,
    }
}

/// The checkpoint that a root log's receipt is of; whether the receipt shows anything is for [`verify_anchor`].
pub fn shard_checkpoint_of(receipt: &[u8]) -> Option<ShardCheckpoint> {
    recorded(&Receipt::parse(receipt).ok()?).map(|(said, _)| said)
}

fn seal_of(receipt: &Receipt) -> Option<BatchSealEntry> {
    match Entry::parse(&receipt.seal.as_ref()?.placed.entry).ok()? {
        Entry::Seal(seal) => Some(seal),
        Entry::Record(_) | Entry::Statement(_) => None,
    }
}

/// The first required check that came out so.
fn first(report: &Report, outcome: Outcome) -> String {
    let check = report.checks.iter().find(|check| check.required && check.outcome == outcome);
    check.map_or_else(|| outcome.as_str().to_owned(), |check| format!("{}: {}", check.name, check.detail))
}
