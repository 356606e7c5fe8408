//! The verifier of a receipt: what one entry's holder can show without the log.
//!
//! Goes on after a broken check; believes nothing that the receipt says about itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};
use tabellion_tlog::anchor::AnchorTrust;
use tabellion_tlog::{Policy, SignedCheckpoint, VerifierKey, verify_inclusion};

use super::keys::{KeysFault, ReceiptKeys};
use super::live::LIVE_PLAN;
use super::plan::{
    CHECKPOINT, DISCLOSURES, ENTRY, FORM, INCLUSION, ISSUER, KEYS, RECEIPT_CHECKS, SCOPE, SEAL, STATEMENT,
};
use super::source::SOURCE_SIGNATURE;
use super::{Receipt, anchors, level, live, source};
use crate::bounds::{bound_of_witness, check_times};
use crate::directory::ROOT;
use crate::entry::Entry;
use crate::header::Env;
use crate::id::KeyId;
use crate::origin::Origin;
use crate::package::ANCHORS_PLAN;
use crate::registry::{Purpose, Recognition, is_key_record, recognise};
use crate::seal::BatchSealEntry;
use crate::statement::Statement;
use crate::trust::{Claim, judge_issuer, witnessed};
use crate::unit::{Disclosure, digest};
use crate::verdict::{
    Aspect, AspectChecks, CLOCK, EXISTED, Finding, ISSUED, Outcome, Problems, Report, Subject, UNALTERED,
    aspects_of,
};
use crate::verify::Reader;

/// A receipt with its parts read.
struct Parts {
    receipt: Receipt,
    checkpoint: SignedCheckpoint,
    origin: Origin,
    entry: Entry,
    seal: Option<BatchSealEntry>,
}

impl Parts {
    /// The seal of the entry, which may be the entry itself, and its index.
    fn sealed(&self) -> Option<(u64, &BatchSealEntry)> {
        match (&self.entry, &self.seal, &self.receipt.seal) {
            (Entry::Seal(seal), ..) => Some((self.receipt.index, seal)),
            (_, Some(seal), Some(proof)) => Some((proof.placed.index, seal)),
            _ => None,
        }
    }
}

/// Verifies a receipt. `trust` says whom the reader believes; without it nothing can be more than consistent.
pub fn verify_receipt(bytes: &[u8], trust: Option<&Policy>) -> Report {
    verify_receipt_for(bytes, &Reader { trust, ..Reader::default() })
}

/// The same for a reader who also says which keys they know.
pub(crate) fn verify_receipt_for(bytes: &[u8], reader: &Reader<'_>) -> Report {
    let mut report = Report::planned(Subject::Receipt, &RECEIPT_CHECKS, SCOPE);
    if let Some(parts) = read_parts(&mut report, bytes) {
        check_parts(&mut report, &parts, reader);
    }
    report.judge_keys(reader.keys);
    report.findings = findings(&report);
    report.aspects = aspects(&report);
    report
}

fn read_parts(report: &mut Report, bytes: &[u8]) -> Option<Parts> {
    match parse_parts(bytes) {
        Ok(parts) => {
            let text = format!("a receipt for entry {} of {}", parts.receipt.index, parts.origin);
            report.set(FORM, Outcome::Holds, text);
            Some(parts)
        }
        Err(problem) => {
            report.set(FORM, Outcome::Malformed, problem);
            None
        }
    }
}

