//! The key that wraps the vault's keys is changed while the log goes on, and whatever cuts that short is made good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tabellion_ledger::disk::{self, Disk, real::RealDisk};
use tabellion_ledger::{Ack, By, Draft, ErasureTarget, Ledger, OpenOptions, Reader, UnitContent, fsck};
use tabellion_model::verify;
use tabellion_testkit::{Act, Side, SimDisk, Step, Thing};

use crate::crash::options as simulated;
use crate::fixture::{new_log, options, real, trust};

const KEY: &str = "keys/vault.key";
const NEXT: &str = "keys/vault-next.key";
/// More than are moved at once.
const SUBJECTS: u64 = 1_100;

fn about(subject: u64) -> Draft {
    let name = format!("subject {subject}");
    Draft::new("document.captured").about(&name, "name", name.clone())
}

fn append(ledger: &Ledger, subjects: std::ops::Range<u64>) {
    let drafts: Vec<Draft> = subjects.map(about).collect();
    for some in drafts.chunks(25) {
        ledger.append_all(some).expect("an append");
    }
}

fn read(disk: &dyn Disk, path: &str) -> Vec<u8> {
    disk::read_all(disk, path, 16 << 20).expect("a file")
}

/// Units that can be read, and those whose keys are gone or not to be had.
fn units(reader: &Reader) -> (usize, usize, usize) {
    let mut found = (0, 0, 0);
    for index in 0..reader.size() {
        for unit in reader.entry(index).expect("an entry").units {
            match unit.content {
                UnitContent::Shown(_) => found.0 += 1,
                UnitContent::Erased => found.1 += 1,
                UnitContent::Missing => found.2 += 1,
            }
        }
    }
    found
}

fn of_type(reader: &Reader, wanted: &str) -> Vec<u64> {
    (0..reader.size())
        .filter(|index| {
            let view = reader.entry(*index).expect("an entry");
            view.entry.header().is_some_and(|header| header.record_type.as_str() == wanted)
        })
        .collect()
}

