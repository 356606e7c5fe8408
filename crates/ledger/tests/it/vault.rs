//! Content's keys through power cuts and dead processes, judged by the bytes of the key table.

use std::collections::BTreeSet;
use std::sync::Arc;

use tabellion_ledger::disk::{self, Disk, OpenMode};
use tabellion_ledger::{
    Draft, ErasureTarget, Ledger, LedgerError, OpenOptions, Reader, RejectCode, UnitContent, fsck,
};
use tabellion_model::Micros;
use tabellion_testkit::{Fault, Image, ManualClock, ReadOnlyDisk, SeededEntropy, SimDisk};

use crate::fixture::new_log;

/// Bytes of a slot of the key table, and where its secret part begins (docs/formats.md §13.3).
const SLOT: usize = 256;
const SECRET: usize = 128;
/// Power cuts tried after each operation that may fail.
const CUTS: u64 = 12;

fn options(life: u64) -> OpenOptions {
    let clock = Arc::new(ManualClock::at(Micros(1_790_000_000_000_000 + life)));
    OpenOptions {
        segment_bytes: 256 << 10,
        background: false,
        ..OpenOptions::new(clock, Arc::new(SeededEntropy::new(life)))
    }
}

fn open(disk: &SimDisk, life: u64) -> Result<Ledger, String> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let opened = match life {
        0 => Ledger::create(disk, &new_log(), &options(0)),
        _ => Ledger::open(disk, &options(life)),
    };
    opened.map_err(|error| error.to_string())
}

fn about(subject: &str) -> Draft {
    Draft::new("document.captured").about(subject, "name", subject)
}

/// A log that holds content about two subjects, durably.
fn log_with_content() -> Image {
    let disk = SimDisk::new();
    let ledger = open(&disk, 0).expect("a log can be made");
    for subject in ["ada", "bob", "ada"] {
        ledger.append(&about(subject)).expect("an append");
    }
    ledger.close().expect("a clean end");
    disk.image()
}

fn slots(disk: &SimDisk) -> Vec<Vec<u8>> {
    let bytes = disk::read_all(disk, "vault/keys", 1 << 20).expect("the vault can be read");
    bytes.chunks(SLOT).map(<[u8]>::to_vec).collect()
}

fn erase_ada(ledger: &Ledger) -> Result<(), LedgerError> {
    ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "the subject asked").map(|_| ())
}

/// Slots that an undisturbed erasure of ada zeroes.
fn slots_of_ada(base: &Image) -> BTreeSet<usize> {
    let disk = SimDisk::from_image(base.clone());
    let before = slots(&disk);
    let ledger = open(&disk, 1).expect("the log opens");
    erase_ada(&ledger).expect("an erasure");
    let after = slots(&disk);
    let is_zero = |slot: &[u8]| slot[SECRET..].iter().all(|byte| *byte == 0);
    (0..before.len()).filter(|at| !is_zero(&before[*at]) && is_zero(&after[*at])).collect()
}

fn still_there(disk: &SimDisk, places: &BTreeSet<usize>) -> bool {
    let slots = slots(disk);
    places.iter().any(|at| slots[*at][SECRET..].iter().any(|byte| *byte != 0))
}

