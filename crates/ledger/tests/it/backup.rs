//! Backups: whole or not taken for one, checked when they come back, and never a way round an erasure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tabellion_ledger::disk::{self, Disk, OpenMode};
use tabellion_ledger::{
    BackupError, BackupList, By, DEFAULT_CONTENT_DAYS, Draft, ErasureTarget, LaterErasures, Ledger,
    OpenOptions, Reader, UnitContent, back_up, backup_list, fsck, put_back, restore_content, restore_vault,
    restore_without_content, retire,
};
use tabellion_model::Micros;
use tabellion_testkit::{Fault, ManualClock, SeededEntropy, SimDisk};

use crate::fixture::{new_log, options as real_options, real};

fn options(life: u64) -> OpenOptions {
    options_at(0, life)
}

/// So many days later.
fn options_at(days: u64, life: u64) -> OpenOptions {
    let clock = Arc::new(ManualClock::at(Micros(1_790_000_000_000_000 + days * 86_400_000_000 + life)));
    OpenOptions {
        segment_bytes: 64 << 10,
        background: false,
        ..OpenOptions::new(clock, Arc::new(SeededEntropy::new(life)))
    }
}

fn about(subject: &str) -> Draft {
    Draft::new("document.captured").about(subject, "name", subject)
}

/// A log of several segments, with something erased in it.
fn written() -> Arc<dyn Disk> {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let ledger = Ledger::create(Arc::clone(&disk), &new_log(), &options(0)).expect("a log");
    for number in 0..60 {
        ledger
            .append(&about(&format!("subject {number}")).with("text", "x".repeat(3_000)))
            .expect("an append");
    }
    ledger.erase(&ErasureTarget::Subject("subject 7".to_owned()), "asked for").expect("an erasure");
    ledger.append(&about("after")).expect("an append");
    ledger.close().expect("a clean end");
    disk
}

fn copy_keys(from: &dyn Disk, to: &dyn Disk) {
    disk::create_dir_durably(to, "keys").expect("a directory");
    for name in from.list("keys").expect("keys") {
        let path = format!("keys/{name}");
        let bytes = disk::read_all(from, &path, 1 << 20).expect("a key");
        disk::write_file_durably(to, &path, &bytes).expect("a key");
    }
}

/// Puts a backup of `log` back beside its keys.
fn restored(log: &dyn Disk, backup: &dyn Disk, to: Arc<dyn Disk>) -> Result<Arc<dyn Disk>, BackupError> {
    let list = backup_list(backup)?;
    put_back(backup, to.as_ref(), &list)?;
    copy_keys(log, to.as_ref());
    restore_content(to.as_ref(), &list, &options(1), &LaterErasures::default())?;
    Ok(to)
}

fn shown(reader: &Reader) -> usize {
    shown_below(reader, reader.size())
}

/// Units of the first `size` entries that can be read.
fn shown_below(reader: &Reader, size: u64) -> usize {
    let mut shown = 0;
    for index in 0..size {
        let view = reader.entry(index).expect("an entry");
        shown += view.units.iter().filter(|unit| matches!(unit.content, UnitContent::Shown(_))).count();
    }
    shown
}

/// Requirement: P17
#[test]
fn a_backup_comes_back_entry_for_entry_and_goes_on() {
    let log = written();
    assert!(log.list("log/segments").expect("segments").len() > 2, "one segment proves too little");
    let backup = SimDisk::new();
    let list = back_up(&log, &options(1), &backup).expect("a backup");
    assert!(list.files.iter().all(|file| !file.path.starts_with("keys")), "keys lie beside what they open");
    let there = restored(log.as_ref(), &backup, Arc::new(SimDisk::new())).expect("restored");
    let report = fsck(&there, &options(2), std::slice::from_ref(&list.checkpoint));
    assert!(report.is_sound(), "what came back is not sound: {:?}", report.findings);
    let (before, _) = Reader::open(Arc::clone(&log), &options(3)).expect("readable");
    let ledger = Ledger::open(there, &options(4)).expect("what came back opens");
    assert_eq!(ledger.reader().size(), before.size(), "entries are missing");
    assert_eq!(shown(ledger.reader()), shown(&before), "content is missing, or erased content is back");
    ledger.append(&about("later")).expect("it goes on");
    ledger.close().expect("a clean end");
}

