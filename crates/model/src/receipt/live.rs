//! The live copy of a record beside its receipt: what a system has of it now, against what was sealed (formats §12.1, `live source`).
//!
//! Promises: names each field that differs, when both versions are there. Must never: take what is withheld for agreement.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use tabellion_tlog::sha256;

use crate::verdict::{CheckPlan, Outcome, Problems, Report};

pub(crate) const LIVE: &str = "live source";
/// The check, which a report has when the reader has a live copy.
pub(crate) const LIVE_PLAN: CheckPlan = CheckPlan {
    name: LIVE,
    proves: "What the live system gave is what was sealed, as far as the receipt shows it.",
    does_not_prove: "That the live system gives everybody the same.",
};
/// Longest value in a difference, in characters.
const SHOWN_CHARS: usize = 60;
/// Most places of two documents that are compared: more than a record holds.
const MAX_PLACES: usize = 1_000_000;

/// Compares the bytes that a live system gave with `fields`, those that the receipt shows; `all_shown`: nothing is withheld.
pub(super) fn check(report: &mut Report, fields: &Map<String, Json>, all_shown: bool, live: &[u8]) {
    if fields.is_empty() {
        let text =
            "the receipt shows no field that a live copy could be compared with; ask for one that does";
        return report.set(LIVE, Outcome::Undetermined, text);
    }
    let mut problems = Problems::default();
    let compared = match fields.get("sha256").and_then(Json::as_str) {
        Some(digest) => compare_file(&mut problems, fields, digest, live),
        None => compare_fields(&mut problems, fields, all_shown, live),
    };
    report.settle(LIVE, &problems, compared);
}

/// A file that was recorded, by its digest; where its content was kept, what changed in it.
fn compare_file(problems: &mut Problems, fields: &Map<String, Json>, digest: &str, live: &[u8]) -> String {
    let found = sha256(live).to_hex();
    if found == digest {
        return format!("the live file has the SHA-256 that was recorded, {digest}");
    }
    problems.broken(|| format!("the live file has SHA-256 {found}, recorded was {digest}"));
    let kept = fields.get("content").and_then(Json::as_str).and_then(|text| STANDARD.decode(text).ok());
    match kept {
        Some(kept) => differences(problems, &kept, live),
        None => problems
            .broken(|| "what changed cannot be told: the receipt does not show the content".to_owned()),
    }
    String::new()
}

fn differences(problems: &mut Problems, kept: &[u8], live: &[u8]) {
    if let (Ok(kept), Ok(live)) = (serde_json::from_slice(kept), serde_json::from_slice(live)) {
        return compare(problems, &kept, &live, &mut String::new(), &mut 0);
    }
    let (kept_lines, live_lines) = (kept.split(|byte| *byte == b'\n'), live.split(|byte| *byte == b'\n'));
    let counts = (kept_lines.clone().count(), live_lines.clone().count());
    for (number, (kept, live)) in (1_u64..).zip(kept_lines.zip(live_lines)) {
        if kept != live {
            let (kept, live) = (String::from_utf8_lossy(kept), String::from_utf8_lossy(live));
            problems
                .broken(|| format!("line {number}: is {:?}, recorded was {:?}", shown(&live), shown(&kept)));
        }
    }
    if counts.0 != counts.1 {
        problems.broken(|| format!("has {} lines, recorded were {}", counts.1, counts.0));
    }
}

/// The fields of a record, as a JSON object of the same members.
fn compare_fields(
    problems: &mut Problems,
    fields: &Map<String, Json>,
    all_shown: bool,
    live: &[u8],
) -> String {
    let Ok(Json::Object(live)) = serde_json::from_slice::<Json>(live) else {
        problems.malformed(|| {
            "the live copy is no JSON object, which the fields of a record are compared as".to_owned()
        });
        return String::new();
    };
    let mut places = 0;
    for (name, sealed) in fields {
        match live.get(name) {
            None => problems.broken(|| format!("/{name}: is gone, recorded was {}", said(sealed))),
            Some(value) => compare(problems, sealed, value, &mut format!("/{name}"), &mut places),
        }
    }
    for (name, value) in live.iter().filter(|(name, _)| !fields.contains_key(*name)) {
        if all_shown {
            problems.broken(|| format!("/{name}: is {}, and was not recorded", said(value)));
        } else {
            problems.undetermined(|| format!("/{name}: is not shown by the receipt, which withholds fields"));
        }
    }
    format!("{} fields are what was recorded", fields.len())
}

/// Names every place, as a JSON Pointer, at which two values differ. Parsed values are not deeper than the parser's own limit.
fn compare(problems: &mut Problems, sealed: &Json, live: &Json, at: &mut String, places: &mut usize) {
    *places += 1;
    if *places > MAX_PLACES {
        return;
    }
    let length = at.len();
    let mut step = |name: &str, pair: (Option<&Json>, Option<&Json>)| {
        at.push('/');
        at.push_str(&name.replace('~', "~0").replace('/', "~1"));
        match pair {
            (Some(sealed), Some(live)) => compare(problems, sealed, live, at, places),
            (Some(sealed), None) => {
                problems.broken(|| format!("{at}: is gone, recorded was {}", said(sealed)));
            }
            (None, Some(live)) => {
                problems.broken(|| format!("{at}: is {}, and was not recorded", said(live)));
            }
            (None, None) => {}
        }
        at.truncate(length);
    };
    match (sealed, live) {
        (Json::Object(sealed), Json::Object(live)) => {
            for (name, value) in sealed {
                step(name, (Some(value), live.get(name)));
            }
            for (name, value) in live.iter().filter(|(name, _)| !sealed.contains_key(*name)) {
                step(name, (None, Some(value)));
            }
        }
        (Json::Array(sealed), Json::Array(live)) => {
            for place in 0..sealed.len().max(live.len()) {
                step(&place.to_string(), (sealed.get(place), live.get(place)));
            }
        }
        _ if sealed == live => {}
        _ => problems.broken(|| format!("{at}: is {}, recorded was {}", said(live), said(sealed))),
    }
}

fn said(value: &Json) -> String {
    shown(&value.to_string())
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
