//! Many entries verified at once: what is found, what is remembered of it, and whether the signed result says so to anybody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_app::{AskedEntry, Permanent, package_key_at, verification_page, verify_batch};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, ErasureTarget, Ledger, NewLog, OpenOptions, OsEntropy, SystemClock};
use tabellion_model::{
    AspectStanding, Env, Origin, Outcome, Purpose, RunEnd, RunVerdict, VerificationRun, verify, verify_run,
};
use tabellion_tlog::{Policy, SignedCheckpoint, VerifierKey};

const HOLDS: AspectStanding = AspectStanding::Holds;
const BROKEN: AspectStanding = AspectStanding::Broken;
const OPEN: AspectStanding = AspectStanding::NotChecked;

struct Log {
    dir: tempfile::TempDir,
    ledger: Ledger,
}

impl Log {
    fn new() -> Self {
        Self::with(256 << 10, false)
    }

    /// With segments of this size; `background`: with tiles, as a server makes them.
    fn with(segment_bytes: u64, background: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::create(dir.path()).expect("a disk"));
        let options = OpenOptions {
            background,
            segment_bytes,
            ..OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy))
        };
        let new =
            NewLog { origin: Origin::new("notary.example/log/acme").expect("an origin"), env: Env::Sandbox };
        Self { ledger: Ledger::create(disk, &new, &options).expect("a log"), dir }
    }

    /// Waits until tiles of the whole log are made: with them no proof needs what lies beside an entry.
    fn wait_for_tiles(&self) {
        let (reader, limit) = (self.ledger.reader(), Instant::now() + Duration::from_mins(1));
        let size = reader.size().to_string();
        while reader.published().expect("a checkpoint").unwrap_or_default().lines().nth(1) != Some(&size) {
            assert!(Instant::now() < limit, "no tiles are made");
            std::thread::yield_now();
        }
    }

    fn record(&self, subject: &str) -> (u64, String) {
        let draft = Draft::new("event.logged").about(subject, "name", format!("name of {subject}"));
        let ack = self.ledger.append(&draft).expect("an append");
        (ack.index, ack.record_id.to_hex())
    }

    fn run(&self, asked: &[&str], permanent: &Permanent) -> VerificationRun {
        let asked: Vec<AskedEntry> =
            asked.iter().map(|text| AskedEntry::parse(text).expect("an index or an id")).collect();
        verify_batch(self.ledger.reader(), &asked, permanent, |_| true).expect("a run")
    }

    fn signed(&self, run: &VerificationRun) -> Vec<u8> {
        let size = SignedCheckpoint::parse(run.checkpoint.as_bytes()).expect("a checkpoint").checkpoint.size;
        let key = package_key_at(self.ledger.reader(), Some(size)).expect("a package key");
        let pair = self.ledger.key_pair(Purpose::Package, &key).expect("its file");
        run.sign(pair.key.as_ref()).expect("a signed run")
    }

    fn trust(&self) -> Policy {
        let keys = self.ledger.reader().keys();
        let root = VerifierKey::new(&format!("{}/root", keys.origin()), keys.root().public).expect("a key");
        Policy::parse(format!("log {root}\nquorum none\n")).expect("a trust file")
    }
}

fn standings(verdict: &RunVerdict) -> [AspectStanding; 4] {
    verdict.standings().map(|(_, standing)| standing)
}

// Requirement: R23.
#[test]
fn a_run_is_signed_and_verifies_offline_and_says_what_it_did_not_check() {
    let log = Log::new();
    let (ada, ada_id) = log.record("ada");
    let (bob, _) = log.record("bob");
    log.ledger.erase(&ErasureTarget::Subject("bob".to_owned()), "asked for").expect("an erasure");
    let run = log.run(&["0", &ada.to_string(), &ada_id, &bob.to_string()], &Permanent::default());
    let found: Vec<_> = run.verdicts.iter().map(standings).collect();
    assert_eq!(found[1], [HOLDS, HOLDS, OPEN, HOLDS], "a whole record: {:?}", run.verdicts[1]);
    assert_eq!(run.verdicts[2].entry, run.verdicts[1].entry, "a record is not found by its id");
    assert_eq!(
        found[3],
        [HOLDS, HOLDS, OPEN, OPEN],
        "erased content passes for checked: {:?}",
        run.verdicts[3]
    );
    let bytes = log.signed(&run);
    assert_eq!(VerificationRun::parse(&bytes).expect("it reads back"), run);
    let report = verify(&bytes, Some(&log.trust()));
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(verify(&bytes, None).exit_code(), 3, "without a trust file nobody is known");

    let run = log.run(&[&ada.to_string(), "99999", &"f".repeat(32)], &Permanent::default());
    assert_eq!(standings(&run.verdicts[1]), [OPEN; 4], "what is not there passes for something");
    assert_eq!(
        verify_run(&log.signed(&run), Some(&log.trust())).exit_code(),
        3,
        "unknown is reported as fine"
    );

    let page = verification_page(&run, &log.signed(&run));
    assert!(
        page.contains("not checked") && page.contains("@media print"),
        "it cannot be printed or read: {page}"
    );
    assert!(!page.contains("<script") && !page.contains("http"), "the page loads something: {page}");
}

