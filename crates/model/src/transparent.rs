//! Verifying a transparent statement: a statement handed out with COSE Receipts (formats §4, §10).
//!
//! It brings no key records along, so only a log key that the trust file pins can verify a receipt, and the actor's own
//! signature stays undetermined, which is said and never passed over.

mod registered;

use tabellion_tlog::{CoseReceipt, Policy, detach_receipts, leaf_hash};

use crate::directory::{KeyDirectory, ROOT};
use crate::id::KeyId;
use crate::registry::{Purpose, Recognition, is_key_record, recognise};
use crate::statement::Statement;
use crate::trust::{Claim, Pins, judge_issuer};
use crate::verdict::{
    AspectChecks, CheckPlan, EXISTED, Finding, ISSUED, Outcome, Report, Subject, UNALTERED, aspects_of,
};
use crate::verify::Reader;

const FORM: &str = "form";
const ISSUER: &str = "issuer";
const RECEIPT: &str = "receipt";
const SIGNATURE: &str = "statement signature";

/// What a transparent statement shows and what it does not (requirement A21).
const SCOPE: &str = "This transparent statement shows that the log took the statement in and holds it in this form. It does not show \
when, that what the statement says is true, that anything outside the log did not happen, or that a management system conforms to \
any standard. Tabellion is not a certification body.";

const CHECKS: [CheckPlan; 4] = [
    CheckPlan {
        name: FORM,
        proves: "The file is a statement with receipts, each in its one byte form.",
        does_not_prove: "Who wrote it: anybody can write one.",
    },
    CheckPlan {
        name: ISSUER,
        proves: "The trust file names the log key that signed the receipt.",
        does_not_prove: "That the trust file is right: it is as good as the way it reached you.",
    },
    CheckPlan {
        name: RECEIPT,
        proves: "The log key signed a tree that holds this statement.",
        does_not_prove: "When: this form of receipt carries no time.",
    },
    CheckPlan {
        name: SIGNATURE,
        proves: "The actor's key signed the statement.",
        does_not_prove: "Which person held the key.",
    },
];

/// Nothing in this form carries a time.
const ASPECT_CHECKS: AspectChecks<'static> = AspectChecks {
    signature: &[FORM, ISSUER, RECEIPT, SIGNATURE],
    inclusion: &[FORM, ISSUER, RECEIPT],
    time: &[],
};

/// Verifies a transparent statement. `trust` says whom the reader believes; without it nothing can be decided.
pub fn verify_transparent(bytes: &[u8], trust: Option<&Policy>) -> Report {
    verify_transparent_for(bytes, &Reader { trust, ..Reader::default() })
}

/// The same for a reader who also says which keys they know: their list may hold the actor's key, which no such file brings along.
pub(crate) fn verify_transparent_for(bytes: &[u8], reader: &Reader<'_>) -> Report {
    let mut report = Report::planned(Subject::TransparentStatement, &CHECKS, SCOPE);
    if let Some(check) = report.checks.iter_mut().find(|check| check.name == SIGNATURE) {
        check.required = false;
    }
    check(&mut report, bytes, reader);
    report.judge_keys(reader.keys);
    report.findings = findings(&report);
    report.aspects = aspects_of(&report, &ASPECT_CHECKS);
    report
}

fn check(report: &mut Report, bytes: &[u8], reader: &Reader<'_>) {
    let trust = reader.trust;
    if registered::is_registered(bytes) {
        return registered::check(report, bytes, trust);
    }
    let read = detach_receipts(bytes).map_err(|error| error.to_string()).and_then(|(entry, receipts)| {
        let statement = Statement::parse(&entry).map_err(|error| error.to_string())?;
        let receipts =
            receipts.into_iter().map(|bytes| CoseReceipt::parse(&bytes).map(|receipt| (bytes, receipt)));
        let receipts = receipts.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        Ok((entry, statement, receipts))
    });
    let (entry, statement, receipts) = match read {
        Ok(parts) => parts,
        Err(problem) => return report.set(FORM, Outcome::Malformed, problem),
    };
    let header = &statement.record.header;
    let id = header.record_id;
    report.fact("log", header.log.as_str());
    report.fact("record_id", id.to_hex());
    report.fact("type", header.record_type.as_str());
    report.fact("observed_at (a claim)", header.observed_at.to_string());
    if recognise(header) == Recognition::UnknownCritical {
        let text =
            format!("statement {id}: its type is critical and not known to this verifier; use a newer one");
        return report.set(FORM, Outcome::Undetermined, text);
    }
    report.set(
        FORM,
        Outcome::Holds,
        format!("statement {id} of {} with {} receipts", header.log, receipts.len()),
    );
    let pins = trust.map(|policy| Pins::of(policy, &header.log)).unwrap_or_default();
    check_receipts(report, trust, &pins, &statement, &entry, &receipts);
    check_signature(report, &pins, &statement, reader.keys);
}

