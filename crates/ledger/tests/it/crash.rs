//! Power cuts and failing disks: seeded lives of a ledger on a simulated disk, each checked against a journal of what was acknowledged.
//!
//! A run is one seed. `CRASH_SEEDS=from..to` runs others; a failure prints its seed, which repeats it exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use tabellion_ledger::disk::Disk;
use tabellion_ledger::{
    Ack, Draft, ErasureTarget, Ledger, LedgerError, OpenOptions, Reader, UnitContent, fsck,
};
use tabellion_model::{Micros, Purpose, RecordId};
use tabellion_testkit::{Fault, HookedDisk, Image, ManualClock, Random, SeededEntropy, SimDisk};
use tabellion_tlog::SignedCheckpoint;

use crate::fixture::new_log;

/// Runs in every test run; each has one to three power cuts, about 10,800 together.
const SEEDS: Range<u64> = 0..6_500;
/// Seeds in which a disk without its sync must be caught; it is usually caught in the first ten.
const FORGETFUL_SEEDS: Range<u64> = 0..300;
/// Small segments: a run of a few dozen commits crosses several.
const SEGMENT_BYTES: u64 = 64 << 10;
const SUBJECTS: u64 = 3;
/// Between so many steps the state is saved once.
const SAVE_ONE_IN: u64 = 5;
/// Sets the draws for that apart from all others.
const SAVING: u64 = 0x7361_7665;
/// Of so many seeds one has its saved state compared with the log, entry by entry.
const COMPARE_ONE_IN: u64 = 8;
const SAVED_PATH: &str = "log/state/saved";

/// What the outside was told.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    /// Acknowledged records: their subject, and whether it was erased afterwards.
    pub(crate) acked: BTreeMap<u64, (RecordId, u64)>,
    /// Idempotency keys with the index that was acknowledged for them.
    keyed: BTreeMap<String, Ack>,
    pub(crate) checkpoints: Vec<String>,
    /// Subjects whose erasure was acknowledged, with the log size before it was asked for.
    erased: BTreeMap<u64, u64>,
    /// Erasures that were asked for and never answered: content recorded before this size may be gone.
    maybe_erased: BTreeMap<u64, u64>,
    /// Size of the cosigned checkpoint that was kept.
    pub(crate) cosigned: u64,
    /// An anchor was said to be confirmed.
    pub(crate) anchored: bool,
}

pub(crate) fn options(seed: u64, life: u64) -> OpenOptions {
    OpenOptions {
        segment_bytes: SEGMENT_BYTES,
        background: false,
        ..OpenOptions::new(
            Arc::new(ManualClock::at(Micros(1_790_000_000_000_000 + life * 1_000_000))),
            Arc::new(SeededEntropy::new(seed.wrapping_mul(1000) + life)),
        )
    }
}

pub(crate) fn fresh_log() -> Image {
    let disk = SimDisk::new();
    let ledger =
        Ledger::create(Arc::new(disk.clone()), &new_log(), &options(u64::MAX, 0)).expect("a log can be made");
    ledger.close().expect("a clean end");
    disk.image()
}

/// What was done, and what was acknowledged meanwhile.
#[derive(Clone, Copy, Default)]
struct Count {
    cuts: u64,
    kills: u64,
    faults: u64,
    acknowledged: u64,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            cuts: self.cuts + other.cuts,
            kills: self.kills + other.kills,
            faults: self.faults + other.faults,
            acknowledged: self.acknowledged + other.acknowledged,
        }
    }
}