// Requirement: R23.
#[test]
fn any_changed_byte_of_a_run_and_any_foreign_key_is_noticed() {
    let log = Log::new();
    let (ada, _) = log.record("ada");
    let bytes = log.signed(&log.run(&[&ada.to_string()], &Permanent::default()));
    let trust = log.trust();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_ne!(verify(&changed, Some(&trust)).exit_code(), 0, "byte {at} can be changed unseen");
    }
    let other = Log::new();
    assert_ne!(
        verify(&bytes, Some(&other.trust())).exit_code(),
        0,
        "another log's trust file vouches for it"
    );
    let mut run = log.run(&[&ada.to_string()], &Permanent::default());
    run.verdicts[0].signature = BROKEN;
    let report = verify_run(&log.signed(&run), Some(&trust));
    assert_eq!(report.check("verdicts").map(|check| check.outcome), Some(Outcome::Broken));
    assert_eq!(report.exit_code(), 1, "a run that found something broken passes");
    let size = SignedCheckpoint::parse(run.checkpoint.as_bytes()).expect("a checkpoint").checkpoint.size;
    let key =
        log.ledger.reader().keys().in_force(Purpose::Writer, size).map(|key| key.key_id).expect("a key");
    let writer = log.ledger.key_pair(Purpose::Writer, &key).expect("its file");
    run.verdicts[0].signature = HOLDS;
    let by_writer = run.sign(writer.key.as_ref()).expect("signed by another key of the log");
    assert_eq!(verify(&by_writer, Some(&trust)).exit_code(), 1, "any key of the log can sign runs");
}

// Requirement: R23.
#[test]
fn what_is_beyond_the_cap_or_came_after_an_end_is_stated_in_the_signed_bytes() {
    let log = Log::new();
    let (ada, _) = log.record("ada");
    let asked = vec![AskedEntry::Index(ada); 50_001];
    let run = verify_batch(log.ledger.reader(), &asked, &Permanent::default(), |_| true).expect("a run");
    assert_eq!((run.verdicts.len(), run.asked, run.truncated()), (50_000, 50_001, true));
    let bytes = log.signed(&run);
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("\"cap\":50000") && text.contains("\"truncated\":true"), "the cap is not stated");
    let report = verify(&bytes, Some(&log.trust()));
    assert_eq!(report.exit_code(), 3, "a run that left entries out passes for whole");
    let mut left = 3;
    let run = verify_batch(log.ledger.reader(), &asked[..10], &Permanent::default(), |_| {
        left -= 1;
        left > 0
    });
    let run = run.expect("a run");
    assert_eq!((run.end, run.verdicts.len()), (RunEnd::Cancelled, 3));
    assert_eq!(
        verify(&log.signed(&run), Some(&log.trust())).exit_code(),
        3,
        "a cancelled run passes for whole"
    );
}

/// Different entries of one run; `bench/` has one of as many as a run takes.
const MOST: usize = 10_000;
/// Records appended at once: what is committed together is damaged together.
const TOGETHER: usize = 100;
/// One of so many entries is damaged on disk.
const DAMAGED_EVERY: usize = 997;

/// Flips a bit in the middle of these entries, wherever they are in the log's segments.
fn damage(log: &Log, indexes: &[u64]) {
    let reader = log.ledger.reader();
    let mut wanted: Vec<Vec<u8>> =
        indexes.iter().map(|index| reader.entry(*index).expect("an entry").bytes).collect();
    for file in std::fs::read_dir(log.dir.path().join("log/segments")).expect("segments") {
        let path = file.expect("a segment").path();
        let mut bytes = std::fs::read(&path).expect("a segment");
        wanted.retain(|entry| {
            let Some(at) = memchr::memmem::find(&bytes, entry) else { return true };
            bytes[at + entry.len() / 2] ^= 1;
            false
        });
        std::fs::write(&path, &bytes).expect("damage");
    }
    assert!(
        wanted.is_empty(),
        "{} entries are in no segment, so that nothing would be damaged",
        wanted.len()
    );
}

