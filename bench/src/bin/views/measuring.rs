//! Reading, rebuilding, size, questions, and what the projector costs while calls arrive.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_bench::machine;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Clock as _, Ledger, OpenOptions, OsEntropy, Reader, SystemClock};
use tabellion_model::register::Registers;
use tabellion_model::status::evaluate_all;
use tabellion_model::status::rules::Rules;
use tabellion_views::Views;

use crate::calls::{Call, Chance};
use crate::{Options, Outcome, questions};

/// Ticks of the processor's account in a second, on every Linux.
const TICKS: f64 = 100.0;
/// Calls of the live part.
const LIVE_CALLS: usize = 40_000;
/// Calls in one turn of it, and how long a turn takes: 2,000 calls a second.
const TURN_CALLS: usize = 20;
const TURN: Duration = Duration::from_millis(10);
/// Longest wait for the projector.
const PATIENCE: Duration = Duration::from_mins(30);

/// Measures what was made.
pub(crate) fn measure(options: &Options) -> Outcome<()> {
    let dir = options.dir.as_path();
    println!("{}", machine());
    let open = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    let (reader, _) = Reader::open(Arc::new(RealDisk::open(dir)?), &open)?;
    let size = reader.size();
    println!("log: {size} entries, {:.0} MB\n", reader.committed_bytes_since(0) as f64 / 1e6);
    let of_all = |what: &str, wall: Duration, processor: f64| {
        println!(
            "{what}: {:.1} s, {:.0} entries/s, {:.1} µs of processor an entry",
            wall.as_secs_f64(),
            size as f64 / wall.as_secs_f64(),
            processor * 1e6 / size as f64
        );
    };
    let (began, before) = (Instant::now(), processor_of("")?);
    reader.entries(0, size, |_| Ok(()))?;
    of_all("reading and decrypting alone, one thread", began.elapsed(), processor_of("")? - before);
    let before = processor_of("")?;
    let rebuilt = Views::rebuild(dir, &reader)?;
    of_all("rebuild, with its digest", rebuilt.took, processor_of("")? - before);
    println!("views file: {:.0} MB", fs::metadata(dir.join(tabellion_views::VIEWS_FILE))?.len() as f64 / 1e6);
    drop(reader);
    with_views(dir, |ledger, views| {
        statuses(ledger, views)?;
        questions::ask(views, SystemClock.now())?;
        while_calls_arrive(ledger, views)?;
        let differs = digest_differs(views, ledger)?;
        println!("rebuilt and live rows are {}", if differs { "DIFFERENT" } else { "the same" });
        Ok(())
    })
}

/// Only what the projector costs while calls arrive.
pub(crate) fn live(options: &Options) -> Outcome<()> {
    println!("{}", machine());
    with_views(&options.dir, while_calls_arrive)
}

fn with_views(dir: &Path, work: impl FnOnce(&Ledger, &Views) -> Outcome<()>) -> Outcome<()> {
    let open = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    let ledger = Ledger::open(Arc::new(RealDisk::open(dir)?), &open)?;
    let views = Views::start(ledger.reader().clone(), dir, Arc::new(|line| eprintln!("{line}")))?;
    views.wait_for(ledger.reader().size(), Instant::now() + PATIENCE)?;
    work(&ledger, &views)?;
    views.stop();
    ledger.close()?;
    Ok(())
}

/// All statuses: from nothing, again, and after one more record of each kind.
fn statuses(ledger: &Ledger, views: &Views) -> Outcome<()> {
    let registers = Registers::built_in()?;
    let mut chance = Chance(9);
    println!("\n| statuses of all clauses and controls | facts ms | with statuses ms |\n|---|---|---|");
    for what in ["from nothing", "again", "after a call", "after a call", "after an item", "after an item"] {
        match what {
            "after a call" => {
                let call = Call::next(&mut chance).begin(ledger.reader().size())?;
                ledger.append(&call)?;
            }
            "after an item" => {
                // The last item of a list that grows is a new one.
                let count = u32::try_from(ledger.reader().size() % 1_000_000 + 20_000)?;
                let one = crate::items::last(count, SystemClock.now(), &mut chance)?;
                ledger.append_all(&one)?;
            }
            _ => {}
        }
        views.wait_for(ledger.reader().size(), Instant::now() + PATIENCE)?;
        let now = SystemClock.now();
        let began = Instant::now();
        let facts = views.facts(&registers, now)?;
        let read = began.elapsed();
        let statuses = evaluate_all(Rules::built_in(), &facts, now);
        let both = began.elapsed();
        assert!(statuses.len() > 60, "not every clause and control has a status");
        println!("| {what} | {:.1} | {:.1} |", read.as_secs_f64() * 1e3, both.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// What the projector's thread costs per call while calls arrive at a steady rate.
fn while_calls_arrive(ledger: &Ledger, views: &Views) -> Outcome<()> {
    let mut chance = Chance(11);
    let before = processor_of("projector")?;
    let began = Instant::now();
    let mut next = began;
    let mut worst = Duration::ZERO;
    for _ in 0..LIVE_CALLS / TURN_CALLS {
        let size = ledger.reader().size();
        let calls: Vec<Call> = (0..TURN_CALLS).map(|_| Call::next(&mut chance)).collect();
        let begins = calls.iter().map(|call| call.begin(size)).collect::<Outcome<Vec<_>>>()?;
        let acks = ledger.append_all(&begins)?;
        let mut ends = Vec::new();
        for (call, ack) in calls.iter().zip(&acks) {
            ends.extend(call.end(ack, &mut chance)?);
        }
        ledger.append_all(&ends)?;
        next += TURN;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let took = began.elapsed();
    for _ in 0..20 {
        let ack = ledger.append(&Call::next(&mut chance).begin(ledger.reader().size())?)?;
        let began = Instant::now();
        views.wait_for(ack.index + 1, began + PATIENCE)?;
        worst = worst.max(began.elapsed());
    }
    println!(
        "\nlive: {:.0} calls/s of {} systems, {:.1} µs of processor a call in the projector; from an acknowledgement to the view {:.1} ms at most",
        LIVE_CALLS as f64 / took.as_secs_f64(),
        crate::house::SYSTEMS,
        (processor_of("projector")? - before) * 1e6 / LIVE_CALLS as f64,
        worst.as_secs_f64() * 1e3
    );
    Ok(())
}

fn digest_differs(views: &Views, ledger: &Ledger) -> Outcome<bool> {
    let elsewhere = tempfile::tempdir()?;
    let live = views.digest()?;
    let anew = Views::rebuild(Path::new(elsewhere.path()), ledger.reader())?;
    Ok(live != anew.after)
}

/// Seconds of processor that this process's threads of a name have taken; of all threads, ended ones too, when it is empty.
pub(crate) fn processor_of(thread: &str) -> Outcome<f64> {
    if thread.is_empty() {
        return Ok(ticks(&fs::read_to_string("/proc/self/stat")?, "") / TICKS);
    }
    let mut sum = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        sum += ticks(&fs::read_to_string(task?.path().join("stat"))?, thread);
    }
    Ok(sum / TICKS)
}

/// User and system time in a line of `stat`, when the thread's name is the one.
fn ticks(stat: &str, thread: &str) -> f64 {
    let Some((name, rest)) = stat.rsplit_once(") ") else { return 0.0 };
    if !thread.is_empty() && !name.ends_with(&format!("({thread}")) {
        return 0.0;
    }
    rest.split(' ').skip(11).take(2).filter_map(|text| text.parse::<f64>().ok()).sum()
}