/// Requirement: P18
#[test]
fn the_vaults_wrapping_key_changes_under_load_and_the_ones_before_open_nothing() {
    const WRITERS: u64 = 3;
    const ROTATIONS: u64 = 3;
    let (_dir, disk, ledger) = real();
    append(&ledger, 0..SUBJECTS);
    let (trust, running) = (trust(&ledger), AtomicBool::new(true));
    let mut before = Vec::new();
    let acks: Vec<Ack> = thread::scope(|scope| {
        let (ledger, running) = (&ledger, &running);
        let write = |writer: u64| {
            let mut acks = Vec::new();
            for number in 0.. {
                if !running.load(Ordering::SeqCst) {
                    break;
                }
                let subject = (writer + 2) * 100_000 + number;
                acks.push(ledger.append(&about(subject)).expect("an append was lost to a rotation"));
                if number % 16 == 0 && number / 16 < 100 {
                    let gone = ErasureTarget::Subject(format!("subject {}", writer * 100 + number / 16));
                    ledger.erase(&gone, "asked for").expect("an erasure during a rotation");
                }
            }
            acks
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
        for generation in 1..=ROTATIONS {
            before.push(read(disk.as_ref(), KEY));
            let size = ledger.reader().size();
            let done = ledger.rotate_vault_key("yearly", &By::default()).expect("a rotation under load");
            assert_eq!(done.generation, generation, "rotations are miscounted");
            assert!(done.moved >= SUBJECTS - WRITERS * 100, "only {} keys were moved", done.moved);
            assert!(done.begun >= size && done.ended.index > done.begun, "it is not on record: {done:?}");
        }
        running.store(false, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer's thread")).collect()
    });
    assert!(acks.len() > 10, "nothing was appended meanwhile: {}", acks.len());
    for ack in acks.iter().step_by(acks.len().div_ceil(40)) {
        let receipt = ledger.reader().receipt(ack.index).expect("a receipt").to_bytes().expect("its bytes");
        assert_eq!(verify(&receipt, Some(&trust)).exit_code(), 0, "entry {} lost its proof", ack.index);
    }
    let rows = ["vault.rotation_begun", "vault.rotated"].map(|wanted| of_type(ledger.reader(), wanted).len());
    assert_eq!(rows, [3, 3], "rotations are not on record, once each");
    let known = units(ledger.reader());
    assert_eq!(known.2, 0, "content lost its key");
    ledger.close().expect("a clean end");
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound(), "rotations left the log unsound: {:?}", report.findings);
    assert!(!report.notes.iter().any(|note| note.contains("wrapping key")), "{:?}", report.notes);
    assert!(!disk.exists(NEXT).expect("looked"), "a key file is left over");
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("the log opens under its newest key");
    assert_eq!(units(again.reader()), known, "content is gone after a start");
    again.close().expect("a clean end");
    for key in before {
        opens_nothing(disk.as_ref(), &key);
    }
}

/// Whoever has a key of before, and the vault of now, reads nothing: neither as it is, nor when they take away what says that the key was changed.
fn opens_nothing(disk: &dyn Disk, key: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let copy: Arc<dyn Disk> = Arc::new(RealDisk::create(dir.path()).expect("a directory"));
    for part in ["", "keys", "vault", "log/segments"] {
        disk::create_dir_durably(copy.as_ref(), part).expect("a directory");
        for name in disk.list(part).expect("files") {
            let path = if part.is_empty() { name } else { format!("{part}/{name}") };
            disk::write_file_durably(copy.as_ref(), &path, &read(disk, &path)).expect("a copy");
        }
    }
    disk::write_file_durably(copy.as_ref(), KEY, key).expect("the old key");
    let refused = Reader::open(Arc::clone(&copy), &options()).err().expect("an old key opens the vault");
    assert!(refused.to_string().contains(KEY), "the operator is not told which file is wrong: {refused}");
    copy.remove("vault/wrapping").expect("removed");
    if let Ok((reader, _)) = Reader::open(copy, &options()) {
        let (shown, _, missing) = units(&reader);
        assert_eq!(shown, 0, "a wrapping key of before still opens content");
        assert!(missing > 0, "nothing was tried");
    }
}

/// A simulated log with more keys than are moved at once.
fn many() -> SimDisk {
    let disk = SimDisk::new();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let ledger = Ledger::create(shared, &new_log(), &simulated(1, 0)).expect("a log");
    append(&ledger, 0..SUBJECTS);
    ledger.close().expect("a clean end");
    disk
}

fn open(disk: &SimDisk, life: u64) -> Ledger {
    Ledger::open(Arc::new(disk.clone()), &simulated(1, life)).expect("the log opens")
}

/// The power goes when some keys are moved and others are not: all can be used, the check says how far it is, and the next start goes on.
///
/// Requirement: P18
#[test]
fn a_rotation_that_was_cut_short_half_way_opens_everything_and_is_finished_by_the_next_start() {
    let base = many().image();
    for (thing, side) in [
        (Thing::Moved, Side::Before),
        (Thing::Moved, Side::After),
        (Thing::Cleared, Side::Before),
        (Thing::Cleared, Side::After),
    ] {
        let disk = SimDisk::from_image(base.clone());
        let ledger = open(&disk, 1);
        let known = units(ledger.reader());
        // The second of two writes.
        disk.cut_at(Step(thing, Act::Write), 1, side);
        ledger.rotate_vault_key("yearly", &By::default()).expect_err("the power went");
        ledger.append(&about(7)).expect_err("something was recorded on a disk that nobody knows");
        drop(ledger);
        disk.crash(3);
        let at = format!("cut {side:?} {thing:?}");
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let (reader, _) = Reader::open(Arc::clone(&shared), &simulated(1, 2)).expect("readable");
        assert_eq!(units(&reader).0, known.0 + 1, "{at}: content cannot be read half way");
        let report = fsck(&shared, &simulated(1, 3), &[]);
        assert!(report.is_sound(), "{at}: {:?}", report.findings);
        let note = report.notes.iter().find(|note| note.contains("wrapping key"));
        assert!(
            note.is_some_and(|note| note.contains("next start")),
            "{at}: fsck says nothing: {:?}",
            report.notes
        );
        assert!(of_type(&reader, "vault.rotated").is_empty(), "{at}: it is said to be over");
        let old = read(shared.as_ref(), KEY);
        let ledger = open(&disk, 4);
        assert!(!disk.exists(NEXT).expect("looked"), "{at}: it is not finished");
        assert_eq!(
            of_type(ledger.reader(), "vault.rotated").len(),
            1,
            "{at}: that it is over is not on record"
        );
        assert_eq!(units(ledger.reader()).2, 0, "{at}: content lost its key");
        ledger.append(&about(8)).expect("the log goes on");
        ledger.close().expect("a clean end");
        let ledger = open(&disk, 5);
        assert_eq!(of_type(ledger.reader(), "vault.rotated").len(), 1, "{at}: it is recorded at every start");
        ledger.close().expect("a clean end");
        opens_nothing(&disk, &old);
    }
}

#[test]
fn a_rotation_whose_new_key_is_missing_is_refused_by_name_and_goes_on_with_it() {
    let disk = many();
    let ledger = open(&disk, 1);
    disk.cut_at(Step(Thing::Moved, Act::Write), 1, Side::After);
    ledger.rotate_vault_key("yearly", &By::default()).expect_err("the power went");
    drop(ledger);
    disk.crash(1);
    let key = read(&disk, NEXT);
    disk.remove(NEXT).expect("removed");
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let refused = Ledger::open(Arc::clone(&shared), &simulated(1, 2)).err().expect("keys are missing");
    assert!(refused.to_string().contains(NEXT), "nobody is told which file is missing: {refused}");
    disk::write_file_durably(&disk, NEXT, &key).expect("put back");
    open(&disk, 3).close().expect("a clean end");
}

/// A next key that nothing is wrapped under, because the process died before, is taken away.
#[test]
fn a_next_key_that_was_never_used_is_taken_away() {
    let (_dir, disk, ledger) = real();
    ledger.append(&about(1)).expect("an append");
    ledger.close().expect("a clean end");
    disk::write_file_durably(disk.as_ref(), NEXT, &read(disk.as_ref(), KEY)).expect("a stray key");
    let options = OpenOptions { background: false, ..options() };
    let ledger = Ledger::open(Arc::clone(&disk), &options).expect("it opens");
    assert!(!disk.exists(NEXT).expect("looked"), "a key that wraps nothing lies about");
    assert_eq!(units(ledger.reader()).2, 0, "content lost its key");
    ledger.close().expect("a clean end");
}
