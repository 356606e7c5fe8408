//! What is refused leaves no trace in the batch that it would have been in.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};

use tabellion_ledger::disk::{Disk, real::RealDisk};
use tabellion_ledger::{Draft, DraftStream, GroupResult, Ledger, LedgerError, Prepared, RejectCode};
use tabellion_model::StreamName;
use tabellion_testkit::{Change, Fate, HookedDisk};

use crate::fixture::{new_log, options};
use crate::statement::Hand;

/// Holds back writes to the log while it is closed.
#[derive(Default)]
struct Door {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    waiting: usize,
}

impl Door {
    fn set(&self, closed: bool) {
        self.state.lock().unwrap().closed = closed;
        self.moved.notify_all();
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.moved.notify_all();
        drop(self.moved.wait_while(state, |state| state.closed).unwrap());
    }

    fn until_somebody_waits(&self) {
        let state = self.state.lock().unwrap();
        drop(self.moved.wait_while(state, |state| state.waiting == 0).unwrap());
    }
}

/// What becomes of `groups` when all of them are staged into one batch.
fn in_one_batch(ledger: &Ledger, door: &Door, groups: Vec<Vec<Prepared>>) -> Vec<GroupResult> {
    door.state.lock().unwrap().waiting = 0;
    door.set(true);
    let first = ledger.prepare(&Draft::new("test.first")).expect("a draft");
    let (answer, answers) = channel::<(usize, GroupResult)>();
    let send = |number, group| {
        let answer = answer.clone();
        ledger.submit(group, Box::new(move |result| drop(answer.send((number, result)))));
    };
    send(usize::MAX, vec![first]);
    door.until_somebody_waits();
    let count = groups.len();
    for (number, group) in groups.into_iter().enumerate() {
        send(number, group);
    }
    door.set(false);
    drop(answer);
    let mut results: Vec<_> = answers.iter().filter(|(number, _)| *number < count).collect();
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

fn in_stream(number: u64) -> Draft {
    let mut draft = Draft::new("test.counted");
    draft.body.insert("number".to_owned(), number.into());
    draft.stream = Some(DraftStream { name: "counted".to_owned(), expected: None });
    draft
}

#[test]
fn what_was_refused_counts_in_no_stream_epoch_or_idempotency_key_of_its_batch() {
    let dir = tempfile::tempdir().expect("a directory");
    let files: Arc<dyn Disk> = Arc::new(RealDisk::create(dir.path()).expect("a disk"));
    let door = Arc::new(Door::default());
    let held = Arc::clone(&door);
    let hook = move |path: &str, change| {
        if change == Change::Write && path.starts_with("log/segments/") {
            held.pass();
        }
        Ok(Fate::Made)
    };
    let disk: Arc<dyn Disk> = Arc::new(HookedDisk::new(Arc::clone(&files), hook));
    let ledger = Ledger::create(disk, &new_log(), &options()).expect("a log");
    let mut hand = Hand::of(&ledger, files.as_ref());
    let opened = hand.opened(None);
    hand.send(opened, &[], None).expect("an epoch");

    // A statement that is right about its stream and wrong about its number.
    hand.seq = 7;
    let mut wrong = hand.header("event.logged");
    wrong.stream = Some((StreamName::new("counted").expect("a name"), 1));
    let wrong = hand.prepared(wrong);
    // Two records of which the second is refused.
    let mut keyed = in_stream(1);
    keyed.idempotency_key = Some("k".to_owned());
    let mut late = in_stream(2);
    late.stream = Some(DraftStream { name: "counted".to_owned(), expected: Some(9) });
    let pair = [&keyed, &late].map(|draft| ledger.prepare(draft).expect("a draft")).into();
    let next = ledger.prepare(&in_stream(3)).expect("a draft");
    let again = ledger.prepare(&keyed).expect("a draft");
    let results = in_one_batch(&ledger, &door, vec![vec![wrong], pair, vec![next], vec![again]]);

    let codes: Vec<_> =
        results.iter().map(|result| result.as_ref().err().and_then(LedgerError::code)).collect();
    let expected = [Some(RejectCode::SequenceConflict), Some(RejectCode::StreamConflict), None, None];
    assert_eq!(codes, expected, "{results:?}");
    hand.seq = 1;
    let right = hand.header("event.logged");
    hand.send(right, &[], None).expect("the number that is due is still due");
    let version = |result: &GroupResult| {
        let index = result.as_ref().expect("recorded")[0].index;
        let entry = ledger.reader().entry(index).expect("an entry");
        entry.entry.header().and_then(|header| header.stream.as_ref()).map(|(_, version)| *version)
    };
    assert_eq!(results[2..].iter().map(version).collect::<Vec<_>>(), [Some(1), Some(2)]);
    ledger.close().expect("a clean end");
    drop(ledger);
    Ledger::open(files, &options()).expect("a refused record tore a hole into the log, which opens no more");
}
