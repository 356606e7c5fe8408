//! kill -9 of the shipped program, again and again, with a journal outside of it: what was acknowledged is there, once, and proves it.
//!
//! Each life of the server: clients append through the socket and this process notes every acknowledgement; at a random moment, sometimes while
//! the server still recovers, it is killed. A request without an answer is sent again under its idempotency key in the next life. After
//! [`LIVES_PER_DIRECTORY`] lives the whole directory is compared with the journal.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Draft, EntryView, OpenOptions, OsEntropy, Reader, SystemClock, UnitContent};
use tabellion_model::verify;
use tabellion_program::request::{Answer, Request, Response};
use tabellion_program::socket::Client;
use tabellion_tlog::{Policy, SignedCheckpoint, verify_consistency};

use super::support::{Notary, Server, tabellion};

/// Kills in one run of the test (the issue asks for at least 200).
const KILLS: usize = 208;
/// Lives of one directory: enough recoveries of recoveries, and recovery stays short.
const LIVES_PER_DIRECTORY: usize = 26;
/// Clients that append at the same time.
const CLIENTS: u64 = 4;
/// Longest life of a server, from its start.
const LIFE_MICROS: u64 = 350_000;

/// Opens a directory for reading, as the commands do.
pub(crate) fn reader(dir: &Path) -> Reader {
    let disk = RealDisk::open(dir).expect("the directory opens");
    let options = OpenOptions::new(Arc::new(SystemClock), Arc::new(OsEntropy));
    Reader::open(Arc::new(disk), &options).expect("the log reads back").0
}

/// The `text` field of an entry.
pub(crate) fn text_of(view: &EntryView) -> Option<String> {
    view.units.iter().find_map(|unit| match &unit.content {
        UnitContent::Shown(shown) => {
            shown.iter().find(|field| field.name() == "text")?.value().as_str().map(str::to_owned)
        }
        UnitContent::Erased | UnitContent::Missing => None,
    })
}

/// xorshift64*: a schedule that the printed seed repeats.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Acknowledged {
    index: u64,
    record_id: String,
    size: u64,
}

/// What this process knows, outside of the server: every request by its idempotency key, and its acknowledgement once there is one.
#[derive(Default)]
struct Journal {
    acknowledged: Mutex<HashMap<String, Acknowledged>>,
    /// Sent and not answered: to be sent again.
    open: Mutex<Vec<String>>,
    next: AtomicU64,
    retried: AtomicU64,
    checkpoints: Mutex<BTreeMap<u64, String>>,
}

impl Journal {
    fn take(&self) -> String {
        let retry = self.open.lock().expect("the journal").pop();
        if retry.is_some() {
            self.retried.fetch_add(1, Ordering::Relaxed);
        }
        retry.unwrap_or_else(|| format!("request {}", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    fn acknowledge(&self, key: &str, acknowledged: &Acknowledged) {
        let before =
            self.acknowledged.lock().expect("the journal").insert(key.to_owned(), acknowledged.clone());
        assert_eq!(before, None, "{key} was acknowledged twice, at {acknowledged:?} the second time");
    }
}

/// One client in one life: appends until the server is gone.
fn client(dir: &Path, journal: &Journal, over: &AtomicBool) {
    let mut connection = loop {
        match Client::connect(dir) {
            Ok(Some(connection)) => break connection,
            _ if over.load(Ordering::SeqCst) => return,
            _ => thread::yield_now(),
        }
    };
    if let Ok(Response::Done(Answer::Status { checkpoint, size, .. })) = connection.ask(&Request::Status {}) {
        journal.checkpoints.lock().expect("the journal").insert(size, checkpoint);
    }
    loop {
        let key = journal.take();
        let mut draft = Draft::new("event.logged").with("text", key.as_str());
        draft.idempotency_key = Some(key.clone());
        match connection.ask(&Request::Append { drafts: vec![draft] }) {
            Ok(Response::Done(Answer::Appended { records })) => {
                let record = records.into_iter().next().expect("one record for one draft");
                let acknowledged =
                    Acknowledged { index: record.index, record_id: record.record_id, size: record.size };
                journal.acknowledge(&key, &acknowledged);
            }
            Ok(other) => panic!("an honest request was answered with {other:?}"),
            Err(_) => {
                journal.open.lock().expect("the journal").push(key);
                return;
            }
        }
    }
}

/// One life: starts the server, lets the clients at it, kills it after `life`.
fn live_and_die(dir: &Path, journal: &Journal, life: Duration) {
    let begin = Instant::now();
    let mut server = Server::launch(dir);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| client(dir, journal, &over));
        }
        // The moment of the crash, not a wait for anything to have happened.
        thread::park_timeout(life.saturating_sub(begin.elapsed()));
        server.kill();
        over.store(true, Ordering::SeqCst);
    });
}

