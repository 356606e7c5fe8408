//! Where to look for what a status counted: places in the log, a few of each kind.
//!
//! Promises: by headers alone, so that erasing content moves no place. Must never: be taken for the whole of what was counted.

use rusqlite::{Connection, Row, params};

use crate::error::ViewsError;
use crate::values::{int, number};

/// Most places of one kind: a sample that a person looks at.
const MAX_PLACES: u64 = tabellion_model::status::MAX_NAMED as u64;

/// One record about an item of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRecord {
    /// Its entry.
    pub entry: u64,
    /// The event in its type, after `register.`.
    pub event: String,
    /// The register, as its stream names it.
    pub register: String,
}

/// Places of records, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trail {
    /// Every record about items of registers, in the order of the log.
    pub registers: Vec<RegisterRecord>,
    /// The newest grant of each role.
    pub grants: Vec<u64>,
    /// Versions of policies, those in force first.
    pub policies: Vec<u64>,
    /// Descriptions of systems.
    pub systems: Vec<u64>,
    /// Decisions on calls.
    pub calls: Vec<u64>,
}

/// The places in the rows of `db`.
pub(super) fn read(db: &Connection) -> Result<Trail, ViewsError> {
    let sql = "SELECT entry, 'saved' AS event, register FROM register_revisions
        UNION ALL SELECT entry, kind, register FROM register_acts ORDER BY entry";
    let record = |row: &Row<'_>| {
        Ok(RegisterRecord {
            entry: number(row, "entry")?,
            event: row.get("event")?,
            register: row.get("register")?,
        })
    };
    let registers = db.prepare(sql)?.query_map([], record)?.collect::<rusqlite::Result<_>>()?;
    Ok(Trail {
        registers,
        grants: places(
            db,
            "SELECT max(entry) AS entry FROM roles WHERE granted = 1 AND role IS NOT NULL GROUP BY role ORDER BY entry DESC",
        )?,
        policies: places(db, "SELECT entry FROM policies ORDER BY newest DESC, entry DESC")?,
        systems: places(db, "SELECT described_entry AS entry FROM systems ORDER BY entry DESC")?,
        calls: places(db, "SELECT entry FROM calls ORDER BY entry DESC")?,
    })
}

fn places(db: &Connection, sql: &str) -> rusqlite::Result<Vec<u64>> {
    let mut select = db.prepare(&format!("{sql} LIMIT ?1"))?;
    select.query_map(params![int(MAX_PLACES)], |row| number(row, "entry"))?.collect()
}
