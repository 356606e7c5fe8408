//! Directories that somebody or something changed: refused with what, where and the way out; never repaired in silence.

use std::sync::Arc;

use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::disk::{Disk as _, OpenMode};
use tabellion_ledger::{
    Draft, ErasureTarget, Ledger, LedgerError, OpenError, OpenOptions, Reader, UnitContent, fsck,
};
use tabellion_model::{Micros, Origin};
use tabellion_testkit::{Fault, ManualClock, SeededEntropy, SimDisk};

use crate::fixture::new_log;

const SEGMENT: &str = "log/segments/00000000.seg";

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

/// A log with `records` commits of one record each, closed.
fn log_with(records: u64) -> SimDisk {
    log_of(0, records)
}

/// Another seed makes another log of the same name, with other keys.
fn log_of(seed: u64, records: u64) -> SimDisk {
    let disk = SimDisk::new();
    let ledger =
        Ledger::create(Arc::new(disk.clone()), &new_log(), &options(seed)).expect("a log can be made");
    for n in 0..records {
        ledger.append(&Draft::new("document.captured").with("number", n)).expect("an append");
    }
    ledger.close().expect("a clean end");
    disk
}

fn refusal(disk: &SimDisk) -> String {
    let error =
        Ledger::open(Arc::new(disk.clone()), &options(1)).err().expect("a damaged directory must not open");
    let text = error.to_string();
    assert!(text.lines().count() <= 2 && text.len() < 500, "an operator reads one or two lines: {text}");
    text
}

fn write(disk: &SimDisk, path: &str, offset: u64, bytes: &[u8]) {
    let file = disk.open(path, OpenMode::ReadWrite).expect("the file is there");
    file.write_at(offset, bytes).expect("a write");
    file.sync().expect("a sync");
}

fn read(disk: &SimDisk, path: &str) -> Vec<u8> {
    let file = disk.open(path, OpenMode::Read).expect("the file is there");
    let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("small")];
    file.read_at(0, &mut bytes).expect("readable");
    bytes
}

/// Requirement: V41
#[test]
fn every_flipped_bit_below_the_head_is_refused_with_its_place() {
    let disk = log_with(6);
    let used = read(&disk, SEGMENT).iter().rposition(|byte| *byte != 0).expect("the segment is used") as u64;
    let image = disk.image();
    let mut tried = 0;
    for bit in (0..used * 8).step_by(61) {
        let damaged = SimDisk::from_image(image.clone());
        damaged.flip_bit(SEGMENT, bit);
        match Ledger::open(Arc::new(damaged.clone()), &options(1)) {
            Err(OpenError::Corrupt(text)) => {
                assert!(
                    text.contains(SEGMENT) && text.contains("restore"),
                    "what and the way out are missing: {text}"
                );
            }
            Err(other) => panic!("bit {bit}: refused as something else: {other}"),
            // Bytes between batches carry nothing; but nothing may have been lost then.
            Ok(_) => panic!("bit {bit} of {SEGMENT} was flipped and nobody noticed"),
        }
        if tried % 32 == 0 {
            let report = fsck(&(Arc::new(damaged) as Arc<_>), &options(1), &[]);
            assert!(!report.is_sound(), "bit {bit}: fsck passed a damaged segment");
        }
        tried += 1;
    }
    assert!(tried > 1000, "too few places were tried: {tried}");
}

#[test]
fn an_unfinished_last_batch_is_cut_and_reported() {
    let disk = log_with(3);
    let bytes = read(&disk, SEGMENT);
    let end = (bytes.iter().rposition(|byte| *byte != 0).expect("used") as u64 + 1).next_multiple_of(4096);
    // The beginning of a batch that was never acknowledged: what a power cut leaves.
    let begun: Vec<u8> = bytes.iter().skip(4096).take(700).copied().collect();
    write(&disk, SEGMENT, end, &begun);
    let ledger =
        Ledger::open(Arc::new(disk.clone()), &options(1)).expect("an unacknowledged tail is no damage");
    let notes = ledger.notes().join(" ");
    assert!(notes.contains("cut") && notes.contains(&end.to_string()), "the operator was not told: {notes}");
    ledger.append(&Draft::new("document.captured").with("number", 9)).expect("the log goes on");
    ledger.close().expect("a clean end");
    Ledger::open(Arc::new(disk), &options(2)).expect("and opens again");
}

