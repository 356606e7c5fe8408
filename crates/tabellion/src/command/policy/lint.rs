//! `tabellion policy lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tabellion_policy::{Finding, Severity, lint};

use super::junit::{self, Outcome};
use super::sarif;
use super::sources::{self, Source};
use crate::failure::{Exit, Failure};
use crate::terminal;

/// The exit status, for `--help`.
pub(super) const EXIT_CODES: &str = "Exit status: 0 nothing that publication would refuse; 1 something, or with --strict a warning; 2 wrong use";

/// Which policies, and how to say what is found.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Policies, or directories of them, that would be in force together; a file's name is the policy's
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// How to print what is found
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each
    Text,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for test reports
    Junit,
}

/// Looks, and says what was found.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let sources = sources::read(&options.paths)?;
    let found = lint(&sources::named(&sources));
    match options.format {
        Format::Text => terminal::data(&text(&found, &sources))?,
        Format::Json => terminal::json(&as_json(&found, &sources))?,
        Format::Sarif => terminal::json(&sarif::document(&found, &sources))?,
        Format::Junit => {
            terminal::data(&junit::document("tabellion policy lint", &suites(&found, &sources)))?;
        }
    }
    let worst = if options.strict { Severity::Warning } else { Severity::Error };
    if found.iter().any(|finding| finding.severity <= worst) {
        return Err(Failure::told(Exit::Failed));
    }
    Ok(())
}

/// The file that a finding is in; what is about all of them is told of the first.
pub(super) fn file_of(finding: &Finding, sources: &[Source]) -> String {
    let source = sources.iter().find(|source| source.name == finding.policy).or(sources.first());
    source.map(|source| source.path.display().to_string()).unwrap_or_default()
}

fn text(found: &[Finding], sources: &[Source]) -> String {
    let mut lines = Vec::new();
    for finding in found {
        let file = terminal::printable(&file_of(finding, sources));
        let (line, column) = (finding.place.line, finding.place.column);
        let what = terminal::printable(&finding.what);
        let advice = terminal::printable(&finding.advice);
        let severity = finding.severity.as_str();
        lines.push(format!("{file}:{line}:{column}: {severity}: {what}: {advice} [{}]\n", finding.code));
    }
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
        .map(|(severity, word)| counted(count(severity), word));
    lines.push(format!("{}: {}\n", counted(sources.len(), "policy"), counts.join(", ")));
    lines.concat()
}

/// A number with its noun.
pub(super) fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}

fn as_json(found: &[Finding], sources: &[Source]) -> Value {
    let shown: Vec<Value> = found
        .iter()
        .map(|finding| {
            json!({
                "advice": finding.advice, "code": finding.code, "column": finding.place.column, "file": file_of(finding, sources),
                "line": finding.place.line, "policy": finding.policy, "rule": finding.rule, "severity": finding.severity.as_str(),
                "what": finding.what,
            })
        })
        .collect();
    json!({ "findings": shown, "policies": sources.len() })
}

/// A suite for each file: its findings, or that there are none.
fn suites(found: &[Finding], sources: &[Source]) -> Vec<junit::Suite> {
    let suite = |source: &Source| {
        let name = source.path.display().to_string();
        let of_file = found.iter().filter(|finding| file_of(finding, sources) == name);
        let mut trials: Vec<(String, Outcome)> = of_file
            .map(|finding| {
                let said = format!(
                    "{}:{}: {}: {}",
                    finding.place.line, finding.place.column, finding.what, finding.advice
                );
                let outcome = match finding.severity {
                    Severity::Note => Outcome::Skipped(said),
                    Severity::Error | Severity::Warning => Outcome::Failed(said),
                };
                let about = finding.rule.as_deref().unwrap_or(&finding.policy);
                (format!("{} {about}", finding.code), outcome)
            })
            .collect();
        if trials.is_empty() {
            trials.push((source.name.clone(), Outcome::Passed));
        }
        junit::Suite { name, trials }
    };
    sources.iter().map(suite).collect()
}