/// Everything but the key records, which are read where they are judged: their hashes come first.
fn parse_parts(bytes: &[u8]) -> Result<Parts, String> {
    let receipt = Receipt::parse(bytes).map_err(|error| error.to_string())?;
    let checkpoint = SignedCheckpoint::parse(receipt.checkpoint.as_bytes())
        .map_err(|error| format!("checkpoint: {error}"))?;
    let origin =
        Origin::new(&checkpoint.checkpoint.origin).map_err(|error| format!("checkpoint: {error}"))?;
    let index = receipt.index;
    let entry = Entry::parse(&receipt.entry).map_err(|error| format!("entry {index}: {error}"))?;
    let seal = match (&entry, &receipt.seal) {
        (Entry::Seal(_), None) => None,
        (Entry::Seal(_), Some(_)) => {
            return Err("the entry is itself a seal and another one is brought along".to_owned());
        }
        (_, None) => return Err(format!("the seal of entry {index} is not here")),
        (_, Some(seal)) => {
            let at = seal.placed.index;
            match Entry::parse(&seal.placed.entry).map_err(|error| format!("seal at entry {at}: {error}"))? {
                Entry::Seal(seal) => Some(seal),
                Entry::Record(_) | Entry::Statement(_) => {
                    return Err(format!("entry {at}, brought along as the seal, is none"));
                }
            }
        }
    };
    Ok(Parts { receipt, checkpoint, origin, entry, seal })
}

fn check_parts(report: &mut Report, parts: &Parts, reader: &Reader<'_>) {
    let trust = reader.trust;
    let index = parts.receipt.index;
    report_facts(report, parts);
    check_entry(report, parts);
    report.settle(
        INCLUSION,
        &check_inclusion(parts),
        format!("entry {index} of {}", parts.checkpoint.checkpoint.size),
    );
    let keys = match ReceiptKeys::follow(&parts.receipt.keys) {
        Ok(keys) if *keys.genesis.origin() == parts.origin => keys,
        Ok(keys) => {
            let other = keys.genesis.origin();
            return report.set(
                KEYS,
                Outcome::Broken,
                format!("the genesis is of {other}, the checkpoint of {}", parts.origin),
            );
        }
        Err(KeysFault::Unreadable(problem)) => return report.set(KEYS, Outcome::Malformed, problem),
        Err(KeysFault::Contradiction(problem)) => return report.set(KEYS, Outcome::Broken, problem),
    };
    report.set(
        KEYS,
        Outcome::Holds,
        format!("{} key records, each signed by the root key", parts.receipt.keys.len()),
    );
    let log_key = keys.last(Purpose::Log, parts.checkpoint.checkpoint.size).map(|key| key.info.public);
    let claim = Claim {
        origin: &parts.origin,
        root: Some(&keys.genesis.root().public),
        log_key: log_key.as_ref().ok(),
        checkpoint: Some(&parts.checkpoint),
    };
    let (outcome, detail) = judge_issuer(trust, &claim);
    report.set(ISSUER, outcome, detail);
    report.witnessed = witnessed(trust, &parts.checkpoint).filter(|_| outcome == Outcome::Holds);
    let at = parts.sealed().map(|(_, seal)| seal.seal.committed_at);
    report.uses.add(keys.genesis.root().key_id, ROOT, report.subject.as_str(), None);
    let signed = log_key.and_then(|key| {
        let name = VerifierKey::new(parts.origin.as_str(), key).map_err(|error| error.to_string())?;
        parts.checkpoint.verify_with(&name).map_err(|error| error.to_string())?;
        report.uses.add(KeyId::of(&key), Purpose::Log.as_str(), CHECKPOINT, at);
        Ok("signed by the log key".to_owned())
    });
    settle(report, CHECKPOINT, signed);
    settle(report, SEAL, check_seal(parts, &keys));
    if let (Outcome::Holds, Some((index, seal))) = (report.outcome_of(&[SEAL]), parts.sealed()) {
        report.uses.add(seal.kid, Purpose::Writer.as_str(), format!("seal at entry {index}"), at);
    }
    check_statement(report, parts, &keys);
    if let (Entry::Statement(statement), Outcome::Holds) = (&parts.entry, report.outcome_of(&[STATEMENT])) {
        let is_root = statement.kid == keys.genesis.root().key_id;
        let purpose = if is_root { ROOT } else { Purpose::Actor.as_str() };
        report.uses.add(statement.kid, purpose, format!("statement at entry {index}"), at);
    }
    check_disclosures(report, parts);
    source::check(report, &parts.entry);
    check_live(report, parts, reader.live);
    check_outside_clocks(report, parts, reader);
}

