//! Templates: the committer's plain copies give the same bytes as the full writer.

use proptest::prelude::*;
use tabellion_model::registry::{EpochClosed, EpochOpened, Facts};
use tabellion_model::{
    Header, MAX_INTEGER, Numbers, NumbersError, Parent, RecordError, RecordId, RecordTemplate, SealedRecord,
    StreamName, SystemId,
};

use crate::records::fixture::{full_header, hash, object, small_header, unit};

fn with_numbers(header: &Header, numbers: &Numbers) -> Header {
    let mut header = header.clone();
    header.epoch = numbers.epoch;
    header.seq = numbers.seq;
    if let (Some((_, slot)), Some(seq)) = (&mut header.system, numbers.system_seq) {
        *slot = seq;
    }
    if let (Some((_, slot)), Some(version)) = (&mut header.stream, numbers.stream_version) {
        *slot = version;
    }
    header
}

fn any_header() -> impl Strategy<Value = Header> {
    let names = prop::collection::btree_set("[a-z][a-z0-9_]{0,12}", 1..8);
    let units = prop::collection::btree_map(any::<u8>(), names, 0..5);
    let roles = prop::collection::vec("[a-z][a-z0-9_]{0,31}", 0..5);
    (
        prop::option::of(any::<[u8; 16]>()),
        prop::option::of("[a-z0-9][a-z0-9._/-]{0,40}"),
        roles,
        prop::option::of(0..=MAX_INTEGER),
        prop::option::of(any::<[u8; 16]>()),
        any::<bool>(),
        units,
        1..=u32::MAX,
    )
        .prop_filter("the stream keys is not for records like these", |parts| {
            parts.1.as_deref() != Some("keys")
        })
        .prop_map(|(system, stream, roles, basis, idem, critical, units, type_version)| Header {
            system: system.map(|id| (SystemId::from_bytes(id), 1)),
            stream: stream.map(|name| (StreamName::new(&name).unwrap(), 1)),
            parents: roles
                .into_iter()
                .map(|role| Parent { hash: hash(&role), record_id: RecordId::from_bytes([9; 16]), role })
                .collect(),
            basis,
            idem: idem.map(|bytes| hash(&String::from_utf8_lossy(&bytes))),
            critical,
            type_version,
            units: units
                .into_iter()
                .map(|(id, names)| unit(id, &names.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect(),
            ..small_header("document.captured")
        })
}

proptest! {
    #[test]
    fn a_filled_template_is_the_record_byte_for_byte(
        header in any_header(),
        epoch in 1..=MAX_INTEGER,
        seq in 1..=MAX_INTEGER,
        system_seq in 1..=MAX_INTEGER,
        stream_version in 1..=MAX_INTEGER,
    ) {
        let numbers = Numbers {
            epoch,
            seq,
            system_seq: header.system.as_ref().map(|_| system_seq),
            stream_version: header.stream.as_ref().map(|_| stream_version),
        };
        let template = RecordTemplate::new(&header).unwrap();
        let mut filled = b"before".to_vec();
        template.fill(&numbers, &mut filled).unwrap();
        let written = SealedRecord { header: with_numbers(&header, &numbers) }.to_bytes().unwrap();
        prop_assert_eq!(&filled[6..], &written[..]);
        prop_assert!(written.len() <= template.max_len());
        prop_assert_eq!(SealedRecord::parse(&written).unwrap().to_bytes().unwrap(), written);
    }
}

#[test]
fn numbers_at_their_limits_fit() {
    let template = RecordTemplate::new(&full_header()).unwrap();
    for number in [1, 9, 10, 99, 100, 1_000_000, MAX_INTEGER] {
        let numbers =
            Numbers { epoch: number, seq: number, system_seq: Some(number), stream_version: Some(number) };
        let mut filled = Vec::new();
        template.fill(&numbers, &mut filled).unwrap();
        let written = SealedRecord { header: with_numbers(&full_header(), &numbers) }.to_bytes().unwrap();
        assert_eq!(filled, written, "the receipt would be for other bytes than a reader expects");
    }
}

#[test]
fn numbers_that_do_not_fit_leave_nothing_behind() {
    let template = RecordTemplate::new(&full_header()).unwrap();
    let good = Numbers { epoch: 1, seq: 1, system_seq: Some(1), stream_version: Some(1) };
    for (numbers, why) in [
        (Numbers { epoch: 0, ..good }, NumbersError::Range),
        (Numbers { seq: MAX_INTEGER + 1, ..good }, NumbersError::Range),
        (Numbers { system_seq: Some(0), ..good }, NumbersError::Range),
        (Numbers { system_seq: None, ..good }, NumbersError::Presence),
        (Numbers { stream_version: None, ..good }, NumbersError::Presence),
    ] {
        let mut out = b"kept".to_vec();
        assert_eq!(template.fill(&numbers, &mut out), Err(why), "{numbers:?}");
        assert_eq!(out, b"kept", "a half-written record would corrupt the batch");
    }
    let plain = RecordTemplate::new(&small_header("document.captured")).unwrap();
    assert_eq!(
        plain.fill(&good, &mut Vec::new()),
        Err(NumbersError::Presence),
        "a number without its system"
    );
}

#[test]
fn epoch_records_get_only_the_number_that_they_state() {
    let facts = |facts: &Facts| Header {
        critical: true,
        clear: facts.to_clear(),
        ..small_header(facts.kind().name())
    };
    let closed = Facts::EpochClosed(EpochClosed { last_seq: 17, systems: Vec::new() });
    let opened = Facts::EpochOpened(EpochOpened { previous: None });
    for (said, due, wrong) in [(closed, 17, 16), (opened, 1, 2)] {
        let header = facts(&said);
        let template = RecordTemplate::new(&header).unwrap();
        let numbers = |seq| Numbers { epoch: 1, seq, system_seq: None, stream_version: None };
        let mut out = Vec::new();
        template.fill(&numbers(due), &mut out).unwrap();
        assert!(SealedRecord::parse(&out).is_ok(), "the record must be readable");
        let refused = template.fill(&numbers(wrong), &mut Vec::new());
        assert_eq!(
            refused,
            Err(NumbersError::SeqFixed { due, given: wrong }),
            "no reader would accept the record"
        );
        let refused = SealedRecord { header: Header { seq: wrong, ..header } }.to_bytes();
        assert!(matches!(refused, Err(RecordError::Registry(_))), "the full writer must refuse it too");
    }
}

#[test]
fn what_no_reader_would_accept_gets_no_template() {
    let clear = Some(object(&serde_json::json!({"name": "Erika Mustermann"})));
    let refused = RecordTemplate::new(&Header { clear, ..small_header("document.captured") });
    assert!(
        matches!(refused, Err(RecordError::Registry(_))),
        "personal text would stand in the log for ever"
    );
    let names: Vec<String> = (0..512).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let units = (1..=3).map(|id| unit(id, &names)).collect();
    let refused = RecordTemplate::new(&Header { units, ..small_header("document.captured") });
    assert!(matches!(refused, Err(RecordError::TooLarge(_))), "it would fail in the committer, too late");
}