/// One seed: a few lives, each ended by the death of the process or by a power cut, then a last look. `saves`: whether states are saved now and then, which
/// moves every fault that comes after.
fn run(
    seed: u64,
    base: &Image,
    saves: bool,
    seen_by_ledger: &dyn Fn(SimDisk) -> Arc<dyn Disk>,
) -> Result<Count, String> {
    let disk = SimDisk::from_image(base.clone());
    let mut random = Random::new(seed);
    let mut saving = saves.then(|| Random::new(seed ^ SAVING));
    let mut journal = Journal::default();
    let mut count = Count::default();
    let lives = 1 + random.below(3);
    for life in 1..=lives {
        let fault = [Fault::PowerOff, Fault::PowerOff, Fault::Eio, Fault::NoSpace][random.below(4) as usize];
        disk.fail_at(random.below(60), fault, random.draw());
        match Ledger::open(seen_by_ledger(disk.clone()), &options(seed, life)) {
            Ok(ledger) => {
                // Whoever asks now is told this, and may rely on it.
                journal.checkpoints.push(ledger.reader().checkpoint().to_string());
                live(&ledger, &mut random, &mut saving, &mut journal);
                if random.one_in(3) {
                    // A clean end may meet the fault as well; either is fine.
                    let _ = ledger.close();
                }
            }
            Err(error) if !disk.fault_happened() => {
                return Err(format!("life {life} does not open: {error}"));
            }
            Err(_) => {}
        }
        count.faults += u64::from(disk.fault_happened() && fault != Fault::PowerOff);
        if life < lives && random.one_in(3) {
            // The process alone dies: the next one sees what was written, and its disk may not have it.
            disk.kill();
            count.kills += 1;
        } else {
            disk.crash(random.draw());
            count.cuts += 1;
        }
    }
    let ledger = Ledger::open(seen_by_ledger(disk.clone()), &options(seed, 99))
        .map_err(|error| format!("the log does not open after the last power cut: {error}"))?;
    check(ledger.reader(), &journal)?;
    if saves {
        check_saved(seed, &disk, ledger.reader())?;
    }
    ledger.append(&document(0, 99)).map_err(|error| format!("the log does not go on: {error}"))?;
    ledger.close().map_err(|error| format!("the log does not close: {error}"))?;
    count.acknowledged = journal.acked.len() as u64;
    Ok(count)
}

pub(crate) fn document(subject: u64, n: u64) -> Draft {
    Draft::new("document.captured").with("number", n).about(
        &format!("subject-{subject}"),
        "name",
        format!("Person {subject}"),
    )
}

/// Works until something fails.
fn live(ledger: &Ledger, random: &mut Random, saving: &mut Option<Random>, journal: &mut Journal) {
    for n in 0..random.below(16) {
        if saving.as_mut().is_some_and(|saving| saving.one_in(SAVE_ONE_IN)) {
            // Nothing depends on it.
            let _ = ledger.save_state();
        }
        let subject = random.below(SUBJECTS);
        let outcome = match random.below(12) {
            0 => erase(ledger, subject, journal),
            1 => ledger.rotate_key([Purpose::Writer, Purpose::Log][random.below(2) as usize]).map(|_| ()),
            2 | 3 => append_together(ledger, random, journal),
            4 | 5 => append_keyed(ledger, subject, random.below(4), journal),
            _ => ledger.append(&document(subject, n)).map(|ack| remember(journal, &ack, subject)),
        };
        match outcome {
            Ok(()) => journal.checkpoints.push(ledger.reader().checkpoint().to_string()),
            Err(
                LedgerError::Rejected { .. }
                | LedgerError::Unavailable(_)
                | LedgerError::Full(_)
                | LedgerError::SealAgain,
            ) => {}
            Err(LedgerError::Fatal(_)) => return,
        }
    }
}

pub(crate) fn remember(journal: &mut Journal, ack: &Ack, subject: u64) {
    journal.acked.insert(ack.index, (ack.record_id, subject));
}

pub(crate) fn append_together(
    ledger: &Ledger,
    random: &mut Random,
    journal: &mut Journal,
) -> Result<(), LedgerError> {
    let subject = random.below(SUBJECTS);
    let drafts: Vec<Draft> = (0..2 + random.below(4)).map(|n| document(subject, n)).collect();
    for ack in ledger.append_all(&drafts)? {
        remember(journal, &ack, subject);
    }
    Ok(())
}

pub(crate) fn append_keyed(
    ledger: &Ledger,
    subject: u64,
    key: u64,
    journal: &mut Journal,
) -> Result<(), LedgerError> {
    let mut draft = document(subject, key);
    let key = format!("key-{key}-{subject}");
    draft.idempotency_key = Some(key.clone());
    let ack = ledger.append(&draft)?;
    remember(journal, &ack, subject);
    journal.keyed.entry(key).or_insert(ack);
    Ok(())
}