#[test]
fn a_backup_that_was_cut_short_at_any_operation_is_never_taken_for_one() {
    let log = written();
    let whole = SimDisk::new();
    back_up(&log, &options(1), &whole).expect("a backup");
    let mut complete = 0;
    for step in 0..whole.operations() {
        for seed in 0..4 {
            let backup = SimDisk::new();
            backup.fail_at(step, Fault::PowerOff, seed);
            // Each in a life of its own, which draws another name for the backup's key.
            let told = back_up(&log, &options(1_000 + 4 * step + seed), &backup).is_ok();
            backup.crash(seed);
            match restored(log.as_ref(), &backup, Arc::new(SimDisk::new())) {
                Err(BackupError::List(_)) => {
                    assert!(!told, "a backup that was reported is none after a power cut");
                }

                Err(other) => panic!("step {step}, seed {seed}: the list came before what it lists: {other}"),
                Ok(there) => {
                    complete += 1;
                    let report = fsck(&there, &options(2), &[]);
                    assert!(report.is_sound(), "step {step}, seed {seed}: {:?}", report.findings);
                }
            }
        }
    }
    assert!(complete > 0, "no cut ever left a whole backup: the last step proves nothing");
}

#[test]
fn a_changed_missing_or_shortened_file_of_a_backup_is_named() {
    let log = written();
    let backup = SimDisk::new();
    let list = back_up(&log, &options(1), &backup).expect("a backup");
    let image = backup.image();
    for (number, file) in list.files.iter().enumerate() {
        for how in 0..2 {
            let damaged = SimDisk::from_image(image.clone());
            match how {
                0 => damaged.flip_bit(&file.path, (number as u64 * 7919) % (file.bytes * 8)),
                _ => damaged.remove(&file.path).expect("a file goes"),
            }
            match restored(log.as_ref(), &damaged, Arc::new(SimDisk::new())).map(drop) {
                Err(BackupError::Damaged { path, .. }) => {
                    assert_eq!(path, file.path, "another file is blamed");
                }

                other => panic!("damage to {} is not noticed: {other:?}", file.path),
            }
        }
    }
    let elsewhere = SimDisk::from_image(image);
    let text = disk::read_all(&elsewhere, "backup.json", 1 << 20).expect("the list");
    let text = String::from_utf8(text).expect("text").replace("vault/keys", "keys/log-1.key");
    disk::write_file_durably(&elsewhere, "backup.json", text.as_bytes()).expect("another list");
    assert!(
        matches!(backup_list(&elsewhere), Err(BackupError::List(_))),
        "a list from elsewhere may put files wherever it likes"
    );
}

/// Backups of a log that is written and erased from all the while: each is sound, and none has content that its own commit says is gone.
#[test]
fn a_backup_of_a_busy_log_is_of_one_commit() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let done = Arc::new(AtomicBool::new(false));
    let busy = thread::spawn({
        let (ledger, done) = (Arc::clone(&ledger), Arc::clone(&done));
        move || {
            let mut number = 0_u64;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                ledger.append(&about(&format!("subject {number}"))).expect("an append");
                if number.is_multiple_of(5) {
                    let gone = ErasureTarget::Subject(format!("subject {}", number - 2));
                    ledger.erase(&gone, "asked for").expect("an erasure");
                }
            }
        }
    });
    let mut sizes = Vec::new();
    while sizes.len() < 12 {
        let backup = SimDisk::new();
        let list = match back_up(&disk, &real_options(), &backup) {
            Ok(list) => list,
            Err(BackupError::Restless) => continue,
            Err(error) => panic!("no backup of a busy log: {error}"),
        };
        let there = restored(disk.as_ref(), &backup, Arc::new(SimDisk::new())).expect("restored");
        let report = fsck(&there, &real_options(), std::slice::from_ref(&list.checkpoint));
        assert!(report.is_sound(), "a backup of a busy log is not sound: {:?}", report.findings);
        sizes.push(list.size);
    }
    done.store(true, Ordering::Relaxed);
    busy.join().expect("the writer");
    assert!(
        sizes.first() < sizes.last(),
        "nothing was written meanwhile, so that nothing was tried: {sizes:?}"
    );
}

#[test]
fn a_retired_copy_is_read_and_never_written() {
    let log = written();
    retire(log.as_ref(), "it was restored from an older backup").expect("marked");
    let refused = Ledger::open(Arc::clone(&log), &options(1))
        .err()
        .expect("a second history could be signed")
        .to_string();
    assert!(
        refused.contains("older backup") && refused.contains("--continues"),
        "no way out is named: {refused}"
    );
    assert!(Reader::open(Arc::clone(&log), &options(2)).is_ok(), "what may be read cannot be");
    assert!(log.open("retired", OpenMode::Read).is_ok());
    // A backup of it, put back, is no way round.
    let backup = SimDisk::new();
    back_up(&log, &options(3), &backup).expect("a backup of a copy that is read only");
    let there = restored(log.as_ref(), &backup, Arc::new(SimDisk::new())).expect("restored");
    assert!(Ledger::open(there, &options(4)).is_err(), "the mark washes off in a backup");
}

