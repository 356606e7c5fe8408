//! Findings as SARIF 2.1.0, the form that code scanning takes.
//!
//! Promises: every result names a rule of the list, a level, a message and a place; addresses are relative references.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tabellion_policy::{FaultKind, Finding, LINT_CODES};

use super::lint::file_of;
use super::sources::Source;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The document.
pub(super) fn document(found: &[Finding], sources: &[Source]) -> Value {
    let rules = rules();
    let ids: Vec<&str> = rules.iter().map(|(id, ..)| *id).collect();
    let results: Vec<Value> = found
        .iter()
        .map(|finding| {
            json!({
                "level": finding.severity.as_str(),
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": reference(&file_of(finding, sources)) },
                    "region": { "startColumn": finding.place.column, "startLine": finding.place.line },
                } }],
                "message": { "text": format!("{}: {}", finding.what, finding.advice) },
                "ruleId": finding.code,
                "ruleIndex": ids.iter().position(|id| *id == finding.code),
            })
        })
        .collect();
    let described: Vec<Value> = rules
        .iter()
        .map(|(id, about, level)| {
            json!({ "defaultConfiguration": { "level": level }, "id": id, "shortDescription": { "text": about } })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "runs": [{
            "columnKind": "unicodeCodePoints",
            "results": results,
            "tool": { "driver": { "name": "tabellion policy lint", "rules": described, "version": env!("CARGO_PKG_VERSION") } },
        }],
        "version": "2.1.0",
    })
}

/// Every code with what it is about and its level.
fn rules() -> Vec<(&'static str, &'static str, &'static str)> {
    let refused = [
        (FaultKind::Name, "A name that cannot stand in a record"),
        (FaultKind::Limit, "More than a limit of the language here"),
        (FaultKind::Syntax, "Not Cedar"),
        (FaultKind::Schema, "Speaks of what no call has, or compares what cannot be equal"),
        (FaultKind::Misleading, "A rule that cannot apply, or letters that read as others"),
        (FaultKind::Unsupported, "A template or annotation without meaning here"),
        (FaultKind::Duplicate, "Two rules or policies of one name"),
    ];
    let refused = refused.into_iter().map(|(kind, about)| (kind.code(), about, "error"));
    let level = |code| if code == "policy_not_examined" { "note" } else { "warning" };
    refused.chain(LINT_CODES.into_iter().map(|(code, about)| (code, about, level(code)))).collect()
}

/// A path as a reference: what is not plain is percent-encoded.
fn reference(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut text = String::new();
    for byte in path.bytes() {
        if plain(byte) {
            text.push(byte.into());
        } else {
            // Writing to a text does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    // An absolute path is a reference with the file scheme.
    if text.starts_with('/') { format!("file://{text}") } else { text }
}