/// Whether a live copy, where the reader has one, is what was sealed.
fn check_live(report: &mut Report, parts: &Parts, live: Option<&[u8]>) {
    let Some(live) = live else { return };
    report.plan_required(&LIVE_PLAN);
    let units = parts.entry.header().map_or(&[][..], |header| &header.units);
    let digests: usize = units.iter().map(|unit| unit.digests.len()).sum();
    let shown = parts.receipt.disclosures.iter().filter_map(|encoded| Disclosure::parse(encoded).ok());
    let fields: Map<String, Json> =
        shown.map(|field| (field.name().to_owned(), field.value().clone())).collect();
    let all_shown = fields.len() == digests;
    live::check(report, &fields, all_shown, live);
}

/// What clocks outside the log say of the checkpoint: anchors, and the witnesses that the reader asks for.
fn check_outside_clocks(report: &mut Report, parts: &Parts, reader: &Reader<'_>) {
    let (checkpoint, index) = (&parts.checkpoint.checkpoint, parts.receipt.index);
    let mut bounds = Vec::new();
    if !parts.receipt.anchors.is_empty() {
        let nobody = AnchorTrust::default();
        let believed = reader.anchors.unwrap_or(&nobody);
        report.plan_optional(&ANCHORS_PLAN);
        bounds = anchors::check(report, &parts.receipt.anchors, checkpoint, believed);
    }
    level::note(report, bounds.len());
    bounds.extend(bound_of_witness(report.witnessed.as_ref(), checkpoint.size));
    let seal = parts.sealed().map(|(index, seal)| (index, &seal.seal));
    check_times(report, &bounds, (index, index.saturating_add(1)), seal.into_iter());
}

fn settle(report: &mut Report, name: &'static str, result: Result<String, String>) {
    match result {
        Ok(text) => report.set(name, Outcome::Holds, text),
        Err(problem) => report.set(name, Outcome::Broken, problem),
    }
}

fn check_entry(report: &mut Report, parts: &Parts) {
    let index = parts.receipt.index;
    let (log, text) = match &parts.entry {
        Entry::Seal(seal) => (&seal.seal.log, format!("entry {index}: a seal")),
        Entry::Record(record) => {
            (&record.header.log, format!("entry {index}: record {}", record.header.record_id))
        }
        Entry::Statement(statement) => {
            let header = &statement.record.header;
            (&header.log, format!("entry {index}: statement {}", header.record_id))
        }
    };
    if *log != parts.origin {
        return report.set(
            ENTRY,
            Outcome::Broken,
            format!("{text} was made for {log}, the checkpoint is of {}", parts.origin),
        );
    }
    if let (Some(header), Some(env)) = (parts.entry.header(), genesis_env(&parts.receipt))
        && header.env != env
    {
        let (given, log) = (header.env.as_str(), env.as_str());
        return report.set(
            ENTRY,
            Outcome::Broken,
            format!("{text} was made for {given}, the log is a {log} log"),
        );
    }
    if parts.entry.header().is_some_and(|header| recognise(header) == Recognition::UnknownCritical) {
        return report.set(
            ENTRY,
            Outcome::Undetermined,
            format!("{text} is of a critical type this verifier does not know; use a newer one"),
        );
    }
    report.set(ENTRY, Outcome::Holds, text);
}

/// The environment that the receipt's genesis names, as far as it can be read; whether it is the log's is for the key checks.
fn genesis_env(receipt: &Receipt) -> Option<Env> {
    let genesis = receipt.keys.first().filter(|placed| placed.index == 0)?;
    Some(Entry::parse(&genesis.entry).ok()?.header()?.env)
}