/// Files and keys of a backup put back, its content not yet.
fn put_back_all(log: &dyn Disk, backup: &dyn Disk) -> (Arc<dyn Disk>, BackupList) {
    let there: Arc<dyn Disk> = Arc::new(SimDisk::new());
    let list = backup_list(backup).expect("a list");
    put_back(backup, there.as_ref(), &list).expect("restored");
    copy_keys(log, there.as_ref());
    (there, list)
}

fn backup_keys(disk: &dyn Disk) -> Vec<String> {
    disk.list("keys").expect("keys").into_iter().filter(|name| name.starts_with("backup-")).collect()
}

/// A backup keeps no key alive for ever: on its day the log destroys the backup's key, and from then on the backup gives the log alone.
///
/// Requirement: P18
#[test]
fn a_backup_gives_content_until_its_day_and_the_log_alone_from_then_on() {
    let (log, backup) = (written(), SimDisk::new());
    back_up(&log, &options(1), &backup).expect("a backup");
    let before = restored(log.as_ref(), &backup, Arc::new(SimDisk::new())).expect("restored before its day");
    let (reader, _) = Reader::open(Arc::clone(&before), &options(2)).expect("readable");
    let (size, content) = (reader.size(), shown(&reader));
    assert!(content > 50, "there was nothing to lose: {content}");
    assert_eq!(backup_keys(log.as_ref()).len(), 1, "the backup has no key of its own");

    let (late, list) = put_back_all(log.as_ref(), &backup);
    let in_time = options_at(DEFAULT_CONTENT_DAYS, 0);
    restore_content(late.as_ref(), &list, &in_time, &LaterErasures::default()).expect("its last moment");
    let (late, list) = put_back_all(log.as_ref(), &backup);
    let after = options_at(DEFAULT_CONTENT_DAYS, 9);
    let refused = restore_content(late.as_ref(), &list, &after, &LaterErasures::default());
    let refused = refused.expect_err("content came back after its day");
    assert!(matches!(refused, BackupError::Expired { .. }), "{refused}");
    assert!(refused.to_string().contains("[backup_expired]"), "no program can tell: {refused}");
    assert!(Reader::open(Arc::clone(&late), &after).is_err(), "what was refused is readable");

    // The log's own start takes the key away, so that setting the clock back helps nobody. Its records say that the time has passed.
    for days in [12, 24] {
        let ledger = Ledger::open(Arc::clone(&log), &options_at(days, 40 + days)).expect("opens");
        ledger.append(&about("meanwhile")).expect("an append");
        ledger.close().expect("a clean end");
        assert_eq!(backup_keys(log.as_ref()).len(), 1, "a key is gone before its day");
    }
    Ledger::open(Arc::clone(&log), &after).expect("opens").close().expect("a clean end");
    assert!(backup_keys(log.as_ref()).is_empty(), "the key of a backup that ended is still there");
    let (later, list) = put_back_all(log.as_ref(), &backup);
    let gone = restore_content(later.as_ref(), &list, &options(3), &LaterErasures::default());
    let gone = gone.expect_err("content came back without its key");
    assert!(gone.to_string().contains("[backup_key_missing]"), "no program can tell: {gone}");

    restore_without_content(later.as_ref(), &after).expect("the log alone");
    let report = fsck(&later, &after, std::slice::from_ref(&list.checkpoint));
    assert!(report.is_sound(), "the log alone is not sound: {:?}", report.findings);
    let ledger = Ledger::open(Arc::clone(&later), &after).expect("and goes on");
    assert!(ledger.reader().size() >= size, "entries are missing");
    let units = (0..size).flat_map(|index| ledger.reader().entry(index).expect("an entry").units);
    let back = units.filter(|unit| matches!(unit.content, UnitContent::Shown(_))).count();
    assert_eq!(back, 0, "content came back");
    ledger.reader().receipt(3).expect("its proofs are whole");
    ledger.append(&about("later")).expect("it goes on");
    ledger.close().expect("a clean end");
    let report = fsck(&later, &after, &[]);
    assert!(report.is_sound(), "what was lost is not on record: {:?}", report.findings);
}

