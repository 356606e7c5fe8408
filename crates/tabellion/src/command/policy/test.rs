//! `tabellion policy test`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tabellion_policy::said_of;

use super::junit::{self, Outcome, Suite};
use super::lint::counted;
use super::sources;
use super::trials::{Cases, Trial};
use crate::failure::{Exit, Failure};
use crate::terminal::{self, printable};

/// The exit status, for `--help`.
pub(super) const EXIT_CODES: &str = "Exit status: 0 every case came out as expected; 1 some did not, or with --strict a rule decided none; 2 wrong use, or policies that\n\
publication would refuse; 3 nothing came out otherwise, but not every recorded decision could be asked again";

/// Which policies and cases.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Policies, or directories of them, that would be in force together
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    cases: Cases,
    /// Fail when a rule decided no case
    #[arg(long)]
    strict: bool,
    /// How to print what came of it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Forms of the output.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each case that did not come out as expected, and what no case tried
    Text,
    /// One JSON document
    Json,
    /// JUnit XML, for test reports
    Junit,
}

/// What came of the cases.
struct Results {
    trials: Vec<(Trial, Outcome, String)>,
    rules: Vec<String>,
    idle: Vec<String>,
}

/// Tries, and says what came of it.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    if options.cases.is_empty() {
        return Err(Failure::malformed("name cases to try: --cases FILE or --recorded FILE"));
    }
    let sources = sources::read(&options.paths)?;
    let rules = sources::compiled(&sources)?;
    let trials = options.cases.read(&[&sources])?;
    let mut decided = BTreeSet::new();
    let tried: Vec<_> = trials
        .into_iter()
        .map(|trial| match trial.verdict(&rules) {
            Err(why) => (trial, Outcome::Skipped(why), String::new()),
            Ok(verdict) => {
                decided.extend(verdict.rules().to_vec());
                let came = said_of(&verdict);
                let outcome = if trial.expected.is_met(&verdict) {
                    Outcome::Passed
                } else {
                    Outcome::Failed(format!("expected {}, came {came}", trial.expected.said()))
                };
                (trial, outcome, came)
            }
        })
        .collect();
    if tried.is_empty() {
        return Err(Failure::malformed("the files name no case; write [[case]] tables, or name others"));
    }
    let rules: Vec<String> = rules.rules().iter().map(|rule| rule.id.clone()).collect();
    let idle = rules.iter().filter(|rule| !decided.contains(*rule)).cloned().collect();
    let results = Results { trials: tried, rules, idle };
    match options.format {
        Format::Text => terminal::data(&results.text())?,
        Format::Json => terminal::json(&results.json())?,
        Format::Junit => terminal::data(&junit::document("tabellion policy test", &results.suites()))?,
    }
    results.end(options.strict)
}

impl Results {
    fn count(&self, is: fn(&Outcome) -> bool) -> usize {
        self.trials.iter().filter(|(_, outcome, _)| is(outcome)).count()
    }

    fn failed(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    fn skipped(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    fn end(&self, strict: bool) -> Result<(), Failure> {
        if self.failed() > 0 || strict && !self.idle.is_empty() {
            return Err(Failure::told(Exit::Failed));
        }
        if self.skipped() > 0 {
            return Err(Failure::told(Exit::Undetermined));
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = Vec::new();
        for (trial, outcome, _) in &self.trials {
            let (word, why) = match outcome {
                Outcome::Passed => continue,
                Outcome::Failed(why) => ("WRONG", why),
                Outcome::Skipped(why) => ("not asked", why),
            };
            let place = format!("{}: {} ({})", trial.suite, trial.name, trial.system);
            text.push(format!("{word}: {}: {}\n", printable(&place), printable(why)));
        }
        for rule in &self.idle {
            text.push(format!("not tried: {rule} decided no case\n"));
        }
        let as_expected = self.count(|outcome| *outcome == Outcome::Passed);
        text.push(format!(
            "{}: {as_expected} as expected, {} wrong, {} not asked; {} of {} decided one\n",
            counted(self.trials.len(), "case"),
            self.failed(),
            self.skipped(),
            self.rules.len() - self.idle.len(),
            counted(self.rules.len(), "rule"),
        ));
        text.concat()
    }

    fn json(&self) -> Value {
        let shown: Vec<Value> = self
            .trials
            .iter()
            .map(|(trial, outcome, came)| {
                let (outcome, why) = match outcome {
                    Outcome::Passed => ("passed", None),
                    Outcome::Failed(why) => ("failed", Some(why)),
                    Outcome::Skipped(why) => ("not_asked", Some(why)),
                };
                json!({
                    "came": came, "case": trial.name, "expected": trial.expected.said(), "file": trial.suite, "outcome": outcome,
                    "system": trial.system, "why": why,
                })
            })
            .collect();
        json!({ "cases": shown, "rules": self.rules, "rules_that_decided_none": self.idle })
    }

    /// A suite for each file of cases, and one for what they tried.
    fn suites(&self) -> Vec<Suite> {
        let mut suites: Vec<Suite> = Vec::new();
        for (trial, outcome, _) in &self.trials {
            let trial_of_suite = (trial.name.clone(), outcome.clone());
            match suites.iter_mut().find(|suite| suite.name == trial.suite) {
                Some(suite) => suite.trials.push(trial_of_suite),
                None => suites.push(Suite { name: trial.suite.clone(), trials: vec![trial_of_suite] }),
            }
        }
        let covered = |rule: &String| {
            let idle = self.idle.contains(rule);
            (
                rule.clone(),
                if idle { Outcome::Skipped("decided no case".to_owned()) } else { Outcome::Passed },
            )
        };
        suites.push(Suite { name: "rules".to_owned(), trials: self.rules.iter().map(covered).collect() });
        suites
    }
}