fn check_inclusion(parts: &Parts) -> Problems {
    let mut problems = Problems::default();
    let (receipt, tree) = (&parts.receipt, &parts.checkpoint.checkpoint);
    if let Err(error) = verify_inclusion(&receipt.leaf(), receipt.index, tree.size, &receipt.path, &tree.root)
    {
        problems.broken(|| format!("entry {}: is not in the checkpoint's tree: {error}", receipt.index));
    }
    let others = receipt
        .keys
        .iter()
        .map(|key| ("key record", key))
        .chain(receipt.seal.iter().map(|seal| ("seal", &seal.placed)));
    for (what, placed) in others {
        if let Err(error) = placed.verify(tree.size, &tree.root) {
            problems.broken(|| {
                format!("{what} at entry {}: is not in the checkpoint's tree: {error}", placed.index)
            });
        }
    }
    problems
}

fn check_seal(parts: &Parts, keys: &ReceiptKeys) -> Result<String, String> {
    let index = parts.receipt.index;
    let (seal, at) = match (&parts.entry, &parts.seal, &parts.receipt.seal) {
        (Entry::Seal(seal), None, None) => (seal, index),
        (_, Some(seal), Some(proof)) => {
            let position = index.checked_sub(seal.seal.first).filter(|position| *position < seal.seal.count);
            let position =
                position.ok_or_else(|| format!("entry {index} is not in the batch that the seal covers"))?;
            verify_inclusion(
                &parts.receipt.leaf(),
                position,
                seal.seal.count,
                &proof.batch_path,
                &seal.seal.root,
            )
            .map_err(|error| format!("entry {index} is not what the seal covers there: {error}"))?;
            (seal, proof.placed.index)
        }
        _ => return Err(format!("the seal of entry {index} is not here")),
    };
    if seal.seal.log != parts.origin || seal.seal.index() != at {
        return Err(format!(
            "the seal at entry {at} was made for another place: entry {} of {}",
            seal.seal.index(),
            seal.seal.log
        ));
    }
    let writer = keys.last(Purpose::Writer, at)?;
    seal.verify(&writer.info.public).map_err(|error| format!("the seal at entry {at}: {error}"))?;
    Ok(format!("sealed at entry {at}, committed at {}", seal.seal.committed_at))
}

fn check_statement(report: &mut Report, parts: &Parts, keys: &ReceiptKeys) {
    let Entry::Statement(statement) = &parts.entry else {
        if let Some(check) = report.checks.iter_mut().find(|check| check.name == STATEMENT) {
            check.required = false;
        }
        let text = "the entry is no statement: the writer vouches for it with the seal";
        return report.set(STATEMENT, Outcome::NotRun, text);
    };
    if statement.kid != keys.genesis.root().key_id && keys.find(&statement.kid).is_none() {
        let text = format!(
            "key {} of actor {} is not in this receipt; a package of the log brings it along",
            statement.kid, statement.record.header.actor
        );
        return report.set(STATEMENT, Outcome::Undetermined, text);
    }
    settle(report, STATEMENT, check_actor(parts.receipt.index, statement, keys));
}

fn check_actor(index: u64, statement: &Statement, keys: &ReceiptKeys) -> Result<String, String> {
    let header = &statement.record.header;
    let root = keys.genesis.root();
    let Some(key) = keys.find(&statement.kid) else {
        if is_key_record(header) {
            statement.verify(&root.public).map_err(|error| error.to_string())?;
        } else {
            keys.genesis.check_statement(index, statement).map_err(|error| error.to_string())?;
        }
        return Ok(format!("signed by the root key {}", root.key_id));
    };
    if is_key_record(header) || key.purpose != Purpose::Actor || key.credential != header.actor {
        return Err(format!("key {} does not speak for actor {}", statement.kid, header.actor));
    }
    if !key.is_in_force(index) {
        return Err(format!("key {} was not in force for entry {index}", statement.kid));
    }
    statement.verify(&key.info.public).map_err(|error| error.to_string())?;
    Ok(format!("signed by actor {} with key {}", header.actor, statement.kid))
}

