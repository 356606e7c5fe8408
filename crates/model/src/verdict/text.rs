//! The report as text for a terminal.
//!
//! Prints only what the report holds, and nothing that a terminal would act on.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{Outcome, Report};

/// Replaces what could move a cursor or reverse a line: control characters and bidirectional marks.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_control() => '\u{fffd}',
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

fn headline(report: &Report) -> &'static str {
    match report.verdict() {
        Outcome::Holds => "HOLDS: every required check holds.",
        Outcome::Broken => "BROKEN: at least one check found a contradiction. Do not rely on this file.",
        Outcome::Malformed => "MALFORMED: this is not a file of the form that can be checked.",
        Outcome::Undetermined | Outcome::NotRun => {
            "UNDETERMINED: nothing was found to be wrong, and something required could not be decided."
        }
    }
}

/// Indents and wraps at a width every terminal has.
fn wrapped(out: &mut String, first: &str, rest: &str, text: &str) {
    const COLUMNS: usize = 110;
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            let _ = writeln!(out, "{}", line.trim_end());
            rest.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{} ({}, exit {})", headline(report), report.subject.as_str(), report.exit_code());
    for check in report.checks.iter().filter(|check| check.required) {
        if !matches!(check.outcome, Outcome::Holds | Outcome::NotRun) {
            wrapped(&mut out, &format!("  {}: ", check.name), "    ", &check.detail);
        }
    }
    if !report.findings.is_empty() {
        out.push_str("\nFindings\n");
    }
    for finding in &report.findings {
        wrapped(
            &mut out,
            &format!("  {:<20} {:<13} ", finding.question, finding.outcome.as_str()),
            "    ",
            &finding.answer,
        );
        wrapped(&mut out, "    rests on: ", "      ", &finding.rests_on);
    }
    if !report.aspects.is_empty() {
        out.push_str("\nAspects\n");
    }
    for aspect in &report.aspects {
        let first = format!("  {:<20} {:<13} ", aspect.name, aspect.standing.as_str());
        wrapped(&mut out, &first, "    ", &printable(&aspect.answer));
    }
    out.push_str("\nChecks\n");
    for check in &report.checks {
        let required = if check.required { "" } else { "(not required) " };
        wrapped(
            &mut out,
            &format!("  {:<20} {:<13} {required}", check.name, check.outcome.as_str()),
            "    ",
            &check.detail,
        );
        wrapped(&mut out, "    proves: ", "      ", check.proves);
        wrapped(&mut out, "    does not prove: ", "      ", check.does_not_prove);
    }
    if !report.facts.is_empty() {
        out.push_str("\nFacts\n");
    }
    for (name, value) in &report.facts {
        let value = match value {
            Json::String(text) => printable(text),
            other => printable(&other.to_string()),
        };
        wrapped(&mut out, &format!("  {name}: "), "    ", &value);
    }
    out.push('\n');
    wrapped(&mut out, "", "", report.scope);
    out
}
