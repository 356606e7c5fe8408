//! Views of tables that people keep for themselves. That somebody keeps one is in the header; what it is, and that they ever did, says only its content.

use rusqlite::{Connection, params};
use tabellion_model::body::{ViewRemoved, ViewSaved};
use tabellion_model::{CredentialId, ViewId};

use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::int;

pub(super) const SAVED_VIEWS: Projection =
    Projection { name: "saved_views", version: 1, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What the names of its streams begin with.
const STREAMS: &str = "view/";

const TABLES: &[Table] = &[Table {
    name: "saved_views",
    key: "person, view",
    tagged: &[TaggedColumns { unit: "unit", values: &["name", "page", "query"] }],
}];

const DDL: &str = "
CREATE TABLE saved_views (
    person BLOB NOT NULL,
    view BLOB NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    name TEXT,
    page TEXT,
    query TEXT,
    unit BLOB,
    PRIMARY KEY (person, view)
) STRICT, WITHOUT ROWID;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let (saves, removes) = (record.is::<ViewSaved>(), record.is::<ViewRemoved>());
    if !saves && !removes {
        return Ok(Applied::Passed);
    }
    let Some((person, view, version)) = place(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    if record.header.actor != person {
        return Ok(Applied::Unplaced("it is not by the person whose view it is"));
    }
    if removes {
        let sql = "DELETE FROM saved_views WHERE person = ?1 AND view = ?2";
        let rows = run(db, sql, params![person.as_bytes(), view.as_bytes()])?;
        return Ok(changed(rows, "there is no such view"));
    }
    let said = record.body::<ViewSaved>();
    let value = said.as_ref().map(|said| &said.value);
    let sql = "INSERT INTO saved_views (person, view, version, entry, name, page, query, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (person, view) DO UPDATE SET version = excluded.version, entry = excluded.entry, name = excluded.name, page = excluded.page,
        query = excluded.query, unit = excluded.unit";
    let rows = run(
        db,
        sql,
        params![
            person.as_bytes(),
            view.as_bytes(),
            int(version),
            int(record.index),
            value.map(|view| &view.name),
            value.map(|view| &view.page),
            value.map(|view| &view.query),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}

/// Whose view the record is about, which, and the version that it makes.
fn place(record: &Record<'_>) -> Option<(CredentialId, ViewId, u64)> {
    let (name, version) = record.stream_name(STREAMS)?;
    let (person, view) = name.split_once('/')?;
    Some((CredentialId::from_hex(person)?, ViewId::from_hex(view)?, version))
}
