//! The Statement of Applicability: every decision on a control, the newest marked, and every approval of the whole.

use rusqlite::{Connection, params};
use tabellion_model::body::{SoaApproved, SoaDecided};

use super::versions::Versions;
use super::{Applied, NO_STREAM, Projection, Table, TaggedColumns, changed, run};
use crate::record::Record;
use crate::values::{int, word};

pub(super) const APPLICABILITY: Projection =
    Projection { name: "applicability", version: 2, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

/// What the names of its streams begin with.
const STREAMS: &str = "soa/";
/// The stream of approvals, after that.
const APPROVAL: &str = "approval";

const TABLES: &[Table] = &[
    Table {
        name: "soa_rows",
        key: "control, version",
        tagged: &[TaggedColumns { unit: "unit", values: &["decision", "reason", "evidence"] }],
    },
    Table {
        name: "soa_approvals",
        key: "entry",
        tagged: &[TaggedColumns { unit: "unit", values: &["digest"] }],
    },
];

/// `control` is the name in the stream, in lower case.
const DDL: &str = "
CREATE TABLE soa_rows (
    control TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    newest INTEGER NOT NULL,
    decision TEXT,
    reason TEXT,
    evidence TEXT,
    unit BLOB,
    PRIMARY KEY (control, version)
) STRICT;
CREATE INDEX soa_rows_newest ON soa_rows (control) WHERE newest = 1;
CREATE TABLE soa_approvals (
    entry INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    session BLOB,
    digest TEXT,
    unit BLOB
) STRICT;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<SoaDecided>() {
        return decided(db, record);
    }
    if record.is::<SoaApproved>() {
        return approved(db, record);
    }
    Ok(Applied::Passed)
}

const VERSIONS: Versions = Versions {
    streams: STREAMS,
    ending: "",
    supersede: "UPDATE soa_rows SET newest = 0 WHERE control = ?1 AND newest = 1",
    twice: NO_STREAM,
};

fn decided(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record).filter(|version| version.name != APPROVAL) else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    // Content that speaks of another control than the stream is as good as none.
    let said = record.body::<SoaDecided>();
    let said = said.filter(|said| said.value.control.as_str().to_ascii_lowercase() == version.name);
    let sql =
        "INSERT INTO soa_rows (control, version, entry, at, actor, session, newest, decision, reason, evidence, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10)";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            record.session(),
            said.as_ref().and_then(|said| word(&said.value.decision)),
            said.as_ref().map(|said| &said.value.reason),
            said.as_ref().and_then(|said| said.value.evidence.as_ref()),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )
}

fn approved(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some((_, version)) = record.stream_name(STREAMS).filter(|(name, _)| *name == APPROVAL) else {
        return Ok(Applied::Unplaced(NO_STREAM));
    };
    let said = record.body::<SoaApproved>();
    let sql = "INSERT INTO soa_approvals (entry, version, at, actor, session, digest, unit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let rows = run(
        db,
        sql,
        params![
            int(record.index),
            int(version),
            int(record.committed_at.0),
            record.header.actor.as_bytes(),
            record.session(),
            said.as_ref().map(|said| &said.value.digest),
            said.as_ref().map(|said| said.unit.as_bytes()),
        ],
    )?;
    Ok(changed(rows, NO_STREAM))
}