/// Whatever happens at whichever operation of an erasure: once somebody was told that it is done (by its answer, or by the next process
/// that shows the content as erased), no power cut brings the key back, and the log always opens.
#[test]
fn a_destroyed_key_never_comes_back() {
    let base = log_with_content();
    let places = slots_of_ada(&base);
    assert_eq!(places.len(), 1, "one subject, month and class have one key; an erasure destroys that one");
    let undisturbed = SimDisk::from_image(base.clone());
    let started = open(&undisturbed, 1).expect("the log opens");
    let first = undisturbed.operations();
    erase_ada(&started).expect("an erasure");
    let operations = undisturbed.operations() - first;
    let (mut destroyed, mut kept) = (0, 0);
    for fault in [Fault::PowerOff, Fault::Eio] {
        for k in 0..=operations {
            for cut in 0..CUTS {
                let at = format!("{fault:?} at operation {k}, cut {cut}");
                let disk = SimDisk::from_image(base.clone());
                let ledger = open(&disk, 1).expect("the log opens");
                disk.fail_at(k, fault, cut);
                let done = erase_ada(&ledger).is_ok();
                drop(ledger);
                // Half of the time the machine lives on and another process looks before the power goes.
                if !done && cut % 2 == 0 {
                    disk.kill();
                    let ledger = open(&disk, 2).unwrap_or_else(|error| panic!("{at}: {error}"));
                    let told = is_erased(&ledger);
                    drop(ledger);
                    disk.crash(cut);
                    assert!(
                        !(told && still_there(&disk, &places)),
                        "{at}: a key shown as erased is on disk again"
                    );
                } else {
                    disk.crash(cut);
                    assert!(!(done && still_there(&disk, &places)), "{at}: a destroyed key is on disk again");
                }
                let ledger = open(&disk, 3).unwrap_or_else(|error| panic!("{at}: {error}"));
                assert_eq!(
                    is_erased(&ledger),
                    !still_there(&disk, &places),
                    "{at}: the log and the vault disagree"
                );
                assert!(!done || is_erased(&ledger), "{at}: an answered erasure is undone");
                let UnitContent::Shown(_) = first_unit(ledger.reader(), "bob") else {
                    panic!("{at}: bob's content is gone")
                };
                *if is_erased(&ledger) { &mut destroyed } else { &mut kept } += 1;
            }
        }
    }
    assert!(destroyed > 50 && kept > 10, "both ends must happen: {destroyed} erased, {kept} not");
}

fn is_erased(ledger: &Ledger) -> bool {
    first_unit(ledger.reader(), "ada") == UnitContent::Erased
}

/// The content of the first record about `subject`: ada's is the first of the log's documents, bob's the second.
fn first_unit(reader: &Reader, subject: &str) -> UnitContent {
    let mut units = Vec::new();
    reader
        .entries(0, reader.size(), |entry| {
            units.extend(
                entry.units.into_iter().filter(|unit| unit.personal || unit.content == UnitContent::Erased),
            );
            Ok(())
        })
        .expect("every entry can be read");
    units.swap_remove(usize::from(subject == "bob")).content
}

/// A key of the table is on disk before the batch that needs it, whatever dies when.
#[test]
fn acknowledged_content_always_has_its_key() {
    let base = log_with_content();
    let undisturbed = SimDisk::from_image(base.clone());
    let ledger = open(&undisturbed, 1).expect("the log opens");
    let first = undisturbed.operations();
    let carl = |ledger: &Ledger| ledger.append(&about("carl"));
    carl(&ledger).expect("an append");
    let operations = undisturbed.operations() - first;
    for k in 0..=operations {
        for cut in 0..CUTS {
            let at = format!("operation {k}, cut {cut}");
            let disk = SimDisk::from_image(base.clone());
            let ledger = open(&disk, 1).expect("the log opens");
            disk.fail_at(k, [Fault::PowerOff, Fault::Eio, Fault::NoSpace][(cut % 3) as usize], cut);
            let mut acked = carl(&ledger).ok();
            drop(ledger);
            if cut % 4 < 2 {
                disk.kill();
                let ledger = open(&disk, 2).unwrap_or_else(|error| panic!("{at}: {error}"));
                // Whether the key was left by the dead process or not, what is recorded under it now must stay readable.
                acked = Some(carl(&ledger).unwrap_or_else(|error| panic!("{at}: {error}")));
                drop(ledger);
            }
            disk.crash(cut);
            let ledger = open(&disk, 3).unwrap_or_else(|error| panic!("{at}: {error}"));
            if let Some(ack) = acked {
                let entry = ledger.reader().entry(ack.index).unwrap_or_else(|error| panic!("{at}: {error}"));
                let shown = entry.units.iter().all(|unit| matches!(unit.content, UnitContent::Shown(_)));
                assert!(shown && !entry.units.is_empty(), "{at}: acknowledged content is unreadable");
            }
        }
    }
}

#[test]
fn a_system_that_could_not_be_found_again_is_refused() {
    let disk = SimDisk::new();
    let ledger = open(&disk, 0).expect("a log can be made");
    let mut draft = about("ada");
    draft.system = Some("0".repeat(32));
    let refused = ledger.append(&draft).expect_err("its content would survive the system's deletion");
    assert_eq!(
        refused.code(),
        Some(RejectCode::Malformed),
        "the caller is not told that the id is at fault: {refused}"
    );
}

