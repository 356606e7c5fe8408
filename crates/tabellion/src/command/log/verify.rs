//! `tabellion log verify`: many entries verified at once, the result signed and on record.
//!
//! Promises: what was not reached or not checked is counted apart and is no success; Ctrl-C ends the run, which is then signed as cancelled. Must
//! never: write a result that the offline verifier would not read.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use tabellion_app::work::verifications::verification_ran;
use tabellion_app::{AskedEntry, Permanent, package_key_at, trust_text, verification_page, verify_batch};
use tabellion_ledger::Reader;
use tabellion_model::{AspectStanding, Purpose, RunVerdict, VerificationRun, verify_run};
use tabellion_tlog::{Policy, SignedCheckpoint, sha256};

use crate::directory::{Directory, Place};
use crate::failure::{Exit, Failure};
use crate::request::Request;
use crate::writer::Writer;
use crate::{files, terminal};

/// The exit status, for `--help`.
pub(crate) const EXIT_CODES: &str = "Exit status: 0 every signature and place holds and nothing is broken; 1 something is broken; 2 wrong use; 3 nothing is broken, but not all \
                                     was reached or could be checked";

/// Largest list of entries: 100,000 lines of an id.
const MAX_LIST_BYTES: u64 = 4 << 20;
/// How often a terminal is told how far it is.
const REDRAWN_EVERY: Duration = Duration::from_millis(200);

/// One of a verdict's four parts.
type Which = fn(&RunVerdict) -> AspectStanding;

/// Which entries, and where the result goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Entries by index or record id
    #[arg(value_name = "ENTRY", required_unless_present = "list")]
    entries: Vec<String>,
    /// A file of entries, one a line, after those named; the first 50,000 are verified
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Where to write the signed result
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write a page to print as well
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Verifies, signs, records.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let asked = asked(options)?;
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(
            signal,
            Exit::Undetermined as i32,
            Arc::clone(&ended),
        )
        .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&ended)))
        .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}; start again")))?;
    }
    let reader = directory.reader()?;
    let run = verified(&reader, &asked, &ended)?;
    let size = SignedCheckpoint::parse(run.checkpoint.as_bytes())
        .map_err(|error| Failure::failed(error.to_string()))?
        .checkpoint
        .size;
    let key = package_key_at(&reader, Some(size)).map_err(|error| Failure::failed(error.to_string()))?;
    let pair = directory.key_pair(Purpose::Package, &key)?;
    let bytes = run.sign(pair.key.as_ref()).map_err(|error| Failure::failed(error.to_string()))?;
    files::write_whole(&options.out, &bytes)?;
    if let Some(page) = &options.page {
        files::write_whole(page, verification_page(&run, &bytes).as_bytes())?;
    }
    let digest = sha256(&bytes).to_hex();
    let ran = verification_ran(&run, &digest, size);
    let records = Writer::with(&directory, |writer| writer.append(&Request::RecordVerification { ran }))?;
    let record = records.first().map(|record| record.index).unwrap_or_default();
    tell(options, &run, &digest, record)?;
    let trust = trust_text(&reader).map_err(|error| Failure::failed(error.to_string()))?;
    let trust = Policy::parse(trust).map_err(|error| Failure::failed(error.to_string()))?;
    match verify_run(&bytes, Some(&trust)).exit_code() {
        0 => Ok(()),
        3 => Err(Failure::told(Exit::Undetermined)),
        _ => Err(Failure::told(Exit::Failed)),
    }
}

fn asked(options: &Options) -> Result<Vec<AskedEntry>, Failure> {
    let mut texts = options.entries.clone();
    if let Some(list) = &options.list {
        let bytes = files::read_limited(list, MAX_LIST_BYTES, "list of entries")?;
        let text = String::from_utf8_lossy(&bytes);
        texts.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    if texts.is_empty() {
        return Err(Failure::malformed("the list names no entry; put one index or record id on each line"));
    }
    let parse = |text: &String| {
        AskedEntry::parse(text).ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Failure::malformed(format!(
                "{shown:?} is neither an index in decimal nor a record's id of 32 hex digits; nothing was verified"
            ))
        })
    };
    texts.iter().map(parse).collect()
}

fn verified(reader: &Reader, asked: &[AskedEntry], ended: &AtomicBool) -> Result<VerificationRun, Failure> {
    let redraws = io::stderr().is_terminal();
    let (mut done, mut told) = (0usize, Instant::now());
    let run = verify_batch(reader, asked, &Permanent::default(), |_| {
        done += 1;
        if redraws && told.elapsed() >= REDRAWN_EVERY {
            told = Instant::now();
            terminal::redraw(&format!("{done} of {} entries", asked.len()));
        }
        !ended.load(Ordering::Relaxed)
    });
    if redraws {
        terminal::redraw(&" ".repeat(40));
        terminal::redraw("");
    }
    Ok(run?)
}

fn tell(options: &Options, run: &VerificationRun, digest: &str, record: u64) -> Result<(), Failure> {
    let kinds: [(&str, Which); 4] = [
        ("signature", |verdict| verdict.signature),
        ("inclusion", |verdict| verdict.inclusion),
        ("time", |verdict| verdict.time),
        ("content", |verdict| verdict.content),
    ];
    if options.json {
        let totals: serde_json::Map<_, _> = kinds
            .iter()
            .map(|(name, which)| {
                let [holds, broken, open] = run.tally(*which);
                ((*name).to_owned(), json!({ "broken": broken, "holds": holds, "not_checked": open }))
            })
            .collect();
        return terminal::json(&json!({
            "asked": run.asked, "digest": digest, "end": run.end.as_str(), "reached": run.verdicts.len(), "record": record, "totals": totals,
            "truncated": run.truncated(),
        }));
    }
    let reached = run.verdicts.len();
    terminal::data(&format!("{reached} of {} entries, {}\n", run.asked, run.end.as_str()))?;
    for (name, which) in kinds {
        let [holds, broken, open] = run.tally(which);
        terminal::data(&format!("{name:>10}  {holds} hold, {broken} broken, {open} not checked\n"))?;
    }
    let is_broken =
        |verdict: &&RunVerdict| verdict.standings().iter().any(|(_, one)| *one == AspectStanding::Broken);
    for verdict in run.verdicts.iter().filter(is_broken).take(100) {
        terminal::data(&format!("WRONG: {}: {}\n", verdict.asked, terminal::printable(&verdict.detail)))?;
    }
    terminal::data(&format!("{} has SHA-256 {digest}, recorded as entry {record}\n", options.out.display()))
}
