//! A start from the saved state: it knows what the whole log says, and where anything about it does not fit, the whole log is read.

use std::ops::Range;
use std::sync::Arc;

use tabellion_ledger::disk::{Disk, OpenMode};
use tabellion_ledger::{
    Draft, DraftStream, ErasureTarget, Ledger, LedgerError, NewConflict, OpenOptions, Reader, RejectCode,
    UnitContent, back_up, fsck,
};
use tabellion_model::registry::{ConflictFound, Divergence};
use tabellion_model::{Micros, Purpose, SystemId};
use tabellion_testkit::{Fault, Image, ManualClock, SeededEntropy, SimDisk};

use crate::fixture::new_log;

const SAVED: &str = "log/state/saved";

fn options(life: u64) -> OpenOptions {
    OpenOptions {
        segment_bytes: 64 << 10,
        background: false,
        ..OpenOptions::new(
            Arc::new(ManualClock::at(Micros(1_790_000_000_000_000 + life * 1_000_000))),
            Arc::new(SeededEntropy::new(life)),
        )
    }
}

fn keyed(number: u64) -> Draft {
    let mut draft = Draft::new("document.captured").with("number", number).about(
        &format!("person-{}", number % 3),
        "text",
        "x",
    );
    draft.idempotency_key = Some(format!("key-{number}"));
    draft
}

fn keyless(number: u64) -> Draft {
    Draft::new("event.logged").with("number", number)
}

fn append(ledger: &Ledger, numbers: Range<u64>) {
    for number in numbers {
        ledger.append(&keyed(number)).expect("an append");
    }
}

fn create(disk: &SimDisk) -> Ledger {
    Ledger::create(Arc::new(disk.clone()), &new_log(), &options(0)).expect("a log can be made")
}

fn open(disk: &SimDisk, life: u64) -> Ledger {
    Ledger::open(Arc::new(disk.clone()), &options(life)).expect("the log opens")
}

fn refusal(disk: &SimDisk) -> String {
    Ledger::open(Arc::new(disk.clone()), &options(9)).err().expect("the log must not open").to_string()
}

fn notes(ledger: &Ledger) -> String {
    ledger.notes().join("\n")
}

/// A log of a few segments whose state was saved in the middle, closed.
fn saved_log() -> SimDisk {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    append(&ledger, 0..40);
    ledger.save_state().expect("the state can be saved");
    append(&ledger, 40..60);
    ledger.close().expect("a clean end");
    assert!(disk.exists("log/segments/00000002.seg").expect("an answer"), "the log must span segments");
    disk
}

fn bytes(disk: &SimDisk, path: &str) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).expect("the file is there");
    let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("small")];
    file.read_at(0, &mut bytes).expect("readable");
    bytes
}

fn write(disk: &SimDisk, path: &str, offset: u64, bytes: &[u8]) {
    let file = disk.open(path, OpenMode::ReadWrite).expect("the file is there");
    file.write_at(offset, bytes).expect("a write");
    file.sync().expect("a sync");
}

/// The same without the saved state.
fn whole(image: &Image) -> SimDisk {
    let disk = SimDisk::from_image(image.clone());
    disk.remove(SAVED).expect("a state was saved");
    disk
}

fn is_taken(ledger: &Ledger) -> bool {
    notes(ledger).contains("from its saved state")
}

