//! Logs to test with.

use std::sync::Arc;

use tabellion_ledger::disk::{Disk, real::RealDisk};
use tabellion_ledger::{Ledger, NewLog, OpenOptions, OsEntropy, SystemClock};
use tabellion_model::{Env, Origin};
use tabellion_tlog::{Policy, VerifierKey};

/// The log that the tests make.
pub(crate) fn new_log() -> NewLog {
    NewLog { origin: Origin::new("test.example/log/acme").expect("a plain origin"), env: Env::Production }
}

/// Options with small segments, so that tests see rotations.
pub(crate) fn options() -> OpenOptions {
    OpenOptions { segment_bytes: 256 << 10, ..OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy)) }
}

/// A new log in a temporary directory.
pub(crate) fn real() -> (tempfile::TempDir, Arc<dyn Disk>, Ledger) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::create(dir.path()).expect("a data directory"));
    let ledger = Ledger::create(Arc::clone(&disk), &new_log(), &options())
        .expect("a log can be made in an empty directory");
    (dir, disk, ledger)
}

/// A trust file that pins the root of `ledger`'s log.
pub(crate) fn trust(ledger: &Ledger) -> Policy {
    let root = ledger.reader().keys().root().public;
    let key = VerifierKey::new(&format!("{}/root", ledger.origin()), root).expect("a root key can be pinned");
    Policy::parse(format!("log {key}\nquorum none\n")).expect("a trust file")
}