#[test]
fn a_shortened_log_is_refused() {
    let disk = log_with(30);
    assert!(
        disk.exists("log/segments/00000001.seg").expect("an answer"),
        "the log must span segments for this test"
    );
    let names = disk.list("log/segments").expect("a list");
    let last = names.iter().rfind(|name| *name != "spare").expect("a segment");
    disk.remove(&format!("log/segments/{last}")).expect("removed");
    let text = refusal(&disk);
    assert!(text.contains("older") || text.contains("shortened"), "a rollback must be called one: {text}");
    let disk = log_with(30);
    disk.remove("log/segments/00000000.seg").expect("removed");
    assert!(refusal(&disk).contains("missing"), "a segment taken out of the middle must be named");
}

#[test]
fn an_older_copy_of_the_log_beside_a_newer_head_is_refused() {
    let disk = SimDisk::new();
    let ledger = Ledger::create(Arc::new(disk.clone()), &new_log(), &options(0)).expect("a log can be made");
    ledger.append(&Draft::new("document.captured").with("number", 1)).expect("an append");
    let old = read(&disk, SEGMENT);
    for n in 0..3 {
        ledger.append(&Draft::new("document.captured").with("number", n)).expect("an append");
    }
    ledger.close().expect("a clean end");
    write(&disk, SEGMENT, 0, &old);
    let text = refusal(&disk);
    assert!(
        text.contains("head") && text.contains("backup"),
        "the operator must learn what is older: {text}"
    );
}

#[test]
fn fsck_tells_an_older_copy_by_a_checkpoint_kept_elsewhere() {
    let disk = log_with(2);
    let image = disk.image();
    let ledger = Ledger::open(Arc::new(disk), &options(1)).expect("opens");
    ledger.append(&Draft::new("document.captured").with("number", 3)).expect("an append");
    let kept = ledger.reader().checkpoint().to_string();
    let whole_copy = SimDisk::from_image(image);
    let report = fsck(&(Arc::new(whole_copy) as Arc<_>), &options(2), std::slice::from_ref(&kept));
    assert!(
        report.findings.iter().any(|what| what.contains("older copy")),
        "a rollback went unseen: {:?}",
        report.findings
    );
    drop(ledger);
}

#[test]
fn a_foreign_origin_a_missing_key_and_a_wrong_key_are_named() {
    let disk = log_with(1);
    let mut foreign = options(1);
    foreign.origin = Some(Origin::new("other.example/log/acme").expect("an origin"));
    let text = Ledger::open(Arc::new(disk.clone()), &foreign).err().expect("another origin").to_string();
    assert!(
        text.contains("test.example/log/acme") && text.contains("other.example"),
        "both names belong in it: {text}"
    );

    let writer = disk
        .list("keys")
        .expect("a list")
        .into_iter()
        .find(|name| name.starts_with("writer-"))
        .expect("a key");
    let package = disk
        .list("keys")
        .expect("a list")
        .into_iter()
        .find(|name| name.starts_with("package-"))
        .expect("a key");
    let content = read(&disk, &format!("keys/{package}"));
    let image = disk.image();
    disk.remove(&format!("keys/{writer}")).expect("removed");
    assert!(refusal(&disk).contains(&format!("keys/{writer}")), "the missing file must be named");

    let disk = SimDisk::from_image(image.clone());
    disk.remove(&format!("keys/{writer}")).expect("removed");
    let file = disk.open(&format!("keys/{writer}"), OpenMode::CreateNew).expect("a file");
    file.write_at(0, &content).expect("a write");
    assert!(refusal(&disk).contains("needs the writer key"), "a key of another purpose must not sign");

    let disk = SimDisk::from_image(image);
    let other = log_of(77, 0);
    let vault = read(&other, "vault/keys");
    write(&disk, "vault/keys", 0, &vault);
    let text = refusal(&disk);
    assert!(text.contains("vault"), "a vault of another making must be refused: {text}");
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let disk = log_with(1);
    let ledger = Ledger::open(Arc::new(disk.clone()), &options(1)).expect("opens");
    disk.set_capacity(Some(64 << 10));
    let mut acked = Vec::new();
    let full = loop {
        match ledger.append(&Draft::new("document.captured").with("number", acked.len() as u64)) {
            Ok(ack) => acked.push(ack),
            Err(error) => break error,
        }
        assert!(acked.len() < 1000, "the disk never filled up");
    };
    assert!(
        matches!(&full, LedgerError::Full(text) if text.contains("full")),
        "not told as a full disk: {full}"
    );
    let size = ledger.reader().size();
    disk.set_capacity(None);
    let after = ledger
        .append(&Draft::new("document.captured").with("number", 1))
        .expect("space again, appends again");
    assert_eq!(after.index, size, "the refused append must have left nothing behind");
    for ack in &acked {
        ledger.reader().entry(ack.index).expect("what was acknowledged is there");
    }
}