/// Requirement: A08
#[test]
fn what_was_decided_before_holds_after_a_start_from_the_saved_state() {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    let first = ledger.append(&keyed(1)).expect("an append");
    let system = SystemId::from_bytes([5; 16]);
    let mut streamed = keyed(2);
    streamed.stream = Some(DraftStream { name: "thing/1".to_owned(), expected: None });
    ledger.append(&streamed).expect("an append");
    ledger.rotate_key(Purpose::Log).expect("a rotation");
    ledger.place_hold(&ErasureTarget::Subject("person-1".to_owned()), "a lawsuit").expect("a hold");
    ledger.request_deletion(&system, Micros(1_990_000_000_000_000), "not needed").expect("a deletion");
    ledger.erase(&ErasureTarget::Subject("person-2".to_owned()), "asked for").expect("an erasure");
    ledger.save_state().expect("the state can be saved");
    ledger.append(&keyed(3)).expect("an append");
    ledger.close().expect("a clean end");
    let image = disk.image();

    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "the whole log was read: {}", notes(&ledger));
    let again = ledger.append(&keyed(1)).expect("an answer");
    assert_eq!((again.index, again.duplicate), (first.index, true), "a record would be made twice");
    let mut other = keyed(1);
    other.retention = Some("other".to_owned());
    let refused = |result: Result<_, LedgerError>| result.err().and_then(|error: LedgerError| error.code());
    assert_eq!(refused(ledger.append(&other).map(drop)), Some(RejectCode::IdempotencyConflict));
    assert_eq!(refused(ledger.append(&keyed(2)).map(drop)), Some(RejectCode::IdempotencyErased));
    let person = |number: u64| ErasureTarget::Subject(format!("person-{number}"));
    assert_eq!(refused(ledger.erase(&person(1), "asked for").map(drop)), Some(RejectCode::OnHold));
    let mut late = keyed(9);
    late.system = Some(system.to_string());
    assert_eq!(refused(ledger.append(&late).map(drop)), Some(RejectCode::SystemGone));
    let mut next = keyed(10);
    next.stream = Some(DraftStream { name: "thing/1".to_owned(), expected: Some(0) });
    assert_eq!(refused(ledger.append(&next).map(drop)), Some(RejectCode::StreamConflict));
    let erasure = ledger.erase(&person(0), "asked for").expect("an erasure");
    assert_eq!(erasure.units, 1, "what was kept about them would have no tombstone");
    ledger.close().expect("a clean end");

    let (resumed, _) =
        Reader::open(Arc::new(SimDisk::from_image(image.clone())), &options(2)).expect("readable");
    let (read, _) = Reader::open(Arc::new(whole(&image)), &options(2)).expect("readable");
    assert_eq!((resumed.counts(), resumed.deletions()), (read.counts(), read.deletions()));
    for index in 0..read.size() {
        assert_eq!(resumed.entry(index).expect("an entry").units, read.entry(index).expect("an entry").units);
        resumed.receipt(index).expect("every entry has a receipt");
    }
    let report = fsck(&(Arc::new(disk) as Arc<dyn Disk>), &options(3), &[]);
    assert_eq!((report.findings, report.beside), (vec![], vec![]), "the saved state is not the log's");
}

#[test]
fn a_conflict_that_stopped_the_log_stops_it_after_every_start() {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    let found = ConflictFound { kind: Divergence::Forked, proved: false, size: 3 };
    let said = NewConflict { found, witness: "w".to_owned(), said: "another tree".to_owned(), shown: None };
    ledger.stop_for_conflict(&said).expect("an alarm");
    ledger.save_state().expect("the state can be saved");
    ledger.close().expect("a clean end");
    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "the whole log was read: {}", notes(&ledger));
    assert!(ledger.append(&keyed(1)).is_err(), "a log that forked would go on");
    assert!(ledger.reader().conflict().is_some(), "nobody is told why");
}

#[test]
fn no_changed_byte_of_a_saved_state_is_believed() {
    let image = saved_log().image();
    let disk = SimDisk::from_image(image.clone());
    let state = bytes(&disk, SAVED);
    let reference = Reader::open(Arc::new(whole(&image)), &options(1)).expect("readable").0.counts();
    for at in (0..state.len()).step_by(7) {
        let disk = SimDisk::from_image(image.clone());
        write(&disk, SAVED, at as u64, &[state[at] ^ 4]);
        let ledger = open(&disk, 1);
        assert!(
            notes(&ledger).contains("left aside"),
            "byte {at} was changed, and the state was gone on from"
        );
        let counts = ledger.reader().counts();
        assert_eq!(counts["entries"], reference["entries"], "byte {at}");
    }
    for cut in [0, 1, 40, state.len() - 1] {
        let disk = SimDisk::from_image(image.clone());
        disk.remove(SAVED).expect("removed");
        let file = disk.open(SAVED, OpenMode::CreateNew).expect("a file");
        file.write_at(0, &state[..cut]).expect("a write");
        assert!(notes(&open(&disk, 1)).contains("left aside"), "{cut} bytes were gone on from");
    }
}

