//! Checking evidence that somebody handed over: the same code in `tabellion verify` and in `tabellion-verify`.
//!
//! Promises: reads four files at most, opens no log and no network; unknown is never reported as fine.

use std::path::{Path, PathBuf};

use clap::Args;
use tabellion_model::{KeyDirectory, MAX_DIRECTORY_BYTES, Reader, Subject, verify_for};

use crate::failure::{Exit, Failure};
use crate::{files, terminal, trust};

/// Largest file that is read: a package has no ZIP64 form, so it is below 4 GiB (docs/formats.md §11).
const MAX_INPUT_BYTES: u64 = u32::MAX as u64;

/// Largest live copy that is read: a file of it is compared by its digest.
pub(crate) const MAX_LIVE_BYTES: u64 = 1 << 30;

/// What the exit codes mean, for the help.
pub const EXIT_CODES: &str = "Exit status: 0 everything required holds, 1 something is broken, 2 the file is malformed,\n\
                              3 nothing is broken but something required is unknown (no trust file, the issuer is not in it, a key is not\n\
                              in your key directory, or an alarm in the log was never lifted)";

/// What to verify, and whom to believe.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The package, receipt, transparent statement or verification run
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The issuer's trust file, got by another way than PATH
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Your own directory of keys: a valid signature by a key that is not in it is called that
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// What the live system has of the record now (its file, or its fields as a JSON object): it has to be what the receipt shows
    #[arg(long, value_name = "FILE")]
    pub live: Option<PathBuf>,
    /// Write the report as a page too, one file that needs nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Nobody said what to verify.
pub fn nothing_named() -> Failure {
    Failure::malformed("name the file to verify; --help says more")
}

/// Verifies, prints the report, and ends with its exit code.
pub fn run(options: &Options) -> Result<(), Failure> {
    let trusted = options.trust.as_deref().map(trust::read_with_anchors).transpose()?;
    let keys = options.keys.as_deref().map(read_keys).transpose()?;
    let live = options
        .live
        .as_deref()
        .map(|path| files::read_limited(path, MAX_LIVE_BYTES, "live copy"))
        .transpose()?;
    let reader = Reader {
        trust: trusted.as_ref().map(|(policy, _)| policy),
        anchors: trusted.as_ref().map(|(_, anchors)| anchors),
        keys: keys.as_ref(),
        live: live.as_deref(),
    };
    if let Some(page) = &options.html {
        // Nothing is replaced: the file may be the evidence itself.
        files::check_new(page, &options.path)?;
    }
    let bytes = files::read_limited(&options.path, MAX_INPUT_BYTES, "file to verify")?;
    let report = verify_for(&bytes, &reader);
    if live.is_some() && !matches!(report.subject, Subject::Receipt | Subject::Unknown) {
        return Err(Failure::malformed(format!(
            "--live goes with a receipt, and this is a {}; leave it out, or get the receipt of the record",
            report.subject.as_str()
        )));
    }
    if let Some(path) = &options.html {
        let name = options.path.file_name().unwrap_or_default().to_string_lossy();
        files::write_whole(path, report.to_html(&name).as_bytes())?;
    }
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

/// Reads a reader's own directory of keys.
pub(crate) fn read_keys(path: &Path) -> Result<KeyDirectory, Failure> {
    let bytes = files::read_limited(path, MAX_DIRECTORY_BYTES as u64, "key directory")?;
    KeyDirectory::parse(&bytes)
        .map_err(|error| Failure::malformed(format!("{} cannot be used: {error}", path.display())))
}
