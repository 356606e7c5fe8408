//! Statements that somebody else sealed and signed: what the log takes, and what it must never take.

use serde_json::Value;
use tabellion_ledger::disk::Disk;
use tabellion_ledger::keyring::{KeyAccess, KeyPair, list_keys};
use tabellion_ledger::{Draft, ErasureTarget, Ledger, LedgerError, Prepared, RejectCode, UnitContent};
use tabellion_model::registry::{EpochClosed, EpochOpened, Facts, PreviousEpoch};
use tabellion_model::{
    Assurance, Disclosure, Header, Micros, ProducerId, Purpose, RecordId, RecordType, SealedRecord,
    Statement, UnitDigests, UnitId, seal_unit,
};

use crate::fixture::real;

/// One hand that signs statements.
pub(crate) struct Hand<'a> {
    ledger: &'a Ledger,
    key: KeyPair,
    epoch: u64,
    pub(crate) seq: u64,
    id: u8,
}

impl<'a> Hand<'a> {
    pub(crate) fn of(ledger: &'a Ledger, disk: &dyn Disk) -> Self {
        let key = list_keys(disk, Purpose::Actor).expect("the operator's key").remove(0);
        let key = KeyAccess::default().load(disk, Purpose::Actor, &key).expect("its file");
        Self { ledger, key, epoch: 1, seq: 0, id: 0 }
    }

    pub(crate) fn header(&mut self, record_type: &str) -> Header {
        self.seq += 1;
        self.id += 1;
        Header {
            record_type: RecordType::new(record_type).expect("a type"),
            type_version: 1,
            critical: tabellion_model::registry::is_critical(&RecordType::new(record_type).expect("a type")),
            log: self.ledger.origin().clone(),
            env: self.ledger.env(),
            record_id: RecordId::from_bytes([self.id; 16]),
            observed_at: Micros(1),
            actor: self.key.credential,
            assurance: Assurance::Signed,
            producer: ProducerId::of_key(&self.key.key_id()),
            epoch: self.epoch,
            seq: self.seq,
            system: None,
            stream: None,
            parents: Vec::new(),
            basis: None,
            idem: None,
            clear: None,
            units: Vec::new(),
        }
    }

    pub(crate) fn opened(&mut self, previous: Option<PreviousEpoch>) -> Header {
        let mut header = self.header("epoch.opened");
        header.clear = Facts::EpochOpened(EpochOpened { previous }).to_clear();
        header
    }

    /// A statement without content, ready to be appended.
    pub(crate) fn prepared(&self, header: Header) -> Prepared {
        let bytes = Statement::sign(&SealedRecord { header }, self.key.key.as_ref()).expect("a statement");
        self.ledger.prepare_statement(bytes, &[]).expect("a good statement")
    }

    pub(crate) fn send(
        &self,
        header: Header,
        disclosures: &[Disclosure],
        subject: Option<&str>,
    ) -> Result<u64, LedgerError> {
        let bytes = Statement::sign(&SealedRecord { header }, self.key.key.as_ref()).expect("a statement");
        let texts: Vec<String> = disclosures.iter().map(Disclosure::encode).collect();
        let prepared = match subject {
            None => self.ledger.prepare_statement(bytes, &texts)?,
            Some(subject) => self.ledger.prepare_statement_about(bytes, &texts, subject)?,
        };
        Ok(self.ledger.append_prepared(vec![prepared])?[0].index)
    }
}

fn unit(id: u8, seed: u8, value: &str) -> (UnitDigests, Vec<Disclosure>) {
    let field = ("remark".to_owned(), Value::from(value));
    seal_unit(UnitId::from_bytes([id; 16]), &[seed; 32], &[field]).expect("a unit")
}

