//! `tabellion fsck`: everything that can be checked about a data directory, and nothing changed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tabellion_ledger::fsck;
use tabellion_model::{MAX_RECEIPT_FILE_BYTES, RECEIPT_MAGIC, Receipt};
use tabellion_tlog::{SignedCheckpoint, TlogProof};
use tabellion_views::{Compared, Views};

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
    let views = if report.is_sound() { Some(compare_views(&directory)) } else { None };
    let differ = views.as_ref().and_then(|views| views.as_ref().err());
    if options.json {
        let counts: serde_json::Map<_, _> =
            report.counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
        terminal::json(&json!({
            "beside": report.beside, "counts": counts, "findings": report.findings, "notes": report.notes, "sound": report.is_sound(),
            "views": { "same": views.as_ref().map(Result::is_ok), "text": views.as_ref().map(|views| words(views.as_ref())) },
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
        report
            .beside
            .iter()
            .try_for_each(|finding| terminal::data(&format!("WRONG: {}\n", terminal::printable(finding))))?;
        if let Some(views) = &views {
            let mark = if differ.is_some() { "WRONG" } else { "note" };
            terminal::data(&format!("{mark}: {}\n", terminal::printable(words(views.as_ref()))))?;
        }
        let verdict = match (report.is_sound(), differ.is_some(), report.beside.is_empty()) {
            (false, ..) => "NOT SOUND: do not append to this directory",
            (true, true, _) => {
                "sound, but not its views: the log is whole, what pages and the gateway read beside it is not"
            }
            (true, false, false) => {
                "sound, but not what anchors gave: the log is whole, evidence of its time is damaged"
            }
            (true, false, true) => "sound: nothing is wrong",
        };
        terminal::data(&format!("{verdict}\n"))?;
    }
    if report.is_sound() && differ.is_none() && report.beside.is_empty() {
        Ok(())
    } else {
        Err(Failure::told(Exit::Failed))
    }
}

fn words<'a>(views: Result<&'a String, &'a String>) -> &'a str {
    views.map_or_else(String::as_str, String::as_str)
}

/// Compares the views with what the log gives: `Err` names a difference. On a full or read-only disk there is no comparison, and that is said.
fn compare_views(directory: &Directory) -> Result<String, String> {
    let compared = Views::compare(directory.path(), || directory.reader());
    match compared {
        Ok(Compared::None) => Ok("there are no views; the next start makes them".to_owned()),
        Ok(Compared::Same(digest)) => Ok(format!("the views have the rows that the log gives ({digest})")),
        Ok(Compared::Differ(why)) => Err(format!(
            "the views are not what the log gives: {why}. Whoever can write to views/ decides who is let in. Keep this line, stop the server, and make \
             them anew: tabellion rebuild --dir {}",
            directory.path().display()
        )),
        Err(failure) => Ok(format!("the views were NOT compared with the log: {failure}")),
    }
}

/// The signed checkpoint in a kept file: itself, or the one of a receipt.
pub(super) fn checkpoint_in(path: &Path) -> Result<String, Failure> {
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