pub(crate) fn erase(ledger: &Ledger, subject: u64, journal: &mut Journal) -> Result<(), LedgerError> {
    let before = ledger.reader().size();
    journal.maybe_erased.insert(subject, before);
    ledger.erase(&ErasureTarget::Subject(format!("subject-{subject}")), "asked for")?;
    journal.erased.insert(subject, before);
    Ok(())
}

/// Whoever goes on from the saved state knows what a reader of the whole log does.
fn check_saved(seed: u64, disk: &SimDisk, resumed: &Reader) -> Result<(), String> {
    let plain: Arc<dyn Disk> = Arc::new(SimDisk::from_image(disk.image()));
    if plain.exists(SAVED_PATH).is_ok_and(|exists| exists) {
        if seed.is_multiple_of(COMPARE_ONE_IN) {
            let report = fsck(&plain, &options(seed, 99), &[]);
            let said = [report.findings, report.beside].concat();
            if !said.is_empty() {
                return Err(format!("the saved state is not the log's: {said:?}"));
            }
        }
        plain.remove(SAVED_PATH).map_err(|error| error.to_string())?;
    }
    let (whole, _) = Reader::open(plain, &options(seed, 99)).map_err(|error| error.to_string())?;
    let known = |reader: &Reader| {
        (reader.size(), reader.root_at(reader.size()).ok(), reader.counts(), reader.deletions())
    };
    if known(&whole) != known(resumed) {
        return Err(format!(
            "a start from the saved state knows {:?}, the log says {:?}",
            resumed.counts(),
            whole.counts()
        ));
    }
    Ok(())
}

/// Everything that was acknowledged must be there, once, unchanged, readable unless erased.
pub(crate) fn check(reader: &Reader, journal: &Journal) -> Result<(), String> {
    for (index, (record_id, subject)) in &journal.acked {
        let entry =
            reader.entry(*index).map_err(|error| format!("acknowledged entry {index} is lost: {error}"))?;
        if entry.entry.header().map(|header| header.record_id) != Some(*record_id) {
            return Err(format!("acknowledged entry {index} is another record"));
        }
        let erased = journal.erased.get(subject).is_some_and(|before| index < before);
        let maybe = journal.maybe_erased.get(subject).is_some_and(|before| index < before);
        for unit in entry.units.iter().filter(|unit| unit.personal || unit.content == UnitContent::Erased) {
            match (&unit.content, erased, maybe) {
                (UnitContent::Shown(_), true, _) => {
                    return Err(format!("erased content of entry {index} came back"));
                }
                (UnitContent::Erased, false, false) => {
                    return Err(format!("content of entry {index} is gone though nobody erased it"));
                }
                (UnitContent::Missing, _, _) => {
                    return Err(format!("content of acknowledged entry {index} is unreadable"));
                }
                _ => {}
            }
        }
    }
    for (key, ack) in &journal.keyed {
        if journal.acked.get(&ack.index).map(|(id, _)| *id) != Some(ack.record_id) {
            return Err(format!("idempotency key {key} was answered with two records"));
        }
    }
    let mut seen = BTreeSet::new();
    reader
        .entries(0, reader.size(), |entry| {
            let fresh = entry.entry.header().is_none_or(|header| seen.insert(header.record_id));
            if fresh {
                Ok(())
            } else {
                Err(LedgerError::Fatal(format!("entry {} repeats a record", entry.index)))
            }
        })
        .map_err(|error| error.to_string())?;
    for checkpoint in &journal.checkpoints {
        let signed =
            SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(|error| error.to_string())?.checkpoint;
        match reader.root_at(signed.size) {
            Ok(root) if signed.size <= reader.size() && root == signed.root => {}
            _ => {
                return Err(format!(
                    "the log is not a continuation of the checkpoint of size {} that it released",
                    signed.size
                ));
            }
        }
    }
    Ok(())
}

fn seeds() -> Range<u64> {
    let chosen = std::env::var("CRASH_SEEDS").ok();
    let parse = |text: String| {
        let (from, to) = text.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    };
    chosen.map_or(SEEDS, |text| parse(text).expect("CRASH_SEEDS is FROM..TO"))
}

