//! How fast one run verifies 50,000 different entries: signatures, place, time and content of each, and the run signed and verified by somebody else.
//!
//! `batch [--dir DIR] [--entries N] [--wrong N]`: of `--wrong` entries a bit is changed on disk, and each of them has to be named, with all
//! that was committed with it, and nothing else.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tabellion_app::{AskedEntry, Permanent, package_key_at, trust_text, verify_batch};
use tabellion_bench::machine;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, Ledger, NewLog, OpenOptions, OsEntropy, Reader, SystemClock};
use tabellion_model::{AspectStanding, Env, Origin, Purpose, RunVerdict, VerificationRun, verify};
use tabellion_tlog::{Policy, SignedCheckpoint};

/// As the program is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Drafts handed over at once: what is committed together is damaged together.
const TOGETHER: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut dir, mut entries, mut wrong) = (std::env::temp_dir(), 50_000usize, 50usize);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--dir" => dir = PathBuf::from(value),
            "--entries" => entries = value.parse()?,
            "--wrong" => wrong = value.parse()?,
            _ => return Err(format!("unknown option {arg}; there are --dir, --entries and --wrong").into()),
        }
    }
    println!("{}", machine());
    let scratch = tempfile::tempdir_in(dir)?;
    let (ledger, asked) = log_of(scratch.path(), entries)?;
    let permanent = Permanent::default();
    println!("| what | seconds | entries/s |\n|---|---|---|");
    for what in ["all different, for the first time", "the same again: what cannot change is remembered"] {
        let run = measured(what, &ledger, &asked, &permanent)?;
        assert!(run.verdicts.iter().all(holds), "a whole entry does not hold");
    }
    let step = entries / wrong.max(1);
    let damaged: Vec<usize> = (0..wrong).map(|number| number * step + step / 2).collect();
    damage(scratch.path(), ledger.reader(), &damaged, &asked)?;
    let run = measured(
        &format!("{wrong} of them damaged on disk, with what was committed with them"),
        &ledger,
        &asked,
        &Permanent::default(),
    )?;
    let lost: Vec<usize> = damaged.iter().map(|at| at / TOGETHER).collect();
    for (at, verdict) in run.verdicts.iter().enumerate() {
        assert_ne!(
            holds(verdict),
            lost.contains(&(at / TOGETHER)),
            "what is damaged holds, or what is whole does not: {verdict:?}"
        );
    }
    signed(&ledger, &run)
}

fn holds(verdict: &RunVerdict) -> bool {
    [verdict.signature, verdict.inclusion].iter().all(|standing| *standing == AspectStanding::Holds)
}

/// A log of so many different records, every other one asked for by its id.
fn log_of(dir: &Path, entries: usize) -> Result<(Ledger, Vec<AskedEntry>), Box<dyn Error>> {
    let disk = Arc::new(RealDisk::create(dir)?);
    let options = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    let new = NewLog { origin: Origin::new("bench.example/log/batch")?, env: Env::Sandbox };
    let ledger = Ledger::create(disk, &new, &options)?;
    let mut asked = Vec::with_capacity(entries);
    while asked.len() < entries {
        let numbers = asked.len()..entries.min(asked.len() + TOGETHER);
        let drafts: Vec<Draft> =
            numbers.map(|number| Draft::new("bench.appended").with("number", number as u64)).collect();
        for ack in ledger.append_all(&drafts)? {
            let by_index = asked.len() % 2 == 0;
            asked.push(if by_index {
                AskedEntry::Index(ack.index)
            } else {
                AskedEntry::Record(ack.record_id)
            });
        }
    }
    Ok((ledger, asked))
}

fn measured(
    what: &str,
    ledger: &Ledger,
    asked: &[AskedEntry],
    permanent: &Permanent,
) -> Result<VerificationRun, Box<dyn Error>> {
    let begin = Instant::now();
    let run = verify_batch(ledger.reader(), asked, permanent, |_| true)?;
    let seconds = begin.elapsed().as_secs_f64();
    assert!(!run.truncated() && run.verdicts.len() == asked.len(), "the run left entries out");
    println!("| {what} | {seconds:.2} | {:.0} |", asked.len() as f64 / seconds);
    Ok(run)
}

/// Changes a bit in the middle of these entries, wherever they are in the log's segments.
fn damage(dir: &Path, reader: &Reader, places: &[usize], asked: &[AskedEntry]) -> Result<(), Box<dyn Error>> {
    // What was asked for by its id was appended right after what was asked for by its index.
    let index = |place: usize| match (asked.get(place), asked.get(place.saturating_sub(1))) {
        (Some(AskedEntry::Index(index)), _) => Some(*index),
        (Some(AskedEntry::Record(_)), Some(AskedEntry::Index(before))) => Some(before + 1),
        _ => None,
    };
    let mut wanted = Vec::new();
    for place in places {
        wanted.push(reader.entry(index(*place).ok_or("no such entry")?)?.bytes);
    }
    for file in std::fs::read_dir(dir.join("log/segments"))? {
        let path = file?.path();
        let mut bytes = std::fs::read(&path)?;
        wanted.retain(|entry| {
            let Some(at) = memchr::memmem::find(&bytes, entry) else { return true };
            if let Some(byte) = bytes.get_mut(at + entry.len() / 2) {
                *byte ^= 1;
            }
            false
        });
        std::fs::write(&path, &bytes)?;
    }
    assert!(wanted.is_empty(), "entries are in no segment, so that nothing would be damaged");
    Ok(())
}

/// Signs the run and has it verified, as whoever gets it would.
fn signed(ledger: &Ledger, run: &VerificationRun) -> Result<(), Box<dyn Error>> {
    let size = SignedCheckpoint::parse(run.checkpoint.as_bytes())?.checkpoint.size;
    let key = package_key_at(ledger.reader(), Some(size))?;
    let pair = ledger.key_pair(Purpose::Package, &key)?;
    let begin = Instant::now();
    let bytes = run.sign(pair.key.as_ref())?;
    let signing = begin.elapsed().as_secs_f64();
    let trust = Policy::parse(trust_text(ledger.reader())?)?;
    let begin = Instant::now();
    let report = verify(&bytes, Some(&trust));
    println!("| the run signed: {:.1} MB | {signing:.2} | |", bytes.len() as f64 / 1e6);
    println!("| the signed run verified by somebody else | {:.2} | |", begin.elapsed().as_secs_f64());
    assert_eq!(report.exit_code(), 1, "a run that found something broken passes");
    Ok(())
}
