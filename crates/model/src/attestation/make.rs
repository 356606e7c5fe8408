//! What an attester finds: the three standings of one entry, computed from its receipt.
//!
//! Promises: nothing is taken from whoever asks but the evidence and whom they believe. A receipt that cannot be read is no item.

use tabellion_tlog::sha256;

use super::Attested;
use crate::entry::Entry;
use crate::id::KeyId;
use crate::key::KeyChain;
use crate::origin::Origin;
use crate::receipt::plan::{CHECKPOINT, DISCLOSURES, ENTRY, FORM, INCLUSION, ISSUER, KEYS, SEAL, STATEMENT};
use crate::receipt::{LIVE, RECEIPT_MAGIC, Receipt};
use crate::verdict::{AspectStanding, Check, KEY_DIRECTORY, Outcome, Report};
use crate::verification_run::run_detail;
use crate::verify::{Reader, verify_for};

/// Why nothing can be said of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttestError {
    /// Not a receipt.
    #[error("it is no receipt: entries are attested one receipt each")]
    NoReceipt,
    /// A receipt that cannot be read.
    #[error("the receipt cannot be read: {0}")]
    Malformed(String),
}

/// Checks a receipt for a reader, and what the entry says of content where the reader brings some, and says how far it goes.
pub fn attest(evidence: &[u8], reader: &Reader<'_>) -> Result<Attested, AttestError> {
    if !evidence.starts_with(RECEIPT_MAGIC.as_bytes()) {
        return Err(AttestError::NoReceipt);
    }
    let report = verify_for(evidence, reader);
    let malformed = |text: String| AttestError::Malformed(text);
    if let Some(form) = report.check(FORM).filter(|form| form.outcome != Outcome::Holds) {
        return Err(malformed(form.detail.clone()));
    }
    let receipt = Receipt::parse(evidence).map_err(|error| malformed(error.to_string()))?;
    let entry = Entry::parse(&receipt.entry).map_err(|error| malformed(error.to_string()))?;
    let log = report.facts.get("log").and_then(serde_json::Value::as_str).unwrap_or_default();
    let genesis = receipt.keys.first().filter(|placed| placed.index == 0);
    let chain = genesis.and_then(|placed| KeyChain::genesis(&placed.entry).ok());
    Ok(Attested {
        log: Origin::new(log).map_err(|error| malformed(error.to_string()))?,
        index: receipt.index,
        leaf: receipt.leaf(),
        root_key: chain.map(|chain| KeyId::of(&chain.root().public)),
        existence: standing(&report, &[FORM, ENTRY, INCLUSION, KEYS, ISSUER, CHECKPOINT, SEAL]),
        hash: hash(&report, &receipt, &entry),
        signature: signature(&report),
        evidence_sha256: sha256(evidence),
        content_sha256: reader.live.map(sha256),
        detail: detail(&report),
    })
}

/// The shown fields and the content brought besides against the digests of the entry. An entry that commits to no field has nothing but its own bytes, which
/// the receipt brings; of one whose fields are withheld, without content besides, nothing was given that could be hashed.
fn hash(report: &Report, receipt: &Receipt, entry: &Entry) -> AspectStanding {
    if report.check(LIVE).is_some() {
        return standing(report, &[DISCLOSURES, LIVE]);
    }
    let units = entry.header().map_or(&[][..], |header| &header.units);
    let committed: usize = units.iter().map(|unit| unit.digests.len()).sum();
    match standing(report, &[DISCLOSURES]) {
        AspectStanding::Holds if receipt.disclosures.len() != committed => AspectStanding::NotChecked,
        standing => standing,
    }
}

/// Everything that vouches for the entry: its actor where it is a statement, the writer's seal, the checkpoint, and that these keys are known.
fn signature(report: &Report) -> AspectStanding {
    let more = [STATEMENT, KEY_DIRECTORY];
    let required = |name: &&&str| report.check(name).is_some_and(|check| check.required);
    let mut names = vec![FORM, KEYS, ISSUER, CHECKPOINT, SEAL];
    names.extend(more.iter().filter(required).copied());
    standing(report, &names)
}

fn standing(report: &Report, names: &[&str]) -> AspectStanding {
    match report.outcome_of(names) {
        Outcome::Holds => AspectStanding::Holds,
        Outcome::Broken | Outcome::Malformed => AspectStanding::Broken,
        Outcome::Undetermined | Outcome::NotRun => AspectStanding::NotChecked,
    }
}

/// The first checks that do not hold, in their own words.
fn detail(report: &Report) -> String {
    let open = |check: &&Check| !matches!(check.outcome, Outcome::Holds | Outcome::NotRun);
    let said: Vec<String> =
        report.checks.iter().filter(open).map(|check| format!("{}: {}", check.name, check.detail)).collect();
    run_detail(&said.join("; "))
}
