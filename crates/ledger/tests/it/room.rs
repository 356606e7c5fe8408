//! Room that was promised, on a disk that fills up.

use std::sync::Arc;
use std::time::Duration;

use tabellion_ledger::{Draft, GroupResult, Ledger, LedgerError, Reservation};
use tabellion_testkit::{Fault, SimDisk};

use crate::crash::{fresh_log, options};

fn record() -> Draft {
    Draft::new("call.completed").with("answer", "x".repeat(3_000))
}

fn open(disk: &SimDisk) -> Ledger {
    Ledger::open(Arc::new(disk.clone()), &options(7, 1)).expect("the log opens")
}

fn append_reserved(ledger: &Ledger, reservation: Reservation) -> GroupResult {
    append_in(ledger, &record(), reservation)
}

fn append_in(ledger: &Ledger, draft: &Draft, reservation: Reservation) -> GroupResult {
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let prepared = ledger.prepare(draft).expect("a plain draft");
    ledger.submit_reserved(vec![prepared], reservation, Box::new(move |result| drop(answer.send(result))));
    answered.recv().expect("every append is answered")
}

#[test]
fn a_promised_record_is_recorded_on_a_full_disk_and_nothing_else_takes_its_place() {
    let disk = SimDisk::from_image(fresh_log());
    let ledger = open(&disk);
    ledger.append(&record()).expect("there is room");
    let size = ledger.prepare(&record()).expect("a plain draft").size();
    let promised: Vec<Reservation> =
        (0..3).map(|_| ledger.reserve(size).expect("there is room to promise")).collect();
    // From here on the disk gives nothing more.
    disk.set_capacity(Some(disk.image().used()));
    let refused = (0..200).find_map(|_| ledger.append(&record()).err()).expect("the disk is full");
    assert!(
        matches!(&refused, LedgerError::Full(text) if text.contains("full")),
        "the operator must read that the disk is full: {refused}"
    );
    assert!(
        matches!(ledger.reserve(size), Err(LedgerError::Unavailable(_))),
        "room was promised that is not there"
    );
    let full = ledger.check_room().expect_err("a server that can record nothing would say that it is ready");
    assert!(full.to_string().contains("MiB"), "the operator must read how much to free: {full}");
    let acks: Vec<_> = promised
        .into_iter()
        .map(|room| append_reserved(&ledger, room).expect("what was promised room is recorded"))
        .collect();
    assert!(ledger.append(&record()).is_err(), "a plain append took what is kept for promises");
    disk.set_capacity(None);
    ledger.check_room().expect("a server that says it is not ready gets no calls that could show otherwise");
    ledger.append(&record()).expect("with space again everything goes on");
    drop(ledger);
    disk.crash(1);
    let again = open(&disk);
    for ack in acks.into_iter().flatten() {
        let entry = again.reader().entry(ack.index).expect("an acknowledged entry");
        assert_eq!(
            entry.entry.header().map(|header| header.record_id),
            Some(ack.record_id),
            "a promised record was lost"
        );
    }
}

#[test]
fn a_promise_outlives_an_append_that_was_refused_in_it() {
    let mut refused = 0;
    for k in 0..12 {
        let disk = SimDisk::from_image(fresh_log());
        let ledger = open(&disk);
        ledger.append(&record()).expect("there is room");
        let size = ledger.prepare(&record()).expect("a plain draft").size();
        let room = ledger.reserve(size).expect("there is room to promise");
        disk.set_capacity(Some(disk.image().used()));
        while ledger.append(&record()).is_ok() {}
        // A key of its own for the content: the table of keys is written before the batch.
        let draft = Draft::new("call.completed").about("a person", "answer", "x".repeat(1_000));
        disk.fail_at(k, Fault::NoSpace, k);
        let first = append_in(&ledger, &draft, room.clone());
        if !matches!(first, Err(LedgerError::Full(_))) {
            continue;
        }
        refused += 1;
        assert!(ledger.append(&record()).is_err(), "operation {k}: the promise went to somebody else");
        append_in(&ledger, &draft, room)
            .unwrap_or_else(|error| panic!("operation {k}: the promise was not kept: {error}"));
    }
    assert!(refused > 0, "no append was refused in its room: the test proves nothing");
}

/// One large append just before the kept half begins must not reach into it.
#[test]
fn a_large_append_takes_nothing_from_what_was_promised() {
    for filler in 0..16 {
        let disk = SimDisk::from_image(fresh_log());
        let ledger = open(&disk);
        let size = ledger.prepare(&record()).expect("a plain draft").size();
        let promised: Vec<Reservation> = std::iter::from_fn(|| ledger.reserve(size).ok()).collect();
        disk.set_capacity(Some(disk.image().used()));
        for _ in 0..filler {
            // Moves the place in the segment at which the large one arrives.
            drop(ledger.append(&record()));
        }
        let large = Draft::new("call.completed").with("answer", "x".repeat(26_000));
        while ledger.append(&large).is_ok() {}
        for (n, room) in promised.into_iter().enumerate() {
            append_reserved(&ledger, room).unwrap_or_else(|error| {
                panic!("after {filler} small ones, promise {n} was not kept: {error}")
            });
        }
    }
}

#[test]
fn more_than_the_kept_room_is_not_promised_and_what_is_given_back_can_be_promised_again() {
    let disk = SimDisk::from_image(fresh_log());
    let ledger = open(&disk);
    let mut held = Vec::new();
    let refused = loop {
        match ledger.reserve(4_000) {
            Ok(room) => held.push(room),
            Err(error) => break error,
        }
        assert!(held.len() < 1_000, "promises without end");
    };
    assert!(
        matches!(refused, LedgerError::Unavailable(_)),
        "a caller cannot tell that it may try again: {refused}"
    );
    assert!(!held.is_empty(), "no room was promised at all");
    held.pop();
    ledger.reserve(4_000).expect("room that was given back can be promised again");
}

#[test]
fn whoever_waits_for_more_is_woken_by_it_and_not_kept_for_ever() {
    let disk = SimDisk::from_image(fresh_log());
    let ledger = Arc::new(open(&disk));
    let size = ledger.reader().size();
    assert_eq!(ledger.reader().wait_for_more(size, Duration::ZERO), size, "nothing was appended");
    let waiting = Arc::clone(&ledger);
    let waiter = std::thread::spawn(move || waiting.reader().wait_for_more(size, Duration::from_mins(10)));
    let ack = ledger.append(&record()).expect("an append");
    let seen = waiter.join().expect("woken");
    assert!(seen > ack.index, "woken before there was more: {seen}");
}
