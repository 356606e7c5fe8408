//! Numbers: gaps counted, contradictions refused.

use proptest::prelude::*;
use tabellion_model::registry::{EpochClosed, EpochOpened, Facts, PreviousEpoch};
use tabellion_model::{
    Coverage, EpochReport, Header, NumberError, NumberLedger, ProducerId, SystemCount, SystemId,
};

use crate::records::fixture::small_header;
use crate::records::registry::header_of;

fn producer() -> ProducerId {
    small_header("a.b").producer
}

fn system(n: u8) -> SystemId {
    SystemId::from_bytes([n; 16])
}

fn record(epoch: u64, seq: u64) -> Header {
    Header { epoch, seq, ..small_header("a.b") }
}

fn about(epoch: u64, seq: u64, n: u8, system_seq: u64) -> Header {
    Header { system: Some((system(n), system_seq)), ..record(epoch, seq) }
}

fn opened(epoch: u64, previous: Option<(u64, u64, bool)>) -> Header {
    let previous = previous.map(|(epoch, last_seq, closed)| PreviousEpoch { closed, epoch, last_seq });
    Header { epoch, ..header_of(&Facts::EpochOpened(EpochOpened { previous })) }
}

fn closed(epoch: u64, last_seq: u64, systems: &[(u8, u64)]) -> Header {
    let systems = systems.iter().map(|(n, last)| (system(*n), *last)).collect();
    Header { epoch, seq: last_seq, ..header_of(&Facts::EpochClosed(EpochClosed { last_seq, systems })) }
}

fn whole(headers: &[Header]) -> Result<NumberLedger, NumberError> {
    fold(Coverage::WholeLog, headers)
}

fn fold(coverage: Coverage, headers: &[Header]) -> Result<NumberLedger, NumberError> {
    let mut numbers = NumberLedger::new(coverage);
    headers.iter().try_for_each(|header| numbers.observe(header))?;
    Ok(numbers)
}

fn only(numbers: &NumberLedger) -> &EpochReport {
    let mut epochs = numbers.epochs();
    let first = epochs.next().expect("an epoch was seen");
    assert_eq!(epochs.next(), None, "one epoch was seen");
    first
}

/// Requirement: B01
#[test]
fn a_missing_record_is_counted() {
    let all = [
        opened(1, None),
        about(1, 2, 1, 1),
        about(1, 3, 2, 1),
        about(1, 4, 1, 2),
        closed(1, 5, &[(1, 2), (2, 1)]),
    ];
    let numbers = whole(&all).unwrap();
    let report = only(&numbers);
    assert_eq!(
        (report.first_seq, report.last_seq, report.count, report.missing()),
        (1, 5, 5, 0),
        "nothing is missing"
    );
    assert!(report.opened && report.closed, "the epoch was opened and closed");
    assert_eq!(report.systems[&system(1)], SystemCount { first_seq: 1, last_seq: 2, count: 2 }, "per system");
    for left_out in 1..4 {
        let mut some = all.to_vec();
        some.remove(left_out);
        let seen = whole(&some);
        let noticed = match &seen {
            Ok(numbers) => numbers.missing() == 1,
            Err(NumberError::Close { .. }) => true,
            Err(other) => panic!("record {left_out}: {other}"),
        };
        assert!(noticed, "record {left_out} was left out unseen: {seen:?}");
    }
    let open_end = whole(&all[..4]).unwrap();
    assert!(!only(&open_end).closed, "without its close an epoch reads unknown after 4");
}

/// Requirement: B01
#[test]
fn numbers_that_repeat_or_go_back_are_errors() {
    let (producer, epoch) = (producer(), 1);
    for given in [2, 1] {
        let refused = whole(&[record(1, 1), record(1, 2), record(1, given)]);
        assert_eq!(
            refused,
            Err(NumberError::Backwards { producer, epoch, last: 2, given }),
            "one of them is not the record"
        );
    }
    let refused = whole(&[about(1, 1, 9, 1), about(1, 2, 9, 2), about(1, 3, 9, 2)]);
    let expected = NumberError::SystemBackwards { producer, epoch, system: system(9), last: 2, given: 2 };
    assert_eq!(refused, Err(expected), "a system's count must be followed too");
    let refused = whole(&[record(1, 1), record(3, 1), record(2, 1)]);
    assert_eq!(
        refused,
        Err(NumberError::OldEpoch { producer, current: 3, given: 2 }),
        "a producer's lives follow each other"
    );
    let refused = whole(&[opened(1, None), closed(1, 2, &[]), record(1, 3)]);
    assert_eq!(refused, Err(NumberError::Closed { producer, epoch }), "nothing follows a close");
}