#[test]
fn a_missing_head_is_refused_and_an_empty_one_is_the_operators_word() {
    let disk = log_with(3);
    disk.remove("head").expect("removed");
    let text = refusal(&disk);
    assert!(text.contains("head is missing") && text.contains("--against"), "the way out is missing: {text}");
    disk.open("head", OpenMode::CreateNew).expect("an empty file");
    Ledger::open(Arc::new(disk), &options(1)).expect("whoever puts an empty head there has compared the log");
}

#[test]
fn a_missing_vault_is_refused_with_the_way_out_and_nothing_is_changed() {
    let disk = log_with(3);
    disk.remove("vault/keys").expect("removed");
    let before = disk.operations();
    let text = refusal(&disk);
    for said in ["vault is missing", "backup", "empty file"] {
        assert!(text.contains(said), "an operator is not told {said:?}: {text}");
    }
    assert_eq!(disk.operations(), before, "a start that is refused changed something");
    let read_only = Reader::open(Arc::new(disk.clone()), &options(1)).err().expect("no content can be read");
    assert_eq!(read_only.to_string(), text);
    // On a real disk the directory itself may be gone, or something else stands in its place.
    let dir = tempfile::tempdir().expect("a directory");
    let real = RealDisk::create(dir.path()).expect("a disk");
    Ledger::create(Arc::new(real.clone()), &new_log(), &options(0))
        .expect("a log")
        .close()
        .expect("a clean end");
    let vault = dir.path().join("vault");
    std::fs::remove_dir_all(&vault).expect("removed");
    let open = || Ledger::open(Arc::new(real.clone()), &options(1)).err().expect("refused").to_string();
    assert!(open().contains("vault is missing"), "{}", open());
    std::fs::create_dir_all(vault.join("keys")).expect("a directory in the file's place");
    assert!(open().contains("cannot be read") && open().contains("backup"), "{}", open());
}

/// How many erasures are ordered.
fn orders(reader: &Reader) -> usize {
    let mut orders = 0;
    let count = |view: tabellion_ledger::EntryView| {
        let header = view.entry.header();
        orders += usize::from(header.is_some_and(|header| header.record_type.as_str() == "erasure.ordered"));
        Ok(())
    };
    reader.entries(0, reader.size(), count).expect("every entry can be read");
    orders
}

/// The operator's word that the vault is lost, durably.
fn say_lost(disk: &SimDisk) {
    disk.remove("vault/keys").expect("removed");
    disk.open("vault/keys", OpenMode::CreateNew).expect("an empty file").sync().expect("a sync");
    disk.sync_dir("vault").expect("a sync");
}

