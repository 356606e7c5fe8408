//! Cases and recorded decisions, made ready to be asked: what is expected of each, and what came.

use std::path::PathBuf;

use clap::Args;
use tabellion_policy::{Case, Expected, Known, LookedAt, PolicySet, Verdict};

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
