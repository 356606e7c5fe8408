//! The rules as data: for every clause and control which records, which population, which tests, how far machines can go.
//!
//! Promises: all 70 references, each once; an unknown word refuses the whole file; the digest names exactly these bytes. Must never: let a rule
//! reach covered whose evidence nobody can give yet.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use tabellion_tlog::{Hash, sha256};

use crate::body::Role;
use crate::catalogue::Reference;
use crate::{Micros, RecordType};

const RULES_TOML: &str = include_str!("../../rules/iso42001.toml");
/// Microseconds of a day.
pub(crate) const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

/// How far back events count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
pub enum Window {
    /// 30 days, rolling.
    #[serde(rename = "C")]
    Rolling,
    /// 92 days.
    #[serde(rename = "Q")]
    Quarter,
    /// 183 days.
    #[serde(rename = "H")]
    HalfYear,
    /// 365 days.
    #[serde(rename = "Y")]
    Year,
}

impl Window {
    /// Every window, the shortest first.
    pub const ALL: [Self; 4] = [Self::Rolling, Self::Quarter, Self::HalfYear, Self::Year];

    /// Its length in days.
    pub const fn days(self) -> u64 {
        match self {
            Self::Rolling => 30,
            Self::Quarter => 92,
            Self::HalfYear => 183,
            Self::Year => 365,
        }
    }

    /// Its place in [`Window::ALL`].
    pub const fn place(self) -> usize {
        self as usize
    }

    /// Its first moment, seen from `now`.
    pub const fn begin(self, now: Micros) -> Micros {
        Micros(now.0.saturating_sub(self.days() * DAY_US))
    }
}

/// How far machine evidence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
pub enum Cap {
    /// It can be enough.
    A,
    /// It takes a dated human review besides.
    B,
    /// The human record is what counts; machines show only that it happened.
    H,
}

/// The dated human act that a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// None.
    Nothing,
    /// The approval of the design records by a second person.
    Approval,
    /// A sample that somebody looked at; there is no register of samples yet.
    Sample,
    /// A record of its own; there is no register of it yet.
    Record,
}

/// A design record that has to be there, approved and in date.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Need {
    /// An approved item of a register for each system in scope.
    ItemOfEachSystem {
        /// The register.
        register: String,
        /// Fields that have to be filled in; empty: none in particular.
        #[serde(default)]
        fields: Vec<String>,
        /// States it has to stand in; empty: any that has not ended.
        #[serde(default)]
        states: Vec<String>,
    },
    /// A rule set that is enforced, its text known.
    PolicyInForce,
    /// A Statement of Applicability with every control decided, and approved.
    Applicability,
}

/// Evidence that there is no source of yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lack {
    /// What is missing.
    pub what: String,
    /// Whether there is no evidence without it; otherwise it is a part.
    pub essential: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Systems in scope, counted by headers.
    Systems,
    /// Permitted calls in the window.
    Calls,
    /// Changes of policies in the window.
    PolicyChanges,
    /// Roles that have to be held.
    Roles,
    /// The controls of Annex A.
    Controls,
    /// Records of the log.
    Records,
    /// Nothing can be counted yet.
    NoneYet,
}

/// What the population is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// Headers, which outlast content.
    Headers,
    /// A fixed list.
    List,
    /// A count of somebody else that does not exist here yet, as the provider's of its calls.
    NoneYet,
}

/// A population and its independent count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// What is counted.
    pub of: Population,
    /// Against what.
    pub against: Against,
}

/// A test of operation. Shares are in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Every model called in the window is named by an approved item of the register about the system.
    ModelsNamed {
        /// The register.
        register: String,
    },
    /// No call in the window came before the system's first approval in the register.
    ApprovedBeforeUse {
        /// The register.
        register: String,
        /// States of which the item has to have stood in one as well; empty: approval is enough.
        #[serde(default)]
        states: Vec<String>,
    },
    /// Nothing that counts in the register says no to a system in use, as far as that can be read.
    NotAdverse {
        /// The register.
        register: String,
    },
    /// Permitted calls have an end on record.
    CallsEnded {
        /// Share that has to, in thousandths.
        at_least: u64,
    },
    /// Every system in scope has somebody known who answers for it.
    OwnersKnown,
    /// Each of the roles is held by somebody known.
    RolesHeld {
        /// Which.
        roles: Vec<Role>,
    },
    /// Changes of policies give a reason.
    ChangesExplained {
        /// Share that has to, in thousandths.
        at_least: u64,
    },
    /// Every control is decided with a reason.
    ControlsReasoned,
    /// Approved items of the register were approved by somebody who wrote none of them, and are complete.
    ItemsSigned {
        /// The register.
        register: String,
    },
    /// The log's numbers have no hole and its tree is the one that was signed.
    LedgerSound,
}

/// What makes an exclusion stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaleWhen {
    /// Nothing that is known here.
    Never,
    /// A system is in scope.
    SystemsInScope,
}

/// The rule of one clause or control.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// How far back.
    pub window: Window,
    /// How far machine evidence goes.
    pub cap: Cap,
    /// Design records.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// What has no source yet.
    #[serde(default)]
    pub lacks: Vec<Lack>,
    /// What is counted.
    pub population: Counted,
    /// Tests of operation; all have to pass.
    #[serde(default)]
    pub tests: Vec<Test>,
    /// Types of records that bear on it: what a package's index counts.
    #[serde(default)]
    pub records: Vec<String>,
    /// The dated human act.
    pub review: Review,
    /// What makes an exclusion stale.
    pub exclusion_stale: StaleWhen,
    /// What no machine can say.
    pub not_automated: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    framework: String,
    version: u64,
    grace_days: u64,
    rule: Vec<Rule>,
}

