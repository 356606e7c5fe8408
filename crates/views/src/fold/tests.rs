//! What must stop the projector. The ledger writes neither of these; a later version, or damage, might.

use rusqlite::Connection;
use tabellion_ledger::{PlainContent, PlainUnit};
use tabellion_model::registry::{ErasureDone, Facts};
use tabellion_model::{
    Assurance, CredentialId, Env, Header, Micros, Origin, ProducerId, RecordId, RecordType, UnitDigests,
    UnitId,
};
use tabellion_tlog::Hash;

use super::batch;
use crate::database::Cursor;
use crate::error::ViewsError;
use crate::projection;
use crate::read::{Batch, Folded};

fn header(record_type: &str, critical: bool) -> Header {
    Header {
        record_type: RecordType::new(record_type).expect("a type"),
        type_version: 1,
        critical,
        log: Origin::new("test.example/log/acme").expect("an origin"),
        env: Env::Production,
        record_id: RecordId::from_bytes([1; 16]),
        observed_at: Micros(1),
        actor: CredentialId::from_bytes([2; 16]),
        assurance: Assurance::Observed,
        producer: ProducerId::from_bytes([3; 16]),
        epoch: 1,
        seq: 1,
        system: None,
        stream: None,
        parents: Vec::new(),
        basis: None,
        idem: None,
        clear: None,
        units: Vec::new(),
    }
}

/// Folds one record into empty views; gives the result and the position afterwards.
fn fold(header: Header, units: Vec<PlainUnit>) -> (Result<(), ViewsError>, u64) {
    let db = Connection::open_in_memory().expect("a database");
    for projection in projection::ALL {
        db.execute_batch(&projection::definition(projection)).expect("a definition is SQL");
    }
    let entries = vec![Folded::record(4, header, units)];
    let one =
        Batch { entries, committed_at: Micros(9), size_after: 6, leaves: Vec::new(), seal: Hash([0; 32]) };
    let mut cursors = vec![Cursor { position: 0, seal: None }; projection::ALL.len()];
    let folded = batch(&db, &mut cursors, &one).map(drop);
    (folded, super::position(&cursors))
}

#[test]
fn a_critical_record_that_is_not_known_stops_the_fold_before_it() {
    let (stopped, position) = fold(header("control.suspended", true), Vec::new());
    let error = stopped.expect_err("what the record changed would be shown as if it had not happened");
    assert!(matches!(error, ViewsError::UnknownCritical { index: 4, .. }), "another reason: {error}");
    assert!(error.is_final(), "the projector would try again for ever");
    assert_eq!(position, 0, "whoever waits would believe that the record was folded");
    let (passed, position) = fold(header("control.suspended", false), Vec::new());
    assert!(passed.is_ok() && position == 6, "a record that may be passed over stops everything");
}

#[test]
fn a_tombstone_that_cannot_be_read_stops_the_fold() {
    let id = UnitId::from_bytes([7; 16]);
    let done = ErasureDone { erased: 1, last: true, order: RecordId::from_bytes([5; 16]) };
    let mut header = header("erasure.done", true);
    header.clear = Facts::ErasureDone(done).to_clear();
    header.units = vec![UnitDigests { id, digests: vec!["A".repeat(43)] }];
    let (stopped, _) = fold(header, vec![PlainUnit { id, content: PlainContent::Missing }]);
    let error = stopped.expect_err("erased content would stay in the views");
    assert!(matches!(error, ViewsError::Malformed { index: 4, .. }), "another reason: {error}");
}