#[test]
fn an_empty_key_table_is_the_operators_word_that_content_is_lost_and_that_goes_on_record() {
    let disk = log_with(3);
    let ledger = Ledger::open(Arc::new(disk.clone()), &options(1)).expect("opens");
    ledger.append(&Draft::new("document.captured").about("ada", "name", "Ada")).expect("an append");
    ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "the subject asked").expect("an erasure");
    let size = ledger.reader().size();
    ledger.close().expect("a clean end");
    say_lost(&disk);
    let read_only = Reader::open(Arc::new(disk.clone()), &options(2)).err().expect("no content can be read");
    assert!(read_only.to_string().contains("is empty"), "{read_only}");
    let image = disk.image();
    let started = SimDisk::from_image(image.clone());
    let before = started.operations();
    Ledger::open(Arc::new(started.clone()), &options(2)).expect("opens").close().expect("a clean end");
    let operations = started.operations() - before;
    for k in 0..=operations {
        let disk = SimDisk::from_image(image.clone());
        disk.fail_at(k, Fault::PowerOff, k);
        drop(Ledger::open(Arc::new(disk.clone()), &options(2)));
        disk.crash(k);
        let mut opened = Ledger::open(Arc::new(disk.clone()), &options(3));
        if let Err(error) = &opened {
            // A table that was cut short is no table; the operator says it again.
            assert!(error.to_string().contains("damaged header"), "power off at operation {k}: {error}");
            say_lost(&disk);
            opened = Ledger::open(Arc::new(disk.clone()), &options(4));
        }
        let ledger = opened.unwrap_or_else(|error| panic!("power off at operation {k}: {error}"));
        let reader = ledger.reader();
        let tombstones = reader.tombstones(reader.size()).expect("tombstones");
        for index in 0..size {
            for unit in reader.entry(index).expect("every entry is there").units {
                assert_eq!(
                    unit.content,
                    UnitContent::Erased,
                    "operation {k}: entry {index} shows what is gone"
                );
                assert!(
                    tombstones.contains_key(&unit.id),
                    "operation {k}: nothing on record says that a unit of entry {index} is gone"
                );
            }
        }
        ledger.append(&Draft::new("document.captured").with("number", 9)).expect("the log goes on");
        let ordered = orders(reader);
        ledger.close().expect("a clean end");
        let again = Ledger::open(Arc::new(disk.clone()), &options(5)).expect("opens again");
        assert_eq!(orders(again.reader()), ordered, "operation {k}: the loss is recorded at every start");
        again.close().expect("a clean end");
        let report = fsck(&(Arc::new(disk) as Arc<_>), &options(6), &[]);
        assert!(report.is_sound(), "operation {k}: {:?}", report.findings);
    }
}

#[test]
fn an_older_copy_of_the_log_directory_alone_is_refused() {
    let disk = SimDisk::new();
    let mut background = options(0);
    background.background = true;
    let ledger = Ledger::create(Arc::new(disk.clone()), &new_log(), &background).expect("a log can be made");
    ledger.append(&Draft::new("document.captured").with("number", 1)).expect("an append");
    let old = read(&disk, SEGMENT);
    ledger.append(&Draft::new("document.captured").with("number", 2)).expect("an append");
    ledger.close().expect("a clean end");
    let published = read(&disk, "log/checkpoint");
    assert!(!published.is_empty(), "a server publishes its checkpoint");
    write(&disk, SEGMENT, 0, &old);
    assert!(refusal(&disk).contains("remembers"), "the head, outside log/, must notice");
    // Even with the head gone by the operator's own hand, the published checkpoint is somebody's word that there was more.
    disk.remove("head").expect("removed");
    disk.open("head", OpenMode::CreateNew).expect("an empty file");
    assert!(refusal(&disk).contains("log/checkpoint"), "what was published may never be signed away");
}

#[test]
fn fsck_names_a_vault_that_cannot_be_opened_and_still_compares() {
    let disk = log_with(2);
    let newer = {
        let copy = SimDisk::from_image(disk.image());
        let ledger = Ledger::open(Arc::new(copy), &options(1)).expect("opens");
        ledger.append(&Draft::new("document.captured").with("number", 3)).expect("an append");
        ledger.reader().checkpoint().to_string()
    };
    let image = disk.image();
    disk.remove("vault/keys").expect("removed");
    let report = fsck(&(Arc::new(disk) as Arc<_>), &options(2), std::slice::from_ref(&newer));
    assert!(
        report.findings.iter().any(|what| what.contains("vault/keys")),
        "a lost vault is not sound: {:?}",
        report.findings
    );
    assert!(
        report.findings.iter().any(|what| what.contains("older copy")),
        "the comparison was left out: {:?}",
        report.findings
    );
    let damaged = SimDisk::from_image(image);
    damaged.flip_bit("vault/keys", 40);
    let report = fsck(&(Arc::new(damaged) as Arc<_>), &options(2), &[]);
    assert!(!report.is_sound(), "a damaged vault header passed");
}
