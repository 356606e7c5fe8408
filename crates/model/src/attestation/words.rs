//! What was counted, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::quorum::{ItemRow, Quorum, Standing};
use crate::verdict::Outcome;

/// The format name of the JSON.
const QUORUM_FORMAT: &str = "tabellion.quorum/1";
/// What a count shows and what it does not.
const SCOPE: &str = "This count shows what the named organisations signed that they found, each with their own trust file and the evidence that they had. It does not repeat \
their checks, and it does not show that they are independent of each other or of the log beyond what your key directory says.";

impl Quorum {
    /// For people.
    pub fn to_text(&self) -> String {
        let word = match self.verdict() {
            Outcome::Holds => "HOLDS",
            Outcome::Broken => "BROKEN",
            Outcome::Malformed => "MALFORMED",
            Outcome::Undetermined | Outcome::NotRun => "UNDETERMINED",
        };
        let mut text =
            format!("{word}: asked for {} independent signers at level {}\n\n", self.need, self.level);
        for bundle in &self.bundles {
            let _ = writeln!(text, "{:<13} {}: {}", bundle.outcome.as_str(), bundle.name, bundle.detail);
        }
        text.push('\n');
        for item in &self.items {
            let [existence, hash, signature] = item.counts;
            let _ = writeln!(
                text,
                "{:<13} {} entry {}: existence {existence}, hash {hash}, signature {signature}{}",
                item.outcome.as_str(),
                item.log,
                item.index,
                signers(item)
            );
            for what in &item.contradictions {
                let _ = writeln!(text, "{:<13} contradiction: {what}", "");
            }
            for what in &item.apart {
                let _ = writeln!(text, "{:<13} not counted: {what}", "");
            }
        }
        let _ = writeln!(text, "\n{SCOPE}");
        text
    }

    /// For programs.
    pub fn to_json(&self) -> Json {
        let bundles = self.bundles.iter().map(|bundle| {
            json!({
                "detail": bundle.detail, "key_id": bundle.key.map(|key| key.to_hex()), "name": bundle.name,
                "organisation": bundle.organisation, "outcome": bundle.outcome.as_str(),
            })
        });
        let items = self.items.iter().map(|item| {
            let by: Map<String, Json> = item.by.iter().map(|(who, said)| (who.clone(), standing(said))).collect();
            let [existence, hash, signature] = item.counts;
            json!({
                "apart": item.apart, "by": by, "contradictions": item.contradictions,
                "counts": { "existence": existence, "hash": hash, "signature": signature }, "index": item.index,
                "leaf": item.leaf.map(|leaf| leaf.to_hex()), "log": item.log, "outcome": item.outcome.as_str(),
            })
        });
        json!({
            "bundles": bundles.collect::<Vec<_>>(), "exit": self.exit_code(), "format": QUORUM_FORMAT, "items": items.collect::<Vec<_>>(),
            "level": self.level, "need": self.need, "scope": SCOPE, "verdict": self.verdict().as_str(),
        })
    }
}

fn signers(item: &ItemRow) -> String {
    let said = |standing: &Standing| {
        standing.broken.as_ref().map_or_else(|| standing.level.to_string(), |_| "broken".to_owned())
    };
    let named: Vec<String> =
        item.by.iter().map(|(who, standing)| format!("{who} {}", said(standing))).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

fn standing(said: &Standing) -> Json {
    let mut members = Map::new();
    members.insert("level".to_owned(), said.level.into());
    if let Some(why) = &said.broken {
        members.insert("broken".to_owned(), why.clone().into());
    }
    Json::Object(members)
}