#[test]
fn an_epoch_begins_with_one_wherever_its_beginning_can_be_seen() {
    let producer = producer();
    let late = NumberError::StartsLate { producer, epoch: 1, given: 2 };
    assert_eq!(whole(&[record(1, 2)]), Err(late), "from entry 0 nothing may be missing at the front");
    let numbers = fold(Coverage::Range, &[record(1, 7), record(1, 8)]).unwrap();
    assert_eq!(
        (only(&numbers).first_seq, only(&numbers).missing()),
        (7, 0),
        "a range begins where it begins"
    );
    let late = NumberError::StartsLate { producer, epoch: 2, given: 4 };
    assert_eq!(
        fold(Coverage::Range, &[record(1, 7), record(2, 4)]),
        Err(late),
        "an epoch that began within the range begins with 1"
    );
    let other = Header { producer: ProducerId::from_bytes([9; 16]), ..record(1, 5) };
    assert!(fold(Coverage::Range, &[record(1, 7), other]).is_ok(), "another producer counts on its own");
}

#[test]
fn an_opening_says_what_the_log_shows() {
    let wrong =
        |refused: Result<NumberLedger, NumberError>| matches!(refused, Err(NumberError::Previous { .. }));
    let life = [opened(1, None), record(1, 2)];
    let then = |next: Header| [life.as_slice(), &[next]].concat();
    assert!(whole(&then(opened(2, Some((1, 2, false))))).is_ok(), "the epoch before ended open at 2");
    for said in [None, Some((1, 1, false)), Some((1, 3, false)), Some((1, 2, true))] {
        assert!(
            wrong(whole(&then(opened(2, said)))),
            "{said:?}: lost records could be hidden between two lives"
        );
    }
    assert!(wrong(whole(&[opened(2, Some((1, 2, true)))])), "from entry 0 there was no epoch before");
    assert!(
        fold(Coverage::Range, &[opened(2, Some((1, 2, true)))]).is_ok(),
        "before a range there may have been"
    );
    assert!(whole(&[opened(3, None), record(3, 2), record(5, 1)]).is_ok(), "epoch numbers may jump");
}

#[test]
fn a_close_states_the_numbers_that_are_there() {
    let life = [opened(1, None), about(1, 2, 1, 1), about(1, 3, 2, 1)];
    let then = |close: Header| [life.as_slice(), &[close]].concat();
    assert!(whole(&then(closed(1, 4, &[(1, 1), (2, 1)]))).is_ok(), "these are the last numbers");
    for systems in [&[][..], &[(1, 1)], &[(1, 2), (2, 1)], &[(1, 1), (2, 1), (3, 1)]] {
        let refused = whole(&then(closed(1, 4, systems)));
        assert!(
            matches!(refused, Err(NumberError::Close { .. })),
            "{systems:?}: the last records of a system could be cut off"
        );
    }
    let range = fold(Coverage::Range, &[about(1, 3, 2, 1), closed(1, 4, &[(1, 9), (2, 1)])]);
    assert!(range.is_ok(), "a system may have been counted before the range: {range:?}");
    let range = fold(Coverage::Range, &[about(1, 3, 2, 1), closed(1, 4, &[(1, 9), (2, 2)])]);
    assert!(range.is_err(), "but what was seen must be stated");
    assert!(fold(Coverage::Range, &[closed(1, 4, &[(1, 9)])]).is_ok(), "a range may hold the close alone");
}

#[test]
fn a_strict_reader_asks_for_the_next_number() {
    let numbers = whole(&[opened(1, None), about(1, 2, 1, 1)]).unwrap();
    let (producer, epoch) = (producer(), 1);
    assert_eq!(numbers.check_next(&about(1, 3, 1, 2)), Ok(()), "this is next");
    assert_eq!(
        numbers.check_next(&record(1, 4)),
        Err(NumberError::NotNext { producer, epoch, due: 3, given: 4 }),
        "3 is due"
    );
    let expected = NumberError::SystemNotNext { producer, epoch, system: system(1), due: 2, given: 3 };
    assert_eq!(numbers.check_next(&about(1, 3, 1, 3)), Err(expected), "2 is due for the system");
    assert_eq!(numbers.check_next(&record(2, 1)), Ok(()), "a later epoch begins with 1");
    let late = NumberError::StartsLate { producer, epoch: 2, given: 2 };
    assert_eq!(numbers.check_next(&record(2, 2)), Err(late), "and with nothing else");
    assert_eq!((numbers.next_seq(&producer, 1), numbers.next_seq(&producer, 7)), (3, 1), "what is due");
    assert_eq!(numbers.next_system_seq(&producer, 1, &system(1)), 2, "what is due for the system");
    assert_eq!(numbers.current(&producer).map(|report| report.epoch), Some(1), "the latest epoch");
    let mut after = numbers.clone();
    assert!(
        after.observe(&record(1, 1)).is_err() && after == numbers,
        "a refused record must leave nothing behind"
    );
}

proptest! {
    /// Whatever subset of a producer's records is left, exactly the others between the first and the last are reported missing.
    #[test]
    fn every_gap_is_counted(kept in prop::collection::btree_set(1..200_u64, 1..60)) {
        let headers: Vec<Header> = kept.iter().map(|seq| record(1, *seq)).collect();
        let numbers = fold(Coverage::Range, &headers).unwrap();
        let (first, last) = (*kept.first().unwrap(), *kept.last().unwrap());
        let missing = (first..=last).filter(|seq| !kept.contains(seq)).count() as u64;
        prop_assert_eq!(only(&numbers).missing(), missing);
        prop_assert_eq!(only(&numbers).count, kept.len() as u64);
    }
}