/// A cut of an unfinished batch whose sync failed, a start that saw what it had not made durable, a smaller batch in that place, and a power cut: what was left
/// of the old batch came back behind the new one, and the log did not open.
#[test]
fn what_a_failed_sync_left_on_the_disk_never_comes_back_behind_a_batch() {
    let base = fresh_log();
    for seed in [30_026_936, 30_060_215, 30_067_002, 30_091_461] {
        run(seed, &base, false, &|disk| Arc::new(disk)).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
    }
}

#[test]
fn no_power_cut_or_failing_disk_loses_doubles_or_forks_what_was_acknowledged() {
    let base = fresh_log();
    let next = std::sync::atomic::AtomicU64::new(seeds().start);
    let all = std::sync::Mutex::new(Count::default());
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, order);
                    if seed >= seeds().end {
                        return;
                    }
                    let done = run(seed, &base, !seed.is_multiple_of(4), &|disk| Arc::new(disk));
                    let done = done.unwrap_or_else(|what| panic!("seed {seed}: {what}"));
                    let mut all = all.lock().expect("the other thread says what it met");
                    *all = all.plus(done);
                }
            });
        }
    });
    let Count { cuts, kills, faults, acknowledged } = *all.lock().expect("both have ended");
    // scripts/crashes.sh reads this line.
    println!(
        "{cuts} power cuts, {kills} dead processes, {faults} other faults, {acknowledged} records acknowledged; lost 0, doubled 0, forked 0"
    );
}

/// The same few steps, with each operation of the disk failing once in turn.
#[test]
fn every_operation_of_the_disk_may_fail_once() {
    let base = fresh_log();
    let steps = |disk: &SimDisk, journal: &mut Journal| {
        let Ok(ledger) = Ledger::open(Arc::new(disk.clone()), &options(1, 1)) else { return };
        let mut random = Random::new(5);
        for n in 0..24 {
            let subject = n % SUBJECTS;
            let outcome = match n {
                9 => ledger.rotate_key(Purpose::Writer).map(|_| ()),
                14 => erase(&ledger, 1, journal),
                n if n % 4 == 1 => append_together(&ledger, &mut random, journal),
                n if n % 4 == 2 => append_keyed(&ledger, subject, n, journal),
                _ => ledger.append(&document(subject, n)).map(|ack| remember(journal, &ack, subject)),
            };
            if outcome.is_ok() {
                journal.checkpoints.push(ledger.reader().checkpoint().to_string());
            }
        }
        let _ = ledger.close();
    };
    let undisturbed = SimDisk::from_image(base.clone());
    steps(&undisturbed, &mut Journal::default());
    let operations = undisturbed.operations();
    assert!(operations > 60, "the steps must touch the disk often, or this test proves little: {operations}");
    for fault in [Fault::Eio, Fault::NoSpace, Fault::PowerOff] {
        for k in 0..operations {
            let disk = SimDisk::from_image(base.clone());
            let mut journal = Journal::default();
            disk.fail_at(k, fault, k);
            steps(&disk, &mut journal);
            disk.crash(k);
            let ledger = Ledger::open(Arc::new(disk), &options(1, 2))
                .unwrap_or_else(|error| panic!("{fault:?} at operation {k}: the log does not open: {error}"));
            check(ledger.reader(), &journal)
                .unwrap_or_else(|what| panic!("{fault:?} at operation {k}: {what}"));
            ledger
                .append(&document(0, 0))
                .unwrap_or_else(|error| panic!("{fault:?} at operation {k}: {error}"));
        }
    }
}

#[test]
fn a_build_without_its_sync_call_is_caught() {
    let base = fresh_log();
    for prefix in ["log/segments", "vault"] {
        let caught = FORGETFUL_SEEDS.clone().find(|seed| {
            run(*seed, &base, false, &|disk| Arc::new(HookedDisk::forgetful(disk, prefix))).is_err()
        });
        let caught =
            caught.unwrap_or_else(|| panic!("{prefix}: these tests would not notice a removed sync"));
        println!("{prefix} without sync: caught by seed {caught}");
    }
}
