//! The program `tabellion-verify`: the verifier alone, for whoever receives evidence and keeps no log.
//!
//! Promises: reads the files it is given and nothing else, and writes those it is asked for; needs no network, no account and no data directory.

use std::process::ExitCode;

use clap::Parser;
use tabellion_program::attesting::{self, Action};
use tabellion_program::verifying::{self, Options};

/// Checks a package, receipt, transparent statement or verification run offline
#[derive(Debug, Parser)]
#[command(name = "tabellion-verify", version, max_term_width = 100, after_help = verifying::EXIT_CODES)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(flatten)]
    options: Option<Options>,
    #[command(subcommand)]
    action: Option<Action>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tabellion_program::finish(match (&cli.action, &cli.options) {
        (Some(action), _) => attesting::run(action),
        (None, Some(options)) => verifying::run(options),
        (None, None) => Err(verifying::nothing_named()),
    })
}