/// Everything that was acknowledged is in the directory, once, at its place, and its receipt verifies.
fn compare(notary: &Notary, journal: &Journal) -> usize {
    let reader = reader(&notary.dir());
    let acknowledged = journal.acknowledged.lock().expect("the journal");
    let mut seen: HashMap<String, u64> = HashMap::new();
    reader
        .entries(0, reader.size(), |view| {
            let Some(text) = text_of(&view) else { return Ok(()) };
            assert_eq!(seen.insert(text.clone(), view.index), None, "{text} is in the log twice");
            if let Some(known) = acknowledged.get(&text) {
                let id = view.entry.header().expect("a record").record_id.to_hex();
                assert_eq!(
                    (view.index, &id),
                    (known.index, &known.record_id),
                    "{text} is not where it was acknowledged"
                );
            }
            Ok(())
        })
        .expect("every entry reads back");
    for (text, known) in acknowledged.iter() {
        assert!(seen.contains_key(text), "{text} was acknowledged at entry {} and is lost", known.index);
    }
    receipts(&reader, notary, &acknowledged);
    checkpoints(&reader, journal);
    acknowledged.len()
}

fn receipts(reader: &Reader, notary: &Notary, acknowledged: &HashMap<String, Acknowledged>) {
    let policy = Policy::parse(fs::read(notary.trust()).expect("the trust file")).expect("a trust file");
    let all: Vec<&Acknowledged> = acknowledged.values().collect();
    thread::scope(|scope| {
        for part in all.chunks(all.len().div_ceil(2).max(1)) {
            let policy = &policy;
            scope.spawn(move || {
                for known in part {
                    let receipt = reader.receipt(known.index).expect("a receipt");
                    let signed =
                        SignedCheckpoint::parse(receipt.checkpoint.as_bytes()).expect("its checkpoint");
                    assert_eq!(
                        signed.checkpoint.size, known.size,
                        "entry {} is in another commit than was acknowledged",
                        known.index
                    );
                    let report = verify(&receipt.to_bytes().expect("a receipt's bytes"), Some(policy));
                    assert_eq!(
                        report.exit_code(),
                        0,
                        "the receipt of entry {} does not verify:\n{}",
                        known.index,
                        report.to_text()
                    );
                }
            });
        }
    });
}

/// Every checkpoint that was ever seen is a prefix of what is there now.
fn checkpoints(reader: &Reader, journal: &Journal) {
    let (size, root) = (reader.size(), reader.root_at(reader.size()).expect("the root"));
    for (old, text) in journal.checkpoints.lock().expect("the journal").iter() {
        let signed = SignedCheckpoint::parse(text.as_bytes()).expect("a checkpoint").checkpoint;
        assert_eq!(signed.size, *old, "a server named a size and showed another checkpoint");
        let path = reader.consistency(*old, size).expect("a consistency proof");
        verify_consistency(*old, &signed.root, size, &root, &path).unwrap_or_else(|error| {
            panic!("the checkpoint of size {old} is not a prefix of the log: {error}")
        });
    }
}

/// Invariant 1 of ARCHITECTURE.md.
#[test]
fn what_was_acknowledged_survives_two_hundred_kills() {
    let seed = std::env::var("KILL_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    println!("seed {seed} (repeat with KILL_SEED={seed})");
    let mut random = Random(seed);
    let (mut kills, mut total, mut retried) = (0, 0, 0);
    while kills < KILLS {
        let notary = Notary::new();
        let journal = Journal::default();
        for _ in 0..LIVES_PER_DIRECTORY {
            live_and_die(&notary.dir(), &journal, Duration::from_micros(random.below(LIFE_MICROS)));
            kills += 1;
        }
        let last = notary.serve();
        last.stop().ends(0);
        total += compare(&notary, &journal);
        retried += journal.retried.load(Ordering::Relaxed);
        let kept: Vec<String> = journal
            .checkpoints
            .lock()
            .expect("the journal")
            .iter()
            .map(|(size, text)| notary.file(&format!("{size}.checkpoint"), text.as_bytes()))
            .collect();
        let mut args = vec!["fsck".to_owned(), notary.dir_text(), "--against".to_owned()];
        args.extend(kept);
        tabellion(&args.iter().map(String::as_str).collect::<Vec<_>>()).ends(0);
    }
    println!("{kills} kills, {total} acknowledged and found, {retried} sent again");
    assert!(total > KILLS, "the server lived too short to acknowledge anything: {total}");
    assert!(retried > 0, "no kill fell between a request and its answer: the test proves too little");
}
