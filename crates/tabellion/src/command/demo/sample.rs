//! The sample data: what happened at the bank, one JSON object per line, in `examples/demo/`.

use std::collections::BTreeSet;

use serde::Deserialize;
use tabellion_ledger::Draft;

use crate::failure::Failure;

/// The files, in the order in which things happened.
const FILES: [(&str, &str); 4] = [
    (
        "systems, documents and their approval",
        include_str!("../../../../../examples/demo/01-governance.jsonl"),
    ),
    (
        "loan applications, recommendations and decisions",
        include_str!("../../../../../examples/demo/02-applications.jsonl"),
    ),
    (
        "operation: events, checks, one incident",
        include_str!("../../../../../examples/demo/03-operations.jsonl"),
    ),
    (
        "oversight: samples, findings, a management review",
        include_str!("../../../../../examples/demo/04-oversight.jsonl"),
    ),
];

/// One file.
pub(super) struct Chapter {
    /// What it tells.
    pub(super) title: &'static str,
    /// Its records.
    pub(super) lines: Vec<Line>,
}

/// One record to be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// What other lines call it.
    pub(super) name: String,
    /// The record.
    pub(super) draft: Draft,
    /// What it follows from.
    #[serde(default)]
    pub(super) follows: Vec<Follows>,
    /// Whether a person signs it with a key of their own.
    #[serde(default)]
    pub(super) signed: bool,
}

/// A line that another follows from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Follows {
    /// Its name.
    pub(super) name: String,
    /// What it is to the other.
    pub(super) role: String,
}

/// All files, read.
pub(super) fn chapters() -> Result<Vec<Chapter>, Failure> {
    let read = |(title, text): &(&'static str, &str)| {
        let lines = text.lines().enumerate().map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                Failure::failed(format!("sample data, {title}, line {}: {error}", number + 1))
            })
        });
        Ok(Chapter { title, lines: lines.collect::<Result<_, Failure>>()? })
    };
    FILES.iter().map(read).collect()
}

/// The names that some line follows from: the only ones whose place must be remembered.
pub(super) fn named(chapters: &[Chapter]) -> BTreeSet<String> {
    let lines = chapters.iter().flat_map(|chapter| &chapter.lines);
    lines.flat_map(|line| &line.follows).map(|follows| follows.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_follows_only_from_lines_before_it() {
        let mut known = BTreeSet::new();
        for chapter in chapters().expect("the sample data is of its form") {
            for line in chapter.lines {
                for follows in &line.follows {
                    assert!(
                        known.contains(&follows.name),
                        "{} follows from {}, which is not recorded yet",
                        line.name,
                        follows.name
                    );
                }
                assert!(
                    known.insert(line.name.clone()),
                    "{} occurs twice, so one of them could not be told from the other",
                    line.name
                );
            }
        }
        assert!(known.len() >= 300, "a demo of {} records shows too little", known.len());
    }
}
