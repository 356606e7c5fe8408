//! `tabellion fsck`: everything that can be checked about a data directory, and nothing changed.
//!
//! Promises: says how far it is where somebody looks, ends in words when it is told to, and never calls sound what it did not look at.

mod progress;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tabellion_ledger::{FsckReport, fsck_tree, fsck_watched};
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
    /// Only the tree: hash the stored bundles and compare roots; no signature and no content is looked at
    #[arg(long)]
    tree: bool,
    /// Say on standard error how far it is, also where that is no terminal; with --json one JSON object a line
    #[arg(long)]
    progress: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// The exit status, for `--help`.
pub(crate) const EXIT_CODES: &str = "Exit status: 0 sound; 1 something is wrong; 2 wrong use; 3 stopped before everything was looked at (Ctrl-C), nothing wrong until there";

/// Checks.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let place = Place { dir: options.dir.clone(), config: options.config.clone() };
    let watcher = progress::Watcher::new(options.progress, options.json)?;
    let directory = Directory::find(&place)?;
    let against = options.against.iter().map(|path| checkpoint_in(path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(why) = directory.retired()? {
        terminal::say(&format!("nothing is appended to this copy of the log: {}", terminal::printable(&why)));
    }
    let disk = directory.disk()?;
    let watch = |progress: &_| watcher.at(progress);
    let report = if options.tree {
        fsck_tree(&disk, &against, &watch)
    } else {
        fsck_watched(&disk, &directory.options(false)?, &against, &watch)
    };
    watcher.end();
    let views = (report.is_sound() && !options.tree).then(|| compare_views(&directory));
    let differ = views.as_ref().is_some_and(Result::is_err);
    if options.json {
        tell_as_json(&report, views.as_ref(), options.tree)?;
    } else {
        tell(&report, views.as_ref(), options.tree)?;
    }
    if report.is_sound() && !differ && report.beside.is_empty() {
        Ok(())
    } else if report.stopped.is_some() && report.findings.is_empty() {
        Err(Failure::told(Exit::Undetermined))
    } else {
        Err(Failure::told(Exit::Failed))
    }
}

type Compare = Result<String, String>;

fn tell_as_json(report: &FsckReport, views: Option<&Compare>, tree: bool) -> Result<(), Failure> {
    let counts: serde_json::Map<_, _> =
        report.counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
    terminal::json(&json!({
        "beside": report.beside, "checked": if tree { "tree" } else { "whole" }, "counts": counts, "findings": report.findings,
        "notes": report.notes, "sound": report.is_sound(), "stopped": report.stopped.as_ref().map(progress::value),
        "views": { "same": views.map(Result::is_ok), "text": views.map(|views| words(views.as_ref())) },
    }))
}

fn tell(report: &FsckReport, views: Option<&Compare>, tree: bool) -> Result<(), Failure> {
    for (name, count) in &report.counts {
        terminal::data(&format!("{count:>10}  {name}\n"))?;
    }
    let notes = report.notes.iter().map(|note| ("note", note.as_str()));
    let wrong = report.findings.iter().chain(&report.beside).map(|finding| ("WRONG", finding.as_str()));
    let views = views.map(|views| (if views.is_err() { "WRONG" } else { "note" }, words(views.as_ref())));
    for (mark, text) in notes.chain(wrong).chain(views) {
        terminal::data(&format!("{mark}: {}\n", terminal::printable(text)))?;
    }
    let differ = views.is_some_and(|(mark, _)| mark == "WRONG");
    if let Some(stopped) = &report.stopped {
        terminal::data(&format!("{}\n", progress::stopped(stopped)))?;
    }
    let verdict = match (report.findings.is_empty(), differ, report.beside.is_empty()) {
        (false, ..) => "NOT SOUND: do not append to this directory",
        (true, ..) if report.stopped.is_some() => "not known: nothing was wrong up to there",
        (true, true, _) => {
            "sound, but not its views: the log is whole, what pages and the gateway read beside it is not"
        }
        (true, false, false) => {
            "sound, but not what lies beside the log: the log is whole; see what is WRONG above"
        }
        (true, false, true) if tree => {
            "the tree is sound: stored entries hash to the roots that are known; nothing else was checked"
        }
        (true, false, true) => "sound: nothing is wrong",
    };
    terminal::data(&format!("{verdict}\n"))
}

fn words<'a>(views: Result<&'a String, &'a String>) -> &'a str {
    views.map_or_else(String::as_str, String::as_str)
}

/// Compares the views with what the log gives: `Err` names a difference. On a full or read-only disk there is no comparison, and that is said.
fn compare_views(directory: &Directory) -> Compare {
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