/// All rules of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Raised with every change.
    pub version: u64,
    /// SHA-256 of the file's bytes.
    pub digest: Hash,
    /// How long a design record may be overdue before it no longer counts, in days.
    pub grace_days: u64,
    all: Vec<Rule>,
}

/// Why a file holds no rules.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not TOML of the form.
    #[error("the rules cannot be read: {0}")]
    Form(#[from] toml::de::Error),
    /// Another format.
    #[error("the rules are of format {0:?}; this version reads {FORMAT} for {FRAMEWORK}")]
    Format(String),
    /// Not each reference once, in order.
    #[error(
        "the rules name {found} where {wanted} is due; every clause and control stands once, in the standard's order"
    )]
    Order {
        /// What stands there.
        found: String,
        /// What should.
        wanted: String,
    },
    /// A rule that contradicts itself.
    #[error(
        "the rule of {0} asks for no review that its cap needs, or says nothing of what a machine cannot say"
    )]
    Review(Reference),
    /// What is no record type.
    #[error("the rule of {reference} names {record:?}, which is no record type")]
    Record {
        /// The rule.
        reference: Reference,
        /// What it names.
        record: String,
    },
    /// A rule without evidence that does not say so.
    #[error("the rule of {0} tests nothing and names no essential lack: it would turn green from nothing")]
    Empty(Reference),
}

/// The format that is read.
const FORMAT: &str = "tabellion.rules/1";
/// The framework whose references the rules are of; the label of its packages.
pub const FRAMEWORK: &str = "iso42001";

impl Rules {
    /// The rules that this program was built with.
    #[expect(clippy::panic, reason = "INVARIANT: the bytes are part of the program, and a test reads them")]
    pub fn built_in() -> &'static Self {
        static RULES: LazyLock<Rules> = LazyLock::new(|| match Rules::parse(RULES_TOML) {
            Ok(rules) => rules,
            Err(error) => panic!("the rules that were compiled in are unsound: {error}"),
        });
        &RULES
    }

    /// The bytes of the built-in rules, for a package to carry.
    pub fn built_in_text() -> &'static str {
        RULES_TOML
    }

    /// Reads a file of rules.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let file: File = toml::from_str(text)?;
        if file.format != FORMAT || file.framework != FRAMEWORK {
            return Err(RulesError::Format(format!("{} for {}", file.format, file.framework)));
        }
        let mut due = Reference::all();
        for rule in &file.rule {
            let wanted = due.next();
            if wanted != Some(rule.reference) {
                let wanted = wanted.map_or("nothing more", Reference::as_str).to_owned();
                return Err(RulesError::Order { found: rule.reference.to_string(), wanted });
            }
            rule.check()?;
        }
        if let Some(missing) = due.next() {
            return Err(RulesError::Order { found: "the end".to_owned(), wanted: missing.to_string() });
        }
        let digest = sha256(text.as_bytes());
        Ok(Self { version: file.version, digest, grace_days: file.grace_days, all: file.rule })
    }

    /// The rule of one reference.
    #[expect(
        clippy::indexing_slicing,
        reason = "INVARIANT: `parse` lets only lists pass that hold every reference in its place"
    )]
    pub fn of(&self, reference: Reference) -> &Rule {
        &self.all[reference.place()]
    }

    /// All, in the standard's order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }
}

impl Rule {
    /// Whether nothing can be evidenced yet.
    pub fn has_no_source(&self) -> bool {
        self.lacks.iter().any(|lack| lack.essential)
    }

    /// The registers whose items it needs or tests.
    pub fn registers(&self) -> BTreeSet<&str> {
        let needed = self.needs.iter().filter_map(|need| match need {
            Need::ItemOfEachSystem { register, .. } => Some(register.as_str()),
            Need::PolicyInForce | Need::Applicability => None,
        });
        let tested = self.tests.iter().filter_map(|test| match test {
            Test::ModelsNamed { register }
            | Test::ApprovedBeforeUse { register, .. }
            | Test::NotAdverse { register }
            | Test::ItemsSigned { register } => Some(register.as_str()),
            Test::CallsEnded { .. }
            | Test::OwnersKnown
            | Test::RolesHeld { .. }
            | Test::ChangesExplained { .. }
            | Test::ControlsReasoned
            | Test::LedgerSound => None,
        });
        needed.chain(tested).collect()
    }

    fn check(&self) -> Result<(), RulesError> {
        let review = match self.cap {
            Cap::A => true,
            Cap::B => self.review != Review::Nothing,
            Cap::H => self.review == Review::Record,
        };
        if !review || (self.cap != Cap::A && self.not_automated.is_empty()) {
            return Err(RulesError::Review(self.reference));
        }
        if let Some(record) = self.records.iter().find(|name| RecordType::new(name).is_err()) {
            return Err(RulesError::Record { reference: self.reference, record: record.clone() });
        }
        if self.tests.is_empty() && !self.has_no_source() {
            return Err(RulesError::Empty(self.reference));
        }
        Ok(())
    }
}
