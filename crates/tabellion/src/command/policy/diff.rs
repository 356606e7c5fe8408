//! `tabellion policy diff`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tabellion_model::body::DataTerms;
use tabellion_policy::{Case, RuleChange, compare, said_of};

use super::lint::counted;
use super::sources;
use super::trials::Cases;
use crate::failure::{Exit, Failure};
use crate::terminal::{self, printable};

/// The exit status, for `--help`.
pub(super) const EXIT_CODES: &str = "Exit status: 0 no rule means something else and no case is decided otherwise; 1 some do or are; 2 wrong use, or policies that\n\
publication would refuse; 3 nothing changes, but not every recorded decision could be asked again";

/// What is compared.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// A policy or a directory of them, as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The same as it will be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    cases: Cases,
    /// How to print what differs
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each difference
    Text,
    /// One JSON document
    Json,
}

/// A case that is decided otherwise.
struct Turned {
    name: String,
    before: String,
    after: String,
    would: &'static str,
}

/// What differs.
struct Difference {
    rules: Vec<RuleChange>,
    /// By system.
    turned: BTreeMap<String, Vec<Turned>>,
    asked: usize,
    not_asked: Vec<(String, String)>,
}

/// Compares, and says what differs.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let old = sources::read(std::slice::from_ref(&options.old))?;
    let mut new = sources::read(std::slice::from_ref(&options.new))?;
    // Two files: two versions of one policy, whatever they are called.
    if let ([old], [new]) = (old.as_slice(), new.as_mut_slice())
        && options.old.is_file()
        && options.new.is_file()
    {
        old.name.clone_into(&mut new.name);
    }
    let (before, after) = (sources::compiled(&old)?, sources::compiled(&new)?);
    let rules = compare(&sources::named(&old), &sources::named(&new))
        .map_err(|fault| Failure::malformed(fault.to_string()))?;
    let mut found = Difference { rules, turned: BTreeMap::new(), asked: 0, not_asked: Vec::new() };
    for trial in options.cases.read(&[&old, &new])? {
        let (was, is) = match (trial.verdict(&before), trial.verdict(&after)) {
            (Ok(was), Ok(is)) => (was, is),
            (Err(why), _) | (_, Err(why)) => {
                found.not_asked.push((trial.name, why));
                continue;
            }
        };
        found.asked += 1;
        if was.as_str() == is.as_str() {
            continue;
        }
        let would = match (was.permits(), is.permits()) {
            (true, false) => "would now deny",
            (false, true) => "would now permit",
            _ => "would deny for another reason",
        };
        let turned = Turned { name: trial.name, before: said_of(&was), after: said_of(&is), would };
        found.turned.entry(trial.system).or_default().push(turned);
    }
    match options.format {
        Format::Text => terminal::data(&found.text())?,
        Format::Json => terminal::json(&found.json())?,
    }
    found.end()
}

impl Difference {
    fn end(&self) -> Result<(), Failure> {
        if self.rules.iter().any(|rule| rule.change.of_meaning()) || !self.turned.is_empty() {
            return Err(Failure::told(Exit::Failed));
        }
        if !self.not_asked.is_empty() {
            return Err(Failure::told(Exit::Undetermined));
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = Vec::new();
        for change in &self.rules {
            let name = match (&change.old, &change.new) {
                (Some(old), Some(new)) if old.id != new.id => format!("{} is now {}", old.id, new.id),
                (Some(rule), _) | (None, Some(rule)) => rule.id.clone(),
                (None, None) => continue,
            };
            let example = change.example.as_ref().map(|case| format!(", for example of {}", shown(case)));
            text.push(format!("{:<9}  {name}{}\n", change.change.as_str(), example.unwrap_or_default()));
        }
        for (system, turned) in &self.turned {
            text.push(format!("\n{}\n", printable(system)));
            for one in turned {
                let Turned { name, before, after, would } = one;
                text.push(format!("  {would}: {}: {before}; {after}\n", printable(name)));
            }
        }
        for (name, why) in &self.not_asked {
            text.push(format!("not asked: {}: {}\n", printable(name), printable(why)));
        }
        let turned: usize = self.turned.values().map(Vec::len).sum();
        text.push(format!(
            "{} of meaning; {turned} of {} decided otherwise, {} not asked\n",
            counted(self.rules.iter().filter(|rule| rule.change.of_meaning()).count(), "change"),
            counted(self.asked, "case"),
            self.not_asked.len(),
        ));
        text.concat()
    }

    fn json(&self) -> Value {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|change| {
                json!({
                    "change": change.change.as_str(), "example": change.example.as_ref().map(as_json),
                    "new": change.new.as_ref().map(|rule| &rule.id), "of_meaning": change.change.of_meaning(),
                    "old": change.old.as_ref().map(|rule| &rule.id),
                })
            })
            .collect();
        let systems: Vec<Value> = self
            .turned
            .iter()
            .map(|(system, turned)| {
                let cases: Vec<Value> = turned
                    .iter()
                    .map(|one| json!({ "after": one.after, "before": one.before, "case": one.name, "would": one.would }))
                    .collect();
                json!({ "cases": cases, "system": system })
            })
            .collect();
        let not_asked: Vec<Value> =
            self.not_asked.iter().map(|(case, why)| json!({ "case": case, "why": why })).collect();
        json!({ "asked": self.asked, "not_asked": not_asked, "rules": rules, "systems": systems })
    }
}

/// A call in a few words: all that a rule can look at and that is not nothing.
fn shown(case: &Case) -> String {
    let tools = if case.tools.is_empty() { String::new() } else { format!(" with tools {:?}", case.tools) };
    let bytes =
        if case.received_bytes == 0 { String::new() } else { format!(" with {} bytes", case.received_bytes) };
    let terms = declared(&case.terms);
    format!(
        "{} by {:?} on {:?} at {:?}{terms} for {:?}{tools}{bytes} ({})",
        case.action.name(),
        case.system_name,
        case.model,
        case.upstream,
        case.purpose,
        case.at
    )
}

/// What is declared of a provider's use of data, in a few words; nothing where nothing is.
fn declared(terms: &DataTerms) -> String {
    if terms.is_silent() {
        return String::new();
    }
    let region =
        terms.region.as_deref().map_or_else(|| "no region".to_owned(), |at| format!("region {at:?}"));
    let days = terms.retention_days.map_or_else(|| "no term".to_owned(), |days| format!("{days} days"));
    let trains = if terms.trains() { "may train" } else { "does not train" };
    format!(" ({region}, {days}, {trains})")
}

fn as_json(case: &Case) -> Value {
    json!({
        "action": case.action.name(), "asked_as": case.asked_as, "at": case.at.to_string(), "key": case.key.to_hex(), "model": case.model,
        "purpose": case.purpose, "purposes": case.purposes, "received_bytes": case.received_bytes, "stream": case.stream,
        "surface": case.surface, "system": case.system.to_hex(), "system_name": case.system_name, "terms": case.terms,
        "tools": case.tools, "upstream": case.upstream,
    })
}
