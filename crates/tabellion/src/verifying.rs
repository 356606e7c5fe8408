//! Checking evidence that somebody handed over: the same code in `tabellion verify` and in `tabellion-verify`.
//!
//! Promises: reads two files at most, opens no log and no network; unknown is never reported as fine.

use std::path::PathBuf;

use clap::Args;
use tabellion_model::verify_with_anchors;
use tabellion_tlog::anchor::AnchorTrust;

use crate::failure::{Exit, Failure};
use crate::{files, terminal, trust};

/// Largest file that is read: a package has no ZIP64 form, so it is below 4 GiB (docs/formats.md §11).
const MAX_INPUT_BYTES: u64 = u32::MAX as u64;

/// What the exit codes mean, for the help.
pub const EXIT_CODES: &str = "Exit status: 0 everything required holds, 1 something is broken, 2 the file is malformed,\n\
                              3 nothing is broken but something required is unknown (no trust file, or the issuer is not in it)";

/// What to verify, and whom to believe.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The package, receipt or transparent statement
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The issuer's trust file, got by another way than PATH
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Verifies, prints the report, and ends with its exit code.
pub fn run(options: &Options) -> Result<(), Failure> {
    let (policy, anchors) = match options.trust.as_deref() {
        None => (None, AnchorTrust::default()),
        Some(path) => {
            let (policy, anchors) = trust::read_with_anchors(path)?;
            (Some(policy), anchors)
        }
    };
    let bytes = files::read_limited(&options.path, MAX_INPUT_BYTES, "file to verify")?;
    let report = verify_with_anchors(&bytes, policy.as_ref(), &anchors);
    if options.json {
        terminal::json(&report.to_json())?;
    } else {
        terminal::data(&report.to_text())?;
    }
    match report.exit_code() {
        0 => Ok(()),
        1 => Err(Failure::told(Exit::Failed)),
        2 => Err(Failure::told(Exit::Malformed)),
        _ => Err(Failure::told(Exit::Undetermined)),
    }
}