#[test]
fn the_state_of_another_log_is_left_aside() {
    let other = SimDisk::new();
    let ledger =
        Ledger::create(Arc::new(other.clone()), &new_log(), &options(77)).expect("a log of the same name");
    append(&ledger, 0..40);
    ledger.save_state().expect("the state can be saved");
    let foreign = bytes(&other, SAVED);
    let disk = saved_log();
    disk.remove(SAVED).expect("removed");
    let file = disk.open(SAVED, OpenMode::CreateNew).expect("a file");
    file.write_at(0, &foreign).expect("a write");
    assert!(notes(&open(&disk, 1)).contains("not written with this log's secrets"));
}

/// Requirement: A11
#[test]
fn a_log_that_is_shorter_than_its_saved_state_was_put_back() {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    append(&ledger, 0..10);
    ledger.close().expect("a clean end");
    let before = disk.image();
    let ledger = open(&disk, 1);
    append(&ledger, 10..20);
    ledger.save_state().expect("the state can be saved");
    let names: Vec<String> = disk.list("log/state").expect("a list");
    let old = SimDisk::from_image(before);
    old.create_dir_all("log/state").expect("a directory");
    for name in names.iter().map(|name| format!("log/state/{name}")) {
        old.open(&name, OpenMode::CreateNew)
            .and_then(|file| file.write_at(0, &bytes(&disk, &name)))
            .expect("a copy");
    }
    let text = refusal(&old);
    assert!(text.contains(SAVED) && text.contains("remembers"), "an older copy was signed on: {text}");
    let report = fsck(&(Arc::new(old) as Arc<dyn Disk>), &options(9), &[]);
    assert!(
        report.findings.iter().any(|finding| finding.contains("are gone")),
        "a check calls sound what no start accepts: {report:?}"
    );
}

/// Requirement: V41
#[test]
fn damage_below_the_saved_state_is_found_by_reading_again_and_stops_the_log() {
    let image = saved_log().image();
    let segment = "log/segments/00000000.seg";
    let used = bytes(&SimDisk::from_image(image.clone()), segment)
        .iter()
        .rposition(|byte| *byte != 0)
        .expect("used");
    let mut late = 0;
    for bit in (4096 * 8 * 3..used as u64 * 8).step_by(4_093) {
        let disk = SimDisk::from_image(image.clone());
        disk.flip_bit(segment, bit);
        let Ok(ledger) = Ledger::open(Arc::new(disk.clone()), &options(1)) else { continue };
        late += u64::from(is_taken(&ledger));
        let found = ledger.reread();
        assert!(
            ledger.append(&keyed(100)).is_err(),
            "bit {bit} of {segment} was flipped, reading it again says {found:?}, and the log goes on"
        );
        assert!(
            matches!(found, Err(LedgerError::Fatal(ref text)) if text.contains("restore")),
            "bit {bit}: {found:?}"
        );
        drop(ledger);
        let text = refusal(&disk);
        assert!(text.contains(segment), "bit {bit}: the next start does not say where: {text}");
    }
    // Blocks of 256 entries from the first to one that is not full; also by the thread of a server.
    for entries in [200, 255, 256, 511, 512, 513, 1_300] {
        let disk = SimDisk::new();
        let ledger = create(&disk);
        while ledger.reader().size() < entries {
            let drafts: Vec<Draft> =
                (0..(entries - ledger.reader().size()).clamp(2, 60) - 1).map(keyless).collect();
            ledger.append_all(&drafts).expect("an append");
        }
        ledger.save_state().expect("the state can be saved");
        ledger.close().expect("a clean end");
        let ledger = open(&disk, 1);
        let read = ledger.reread();
        assert!(read.as_ref().is_ok_and(|read| *read >= entries - 1), "{entries} sound entries: {read:?}");
        ledger.append(&keyed(5)).expect("a sound log goes on");
        drop(ledger);
        let served = OpenOptions { background: true, ..options(2) };
        let ledger = Ledger::open(Arc::new(disk), &served).expect("the log opens");
        ledger.reread().expect("beside its own thread");
        ledger.append(&keyed(6)).expect("a sound log goes on");
        ledger.close().expect("a clean end");
    }
    assert!(late > 20, "too few starts went on from the saved state: {late}");
    let ledger = open(&SimDisk::from_image(image), 1);
    let read = ledger.reread();
    assert!(read.as_ref().is_ok_and(|read| *read > 40), "what is whole was not read: {read:?}");
}