#[test]
fn a_producers_count_is_taken_only_where_it_continues() {
    let (_dir, disk, ledger) = real();
    let mut hand = Hand::of(&ledger, disk.as_ref());
    let code = |result: Result<u64, LedgerError>| result.err().and_then(|error| error.code());
    let early = hand.header("event.logged");
    assert_eq!(
        code(hand.send(early, &[], None)),
        Some(RejectCode::SequenceConflict),
        "an epoch without its opening"
    );
    hand.seq = 0;
    let invented = hand.opened(Some(PreviousEpoch { closed: true, epoch: 7, last_seq: 70 }));
    assert_eq!(
        code(hand.send(invented, &[], None)),
        Some(RejectCode::SequenceConflict),
        "a past that the log does not hold"
    );
    hand.seq = 0;
    let opened = hand.opened(None);
    hand.send(opened, &[], None).expect("a first epoch");
    hand.seq = 5;
    let gap = hand.header("event.logged");
    assert_eq!(
        code(hand.send(gap, &[], None)),
        Some(RejectCode::SequenceConflict),
        "a hole would enter unseen"
    );
    hand.seq = 1;
    let next = hand.header("event.logged");
    hand.send(next.clone(), &[], None).expect("the number that is due");
    assert_eq!(code(hand.send(next, &[], None)), Some(RejectCode::SequenceConflict), "the same number twice");
    let mut closed = hand.header("epoch.closed");
    closed.clear = Facts::EpochClosed(EpochClosed { last_seq: closed.seq, systems: Vec::new() }).to_clear();
    hand.send(closed, &[], None).expect("a close");
}

#[test]
fn nobody_counts_in_anothers_name() {
    let (_dir, disk, ledger) = real();
    let own = ProducerId::of_log(&ledger.reader().genesis());
    let root = ProducerId::of_key(&ledger.reader().keys().root().key_id);
    for producer in [own, root, ProducerId::from_bytes([9; 16])] {
        let mut hand = Hand::of(&ledger, disk.as_ref());
        hand.epoch = (1 << 53) - 1;
        let mut opened = hand.opened(None);
        opened.producer = producer;
        assert!(hand.send(opened, &[], None).is_err(), "an actor could take over the count of {producer}");
    }
    ledger.append(&Draft::new("event.logged").with("n", 1)).expect("the log goes on");
    ledger.grant_key(Purpose::Actor).expect("and so does its root");
}

#[test]
fn a_unit_id_used_twice_never_shares_a_key_stream() {
    let (_dir, disk, ledger) = real();
    let mut hand = Hand::of(&ledger, disk.as_ref());
    let opened = hand.opened(None);
    hand.send(opened, &[], None).expect("an epoch");
    let mut indexes = Vec::new();
    for (seed, text) in [(1, "the known content of one"), (2, "the hidden content of two")] {
        let (digests, disclosures) = unit(7, seed, text);
        let mut header = hand.header("event.logged");
        header.units.push(digests);
        indexes.push(hand.send(header, &disclosures, Some("ada")).expect("a statement"));
    }
    assert_eq!(
        ledger.reader().counts()["vault_keys"],
        2,
        "two units of one id under one key give away what they differ in"
    );
    let done = ledger.erase(&ErasureTarget::Subject("ada".to_owned()), "asked").expect("an erasure");
    assert_eq!((done.keys, done.units), (2, 2), "both go with their subject");
    for index in indexes {
        let entry = ledger.reader().entry(index).expect("the entry stays");
        assert_eq!(entry.units[0].content, UnitContent::Erased, "content of entry {index} is still there");
    }
}

#[test]
fn what_no_reader_could_pass_is_not_taken() {
    let (_dir, disk, ledger) = real();
    let mut hand = Hand::of(&ledger, disk.as_ref());
    let opened = hand.opened(None);
    hand.send(opened, &[], None).expect("an epoch");
    let size = ledger.reader().size();
    let mut critical = hand.header("future.kind");
    critical.critical = true;
    assert!(hand.send(critical, &[], None).is_err(), "an unknown critical type would stop every verifier");
    hand.seq -= 1;
    let (one, shown_one) = unit(1, 1, "a");
    let (two, shown_two) = unit(2, 2, "b");
    let mut twice = hand.header("event.logged");
    twice.units = vec![one, two];
    let both: Vec<Disclosure> = shown_one.into_iter().chain(shown_two).collect();
    assert!(hand.send(twice, &both, None).is_err(), "a field that occurs twice in a record is ambiguous");
    let mut forged = Draft::new("approval.given").with("decision", "approved");
    forged.assurance = Some("signed".to_owned());
    assert!(ledger.append(&forged).is_err(), "an unsigned record must not claim a signature");
    assert_eq!(ledger.reader().size(), size, "something was recorded all the same");
}
