//! The power goes before and after every named step of the write path and of what follows it; what a start makes of it is checked each time, and
//! so are power cuts during that start.
//!
//! The steps are [`STEPS`]: one that no story takes fails the test, and so does one that a story takes and the list does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_ledger::anchor::{
    Anchor, AnchorFault, AnchorPlan, JobState, Outbox, Progress, Round, Target, anchored,
};
use tabellion_ledger::disk::{Disk, OpenMode};
use tabellion_ledger::{By, Ledger, OpenOptions, fsck};
use tabellion_model::{Micros, Purpose};
use tabellion_testkit::Act::{Create, Remove, Rename, Reserve, Sync, SyncNames, Write};
use tabellion_testkit::{Image, ManualClock, Side, SimDisk, Step, Thing};
use tabellion_tlog::anchor::AnchorKind;
use tabellion_tlog::{SignedCheckpoint, SigningKey, cosign};

use crate::crash::{
    Journal, append_keyed, append_together, check, document, erase, fresh_log, options, remember,
};
use crate::fixture::new_log;

/// Every step of which a power cut could take something away.
const STEPS: &[(Thing, &[tabellion_testkit::Act])] = &[
    (Thing::Directory, &[Create, SyncNames]),
    (Thing::SigningKey, &[Create, Write, Sync, Rename, SyncNames, Remove]),
    (Thing::Head, &[Create, Reserve, Write, Sync, SyncNames]),
    (Thing::Spare, &[Create, Reserve, Write, Sync, SyncNames, Remove]),
    (Thing::Segment, &[Create, Reserve, Write, Sync, Rename, SyncNames]),
    // Before its write a batch is sealed and signed, after its sync it is durable and nobody knows.
    (Thing::Batch, &[Write, Sync]),
    (Thing::BatchAgain, &[Write, Sync]),
    (Thing::Tail, &[Write, Sync]),
    (Thing::Vault, &[Create, Reserve, Write, Sync, Rename, SyncNames]),
    (Thing::Keys, &[Write, Sync]),
    (Thing::KeysAgain, &[Write, Sync]),
    (Thing::Destroyed, &[Write, Sync]),
    (Thing::Wrapping, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Moved, &[Write, Sync]),
    (Thing::Cleared, &[Write, Sync]),
    (Thing::Checkpoint, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Bundle, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Tile, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Cursor, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Saved, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Run, &[Create, Write, Sync, SyncNames, Remove]),
    (Thing::Cosigned, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Job, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Evidence, &[Create, Write, Sync, Rename, SyncNames]),
    (Thing::Leftover, &[Remove]),
];
/// At how many of its times a step is cut, spread over them all.
const TIMES: u64 = 3;
/// What is tried after each cut: power cuts of other seeds, and the death of the process alone before one.
const ENDS: u64 = 2;
/// Cuts at each step of a start, on each side.
const STARTS_CUT: u64 = 4;

/// Limit of a wait for the server's own thread, which takes milliseconds.
const IDLE_AT_MOST: Duration = Duration::from_secs(20);

/// Something that is done to a disk until the power goes.
struct Story {
    name: &'static str,
    base: Image,
    /// What the outside knew before it.
    before: Journal,
    play: fn(&SimDisk, &mut Journal),
}

fn background() -> OpenOptions {
    OpenOptions { background: true, ..options(3, 1) }
}

fn open(disk: &SimDisk, options: &OpenOptions) -> Result<Ledger, String> {
    Ledger::open(Arc::new(disk.clone()), options).map_err(|error| error.to_string())
}

