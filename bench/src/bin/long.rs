//! What a long log costs: the time until it can be written to again, memory, one proof, one erasure.
//!
//! `long make --dir DIR --entries N` makes it; `long measure --dir DIR` opens it in this process and measures; `--whole yes` without its saved state;
//! `--erase yes` erases one subject of a thousandth of the records, which can be done once.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tabellion_bench::{machine, percentile};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, ErasureTarget, Ledger, NewLog, OpenOptions, OsEntropy, SystemClock};
use tabellion_model::{Env, Origin};

/// Records handed over at once: as a gateway under load does.
const TOGETHER: u64 = 32;
/// Threads that seal them.
const THREADS: usize = 4;
/// People that records are about.
const SUBJECTS: u64 = 50_000;
/// Of so many records one is about the person who is to be erased.
const ERASED_ONE_IN: u64 = 1_000;
/// Proofs that are asked for.
const PROOFS: u64 = 20_000;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let (mut dir, mut entries, mut whole, mut erase) = (PathBuf::from("."), 1_000_000u64, false, false);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--dir" => dir = PathBuf::from(value),
            "--entries" => entries = value.parse()?,
            "--whole" => whole = value == "yes",
            "--erase" => erase = value == "yes",
            _ => return Err(format!("unknown option {arg}").into()),
        }
    }
    match what.as_str() {
        "make" => make(&dir, entries),
        "measure" => measure(&dir, whole, erase),
        _ => Err("long make | measure".into()),
    }
}

fn options() -> OpenOptions {
    OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy))
}

fn make(dir: &Path, entries: u64) -> Outcome<()> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::create(dir)?);
    let new = NewLog { origin: Origin::new("bench.example/log/long")?, env: Env::Sandbox };
    let ledger = Ledger::create(disk, &new, &options())?;
    let (next, begin) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| record(&ledger, &next, entries))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{entries} records in {seconds:.0} s, {:.0} a second; {} MiB of memory",
        entries as f64 / seconds,
        resident()?
    );
    ledger.close()?;
    Ok(())
}

fn record(ledger: &Ledger, next: &AtomicU64, entries: u64) -> Outcome<()> {
    loop {
        let first = next.fetch_add(TOGETHER, Ordering::Relaxed);
        if first >= entries {
            return Ok(());
        }
        let drafts: Vec<Draft> = (first..(first + TOGETHER).min(entries)).map(draft).collect();
        ledger.append_all(&drafts)?;
    }
}

fn draft(number: u64) -> Draft {
    let subject = if number.is_multiple_of(ERASED_ONE_IN) {
        "erased".to_owned()
    } else {
        format!("person-{}", number % SUBJECTS)
    };
    let mut draft =
        Draft::new("document.captured").with("number", number).about(&subject, "text", "a".repeat(200));
    draft.idempotency_key = Some(format!("record-{number}"));
    draft
}

fn measure(dir: &Path, whole: bool, erase: bool) -> Outcome<()> {
    println!("{}", machine());
    if whole {
        std::fs::remove_file(dir.join("log/state/saved"))?;
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir)?);
    let begin = Instant::now();
    let ledger = Ledger::open(disk, &options())?;
    let opened = begin.elapsed().as_secs_f64();
    ledger.notes().iter().for_each(|note| println!("note: {note}"));
    let reader = ledger.reader();
    let size = reader.size();
    println!(
        "{size} entries, {} commits; open for writing after {opened:.2} s; {} MiB of memory",
        reader.commits_below(size),
        resident()?
    );
    let again = timed(|| ledger.append(&draft(size)).map(drop))?;
    println!("first append after {:.1} ms", again * 1e3);
    let mut waits = Vec::new();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..PROOFS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = (random >> 16) % size;
        waits.push(timed(|| reader.logged_proof(index, size).map(drop))?);
    }
    let mut waits: Vec<Duration> = waits.into_iter().map(Duration::from_secs_f64).collect();
    println!(
        "one proof of {PROOFS}: p50 {:.3} ms, p99 {:.3} ms",
        milliseconds(&mut waits, 50),
        milliseconds(&mut waits, 99)
    );
    let known = timed(|| {
        ledger.append(&draft(1)).map(|ack| assert!(ack.duplicate, "an idempotency key was forgotten"))
    })?;
    println!("a repeated record is answered after {:.1} ms; {} MiB of memory", known * 1e3, resident()?);
    if erase {
        let mut units = 0;
        let seconds = timed(|| {
            ledger
                .erase(&ErasureTarget::Subject("erased".to_owned()), "asked for")
                .map(|done| units = done.units)
        })?;
        println!("{units} units of one subject erased in {seconds:.3} s");
    }
    let closing = timed(|| ledger.close())?;
    println!("closed after {closing:.2} s");
    Ok(())
}

fn timed<E>(work: impl FnOnce() -> Result<(), E>) -> Result<f64, E> {
    let begin = Instant::now();
    work()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn milliseconds(times: &mut [Duration], p: usize) -> f64 {
    percentile(times, p).as_secs_f64() * 1e3
}

/// Resident memory of this process, in MiB.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? / 1024)
}