/// A clock that was set ahead, when alone it says that the time has passed, ends no backup; whoever says that it is right ends it.
///
/// Requirement: P18
#[test]
fn a_clock_that_was_set_ahead_ends_no_backup() {
    let (log, backup) = (written(), SimDisk::new());
    back_up(&log, &options(1), &backup).expect("a backup");
    let ahead = options_at(DEFAULT_CONTENT_DAYS + 1, 2);
    let ledger = Ledger::open(Arc::clone(&log), &ahead).expect("opens");
    let told = ledger.notes().join("\n");
    assert!(told.contains("[clock_in_doubt]") && told.contains("1 backups stay"), "nobody is told: {told}");
    ledger.append(&about("under the wrong clock")).expect("an append");
    ledger.close().expect("a clean end");
    assert_eq!(backup_keys(log.as_ref()).len(), 1, "a wrong clock ended a backup");
    restored(log.as_ref(), &backup, Arc::new(SimDisk::new())).expect("set right, it comes back");

    let ledger = Ledger::open(Arc::clone(&log), &options_at(DEFAULT_CONTENT_DAYS + 1, 3)).expect("opens");
    ledger.confirm_clock("the machine was off for a month").expect("on record");
    ledger.close().expect("a clean end");
    let ledger = Ledger::open(Arc::clone(&log), &options_at(DEFAULT_CONTENT_DAYS + 1, 4)).expect("opens");
    ledger.close().expect("a clean end");
    assert!(backup_keys(log.as_ref()).is_empty(), "what somebody vouched for counts for nothing");
}

/// The vault alone is lost: it comes back from a backup by a step of its own, and never by copying a file whose keys are under another key.
///
/// Requirement: P18
#[test]
fn a_lost_vault_is_taken_from_a_backup_and_never_declared_lost_by_mistake() {
    for rotated in [false, true] {
        let log = written();
        if rotated {
            let ledger = Ledger::open(Arc::clone(&log), &options(1)).expect("opens");
            ledger.rotate_vault_key("yearly", &By::default()).expect("a rotation");
            ledger.close().expect("a clean end");
        }
        let backup = SimDisk::new();
        let list = back_up(&log, &options(2), &backup).expect("a backup");
        let ledger = Ledger::open(Arc::clone(&log), &options(3)).expect("opens");
        let gone = ledger.erase(&ErasureTarget::Subject("subject 9".to_owned()), "asked for");
        assert!(gone.expect("an erasure").keys > 0, "nothing was erased");
        let size = list.size;
        let before = shown_below(ledger.reader(), size);
        ledger.append(&about("later")).expect("an append");
        ledger.close().expect("a clean end");
        let refused =
            restore_vault(log.as_ref(), &backup, &list, &options(4)).expect_err("over a vault that is whole");
        assert!(refused.to_string().contains("is there"), "{refused}");

        log.remove("vault/keys").expect("lost");
        let copied = disk::read_all(&backup, "vault/keys", 1 << 24).expect("the backup's table");
        disk::write_file_durably(log.as_ref(), "vault/keys", &copied).expect("a copy");
        disk::write_file_durably(log.as_ref(), "vault/lost", b"").expect("the operator's word");
        let refused =
            Ledger::open(Arc::clone(&log), &options(5)).map(drop).expect_err("opened with a backup's keys");
        assert!(
            refused.to_string().contains("tabellion vault restore"),
            "nobody is told what to do: {refused}"
        );
        log.remove("vault/lost").expect("taken back");
        log.remove("vault/keys").expect("lost");

        let back = restore_vault(log.as_ref(), &backup, &list, &options(6)).expect("the vault comes back");
        assert!(back.keys > 50 && back.missing > 0, "{back:?}");
        let refused = Ledger::open(Arc::clone(&log), &options(7)).map(drop).expect_err("keys are missing");
        assert!(refused.to_string().contains("vault/lost"), "{refused}");
        disk::write_file_durably(log.as_ref(), "vault/lost", b"").expect("the operator's word");
        let ledger = Ledger::open(Arc::clone(&log), &options(8)).expect("it goes on");
        assert_eq!(
            shown_below(ledger.reader(), size),
            before,
            "content is missing, or what was erased since is back"
        );
        ledger.rotate_vault_key("again", &By::default()).expect("the key can be changed as before");
        ledger.append(&about("after")).expect("an append");
        ledger.close().expect("a clean end");
        let report = fsck(&log, &options(9), &[]);
        assert!(report.is_sound(), "{rotated}: {:?}", report.findings);
    }
}

