//! A file that the log writes into is taken from under it: nothing is acknowledged that would be gone with the process.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::lock::DirLock;
use tabellion_ledger::{Draft, Ledger, LedgerError, UnitContent};

use crate::fixture::{new_log, options, real};

fn about(subject: &str) -> Draft {
    Draft::new("document.captured").about(subject, "name", subject)
}

fn refused(ledger: &Ledger, what: &str) {
    let size = ledger.reader().size();
    match ledger.append(&about("eve")) {
        Err(LedgerError::Unavailable(why)) => {
            assert!(
                why.contains(what) && why.contains("/proc/"),
                "the operator is not told what to save: {why}"
            );
        }
        other => panic!("content went into a file that no name leads to: {other:?}"),
    }
    assert_eq!(ledger.reader().size(), size, "a refused record is in the log");
}

/// `way` takes `path` away, or puts something else there; afterwards the original is put back from where it went.
fn taken_and_put_back(path: &str, way: impl Fn(&Path, &Path)) {
    let (dir, disk, ledger) = real();
    let kept = ledger.append(&about("ada")).expect("an append").index;
    let (there, away) = (dir.path().join(path), dir.path().join("away"));
    way(&there, &away);
    refused(&ledger, path);
    if there.exists() {
        fs::remove_file(&there).expect("what stood in its place goes");
    }
    fs::create_dir_all(there.parent().expect("a directory")).expect("its directory");
    fs::rename(&away, &there).expect("the original comes back");
    ledger.append(&about("bob")).expect("the file is back, and so is the log");
    ledger.close().expect("a clean end");
    let again = Ledger::open(disk, &options()).expect("the log opens");
    let view = again.reader().entry(kept).expect("the entry is there");
    assert!(matches!(view.units[0].content, UnitContent::Shown(_)), "acknowledged content is gone");
}

/// Requirement: R25
#[test]
fn a_file_that_is_removed_moved_or_replaced_stops_appends_until_it_is_back() {
    for path in ["vault/keys", "log/segments/00000000.seg"] {
        taken_and_put_back(path, |there, away| fs::rename(there, away).expect("moved"));
        taken_and_put_back(path, |there, away| {
            fs::hard_link(there, away).expect("a second name");
            fs::remove_dir_all(there.parent().expect("a directory")).expect("removed");
        });
        taken_and_put_back(path, |there, away| {
            fs::rename(there, away).expect("moved");
            fs::copy(away, there).expect("a copy, as a backup that is put in its place");
        });
    }
}

#[test]
fn a_server_without_appends_learns_that_its_vault_or_segment_is_gone() {
    for (gone, named) in [("vault", "vault/keys"), ("log/segments", "log/segments/00000000.seg")] {
        let (dir, _disk, ledger) = real();
        ledger.check_in_place().expect("a log as it should be");
        // Moved, not emptied file by file: the next segment is made ready meanwhile.
        fs::rename(dir.path().join(gone), dir.path().join("gone")).expect("moved away");
        let why = ledger.check_in_place().expect_err("nobody would notice before the next start").to_string();
        assert!(why.contains(named), "the operator is not told what is gone: {why}");
    }
}

/// Two writers would each acknowledge records that the other overwrites.
#[test]
fn a_lock_that_is_removed_or_replaced_stops_the_writer_and_lets_no_other_in() {
    for replaced in [false, true] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir.path()).expect("the directory"));
        let held = DirLock::acquire(dir.path()).expect("the first writer");
        let ledger = Ledger::create(Arc::clone(&disk), &new_log(), &options()).expect("a log");
        let kept = ledger.append(&about("ada")).expect("an append").index;
        let (lock, other) = (dir.path().join("lock"), dir.path().join("other"));
        if replaced {
            fs::write(&other, "1\n").expect("another lock");
            fs::rename(&other, &lock).expect("replaced");
        } else {
            fs::remove_file(&lock).expect("removed");
        }
        DirLock::acquire(dir.path()).expect_err("a second writer would be let in");
        let size = ledger.reader().size();
        let refused = ledger.append(&about("eve")).expect_err("recorded while anybody may write").to_string();
        assert!(refused.contains("lock") && refused.contains("second writer"), "what is wrong? {refused}");
        assert_eq!(ledger.reader().size(), size, "a refused record is in the log");
        let (_, why) = ledger.last_unavailable().expect("a server would call itself ready");
        assert!(refused.contains(&why), "another reason is kept: {why}");
        drop((ledger, held));
        let _held = DirLock::acquire(dir.path()).expect("a start again");
        let again = Ledger::open(disk, &options()).expect("the log opens");
        assert!(again.reader().entry(kept).is_ok(), "an acknowledged record is gone");
        again.append(&about("bob")).expect("it goes on");
        assert!(again.last_unavailable().is_none(), "what is over is still told");
    }
}