fn check_disclosures(report: &mut Report, parts: &Parts) {
    let mut problems = Problems::default();
    let units = parts.entry.header().map_or(&[][..], |header| &header.units);
    let (mut names, mut last) = (BTreeSet::new(), None);
    for (number, encoded) in (1..).zip(&parts.receipt.disclosures) {
        let own = digest(encoded);
        match Disclosure::parse(encoded) {
            Err(error) => problems.malformed(|| format!("disclosure {number}: {error}")),
            Ok(disclosure) => {
                if last.as_ref().is_some_and(|last| *last >= own) {
                    problems.malformed(|| format!("disclosure {number}: is out of order or repeated"));
                }
                if !units.iter().any(|unit| unit.lists(&own)) {
                    problems.broken(|| format!("disclosure {number}: is not among the digests of the entry"));
                }
                if !names.insert(disclosure.name().to_owned()) {
                    problems.broken(|| format!("disclosure {number}: has a field name used before"));
                }
            }
        }
        last = Some(own);
    }
    let digests: usize = units.iter().map(|unit| unit.digests.len()).sum();
    report.settle(
        DISCLOSURES,
        &problems,
        format!("{} of {digests} fields shown", parts.receipt.disclosures.len()),
    );
}

fn report_facts(report: &mut Report, parts: &Parts) {
    report.fact("log", parts.origin.as_str());
    report.fact("index", parts.receipt.index);
    report.fact("size", parts.checkpoint.checkpoint.size);
    report.fact("leaf", parts.receipt.leaf().to_hex());
    if let Some(header) = parts.entry.header() {
        report.fact("record_id", header.record_id.to_hex());
        report.fact("type", header.record_type.as_str());
        report.fact("observed_at (a claim)", header.observed_at.to_string());
    }
    let seal = match &parts.entry {
        Entry::Seal(seal) => Some(seal),
        _ => parts.seal.as_ref(),
    };
    if let Some(seal) = seal {
        report.fact("committed_at", seal.seal.committed_at.to_string());
    }
}

fn aspects(report: &Report) -> Vec<Aspect> {
    let mut signature = vec![FORM, KEYS, ISSUER, CHECKPOINT, SEAL];
    let signed = [STATEMENT, SOURCE_SIGNATURE].into_iter();
    signature.extend(signed.filter(|name| report.check(name).is_some_and(|check| check.required)));
    let checks = AspectChecks {
        signature: &signature,
        inclusion: &[ENTRY, INCLUSION, ISSUER, CHECKPOINT, SEAL, DISCLOSURES],
        time: &[ISSUER, CHECKPOINT, SEAL],
    };
    aspects_of(report, &checks)
}

fn findings(report: &Report) -> Vec<Finding> {
    let fact = |name: &str| {
        report.facts.get(name).and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
    };
    let existed = format!("The entry was committed at {} by the log's clock.", fact("committed_at"));
    let mut issuers = vec![KEYS, ISSUER, CHECKPOINT, SEAL];
    // Of an unsigned record the writer's seal is all there is.
    if report.check(STATEMENT).is_some_and(|check| check.required) {
        issuers.push(STATEMENT);
    }
    let issued = format!("The log {} issued this receipt.", fact("log"));
    vec![
        Finding::from_checks(
            report,
            EXISTED,
            &[INCLUSION, KEYS, ISSUER, CHECKPOINT, SEAL],
            existed,
            format!("the signed checkpoint and the seal; {CLOCK}"),
        ),
        Finding::from_checks(
            report,
            UNALTERED,
            &[FORM, ENTRY, INCLUSION, CHECKPOINT, SEAL, DISCLOSURES],
            "The entry and everything shown of it are as they were sealed.",
            "SHA-256 from the entry up to the root in the signed checkpoint and the batch root in the seal",
        ),
        Finding::from_checks(
            report,
            ISSUED,
            &issuers,
            issued,
            "Ed25519 signatures by keys that the log's root key granted in the log itself, and the trust file for the log",
        ),
    ]
}
