//! `tabellion fsck`: everything that can be checked about a data directory, and nothing changed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tabellion_ledger::fsck;
use tabellion_model::{MAX_RECEIPT_FILE_BYTES, RECEIPT_MAGIC, Receipt};
use tabellion_tlog::{SignedCheckpoint, TlogProof};

use crate::directory::{Directory, Place};
use crate::failure::{Exit, Failure};
use crate::{files, terminal};

/// What to check.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The configuration file, when it is not DIR/tabellion.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Checkpoints or receipts of this log that were kept elsewhere: the log must contain what they say
    #[arg(long, value_name = "FILE", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Checks.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let place = Place { dir: options.dir.clone(), config: options.config.clone() };
    let directory = Directory::find(&place)?;
    let against = options.against.iter().map(|path| checkpoint_in(path)).collect::<Result<Vec<_>, _>>()?;
    let report = fsck(&directory.disk()?, &directory.options(false)?, &against);
    if options.json {
        let counts: serde_json::Map<_, _> =
            report.counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
        terminal::json(&json!({
            "counts": counts, "findings": report.findings, "notes": report.notes, "sound": report.is_sound(),
        }))?;
    } else {
        for (name, count) in &report.counts {
            terminal::data(&format!("{count:>10}  {name}\n"))?;
        }
        report
            .notes
            .iter()
            .try_for_each(|note| terminal::data(&format!("note: {}\n", terminal::printable(note))))?;
        report
            .findings
            .iter()
            .try_for_each(|finding| terminal::data(&format!("WRONG: {}\n", terminal::printable(finding))))?;
        let verdict = if report.is_sound() {
            "sound: nothing is wrong"
        } else {
            "NOT SOUND: do not append to this directory"
        };
        terminal::data(&format!("{verdict}\n"))?;
    }
    if report.is_sound() { Ok(()) } else { Err(Failure::told(Exit::Failed)) }
}

/// The signed checkpoint in a kept file: itself, or the one of a receipt.
fn checkpoint_in(path: &Path) -> Result<String, Failure> {
    let bytes = files::read_limited(path, MAX_RECEIPT_FILE_BYTES as u64, "checkpoint or receipt")?;
    let refused = |error: &dyn std::fmt::Display| {
        Failure::malformed(format!(
            "{} holds neither a checkpoint nor a receipt: {error}. Name another file",
            path.display()
        ))
    };
    if bytes.starts_with(RECEIPT_MAGIC.as_bytes()) {
        if let Ok(receipt) = Receipt::parse(&bytes) {
            return Ok(receipt.checkpoint);
        }
        return TlogProof::parse(&bytes).map(|proof| proof.checkpoint).map_err(|error| refused(&error));
    }
    SignedCheckpoint::parse(&bytes).map_err(|error| refused(&error))?;
    String::from_utf8(bytes).map_err(|error| refused(&error))
}
