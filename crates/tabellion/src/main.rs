//! The program `tabellion`.

use std::process::ExitCode;

use clap::Parser as _;
use tabellion_program::cli::Cli;

fn main() -> ExitCode {
    tabellion_program::finish(Cli::parse().run())
}
