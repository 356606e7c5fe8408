//! Status of every clause and control, computed from evidence by rules that are data.
//!
//! Promises: the same rules, facts and time give the same answer, with its reasons and what would change it. Covered takes every part; missing or
//! unknown facts never raise anything; a document alone never passes a test of operation. Must never: say whether somebody conforms to a standard.

mod design;
mod evaluate;
pub mod facts;
mod operation;
mod population;
pub mod rules;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::catalogue::Reference;
use crate::{Micros, SystemId};
use rules::Lack;

pub use evaluate::{evaluate, evaluate_all};

/// How long a permitted call may have no end on record before it counts as lost: far beyond the longest time that a gateway lets a call take.
pub const OPEN_CALL_GRACE: Micros = Micros(60 * 60 * 1_000_000);
/// Most systems or entries that one reason names; it says how many more there are, or the page that it leads to does.
pub const MAX_NAMED: usize = 10;
/// Most steps of one status; more are counted.
pub const MAX_STEPS: usize = 100;

/// What is evidenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Something that is needed is not there.
    Gap,
    /// Some of it is there.
    Partial,
    /// Everything that the rule asks for is there.
    Covered,
    /// The approved Statement of Applicability excludes it, and nothing known here contradicts that.
    NotApplicable,
}

impl Overall {
    /// The word in the API and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Partial => "partial",
            Self::Covered => "covered",
            Self::NotApplicable => "not_applicable",
        }
    }
}

/// How one part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It is not there.
    Missing,
    /// Some of it is there, or nobody knows.
    Short,
    /// It holds.
    Holds,
    /// The rule does not ask for it.
    NotAsked,
}

impl Mark {
    /// The word in the API and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Short => "short",
            Self::Holds => "holds",
            Self::NotAsked => "not_asked",
        }
    }

    /// What a part that stands so leaves of the whole.
    fn allows(self) -> Overall {
        match self {
            Self::Missing => Overall::Gap,
            Self::Short => Overall::Partial,
            Self::Holds | Self::NotAsked => Overall::Covered,
        }
    }
}

/// The parts of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Records that have to be there, approved and in date.
    Design,
    /// What is counted, and against what.
    Population,
    /// Tests over everything in the window.
    Operation,
    /// The dated human act.
    Sample,
    /// The log itself.
    Integrity,
    /// Open findings.
    Findings,
}

impl Part {
    /// Every part, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Design, Self::Population, Self::Operation, Self::Sample, Self::Integrity, Self::Findings];

    /// The word in the API and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Population => "population",
            Self::Operation => "operation",
            Self::Sample => "sample",
            Self::Integrity => "integrity",
            Self::Findings => "findings",
        }
    }
}

/// What a reader should know beside the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Qualifier {
    /// Nothing happened that could be tested.
    NotExercised,
    /// Another party carries it out, by the Statement of Applicability.
    Inherited,
    /// It rests on somebody's word.
    AttestedOnly,
    /// A human review of a sample is due.
    SampleDue,
    /// What was counted was compared with no independent count.
    NotReconciled,
    /// The log is not proved, or has a hole.
    IntegrityFailed,
    /// It was excluded, and something known here contradicts that.
    ExclusionStale,
    /// There is no evidence source yet.
    NoSource,
    /// A record is overdue, or something asks for it to be looked at again.
    Overdue,
}

impl Qualifier {
    /// The word in the API and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotExercised => "not_exercised",
            Self::Inherited => "inherited",
            Self::AttestedOnly => "attested_only",
            Self::SampleDue => "sample_due",
            Self::NotReconciled => "not_reconciled",
            Self::IntegrityFailed => "integrity_failed",
            Self::ExclusionStale => "exclusion_stale",
            Self::NoSource => "no_source",
            Self::Overdue => "overdue",
        }
    }
}

/// Where the records behind a reason are, or where somebody can do something about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Target {
    /// The calls.
    Calls,
    /// The systems.
    Systems,
    /// One system.
    System {
        /// Which.
        system: SystemId,
    },
    /// A register.
    Register {
        /// Which.
        register: String,
        /// About this system alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        system: Option<SystemId>,
    },
    /// People and their roles.
    People,
    /// Policies.
    Policies,
    /// A row of the Statement of Applicability.
    Control {
        /// Which.
        reference: Reference,
    },
    /// The whole Statement of Applicability.
    Applicability,
    /// The log.
    Ledger,
}

/// Why a part stands as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Which part.
    pub part: Part,
    /// How it stands by this.
    pub mark: Mark,
    /// In words.
    pub text: String,
    /// Where the records are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Entries that say so, at most [`MAX_NAMED`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
}

/// Something that would raise the status, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What to do.
    pub text: String,
    /// Where.
    pub target: Target,
}

/// How one system stands under a rule that looks at each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemStatus {
    /// Which.
    pub system: SystemId,
    /// What people call it; none when that is not known any more.
    pub name: Option<String>,
    /// By what is about this system alone.
    pub overall: Overall,
}

/// The status of one clause or control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Which.
    pub reference: Reference,
    /// The answer.
    pub overall: Overall,
    /// What to know beside it.
    pub qualifiers: BTreeSet<Qualifier>,
    /// How each part stands, in the order of [`Part::ALL`].
    pub parts: Vec<(Part, Mark)>,
    /// How many things were counted.
    pub population: u64,
    /// Why, the worst first within each part.
    pub because: Vec<Reason>,
    /// What would change it.
    pub would_change: Vec<Step>,
    /// Further steps than [`MAX_STEPS`].
    pub would_change_left_out: u64,
    /// What this version takes no evidence of. A file about it is worth keeping for the auditor; it changes nothing here.
    pub no_source: Vec<Lack>,
    /// Each system in scope, where the rule looks at systems; the whole is never better than the worst.
    pub systems: Vec<SystemStatus>,
}

impl Status {
    /// How one part stands.
    pub fn part(&self, part: Part) -> Mark {
        self.parts.iter().find(|(found, _)| *found == part).map_or(Mark::NotAsked, |(_, mark)| *mark)
    }
}