/// The head lags behind in this log, as it does beside a busy writer: reading asks for a sync that the disk refuses.
#[test]
fn a_log_that_may_only_be_read_is_shown_and_checked() {
    let (disk, started) = (SimDisk::from_image(log_with_content()), options(1));
    let head = disk::read_all(&disk, "head", 1 << 20).expect("the head");
    let ledger = open(&disk, 1).expect("the log opens");
    let carl = ledger.append(&about("carl")).expect("an append");
    ledger.close().expect("a clean end");
    disk.open("head", OpenMode::ReadWrite).and_then(|file| file.write_at(0, &head)).expect("an older head");
    let read_only: Arc<dyn Disk> = Arc::new(ReadOnlyDisk::new(disk));
    let (reader, notes) =
        Reader::open(Arc::clone(&read_only), &started).expect("reading needs no right to write");
    assert!(reader.size() > carl.index && notes.is_empty(), "an auditor would see a shorter log: {notes:?}");
    assert!(matches!(first_unit(&reader, "bob"), UnitContent::Shown(_)), "content cannot be shown");
    let report = fsck(&read_only, &started, &[]);
    assert!(report.is_sound(), "a sound log is called damaged: {report:?}");
    let refused =
        Ledger::open(read_only, &started).err().map(|error| error.to_string()).expect("writing is refused");
    assert!(refused.contains("read-only"), "the operator is not told why nothing can be recorded: {refused}");
}

/// The newest backup of a vault is older than the log whenever anything was recorded since.
#[test]
fn a_vault_from_a_backup_that_lacks_newer_keys_opens_once_its_operator_says_they_are_lost() {
    let disk = SimDisk::new();
    let ledger = open(&disk, 0).expect("a log");
    let kept = ledger.append(&about("ada")).expect("an append").index;
    ledger.close().expect("a clean end");
    let backup = disk::read_all(&disk, "vault/keys", 1 << 20).expect("a backup of the vault");
    let ledger = open(&disk, 1).expect("the log opens");
    let lost = ledger.append(&about("bob")).expect("an append").index;
    ledger.place_hold(&ErasureTarget::Subject("bob".to_owned()), "case 12/2026").expect("a hold");
    ledger.close().expect("a clean end");
    disk::write_file_durably(&disk, "vault/keys", &backup).expect("the vault comes back from its backup");
    let refused = open(&disk, 2).err().expect("content would be missing in silence");
    assert!(refused.contains("vault/lost"), "no way out is named: {refused}");

    disk::write_file_durably(&disk, "vault/lost", b"").expect("the operator says so");
    let steps = (0..200).take_while(|at| lost_cut_short(&disk.image(), (kept, lost), *at)).count();
    assert!((3..200).contains(&steps), "{steps} operations failed one by one");
    let ledger = open(&disk, 3).expect("the log opens with what is left");
    let shown = |index| {
        let units = ledger.reader().entry(index).expect("the entry stays").units;
        units.into_iter().map(|unit| unit.content).collect::<Vec<_>>()
    };
    assert!(matches!(shown(kept)[..], [UnitContent::Shown(_)]), "content whose key came back is gone");
    assert_eq!(shown(lost), [UnitContent::Erased], "lost content is not said to be gone");
    assert!(
        !disk.exists("vault/lost").expect("a look"),
        "the operator's word would speak of a later loss too"
    );
    ledger.append(&about("eve")).expect("the log goes on");
    ledger.close().expect("a clean end");
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = fsck(&shared, &options(4), &[]);
    assert!(report.is_sound(), "the log is damaged: {:?}", report.findings);
    open(&disk, 5).expect("the next start asks nothing more");
}

/// The power goes at the operation `at` of the start that records what is lost; `false`: it was over before.
fn lost_cut_short(base: &Image, (kept, lost): (u64, u64), at: u64) -> bool {
    let disk = SimDisk::from_image(base.clone());
    disk.fail_at(at, Fault::PowerOff, at);
    drop(open(&disk, 10 + at));
    let happened = disk.fault_happened();
    disk.crash(at);
    let ledger = open(&disk, 1000 + at).expect("a start that was cut short goes on at the next one");
    let is_shown = |index| {
        let units = ledger.reader().entry(index).expect("the entry stays").units;
        units.iter().all(|unit| matches!(unit.content, UnitContent::Shown(_)))
    };
    assert!(is_shown(kept) && !is_shown(lost), "step {at}: too much is recorded as lost, or too little");
    assert!(
        !disk.exists("vault/lost").expect("a look"),
        "step {at}: the operator's word outlives its record"
    );
    happened
}