/// Appends, alone, together and under a key; a rotation of keys, an erasure, new segments.
fn records(disk: &SimDisk, journal: &mut Journal) {
    // No two lives draw the same ids.
    let Ok(ledger) = open(disk, &options(1, 1 + disk.image().used())) else { return };
    let mut random = tabellion_testkit::Random::new(5);
    for n in 0..24 {
        let subject = n % 3;
        let outcome = match n {
            9 => ledger.rotate_key(Purpose::Writer).map(drop),
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
}

/// A few more records make a bundle and a tile full; the server derives them and publishes.
fn derived(disk: &SimDisk, journal: &mut Journal) {
    let Ok(ledger) = open(disk, &background()) else { return };
    if let Ok(acks) = ledger.append_all(&[document(1, 1), document(1, 2), document(1, 3)]) {
        for ack in &acks {
            remember(journal, ack, 1);
        }
    }
    // The end does at once what is otherwise done every second.
    let _ = ledger.close();
}

/// A server that has nothing to do makes the next segment ready.
fn idle(disk: &SimDisk, _: &mut Journal) {
    let Ok(ledger) = open(disk, &background()) else { return };
    let until = Instant::now() + IDLE_AT_MOST;
    while !disk.is_off() && Instant::now() < until {
        if disk.steps().contains_key(&Step(Thing::Spare, Sync)) {
            break;
        }
        std::thread::yield_now();
    }
    let _ = ledger.close();
}

/// The disk has no room for the next segment.
fn no_room(disk: &SimDisk, journal: &mut Journal) {
    let Ok(ledger) = open(disk, &options(1, 1)) else { return };
    disk.set_capacity(Some(disk.image().used()));
    for n in 0..3 {
        if let Ok(ack) = ledger.append(&document(2, n)) {
            remember(journal, &ack, 2);
        }
    }
    disk.set_capacity(None);
    if let Ok(ack) = ledger.append(&document(2, 9)) {
        remember(journal, &ack, 2);
    }
}

/// Witnesses have cosigned the newest checkpoint.
fn cosigned(disk: &SimDisk, journal: &mut Journal) {
    let Ok(ledger) = open(disk, &options(1, 1)) else { return };
    for time in [1_790_000_000, 1_790_000_060] {
        let signed = SignedCheckpoint::parse(ledger.reader().checkpoint().as_bytes()).expect("our own");
        let line =
            cosign(&signed.note.text, "w.example", time, &SigningKey::from_seed(&[7; 32])).expect("a line");
        if ledger.keep_cosigned(&signed.with_signatures(&[line])).is_ok() {
            journal.cosigned = signed.checkpoint.size;
        }
        if let Ok(ack) = ledger.append(&document(0, time)) {
            remember(journal, &ack, 0);
        }
    }
}

/// A service that confirms at once.
struct Confirms;

impl Anchor for Confirms {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Rfc3161
    }

    fn begin(&mut self, _: &Target) -> Result<Progress, AnchorFault> {
        Ok(Progress::Confirmed {
            evidence: b"evidence".to_vec(),
            time: None,
            checked: "everything".to_owned(),
        })
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

/// An anchor takes the newest checkpoint and confirms it.
fn anchor(disk: &SimDisk, journal: &mut Journal) {
    let Ok(ledger) = open(disk, &options(1, 1)) else { return };
    let ledger = Arc::new(ledger);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let clock = Arc::new(ManualClock::at(Micros(1_790_000_100_000_000)));
    let plan = AnchorPlan { name: "x".to_owned(), every_s: 60, overdue_s: 0, anchor: Box::new(Confirms) };
    Round::new(&shared, clock, vec![plan], Arc::new(|_: &str| {})).turn(&ledger);
    let confirmed = |job: &tabellion_ledger::anchor::Job| job.state == JobState::Confirmed;
    journal.anchored = Outbox::new(shared, "x").jobs().is_ok_and(|jobs| jobs.iter().any(confirmed));
}

/// The state is saved, twice, so that what the first left is taken up and taken away; then the log goes on.
fn saved(disk: &SimDisk, journal: &mut Journal) {
    let Ok(ledger) = open(disk, &options(1, 1)) else { return };
    for n in 0..2 {
        // Nothing depends on it.
        let _ = ledger.save_state();
        let drafts: Vec<_> = (0..40).map(|m| document(1, 40 * n + m)).collect();
        for ack in ledger.append_all(&drafts).unwrap_or_default() {
            remember(journal, &ack, 1);
        }
    }
}

/// The vault's wrapping key is changed, and somebody is erased after it.
fn rotated(disk: &SimDisk, journal: &mut Journal) {
    let Ok(ledger) = open(disk, &options(1, 1)) else { return };
    let _ = ledger.rotate_vault_key("a story", &By::default());
    if let Ok(ack) = ledger.append(&document(2, 7)) {
        remember(journal, &ack, 2);
    }
    let _ = erase(&ledger, 0, journal);
}

/// A vault whose operator says that it is lost.
fn lost_vault(disk: &SimDisk, _: &mut Journal) {
    drop(open(disk, &options(1, 1)));
}

fn stories() -> Vec<Story> {
    let fresh = fresh_log();
    let some = SimDisk::from_image(fresh.clone());
    let mut known = Journal::default();
    records(&some, &mut known);
    let nearly = SimDisk::from_image(fresh.clone());
    let mut before = Journal::default();
    let ledger = open(&nearly, &options(2, 1)).expect("the log opens");
    while ledger.reader().size() < 250 {
        let drafts: Vec<_> =
            (0..(250 - ledger.reader().size()).clamp(2, 20) - 1).map(|n| document(0, n)).collect();
        for ack in ledger.append_all(&drafts).expect("an append") {
            remember(&mut before, &ack, 0);
        }
    }
    // No clean end: its records would be those that the story needs.
    drop(ledger);
    let emptied = SimDisk::from_image(some.image());
    emptied.remove("vault/keys").expect("it is there");
    emptied.open("vault/keys", OpenMode::CreateNew).expect("a file").sync().expect("durable");
    emptied.sync_dir("vault").expect("durable");
    let spareless = SimDisk::from_image(some.image());
    spareless.remove("log/segments/spare").expect("it is there");
    spareless.sync_dir("log/segments").expect("durable");
    let story = |name, base: &SimDisk, before: &Journal, play| Story {
        name,
        base: base.image(),
        before: before.clone(),
        play,
    };
    vec![
        story("records", &SimDisk::from_image(fresh), &Journal::default(), records),
        story("more records", &some, &known, records),
        story("derived files", &nearly, &before, derived),
        story("idle", &spareless, &known, idle),
        story("no room", &some, &known, no_room),
        story("cosigned", &some, &known, cosigned),
        story("anchor", &some, &known, anchor),
        story("saved state", &some, &known, saved),
        story("wrapping key", &some, &known, rotated),
        story("lost vault", &emptied, &Journal::default(), lost_vault),
    ]
}

/// What was cut, and what is still to be cut of starts.
#[derive(Default)]
struct Tally {
    /// Cuts at each step, before and after.
    cuts: BTreeMap<Step, [u64; 2]>,
    starts: BTreeMap<Step, [u64; 2]>,
}

impl Tally {
    fn note(&mut self, step: Step, side: Side) {
        self.cuts.entry(step).or_default()[usize::from(side == Side::After)] += 1;
    }
}

/// A start after a cut, judged; and cuts during such a start.
fn start(disk: &SimDisk, journal: &mut Journal, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let found = disk.image();
    let probe = SimDisk::from_image(found.clone());
    open(&probe, &options(seed, 50))?;
    for (step, taken) in probe.steps() {
        for side in [Side::Before, Side::After] {
            let done = &mut tally.starts.entry(step).or_default()[usize::from(side == Side::After)];
            if *done >= STARTS_CUT {
                continue;
            }
            *done += 1;
            let again = SimDisk::from_image(found.clone());
            again.cut_at(step, seed % taken, side);
            drop(open(&again, &options(seed, 50)));
            assert!(again.is_off(), "the same start takes other steps");
            again.crash(seed);
            judge(&again, journal, seed).map_err(|what| format!("a start cut {side:?} {step}: {what}"))?;
            tally.note(step, side);
        }
    }
    judge(disk, journal, seed)
}

fn judge(disk: &SimDisk, journal: &Journal, seed: u64) -> Result<(), String> {
    let ledger = open(disk, &options(seed, 60)).map_err(|error| format!("the log does not open: {error}"))?;
    check(ledger.reader(), journal)?;
    let cosigned = ledger.reader().cosigned().map_or(0, |signed| signed.checkpoint.size);
    if cosigned < journal.cosigned {
        return Err(format!("cosigned up to {}, and {cosigned} is left of that", journal.cosigned));
    }
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let evidence = anchored(&shared, ledger.reader().size()).map_err(|error| format!("anchors: {error}"))?;
    if journal.anchored && evidence.whole.is_empty() {
        return Err("evidence of an anchor that was confirmed is gone".to_owned());
    }
    ledger.append(&document(0, 0)).map_err(|error| format!("the log does not go on: {error}"))?;
    ledger.close().map_err(|error| format!("the log does not close: {error}"))?;
    drop(ledger);
    let report = fsck(&shared, &options(seed, 61), &[]);
    if report.is_sound() { Ok(()) } else { Err(format!("fsck: {:?}", report.findings)) }
}

/// One cut, and everything that may follow it.
fn cut(story: &Story, step: Step, k: u64, side: Side, tally: &mut Tally) -> Result<(), String> {
    for end in 0..ENDS {
        let disk = SimDisk::from_image(story.base.clone());
        let mut journal = story.before.clone();
        disk.cut_at(step, k, side);
        (story.play)(&disk, &mut journal);
        if !disk.is_off() {
            // Threads are not the same twice.
            continue;
        }
        tally.note(step, side);
        if end == 0 {
            // The process alone died. The next one is asked, and what it says must outlive a power cut.
            disk.kill();
            start(&disk, &mut journal, 100 + end, tally)?;
            let ledger = open(&disk, &options(9, 70))?;
            journal.checkpoints.push(ledger.reader().checkpoint().to_string());
            drop(ledger);
        }
        disk.crash(end * 1000 + k);
        start(&disk, &mut journal, end, tally)?;
    }
    Ok(())
}

/// Every cut of one story.
fn all_of(story: &Story) -> Tally {
    let mut tally = Tally::default();
    let undisturbed = SimDisk::from_image(story.base.clone());
    (story.play)(&undisturbed, &mut story.before.clone());
    for (step, times) in undisturbed.steps() {
        let tried: BTreeSet<u64> = (0..TIMES).map(|n| n * (times - 1) / (TIMES - 1)).collect();
        for (k, side) in tried.iter().flat_map(|k| [(*k, Side::Before), (*k, Side::After)]) {
            cut(story, step, k, side, &mut tally)
                .unwrap_or_else(|what| panic!("{}: power cut {side:?} {step}, time {k}: {what}", story.name));
        }
    }
    tally
}

/// Invariants 1 and 2 of ARCHITECTURE.md, at each step by its name.
#[test]
fn the_power_may_go_before_and_after_every_named_step() {
    let mut cuts: BTreeMap<Step, [u64; 2]> = BTreeMap::new();
    let stories = stories();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let threads: Vec<_> = stories.iter().map(|story| scope.spawn(|| all_of(story))).collect();
        let creation = scope.spawn(creation);
        let ended =
            threads.into_iter().chain([creation]).map(|thread| thread.join().expect("its panic says why"));
        ended.collect()
    });
    for (step, [before, after]) in tallies.iter().flat_map(|tally| &tally.cuts) {
        let [all_before, all_after] = cuts.entry(*step).or_default();
        (*all_before, *all_after) = (*all_before + before, *all_after + after);
    }
    let named: BTreeSet<Step> =
        STEPS.iter().flat_map(|(thing, acts)| acts.iter().map(|act| Step(*thing, *act))).collect();
    for (step, [before, after]) in &cuts {
        println!("{step}: {before} cuts before, {after} after");
    }
    let unnamed: Vec<String> =
        cuts.keys().filter(|step| !named.contains(step)).map(Step::to_string).collect();
    assert!(
        unnamed.is_empty(),
        "{unnamed:?}: steps of the disk that STEPS does not name, so nobody has thought of them"
    );
    let untried: Vec<String> = named
        .iter()
        .filter(|step| !cuts.get(step).is_some_and(|[before, after]| *before > 0 && *after > 0))
        .map(Step::to_string)
        .collect();
    assert!(
        untried.is_empty(),
        "{untried:?}: no power cut before or none after them, so nobody knows what it does"
    );
    println!(
        "{} power cuts at {} named steps; lost 0, doubled 0, forked 0",
        cuts.values().flatten().sum::<u64>(),
        cuts.len()
    );
}

/// A log is made, and the power goes: it is there whole, or the next start says what to do.
fn creation() -> Tally {
    let (mut tally, mut no_way_out) = (Tally::default(), BTreeSet::new());
    let create = |disk: &SimDisk| Ledger::create(Arc::new(disk.clone()), &new_log(), &options(7, 0)).is_ok();
    let undisturbed = SimDisk::new();
    assert!(create(&undisturbed), "a log can be made");
    for (step, times) in undisturbed.steps() {
        let tried: BTreeSet<u64> = [0, times / 2, times - 1].into();
        for (k, side) in tried.iter().flat_map(|k| [(*k, Side::Before), (*k, Side::After)]) {
            for seed in 0..ENDS {
                let at = format!("a log was being made when the power went {side:?} {step}, time {k}");
                let disk = SimDisk::new();
                disk.cut_at(step, k, side);
                let made = create(&disk);
                assert!(disk.is_off() && !made, "{at}: the cut was not noticed");
                disk.crash(seed);
                tally.note(step, side);
                match open(&disk, &options(8, 1)) {
                    Ok(ledger) => {
                        ledger.append(&document(0, 0)).unwrap_or_else(|error| panic!("{at}: {error}"));
                    }
                    // Nobody was told that there is a log; whoever looks is told what to do.
                    Err(told) if told.contains("init") => {}
                    Err(told) => {
                        no_way_out.insert(told);
                    }
                }
            }
        }
    }
    assert!(no_way_out.is_empty(), "whoever looks is not told to make the log again: {no_way_out:?}");
    tally
}
