//! The program `tabellion`.

use std::process::ExitCode;

use clap::Parser as _;
use tabellion_program::cli::Cli;

/// Records are sealed on one thread and freed on another, which is what the system's allocator is slowest at; docs/benchmarks.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tabellion_program::finish(Cli::parse().run())
}