/// Requirement: V41. What a reader meets is told as what the background meets: a log that changed under a serving process takes nothing more.
#[test]
fn damage_that_a_reader_meets_first_stops_the_log() {
    let disk = saved_log();
    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "the start must not read the old segments");
    let segment = "log/segments/00000000.seg";
    let used = bytes(&disk, segment).iter().rposition(|byte| *byte != 0).expect("used") as u64;
    let reader = ledger.reader().clone();
    let readable = |index: &u64| reader.entry(*index).is_ok();
    assert!((0..40).all(|index| readable(&index)), "the log is whole");
    ledger.append(&keyed(100)).expect("a sound log goes on");
    // What lies between batches is read by nobody who asks for an entry.
    let met = (4096 * 3..used).step_by(997).find_map(|byte| {
        disk.flip_bit(segment, byte * 8);
        (0..40).find_map(|index| reader.entry(index).err())
    });
    assert!(
        matches!(met, Some(LedgerError::Fatal(ref text)) if text.contains(segment) && text.contains("restore")),
        "the reader is told to try again: {met:?}"
    );
    assert!(matches!(ledger.append(&keyed(101)), Err(LedgerError::Fatal(_))), "the log goes on");
}

#[test]
fn a_vault_that_is_older_than_the_saved_state_is_refused_as_ever() {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    ledger.append(&keyed(0)).expect("an append");
    ledger.close().expect("a clean end");
    let older = bytes(&disk, "vault/keys");
    let ledger = open(&disk, 1);
    append(&ledger, 1..9);
    ledger.save_state().expect("the state can be saved");
    ledger.close().expect("a clean end");
    let now = bytes(&disk, "vault/keys");
    let mut table = older;
    table.resize(now.len(), 0);
    write(&disk, "vault/keys", 0, &table);
    let text = refusal(&disk);
    assert!(text.contains("the vault has no whole key"), "content would be lost without a word: {text}");
}

#[test]
fn a_damaged_run_costs_a_restart_and_no_record() {
    let disk = saved_log();
    let runs: Vec<String> = disk.list("log/state").expect("a list");
    let run = runs.iter().find(|name| name.starts_with("idempotency")).expect("a run").clone();
    write(&disk, &format!("log/state/{run}"), 5, &[0xff]);
    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "a page is looked at when it is needed: {}", notes(&ledger));
    let refused = ledger.append(&keyed(1)).map(drop);
    let text = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("Restart"), "a record would be made twice, or nobody knows what to do: {text}");
    drop(ledger);
    let ledger = open(&disk, 2);
    assert!(ledger.append(&keyed(1)).expect("an answer").duplicate, "a record was made twice");
}

#[test]
fn a_saved_state_never_brings_erased_content_back() {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    let ack = ledger.append(&keyed(0)).expect("an append");
    ledger.save_state().expect("the state can be saved");
    let state: Vec<(String, Vec<u8>)> = disk
        .list("log/state")
        .expect("a list")
        .iter()
        .map(|name| format!("log/state/{name}"))
        .map(|name| (name.clone(), bytes(&disk, &name)))
        .collect();
    ledger.erase(&ErasureTarget::Subject("person-0".to_owned()), "asked for").expect("an erasure");
    ledger.save_state().expect("the state can be saved");
    ledger.close().expect("a clean end");
    for (name, old) in state {
        if disk.exists(&name).expect("an answer") {
            disk.remove(&name).expect("removed");
        }
        disk.open(&name, OpenMode::CreateNew)
            .and_then(|file| file.write_at(0, &old))
            .expect("the older state");
    }
    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "the older state fits as well: {}", notes(&ledger));
    let entry = ledger.reader().entry(ack.index).expect("an entry");
    assert!(entry.units.iter().any(|unit| unit.content == UnitContent::Erased), "{:?}", entry.units);
    assert!(ledger.append(&keyed(0)).is_err(), "a guess at what was erased could be tested");
}

