//! Appending, reading back, proving, coming back after a clean end.

use std::sync::Arc;

use tabellion_ledger::{Draft, DraftStream, Ledger, Reader, RejectCode, UnitContent};
use tabellion_model::verify;

use crate::fixture::{options, real, trust};

fn document(n: u32) -> Draft {
    Draft::new("document.captured").with("name", format!("policy-{n}.pdf")).with("size", n)
}

#[test]
fn an_appended_record_is_provable_by_its_receipt_alone() {
    let (_dir, _disk, ledger) = real();
    let ack =
        ledger.append(&document(1).about("ada@example.org", "author", "Ada Lovelace")).expect("an append");
    let receipt = ledger.reader().receipt(ack.index).expect("a receipt").to_bytes().expect("its bytes");
    let report = verify(&receipt, Some(&trust(&ledger)));
    assert_eq!(
        report.exit_code(),
        0,
        "the holder of the receipt could not prove the record: {}",
        report.to_text()
    );
    let report = verify(&receipt, None);
    assert_eq!(
        report.exit_code(),
        3,
        "without a trust file the issuer is unknown, which must not read as fine"
    );
}

#[test]
fn a_log_comes_back_as_it_was_left() {
    let (_dir, disk, ledger) = real();
    let mut acks = Vec::new();
    for n in 0..600 {
        acks.push(ledger.append(&document(n)).expect("an append"));
    }
    let checkpoint = ledger.reader().checkpoint();
    ledger.close().expect("a clean end");
    let again = Ledger::open(Arc::clone(&disk), &options()).expect("a log that was closed opens");
    assert!(again.notes().is_empty(), "a clean end leaves nothing to report: {:?}", again.notes());
    for ack in &acks {
        let entry = again.reader().entry(ack.index).expect("an acknowledged entry is there");
        assert_eq!(
            entry.entry.header().map(|header| header.record_id),
            Some(ack.record_id),
            "entry {} changed",
            ack.index
        );
        assert!(
            matches!(entry.units[0].content, UnitContent::Shown(_)),
            "content of entry {} is lost",
            ack.index
        );
    }
    let old = tabellion_tlog::SignedCheckpoint::parse(checkpoint.as_bytes()).expect("a checkpoint");
    let root = again.reader().root_at(old.checkpoint.size).expect("a root of the past");
    assert_eq!(root, old.checkpoint.root, "the log forked from what it had signed");
}

#[test]
fn the_same_request_gives_the_original_and_another_one_is_refused() {
    let (_dir, _disk, ledger) = real();
    let mut draft = document(7).about("ada@example.org", "author", "Ada");
    draft.idempotency_key = Some("upload-7".to_owned());
    let first = ledger.append(&draft).expect("an append");
    let again = ledger.append(&draft).expect("a retry is answered");
    assert_eq!(
        (again.index, again.record_id, again.duplicate),
        (first.index, first.record_id, true),
        "a retry made a second record"
    );
    let size = ledger.reader().size();
    let other =
        ledger.append(&draft.clone().with("size", 8)).expect_err("another request under the same key");
    assert_eq!(
        other.code(),
        Some(RejectCode::IdempotencyConflict),
        "two requests would share one record: {other}"
    );
    assert_eq!(ledger.reader().size(), size, "a refused request must append nothing");
}

#[test]
fn a_stale_writer_loses_against_the_version_it_did_not_see() {
    let (_dir, _disk, ledger) = real();
    let mut draft = document(1);
    draft.stream = Some(DraftStream { name: "documents/1".to_owned(), expected: Some(0) });
    ledger.append(&draft).expect("the first writer");
    let late = ledger.append(&draft).expect_err("the second writer saw version 0 too");
    assert_eq!(late.code(), Some(RejectCode::StreamConflict), "two approvers could both win: {late}");
    draft.stream = Some(DraftStream { name: "documents/1".to_owned(), expected: Some(1) });
    ledger.append(&draft).expect("whoever read version 1 may write version 2");
}

#[test]
fn nobody_forges_the_records_that_the_ledger_acts_on() {
    let (_dir, _disk, ledger) = real();
    let size = ledger.reader().size();
    for forged in [
        "erasure.ordered",
        "erasure.done",
        "hold.released",
        "system.purged",
        "key.granted",
        "epoch.closed",
        "log.genesis",
    ] {
        let refused = ledger
            .append(&Draft::new(forged))
            .expect_err("a plain record of this type would destroy keys or lift holds");
        assert_eq!(refused.code(), Some(RejectCode::Malformed), "{forged}: {refused}");
    }
    assert_eq!(ledger.reader().size(), size, "something was recorded all the same");
}

#[test]
fn a_reader_beside_a_busy_writer_never_takes_work_in_progress_for_damage() {
    let (_dir, disk, ledger) = real();
    let done = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..1500 {
                ledger.append(&document(n)).expect("an append");
            }
            done.store(true, order);
        });
        let mut looks = 0;
        while !done.load(order) {
            let (reader, _) =
                Reader::open(Arc::clone(&disk), &options()).expect("the committed prefix is always readable");
            reader.receipt(reader.size() - 2).expect("and provable");
            looks += 1;
        }
        assert!(looks > 3, "the reader hardly looked: {looks}");
    });
}

#[test]
fn one_idempotency_key_twice_in_one_append_is_refused_and_stops_nothing() {
    let (_dir, _disk, ledger) = real();
    let mut draft = document(1);
    draft.idempotency_key = Some("k".to_owned());
    let refused =
        ledger.append_all(&[draft.clone(), draft.clone()]).expect_err("each record needs a key of its own");
    assert_eq!(refused.code(), Some(RejectCode::Malformed), "{refused}");
    ledger.append(&draft).expect("the log goes on");
    ledger.close().expect("and ends when it is told to");
}

#[test]
fn a_clock_behind_the_newest_commit_is_told_to_the_operator() {
    use std::sync::Arc;
    use tabellion_ledger::OpenOptions;
    use tabellion_model::Micros;
    use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};
    let disk = SimDisk::new();
    let at = |micros: u64| OpenOptions {
        background: false,
        segment_bytes: 256 << 10,
        ..OpenOptions::new(Arc::new(ManualClock::at(Micros(micros))), Arc::new(SeededEntropy::new(micros)))
    };
    let (ahead, now) = (4_000_000_000_000_000, 1_790_000_000_000_000);
    let clock = Arc::new(ManualClock::at(Micros(now)));
    let ledger =
        Ledger::create(Arc::new(disk.clone()), &crate::fixture::new_log(), &at(ahead)).expect("a log");
    ledger.close().expect("a clean end");
    let ledger =
        Ledger::open(Arc::new(disk), &OpenOptions { clock: clock.clone(), ..at(now) }).expect("opens");
    assert!(
        ledger.notes().iter().any(|note| note.contains("clock")),
        "periods would miss records without a word"
    );
    ledger.append(&document(1)).expect("an append");
    let commits = ledger.reader().commits().expect("commits");
    assert!(commits.is_sorted_by_key(|commit| commit.committed_at), "commit times went back");
    let hour = 3_600_000_000;
    clock.set(Micros(now + 24 * hour));
    assert!(
        ledger.reader().now() >= Micros(ahead + 12 * hour),
        "nothing ends for as long as the clock was ahead"
    );
    ledger.append(&document(2)).expect("an append");
    assert!(
        ledger.reader().committed_at() >= Micros(ahead + 12 * hour),
        "a restart would begin to wait anew"
    );
}
