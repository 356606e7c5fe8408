//! Durable appends per second of the embedded ledger, beside a bare write-and-sync loop with the same batch sizes in the same minute.
//!
//! `append [--dir DIR] [--seconds S] [--rounds N]`. Closed loop: a fixed number of appends is in flight; whenever one is answered the next
//! is submitted. "Before": records are sealed beforehand, as they are when other cores or other machines seal them; this is the append
//! pipeline alone. "Inside": the same thread seals each draft before it submits it, so two cores do everything. Both sides run in turns, so
//! that the machine's mood hits both.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tabellion_bench::{machine, median, percentile, preallocated, write_sync_loop};
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, DraftParent, Ledger, NewLog, OpenOptions, OsEntropy, Prepared, SystemClock};
use tabellion_model::{Env, Origin};

/// Records are sealed on one thread and freed on another, which is what the system's allocator is slowest at; docs/benchmarks.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Options {
    dir: PathBuf,
    seconds: u64,
    rounds: usize,
}

/// Who seals the records, and when.
#[derive(Clone, Copy, PartialEq)]
enum Sealed {
    Before,
    Inside,
}

/// Records sealed before a run: about a second's worth, and 300 MB at the most.
const SEALED_BEFORE: usize = 120_000;

/// A little more than one segment of the default size.
const WARM_UP_BYTES: u64 = 66 << 20;

struct Figures {
    entries_per_second: f64,
    batch_entries: f64,
    batch_bytes: f64,
    latencies: Vec<Duration>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    println!("{}", machine());
    println!(
        "| in flight | content vault | sealed | entry bytes | entries/s | batch | ack p50 / p99 ms | bare loop entries/s | ratio | \
         fdatasync 4 KiB p50 / p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (vault, sealed) in
        [(false, Sealed::Before), (true, Sealed::Before), (false, Sealed::Inside), (true, Sealed::Inside)]
    {
        for in_flight in [64, 1024] {
            compare(&options, in_flight, vault, sealed)?;
        }
    }
    Ok(())
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options { dir: std::env::temp_dir(), seconds: 3, rounds: 5 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--dir" => options.dir = value.into(),
            "--seconds" => options.seconds = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            _ => return Err(format!("unknown option {arg}; there are --dir, --seconds and --rounds").into()),
        }
    }
    Ok(options)
}

fn compare(options: &Options, in_flight: usize, vault: bool, sealed: Sealed) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir_in(&options.dir)?;
    let (mut ours, mut bare, mut ratios, mut batches) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut latencies, mut probes) = (Vec::new(), Vec::new());
    let mut entry_bytes = 0;
    for round in 0..options.rounds {
        let dir = scratch.path().join(format!("log-{round}"));
        let (figures, bytes) =
            run_ledger(&dir, in_flight, vault, sealed, Duration::from_secs(options.seconds))?;
        std::fs::remove_dir_all(&dir)?;
        entry_bytes = bytes;
        let rate = bare_rate(scratch.path(), &figures, options.seconds)?;
        probes.extend(probe(scratch.path())?);
        ratios.push(figures.entries_per_second / rate);
        ours.push(figures.entries_per_second);
        bare.push(rate);
        batches.push(figures.batch_entries);
        latencies.extend(figures.latencies);
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "| {in_flight} | {} | {} | {entry_bytes} | {:.0} | {:.0} | {:.1} / {:.1} | {:.0} | {:.2} | {:.2} / {:.2} |",
        if vault { "on" } else { "off" },
        if sealed == Sealed::Before { "before" } else { "inside" },
        median(&mut ours),
        median(&mut batches),
        ms(percentile(&mut latencies, 50)),
        ms(percentile(&mut latencies, 99)),
        median(&mut bare),
        median(&mut ratios),
        ms(percentile(&mut probes, 50)),
        ms(percentile(&mut probes, 99)),
    );
    Ok(())
}

