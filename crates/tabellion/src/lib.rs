//! The commands of Tabellion: what the two programs share, and what tests drive them with.
//!
//! Promises: data on standard output, talk on standard error; every refusal says what, where and what to do; exit 0 success, 1 broken or
//! failed, 2 malformed input or wrong use, 3 undetermined. Must never: write to a log except by asking its ledger to append.

mod anchoring;
pub mod attesting;
pub mod cli;
mod command;
mod config;
mod data_path;
mod directory;
mod failure;
mod files;
mod held;
mod http;
mod perform;
mod playground;
pub mod request;
mod running;
mod safeguards;
mod sealing;
mod secret;
mod simulated;
pub mod socket;
mod terminal;
mod token;
mod trust;
pub mod verifying;
mod witness;
mod witnesses;
mod writer;

pub use failure::{Exit, Failure};

use std::process::ExitCode;

/// Ends the process as `outcome` says: what went wrong on standard error, the code for scripts.
pub fn finish(outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    let text = failure.to_string();
    if !text.is_empty() {
        terminal::say(&format!("tabellion: {}", terminal::printable_lines(&text)));
    }
    ExitCode::from(failure.code())
}