/// A receipt of the statement's own log under a pinned key decides; one of another log is only mentioned.
fn check_receipts(
    report: &mut Report,
    trust: Option<&Policy>,
    pins: &Pins,
    statement: &Statement,
    entry: &[u8],
    receipts: &[(Vec<u8>, CoseReceipt)],
) {
    let header = &statement.record.header;
    let own: Vec<_> = receipts.iter().filter(|(_, receipt)| receipt.iss == header.log.as_str()).collect();
    let pinned = own.iter().find_map(|(bytes, receipt)| {
        let key = pins.log_keys().iter().find(|key| key.key_id() == receipt.kid)?;
        Some((bytes, receipt, key))
    });
    let claim =
        Claim { origin: &header.log, root: None, log_key: pinned.map(|(_, _, key)| key), checkpoint: None };
    let (outcome, detail) = judge_issuer(trust, &claim);
    report.set(ISSUER, outcome, detail);
    let Some((bytes, receipt, key)) = pinned else {
        let Some((_, receipt)) = own.first() else {
            return report.set(
                RECEIPT,
                Outcome::Broken,
                format!("no receipt is of the statement's own log {}", header.log),
            );
        };
        let text = format!(
            "the receipt is signed by key {}, which the trust file does not pin for {}; a pinned root key is not enough here, because \
             no key records come along",
            receipt.kid, header.log
        );
        return report.set(RECEIPT, Outcome::Undetermined, text);
    };
    if receipt.sub != header.record_id.to_hex() {
        return report.set(
            RECEIPT,
            Outcome::Broken,
            format!("the receipt is about {:?}, not about this record", receipt.sub),
        );
    }
    match CoseReceipt::verify(bytes, &leaf_hash(entry), key) {
        Ok(facts) => {
            report.uses.add(KeyId::of(key), Purpose::Log.as_str(), RECEIPT, None);
            report.fact("index", facts.index);
            report.fact("size", facts.size);
            let text = format!(
                "the entry at index {} of {}, as the receipt says, signed by log key {}",
                facts.index,
                facts.size,
                KeyId::of(key)
            );
            report.set(RECEIPT, Outcome::Holds, text);
        }
        Err(error) => report.set(RECEIPT, Outcome::Broken, format!("record {}: {error}", header.record_id)),
    }
}

/// By a pinned root key for a key record; for others by a key that the reader's directory holds.
fn check_signature(report: &mut Report, pins: &Pins, statement: &Statement, keys: Option<&KeyDirectory>) {
    let root = pins.root_keys().iter().find(|key| KeyId::of(key) == statement.kid);
    let root = root.filter(|_| is_key_record(&statement.record.header));
    let known = keys.and_then(|keys| keys.public(&statement.kid));
    let Some(key) = root.or(known) else {
        let text = format!(
            "not checked: key {} is not in this file; the log took the statement in under its own rules, and a receipt or a package \
             of {} brings the key along",
            statement.kid, statement.record.header.log
        );
        return report.set(SIGNATURE, Outcome::Undetermined, text);
    };
    let (purpose, whose) = match root {
        Some(_) => (ROOT, "the pinned root key"),
        None => (Purpose::Actor.as_str(), "the key of your directory,"),
    };
    match statement.verify(key) {
        Ok(()) => {
            report.uses.add(statement.kid, purpose, SIGNATURE, None);
            report.set(SIGNATURE, Outcome::Holds, format!("signed by {whose} {}", statement.kid));
        }
        Err(error) => report.set(SIGNATURE, Outcome::Broken, error.to_string()),
    }
}

fn findings(report: &Report) -> Vec<Finding> {
    let log = report.facts.get("log").and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned();
    vec![
        Finding::from_checks(
            report,
            EXISTED,
            &[ISSUER, RECEIPT],
            "The log holds the statement; this form of receipt does not say since when.",
            "the log's signature on the tree; no clock at all: get the receipt file or a package for the commit time",
        ),
        Finding::from_checks(
            report,
            UNALTERED,
            &[FORM, RECEIPT],
            "The statement is as the log holds it.",
            "SHA-256 from the statement up to the root that the log key signed",
        ),
        Finding::from_checks(
            report,
            ISSUED,
            &[ISSUER, RECEIPT],
            format!("The log {log} took the statement in; the actor's own signature is a separate check."),
            "the log key that the trust file pins",
        ),
    ]
}