/// The same number of entries per batch and bytes per batch, written and synced with nothing else around it.
fn bare_rate(dir: &Path, figures: &Figures, seconds: u64) -> Result<f64, Box<dyn Error>> {
    let capacity = 64 << 20;
    let path = dir.join("bare");
    let file = preallocated(&path, capacity)?;
    let begin = Instant::now();
    let mut batches = 0usize;
    while begin.elapsed() < Duration::from_secs(seconds) {
        batches += write_sync_loop(&file, figures.batch_bytes as usize, 16, capacity)?.len();
    }
    let rate = batches as f64 * figures.batch_entries / begin.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

fn probe(dir: &Path) -> Result<Vec<Duration>, Box<dyn Error>> {
    let path = dir.join("probe");
    let file = preallocated(&path, 1 << 20)?;
    let times = write_sync_loop(&file, 4096, 200, 1 << 20)?;
    std::fs::remove_file(path)?;
    Ok(times)
}

type Answer = (Instant, Result<(), String>);

fn run_ledger(
    dir: &Path,
    in_flight: usize,
    vault: bool,
    sealed: Sealed,
    time: Duration,
) -> Result<(Figures, usize), Box<dyn Error>> {
    std::fs::create_dir_all(dir)?;
    let options = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    let new = NewLog { origin: Origin::new("bench.example/log/append")?, env: Env::Sandbox };
    let ledger = Ledger::create(Arc::new(RealDisk::create(dir)?), &new, &options)?;
    let draft = draft(vault);
    let (answers, waiting) = sync_channel(in_flight);
    warm_up(&ledger, &draft)?;
    let mut source = match sealed {
        Sealed::Inside => Source::Drafts(&draft),
        Sealed::Before => {
            Source::Sealed((0..SEALED_BEFORE).map(|_| ledger.prepare(&draft)).collect::<Result<_, _>>()?)
        }
    };
    let before = ledger.reader().counts();
    let begin = Instant::now();
    for _ in 0..in_flight {
        submit(&ledger, &mut source, &answers)?;
    }
    let (count, latencies) = drive(&ledger, &mut source, &answers, &waiting, in_flight, begin + time)?;
    let elapsed = begin.elapsed();
    let after = ledger.reader().counts();
    let commits = (after["commits"] - before["commits"]).max(1);
    let entry = ledger.reader().entry(ledger.reader().size() - 2)?.bytes.len();
    let bytes = ledger.reader().committed_bytes_since(before["entries"]);
    ledger.close()?;
    let figures = Figures {
        entries_per_second: count as f64 / elapsed.as_secs_f64(),
        batch_entries: count as f64 / commits as f64,
        batch_bytes: bytes as f64 / commits as f64,
        latencies,
    };
    Ok((figures, entry))
}

/// Appends until the log is in its second segment. The first one is made when the log is, the later ones are ready ahead: a log that has just
/// been made is not how logs spend their lives.
fn warm_up(ledger: &Ledger, draft: &Draft) -> Result<(), Box<dyn Error>> {
    while ledger.reader().committed_bytes_since(0) < WARM_UP_BYTES {
        ledger.append_all(&vec![draft.clone(); 1000])?;
    }
    Ok(())
}

fn drive(
    ledger: &Ledger,
    source: &mut Source<'_>,
    answers: &SyncSender<Answer>,
    waiting: &Receiver<Answer>,
    in_flight: usize,
    until: Instant,
) -> Result<(usize, Vec<Duration>), Box<dyn Error>> {
    let (mut done, mut open, mut latencies) = (0, in_flight, Vec::new());
    while open > 0 {
        let (begin, result) = waiting.recv()?;
        result?;
        done += 1;
        open -= 1;
        latencies.push(begin.elapsed());
        if Instant::now() < until && submit(ledger, source, answers)? {
            open += 1;
        }
    }
    Ok((done, latencies))
}

/// Where the records come from.
enum Source<'a> {
    Drafts(&'a Draft),
    Sealed(Vec<Prepared>),
}

/// Submits the next record; `false` when there is none left.
fn submit(
    ledger: &Ledger,
    source: &mut Source<'_>,
    answers: &SyncSender<Answer>,
) -> Result<bool, Box<dyn Error>> {
    let begin = Instant::now();
    let prepared = match source {
        Source::Drafts(draft) => ledger.prepare(draft)?,
        Source::Sealed(sealed) => match sealed.pop() {
            Some(prepared) => prepared,
            None => return Ok(false),
        },
    };
    let answers = answers.clone();
    ledger.submit(
        vec![prepared],
        Box::new(move |result| {
            drop(answers.send((begin, result.map(|_| ()).map_err(|error| error.to_string()))))
        }),
    );
    Ok(true)
}

/// A draft whose entry has about 1 KiB: with content (twelve fields, encrypted) or without any (parents instead).
fn draft(vault: bool) -> Draft {
    let mut draft = Draft::new("bench.appended");
    if vault {
        for field in 0..12 {
            draft = draft
                .with(&format!("field_{field}"), format!("value {field} of an ordinary length for a log"));
        }
        return draft;
    }
    for parent in 0..4 {
        draft.parents.push(DraftParent {
            hash: format!("{parent:064x}"),
            record_id: format!("{parent:032x}"),
            role: "evidence".to_owned(),
        });
    }
    draft
}