/// A run that cannot be read any more, found when keys are gone: their tombstones are found in the log itself, and no start is kept from the log.
#[test]
fn an_erasure_finds_everything_where_its_run_is_damaged() {
    let disk = saved_log();
    let runs: Vec<String> = disk.list("log/state").expect("a list");
    let run = runs.iter().find(|name| name.starts_with("units")).expect("a run").clone();
    write(&disk, &format!("log/state/{run}"), 5, &[0xff]);
    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "a page is looked at when it is needed: {}", notes(&ledger));
    let erasure =
        ledger.erase(&ErasureTarget::Subject("person-1".to_owned()), "asked for").expect("an erasure");
    assert_eq!(erasure.units, 20, "content would be gone without a tombstone");
    assert!(ledger.save_state().is_err(), "the damaged run would be handed on");
    ledger.close().expect("a clean end");
    let ledger = open(&disk, 2);
    assert!(!is_taken(&ledger), "the damaged run would be gone on from");
    ledger.save_state().expect("it is made again");
}

#[test]
fn a_save_without_room_leaves_nothing_behind() {
    let disk = saved_log();
    let ledger = open(&disk, 1);
    append(&ledger, 60..70);
    let before = disk.list("log/state").expect("a list");
    disk.set_capacity(Some(disk.image().used() + 700));
    assert!(ledger.save_state().is_err(), "there is no room");
    assert_eq!(disk.list("log/state").expect("a list"), before, "what records need is taken by nobody");
    disk.set_capacity(None);
    ledger.save_state().expect("there is room again");
    ledger.close().expect("a clean end");
    let report = fsck(&(Arc::new(disk) as Arc<dyn Disk>), &options(3), &[]);
    assert_eq!((report.findings, report.beside), (vec![], vec![]));
}

#[test]
fn a_backup_is_of_what_was_read_and_not_of_what_was_saved() {
    let disk = saved_log();
    disk.flip_bit("log/segments/00000000.seg", 8 * 20_000);
    let ledger = open(&disk, 1);
    assert!(is_taken(&ledger), "the start does not look there: {}", notes(&ledger));
    ledger.close().expect("a clean end");
    let to = SimDisk::new();
    let refused =
        back_up(&(Arc::new(disk) as Arc<dyn Disk>), &options(2), &to).err().map(|error| error.to_string());
    assert!(
        refused.is_some_and(|text| text.contains("00000000.seg")),
        "a damaged log would take the place of a good backup"
    );
}

/// Requirement: A11
#[test]
fn the_saved_state_of_a_fork_is_refused_wherever_its_batches_end() {
    let base = saved_log().image();
    let fork = SimDisk::from_image(base.clone());
    let ledger = open(&fork, 1);
    append(&ledger, 60..63);
    ledger.save_state().expect("the state can be saved");
    let other = whole(&base);
    let ledger = open(&other, 2);
    let drafts: Vec<Draft> = (100..120).map(keyless).collect();
    ledger.append_all(&drafts).expect("an append");
    ledger.close().expect("a clean end");
    for name in other.list("log/state").expect("a list") {
        other.remove(&format!("log/state/{name}")).expect("removed");
    }
    for name in fork.list("log/state").expect("a list").iter().map(|name| format!("log/state/{name}")) {
        other
            .open(&name, OpenMode::CreateNew)
            .and_then(|file| file.write_at(0, &bytes(&fork, &name)))
            .expect("a copy");
    }
    let text = refusal(&other);
    assert!(text.contains(SAVED) && text.contains("where no batch ends"), "a fork goes on: {text}");
}

#[test]
fn an_operator_sees_that_the_state_cannot_be_saved_and_that_it_can_again() {
    let disk = SimDisk::new();
    let ledger = create(&disk);
    append(&ledger, 0..5);
    assert_eq!(ledger.reader().saved(), (0, 0));
    for failed in 1..=2 {
        disk.fail_at(0, Fault::NoSpace, failed);
        let refused = ledger.save_state().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("the next start reads the whole log"), "{refused}");
        assert_eq!(ledger.reader().saved(), (0, failed), "nobody is told that saving fails");
    }
    append(&ledger, 5..6);
    ledger.save_state().expect("there is room again");
    assert_eq!(ledger.reader().saved(), (ledger.reader().size(), 0));
}
