//! The program `tabellion-verify`: the verifier alone, for whoever receives evidence and keeps no log.
//!
//! Promises: reads the files it is given and nothing else; needs no network, no account and no data directory.

use std::process::ExitCode;

use clap::Parser;
use tabellion_program::verifying::{self, Options};

/// Checks a package, receipt, transparent statement or verification run offline
#[derive(Debug, Parser)]
#[command(name = "tabellion-verify", version, max_term_width = 100, after_help = verifying::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    tabellion_program::finish(verifying::run(&Cli::parse().options))
}