/// Only what a backup is made of is copied from one: whoever can write to it puts nothing else beside the log.
#[test]
fn a_backup_that_lists_other_files_is_refused() {
    let (log, backup) = (written(), SimDisk::new());
    back_up(&log, &options(1), &backup).expect("a backup");
    let text = disk::read_all(&backup, "backup.json", 1 << 20).expect("a list");
    for other in ["vault/module.so", "vault/lost", "vault/wrapping", "keys/log.key", "../x"] {
        let text = String::from_utf8_lossy(&text).replace("vault/keys", other);
        disk::write_file_durably(&backup, "backup.json", text.as_bytes()).expect("another list");
        let refused = backup_list(&backup).expect_err("a file of any name is copied");
        assert!(refused.to_string().contains("is no file of a backup"), "{other}: {refused}");
    }
}

/// Whoever writes another day into the list gets nothing for it.
#[test]
fn another_day_in_a_backups_list_opens_nothing() {
    let (log, backup) = (written(), SimDisk::new());
    back_up(&log, &options(1), &backup).expect("a backup");
    let (there, mut list) = put_back_all(log.as_ref(), &backup);
    list.content.as_mut().expect("content").expires_at += 86_400_000_000;
    let after = options_at(DEFAULT_CONTENT_DAYS, 9);
    let refused = restore_content(there.as_ref(), &list, &after, &LaterErasures::default());
    assert!(matches!(refused, Err(BackupError::Damaged { .. })), "{refused:?}");
}

/// Requirement: P18
#[test]
fn what_was_erased_after_a_backup_stays_erased_in_what_comes_back() {
    let (log, backup) = (written(), SimDisk::new());
    back_up(&log, &options(1), &backup).expect("a backup");
    let ledger = Ledger::open(Arc::clone(&log), &options(2)).expect("opens");
    let gone =
        ledger.erase(&ErasureTarget::Subject("subject 9".to_owned()), "asked for").expect("an erasure");
    assert!(gone.keys > 0, "nothing was erased");
    // And the wrapping key is another one by the time that it comes back.
    ledger.rotate_vault_key("yearly", &By::default()).expect("a rotation");
    ledger.close().expect("a clean end");

    let (there, list) = put_back_all(log.as_ref(), &backup);
    restore_content(there.as_ref(), &list, &options(3), &LaterErasures::default()).expect("restored");
    let (reader, _) = Reader::open(there, &options(3)).expect("under the key of now");
    let all = shown(&reader);

    let (there, list) = put_back_all(log.as_ref(), &backup);
    let later = LaterErasures::read(log.as_ref(), &list).expect("the log that went on knows");
    assert!(later.size > list.size, "the log did not go on");
    restore_content(there.as_ref(), &list, &options(3), &later).expect("restored");
    let (reader, _) = Reader::open(Arc::clone(&there), &options(3)).expect("readable");
    assert_eq!(shown(&reader), all - 1, "what was erased later is back, or more is gone than that");
    let report = fsck(&there, &options(3), &[]);
    assert!(report.is_sound(), "{:?}", report.findings);

    let other: Arc<dyn Disk> = Arc::new(SimDisk::new());
    Ledger::create(Arc::clone(&other), &new_log(), &options(77))
        .expect("a log")
        .close()
        .expect("a clean end");
    let refused = LaterErasures::read(other.as_ref(), &list).expect_err("another log says what was erased");
    assert!(matches!(refused, BackupError::List(_)), "{refused}");
}

/// A backup as earlier versions wrote it: content's keys under the log's own wrapping key.
#[test]
fn a_backup_of_an_earlier_version_comes_back_as_it_did() {
    let (log, backup) = (written(), SimDisk::new());
    let mut list = back_up(&log, &options(1), &backup).expect("a backup");
    let table = disk::read_all(log.as_ref(), "vault/keys", 1 << 20).expect("the table");
    disk::write_file_durably(&backup, "vault/keys", &table).expect("as it is in the log");
    let file = list.files.iter_mut().find(|file| file.path == "vault/keys").expect("listed");
    (file.bytes, file.sha256) = (table.len() as u64, tabellion_tlog::sha256(&table).to_hex());
    list.content = None;
    let text =
        serde_json::to_string(&list).expect("JSON").replace("tabellion.backup/2", "tabellion.backup/1");
    disk::write_file_durably(&backup, "backup.json", text.as_bytes()).expect("its list");
    let there = restored(log.as_ref(), &backup, Arc::new(SimDisk::new())).expect("restored");
    assert!(fsck(&there, &options(2), &[]).is_sound(), "what came back is not sound");
    let (reader, _) = Reader::open(there, &options(3)).expect("readable");
    assert!(shown(&reader) > 50, "its content is gone");
}