// Requirement: R23. Many different entries, by index and by record, with damaged ones, ones that were never there, and one erased among them.
#[test]
fn of_ten_thousand_different_entries_each_wrong_one_is_named_and_no_other() {
    let log = Log::with(8 << 20, true);
    let mut placed = Vec::new();
    while placed.len() < MOST {
        let numbers = placed.len()..placed.len() + TOGETHER;
        let drafts: Vec<Draft> =
            numbers.map(|number| Draft::new("event.logged").with("number", number as u64)).collect();
        let acks = log.ledger.append_all(&drafts).expect("an append");
        placed.extend(acks.iter().map(|ack| (ack.index, ack.record_id)));
    }
    log.wait_for_tiles();
    let mut asked: Vec<AskedEntry> = placed
        .iter()
        .enumerate()
        .map(
            |(at, (index, record))| {
                if at % 2 == 0 { AskedEntry::Index(*index) } else { AskedEntry::Record(*record) }
            },
        )
        .collect();
    let absent = [123, 4_567];
    asked[absent[0]] = AskedEntry::Index(10_000_000);
    asked[absent[1]] = AskedEntry::parse(&"f".repeat(32)).expect("an id");
    let damaged: Vec<usize> = (DAMAGED_EVERY..MOST).step_by(DAMAGED_EVERY).collect();
    damage(&log, &damaged.iter().map(|at| placed[*at].0).collect::<Vec<_>>());

    let run = verify_batch(log.ledger.reader(), &asked, &Permanent::default(), |_| true).expect("a run");
    assert_eq!((run.verdicts.len(), run.truncated(), run.end), (MOST, false, RunEnd::Completed));
    let lost: Vec<usize> = damaged.iter().map(|at| at / TOGETHER).collect();
    let mut named = std::collections::HashSet::new();
    for (at, verdict) in run.verdicts.iter().enumerate() {
        assert!(named.insert(verdict.asked.clone()), "entry {at} is answered twice: {verdict:?}");
        let found = standings(verdict);
        if absent.contains(&at) {
            assert_eq!(found, [OPEN; 4], "what is not there passes for something: {verdict:?}");
        } else if !lost.contains(&(at / TOGETHER)) {
            assert_eq!(
                found,
                [HOLDS, HOLDS, OPEN, HOLDS],
                "entry {at} suffers for another's damage: {verdict:?}"
            );
        } else if at % 2 == 0 {
            assert!(found.contains(&BROKEN), "a damaged entry passes: {verdict:?}");
            assert!(verdict.detail.contains("damaged"), "nobody is told what is wrong: {verdict:?}");
        } else {
            assert_eq!(found, [OPEN; 4], "a record that nobody could find passes: {verdict:?}");
            assert!(verdict.detail.contains("could not be read"), "it passes for absent: {verdict:?}");
        }
    }
    let bytes = log.signed(&run);
    assert_eq!(verify(&bytes, Some(&log.trust())).exit_code(), 1, "a run that found something broken passes");
}

// Requirement: R24.
#[test]
fn only_what_cannot_change_is_remembered_and_the_rest_is_tried_again() {
    let log = Log::new();
    let segment = log.dir.path().join("log/segments/00000001.seg");
    // The log's keys are in the first segment; what is about to be taken away is in the second.
    while !segment.exists() {
        log.record("filler");
    }
    log.record("filler");
    let (ada, _) = log.record("ada");
    let asked = [ada.to_string()];
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let permanent = Permanent::default();
    let aside = log.dir.path().join("aside");
    std::fs::rename(&segment, &aside).expect("the disk loses sight of it");
    let run = log.run(&asked, &permanent);
    assert_eq!(
        standings(&run.verdicts[0]),
        [OPEN; 4],
        "what cannot be read is no finding: {:?}",
        run.verdicts[0]
    );
    assert!(run.verdicts[0].detail.contains("not read"), "nobody is told why: {:?}", run.verdicts[0]);
    assert!(permanent.is_empty(), "a fault that passes was remembered as an answer");
    std::fs::rename(&aside, &segment).expect("the disk is back");
    let run = log.run(&asked, &permanent);
    assert_eq!(standings(&run.verdicts[0]), [HOLDS, HOLDS, OPEN, HOLDS], "it was not tried again");
    assert_eq!(permanent.len(), 1, "what holds for good is verified again every time");
    log.ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "asked for").expect("an erasure");
    let run = log.run(&asked, &permanent);
    assert_eq!(standings(&run.verdicts[0]), [HOLDS, HOLDS, OPEN, OPEN], "content was answered from memory");

    // Damage behind its back: remembered or not, the bytes are read again.
    let entry = log.ledger.reader().entry(ada).expect("the entry").bytes;
    let mut damaged = std::fs::read(&segment).expect("a segment");
    let at = damaged.windows(entry.len()).position(|part| part == entry).expect("it is in this segment");
    damaged[at + entry.len() / 2] ^= 1;
    std::fs::write(&segment, &damaged).expect("damage");
    let run = log.run(&asked, &permanent);
    assert!(
        run.verdicts[0].standings().iter().any(|(_, one)| *one == BROKEN),
        "damage was answered from memory: {:?}",
        run.verdicts[0]
    );
}
