//! Names by which later prompts can refer to what providers keep of answers: whose each is.
//!
//! How many rows a record makes is what it says, so they go with its content, and are not blanked: what is rebuilt after an erasure has none of them either.

use rusqlite::{Connection, params};
use serde::Deserialize;
use tabellion_model::body::{Answered, CallCompleted};

use super::{Applied, Projection, Table, TaggedColumns, run};
use crate::record::Record;
use crate::values::int;

pub(super) const KEPT_NAMES: Projection =
    Projection { name: "kept_names", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// The table, whose rows go with what they came from.
pub(super) const KEPT_NAMES_TABLE: &str = "kept_names";

const TABLES: &[Table] = &[Table {
    name: KEPT_NAMES_TABLE,
    key: "name, entry",
    tagged: &[TaggedColumns { unit: "unit", values: &[] }],
}];

/// `name` is a digest, as the record has it.
const DDL: &str = "
CREATE TABLE kept_names (
    name TEXT NOT NULL,
    entry INTEGER NOT NULL,
    system BLOB NOT NULL,
    unit BLOB,
    PRIMARY KEY (name, entry)
) STRICT, WITHOUT ROWID;
";

/// What of an end is looked at.
#[derive(Deserialize)]
struct Said {
    answered: Answered,
}

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if !record.is::<CallCompleted>() {
        return Ok(Applied::Passed);
    }
    let (Some(said), Some((system, _))) = (record.group::<Said>(), &record.header.system) else {
        return Ok(Applied::Passed);
    };
    let sql =
        "INSERT INTO kept_names (name, entry, system, unit) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let mut rows = 0;
    for name in &said.value.answered.kept {
        let values = params![name, int(record.index), system.as_bytes(), said.unit.as_bytes()];
        rows += run(db, sql, values)?;
    }
    Ok(if rows > 0 { Applied::Changed } else { Applied::Passed })
}
