//! Who may call which model for what: rules written in Cedar, checked against our schema, decided for one call at a time.
//!
//! Promises: a decision is a function of the rules and the question alone, the same on every machine and in every replay; it names the rules
//! that made it. A rule that cannot be evaluated denies. A text that is in force was checked strictly, so a misspelt name is found by its
//! author and not by a caller.
//!
//! Must never: permit because something went wrong, read a clock, a file or the network, or let a type of Cedar or of the engine for Rego out of this crate.
//!
//! ```
//! use tabellion_policy::{NamedPolicy, PolicySet};
//!
//! let text = r#"
//! @id("only-for-support")
//! permit (principal, action, resource) when { context.purpose == "support" };
//! "#;
//! let rules = PolicySet::compile(&[NamedPolicy { name: "support", text }])?;
//! assert_eq!(rules.rules()[0].id, "support.only-for-support");
//! # Ok::<(), tabellion_policy::PolicyFault>(())
//! ```

mod case;
mod compare;
mod compile;
mod decide;
mod fault;
mod input;
mod kept;
mod layers;
mod lint;
mod pack;
mod question;
mod reading;
mod recorded;
mod rego;
mod replay;
mod scene;
mod schema;
mod statement;
mod table;
mod verdict;

pub use case::Case;
pub use compare::{Change, RuleChange, compare};
pub use compile::{Effect, MAX_RULES, NamedPolicy, PolicySet, Rule, check};
pub use fault::{FaultKind, Place, PolicyFault};
pub use layers::{Decided, Layers, Stack};
pub use lint::{Finding, LINT_CODES, Severity, lint};
pub use pack::{MAX_PACK_BYTES, Pack, PackFault, PackFaultKind, PackPolicy, PackSource, SignedPack};
pub use question::{Action, MAX_TOOLS, Question};
pub use recorded::{Known, KnownModel, KnownSystem, LookedAt, RecordedDecision};
pub use rego::{
    MAX_CONTENT_BYTES, MAX_REGO_BYTES, MAX_STEPS, Rego, RegoCall, RegoError, RegoVerdict, UNNAMED,
};
pub use replay::{Replay, Replayed, Turn};
pub use schema::SCHEMA;
pub use statement::{MAX_CONDITIONALS, MAX_NESTING, MAX_OPERATORS, MAX_STRING, MAX_TEXT_BYTES};
pub use table::{CaseTable, Expected, TableCase, said_of};
pub use verdict::Verdict;
