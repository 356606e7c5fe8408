//! `tabellion policy`: policies as files, before anybody publishes them; and changes of them that two people make (`change.rs`).
//!
//! Promises: `lint`, `test`, `diff` and `pack` read files and nothing else: no server, no data directory, no network; they decide with the engine that the gateway
//! decides with. Must never: bring anything into force by one person's word.

mod cases;
mod change;
mod diff;
mod junit;
mod lint;
mod pack;
mod package;
mod recorded;
mod sarif;
mod sources;
mod test;
mod trials;

use clap::Subcommand;

use crate::failure::Failure;

/// What to do with them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Find what publication would refuse, and rules that do not do what they seem to
    #[command(after_help = lint::EXIT_CODES)]
    Lint(lint::Options),
    /// Try policies on a table of cases, or on decisions that were recorded
    #[command(after_help = test::EXIT_CODES)]
    Test(test::Options),
    /// Show which rules differ in meaning, and which cases are decided otherwise
    #[command(after_help = diff::EXIT_CODES)]
    Diff(diff::Options),
    /// Make, verify and show signed packs of policies
    #[command(subcommand)]
    Pack(pack::Action),
    #[command(flatten)]
    Change(change::Action),
}

/// Does it.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Lint(options) => lint::run(options),
        Action::Test(options) => test::run(options),
        Action::Diff(options) => diff::run(options),
        Action::Pack(action) => pack::run(action),
        Action::Change(action) => change::run(action),
    }
}
