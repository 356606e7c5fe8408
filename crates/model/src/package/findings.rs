//! The three answers of a package, each with what it rests on (requirement A19).
//!
//! An answer is never better than the worst check behind it.

use serde_json::Value as Json;

use super::alarms::ALARMS;
use super::anchors::ANCHORS;
use super::plan::{
    CHECKPOINT, CONTAINER, DISCLOSURES, EDGES, ENTRIES, ERASURES, FILES, ISSUER, KEYS, MANIFEST, NUMBERS,
    SEALS, SIGNATURE, STATEMENTS, TOTALS, TREE,
};
use crate::bounds::TIME_BOUNDS;
use crate::verdict::{
    Aspect, AspectChecks, CLOCK, EXISTED, Finding, ISSUED, Outcome, Report, UNALTERED, aspects_of,
};

const EXISTED_CHECKS: [&str; 5] = [TREE, KEYS, ISSUER, CHECKPOINT, SEALS];
const UNALTERED_CHECKS: [&str; 13] = [
    CONTAINER,
    MANIFEST,
    SIGNATURE,
    FILES,
    ENTRIES,
    TREE,
    CHECKPOINT,
    SEALS,
    DISCLOSURES,
    ERASURES,
    NUMBERS,
    EDGES,
    TOTALS,
];
const ISSUED_CHECKS: [&str; 6] = [SIGNATURE, KEYS, ISSUER, CHECKPOINT, SEALS, STATEMENTS];

/// Every check stands in `signature` or `inclusion`, so that a fault anywhere breaks one of them.
const ASPECT_CHECKS: AspectChecks<'static> = AspectChecks {
    signature: &[CONTAINER, MANIFEST, FILES, KEYS, SIGNATURE, ISSUER, CHECKPOINT, SEALS, STATEMENTS],
    inclusion: &[ENTRIES, TREE, ISSUER, CHECKPOINT, SEALS, DISCLOSURES, ERASURES, NUMBERS, EDGES, TOTALS],
    time: &[ISSUER, CHECKPOINT, SEALS],
};

/// Signature, ledger inclusion, time and live source, apart.
pub(crate) fn package_aspects(report: &Report) -> Vec<Aspect> {
    aspects_of(report, &ASPECT_CHECKS)
}

fn fact<'r>(report: &'r Report, name: &str) -> &'r str {
    report.facts.get(name).and_then(Json::as_str).unwrap_or("unknown")
}

/// What the commit times rest on.
fn clock(report: &Report) -> String {
    let bounds = report.check(TIME_BOUNDS).filter(|check| check.outcome == Outcome::Holds);
    match (bounds, report.check(ANCHORS)) {
        (Some(check), _) => format!(
            "the commit times are the clock of the log's own writer, signed by its writer key; outside clocks bound them: {}",
            check.detail
        ),
        (None, Some(_)) => format!("{CLOCK}; the package brings anchors, see the check of that name"),
        (None, None) => CLOCK.to_owned(),
    }
}

/// The three answers.
pub(crate) fn package_findings(report: &Report) -> Vec<Finding> {
    let existed = match report.facts.get("first_commit") {
        Some(_) => format!(
            "The entries were committed between {} and {} by the log's clock, and were in the log when it signed the checkpoint.",
            fact(report, "first_commit"),
            fact(report, "last_commit")
        ),
        None => "The range holds no batch; the log signed the checkpoint that shows this.".to_owned(),
    };
    let unaltered = "Every entry, disclosure and count is as it was sealed, in its place and order, and none is missing from the range.";
    let alarms = report.check(ALARMS).map(|check| check.name);
    let unaltered_checks: Vec<&str> = UNALTERED_CHECKS.into_iter().chain(alarms).collect();
    let issued = format!(
        "The log {} issued this package and sealed its records; each statement carries its actor's own signature.",
        fact(report, "log")
    );
    vec![
        Finding::from_checks(
            report,
            EXISTED,
            &EXISTED_CHECKS,
            existed,
            format!("the signed checkpoint and the seals; {}", clock(report)),
        ),
        Finding::from_checks(
            report,
            UNALTERED,
            &unaltered_checks,
            unaltered,
            "SHA-256 over every entry up to the root in the signed checkpoint, the batch roots in the seals, and the salted digests in \
             the headers",
        ),
        Finding::from_checks(
            report,
            ISSUED,
            &ISSUED_CHECKS,
            issued,
            "Ed25519 signatures by keys that the log's root key granted in the log itself, and the trust file for the log",
        ),
    ]
}
