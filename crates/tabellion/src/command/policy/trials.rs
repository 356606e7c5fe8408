//! Cases and recorded decisions, made ready to be asked: what is expected of each, and what came.

use std::path::PathBuf;

use clap::Args;
use tabellion_policy::{Case, Known, LookedAt, PolicySet, Verdict};

use super::sources::{self, Source};
use super::{cases, package, recorded};
use crate::failure::Failure;

/// Where cases come from.
#[derive(Debug, Clone, Args)]
pub(super) struct Cases {
    /// A table of cases (TOML); may be given more than once
    #[arg(long, value_name = "FILE")]
    cases: Vec<PathBuf>,
    /// Recorded decisions: calls as GET /api/v1/calls gives them, one JSON object a line, or an evidence package (.zip)
    #[arg(long, value_name = "FILE")]
    recorded: Vec<PathBuf>,
}

/// What must come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    word: String,
    /// The rules that must decide, in any order; absent: any.
    rules: Option<Vec<String>>,
}

impl Expected {
    /// What a verdict is called; `denied` is any but the first.
    pub(super) const WORDS: [&str; 5] = ["permitted", "forbidden", "none_permits", "erred", "denied"];

    pub(super) fn of(word: &str, rules: Option<Vec<String>>) -> Option<Self> {
        let sorted = |mut rules: Vec<String>| {
            rules.sort_unstable();
            rules
        };
        Self::WORDS.contains(&word).then(|| Self { word: word.to_owned(), rules: rules.map(sorted) })
    }

    /// A verdict that must come again.
    pub(super) fn exactly(word: &str, mut rules: Vec<String>) -> Self {
        rules.sort_unstable();
        Self { word: word.to_owned(), rules: Some(rules) }
    }

    /// A verdict that must come again, by whatever rules.
    pub(super) fn by_any_rules(word: &str) -> Self {
        Self { word: word.to_owned(), rules: None }
    }

    /// Whether `verdict` is what must come.
    pub(super) fn is_met(&self, verdict: &Verdict) -> bool {
        let word = self.word == verdict.as_str() || self.word == "denied" && !verdict.permits();
        let mut rules = verdict.rules().to_vec();
        rules.sort_unstable();
        word && self.rules.as_ref().is_none_or(|expected| *expected == rules)
    }

    /// In words.
    pub(super) fn said(&self) -> String {
        said(&self.word, self.rules.as_deref().unwrap_or_default())
    }
}

/// A verdict in words.
pub(super) fn said_of(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Erred { what, .. } => format!("{}: {what}", said(verdict.as_str(), verdict.rules())),
        _ => said(verdict.as_str(), verdict.rules()),
    }
}

fn said(word: &str, rules: &[String]) -> String {
    if rules.is_empty() { word.to_owned() } else { format!("{word} by {}", rules.join(", ")) }
}

/// One case.
#[derive(Debug)]
pub(super) struct Trial {
    /// The file that it comes from.
    pub(super) suite: String,
    pub(super) name: String,
    /// The system, for people.
    pub(super) system: String,
    /// The call, or why it cannot be asked about.
    pub(super) case: Result<Case, String>,
    pub(super) expected: Expected,
}

impl Trial {
    /// What the rules say of it, where it can be asked.
    pub(super) fn verdict(&self, rules: &PolicySet) -> Result<Verdict, String> {
        self.case.as_ref().map(|case| rules.decide(&case.question())).map_err(Clone::clone)
    }
}

impl Cases {
    /// Whether none are named.
    pub(super) fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.recorded.is_empty()
    }

    /// Reads all; recorded decisions are asked about as far as `sources`, all of them, do not look at what their records do not say.
    pub(super) fn read(&self, sources: &[&[Source]]) -> Result<Vec<Trial>, Failure> {
        let (mut trials, mut known) = (Vec::new(), Known::default());
        for path in &self.cases {
            let read = cases::read(path)?;
            trials.extend(read.trials);
            known.systems.extend(read.known.systems);
            known.models.extend(read.known.models);
            known.upstreams.extend(read.known.upstreams);
        }
        // Policies of one name stand on both sides of a comparison, so each side is looked at by itself.
        let looked_at = sources.iter().try_fold(LookedAt::default(), |seen, side| {
            let of_side = LookedAt::by(&sources::named(side));
            of_side.map(|more| seen.with(more)).map_err(|fault| Failure::malformed(fault.to_string()))
        })?;
        for path in &self.recorded {
            let is_package = path.extension().is_some_and(|ending| ending == "zip");
            let decisions = if is_package { package::read(path)? } else { recorded::read(path)? };
            for (decision, system) in decisions {
                let mut known = known.clone();
                if let (Some(id), Some(system)) = (decision.system, system) {
                    known.systems.insert(id, system);
                }
                let described = decision.system.map(|id| {
                    known.systems.get(&id).map_or_else(|| id.to_hex(), |system| system.name.clone())
                });
                trials.push(Trial {
                    suite: path.display().to_string(),
                    name: decision.name.clone(),
                    system: described.unwrap_or_default(),
                    case: decision.question(&known, &looked_at),
                    expected: recorded::expected(&decision),
                });
            }
        }
        Ok(trials)
    }
}
