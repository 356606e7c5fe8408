//! Runs of a few entries, so that calls lie in several of them.

use rusqlite::{Connection, params};
use tabellion_model::{RecordId, UnitId};

use super::{RUN_ENTRIES, entry_of, file, file_late, take};
use crate::projection::{self, calls};
use crate::values::int;

fn views() -> Connection {
    let db = Connection::open_in_memory().expect("a database");
    db.execute_batch(&projection::definition(&calls::CALLS)).expect("a definition is SQL");
    db
}

/// A call at `entry`, whose ids say where it is; ended, or not.
fn call(db: &Connection, entry: u64, ended: bool) {
    file(db, entry).expect("filed");
    let sql = "INSERT INTO calls (entry, record_id, state, at, asked_unit, ended_unit) VALUES (?1, ?2, ?3, ?1, ?4, ?5)";
    let id = entry.to_string().repeat(16).into_bytes()[..16].to_vec();
    db.execute(
        sql,
        params![
            int(entry),
            id,
            i64::from(ended),
            asked(entry).as_bytes(),
            ended.then(|| *end(entry).as_bytes())
        ],
    )
    .expect("a row");
}

fn record(entry: u64) -> RecordId {
    let bytes = entry.to_string().repeat(16).into_bytes();
    RecordId::from_bytes(bytes[..16].try_into().expect("16 bytes"))
}

fn asked(entry: u64) -> UnitId {
    UnitId::from_bytes([u8::try_from(entry).expect("small"); 16])
}

fn end(entry: u64) -> UnitId {
    UnitId::from_bytes([u8::try_from(entry).expect("small") ^ 0x80; 16])
}

#[test]
fn every_call_is_found_by_its_id_in_whichever_run_it_lies() {
    let db = views();
    let entries: Vec<u64> =
        (1..5 * RUN_ENTRIES).step_by(3).filter(|entry| entry / RUN_ENTRIES != 2).collect();
    for entry in &entries {
        call(&db, *entry, true);
    }
    for entry in &entries {
        let found = entry_of(&db, &record(*entry)).expect("an answer");
        assert_eq!(found, Some(*entry), "the page of a call would say that there is none");
    }
    assert_eq!(entry_of(&db, &RecordId::from_bytes([0xff; 16])).expect("an answer"), None);
}

#[test]
fn every_unit_is_found_once_also_of_a_call_that_ended_in_a_later_run() {
    let db = views();
    let late = 3;
    for entry in 1..3 * RUN_ENTRIES {
        call(&db, entry, entry != late);
    }
    let ended = 2 * RUN_ENTRIES + 2;
    db.execute("UPDATE calls SET ended_unit = ?1 WHERE entry = ?2", params![end(late).as_bytes(), int(late)])
        .expect("ended");
    file_late(&db, late, ended, &end(late)).expect("filed");
    for entry in [1, late, RUN_ENTRIES, 3 * RUN_ENTRIES - 1] {
        for unit in [asked(entry), end(entry)] {
            let found = take(&db, &[unit]).expect("an answer");
            assert_eq!(found, [(unit, entry)], "erased content would stay in the views");
        }
    }
    let left: i64 = db
        .query_row("SELECT count(*) FROM call_units WHERE entry = ?1", [int(late)], |row| row.get(0))
        .expect("a count");
    assert_eq!(left, 0, "a rebuild would make other rows than these");
}

#[test]
fn a_run_is_filed_once_however_many_calls_end_before_the_next_one_begins() {
    let db = views();
    for entry in 1..RUN_ENTRIES {
        call(&db, entry, true);
    }
    let filed = || db.query_row("SELECT count(*) FROM call_units", [], |row| row.get::<_, i64>(0));
    file(&db, RUN_ENTRIES + 1).expect("filed");
    assert_eq!(filed().expect("a count"), 2 * int(RUN_ENTRIES - 1), "a unit would not be found");
    db.execute("DELETE FROM call_units", []).expect("taken out, so that filing again would show");
    file(&db, RUN_ENTRIES + 2).expect("filed");
    assert_eq!(filed().expect("a count"), 0, "each end of a call would sort a whole run again");
}

/// A batch under load begins in one run and ends in the next.
#[test]
fn a_run_is_filed_also_when_its_last_batch_reaches_into_the_next() {
    let db = views();
    let insert = |entry: u64| {
        let sql = "INSERT INTO calls (entry, record_id, state, at, asked_unit, ended_unit) VALUES (?1, ?2, 1, ?1, ?3, ?4)";
        let id = entry.to_string().repeat(16).into_bytes()[..16].to_vec();
        let (asked, end) = (asked(entry), end(entry));
        db.execute(sql, params![int(entry), id, asked.as_bytes(), end.as_bytes()]).expect("a row");
    };
    (1..RUN_ENTRIES + 4).for_each(insert);
    file(&db, RUN_ENTRIES + 4).expect("filed");
    (RUN_ENTRIES + 4..3 * RUN_ENTRIES + 2).for_each(insert);
    file(&db, 3 * RUN_ENTRIES + 2).expect("filed");
    for entry in [1, RUN_ENTRIES - 1, RUN_ENTRIES, 2 * RUN_ENTRIES + 1, 3 * RUN_ENTRIES + 1] {
        assert_eq!(
            entry_of(&db, &record(entry)).expect("an answer"),
            Some(entry),
            "the page of a call would say that there is none"
        );
        assert_eq!(
            take(&db, &[end(entry)]).expect("an answer"),
            [(end(entry), entry)],
            "erased content would stay in the views"
        );
    }
}
