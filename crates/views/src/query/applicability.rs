//! The Statement of Applicability as it stands, and its history.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::applicability;
use tabellion_model::catalogue::Reference;
use tabellion_model::status::facts::Decision;
use tabellion_model::{CredentialId, Micros, RecordId};

use crate::error::ViewsError;
use crate::values::{id, int, number, optional_id, optional_word, time};
use crate::views::Views;

/// What one decision says; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoaContent {
    /// What was decided.
    pub decision: Decision,
    /// Why.
    pub reason: String,
    /// Evidence of the party that carries it out.
    pub evidence: Option<String>,
}

/// One decision on a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoaRow {
    /// The control.
    pub control: Reference,
    /// Version of its stream.
    pub version: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who decided.
    pub by: CredentialId,
    /// The session in which they did; none: a record of before sessions were named, or of the log's own writer.
    pub session: Option<RecordId>,
    /// What.
    pub content: Option<SoaContent>,
}

impl SoaRow {
    /// The row as a statement has it; none when its content was erased.
    pub fn stated(&self) -> Option<applicability::Row> {
        let SoaContent { decision, reason, evidence } = self.content.clone()?;
        Some(applicability::Row { control: self.control, decision, reason, evidence })
    }
}

/// An approval of the whole statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoaApproval {
    /// Its entry: rows with a smaller one are approved by it.
    pub entry: u64,
    /// Version of the stream of approvals.
    pub version: u64,
    /// Commit time.
    pub at: Micros,
    /// Who approved.
    pub by: CredentialId,
    /// The session in which they did.
    pub session: Option<RecordId>,
    /// Digest of the statement, hex; none: erased, so nobody can say what was approved.
    pub digest: Option<String>,
}

/// Who wrote something, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writers {
    /// Everybody who wrote some of it.
    pub people: BTreeSet<CredentialId>,
    /// The sessions in which they wrote, as far as records name them.
    pub sessions: BTreeSet<RecordId>,
}

impl Views {
    /// The newest decision on every control that was decided, in the standard's order.
    pub fn soa(&self) -> Result<Vec<SoaRow>, ViewsError> {
        self.ask(|db| Ok(rows(db)?))
    }

    /// The newest decision on one control.
    pub fn soa_row(&self, control: Reference) -> Result<Option<SoaRow>, ViewsError> {
        let sql = "SELECT * FROM soa_rows WHERE control = ?1 AND newest = 1";
        let key = control.as_str().to_ascii_lowercase();
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![key], row).optional()?.flatten()))
    }

    /// Every decision on one control, oldest first.
    pub fn soa_history(&self, control: Reference) -> Result<Vec<SoaRow>, ViewsError> {
        let sql = "SELECT * FROM soa_rows WHERE control = ?1 ORDER BY version";
        let key = control.as_str().to_ascii_lowercase();
        self.ask(|db| {
            let found =
                db.prepare_cached(sql)?.query_map(params![key], row)?.collect::<Result<Vec<_>, _>>()?;
            Ok(found.into_iter().flatten().collect())
        })
    }

    /// Everybody who decided on a control at or after entry `from`, or wrote a decision that stands.
    pub fn soa_authors(&self, from: u64) -> Result<Writers, ViewsError> {
        let sql = "SELECT DISTINCT actor, session FROM soa_rows WHERE newest = 1 OR entry >= ?1";
        self.ask(|db| {
            let mut writers = Writers::default();
            let mut select = db.prepare_cached(sql)?;
            let read = |row: &Row<'_>| Ok((id(row, "actor")?, optional_id(row, "session")?));
            for found in select.query_map(params![int(from)], read)? {
                let (person, session) = found?;
                writers.people.insert(person);
                writers.sessions.extend(session);
            }
            Ok(writers)
        })
    }

    /// The newest approval.
    pub fn soa_approval(&self) -> Result<Option<SoaApproval>, ViewsError> {
        self.ask(|db| Ok(approval(db)?))
    }
}

/// The statement in the rows of `db`.
pub(crate) fn at(db: &Connection) -> rusqlite::Result<(Vec<SoaRow>, Option<SoaApproval>)> {
    Ok((rows(db)?, approval(db)?))
}

/// The newest decision on every control, in the standard's order.
pub(super) fn rows(db: &Connection) -> rusqlite::Result<Vec<SoaRow>> {
    let mut select = db.prepare_cached("SELECT * FROM soa_rows WHERE newest = 1")?;
    let mut found: Vec<SoaRow> =
        select.query_map([], row)?.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    found.sort_unstable_by_key(|row| row.control);
    Ok(found)
}

/// The newest approval.
pub(super) fn approval(db: &Connection) -> rusqlite::Result<Option<SoaApproval>> {
    let read = |row: &Row<'_>| {
        Ok(SoaApproval {
            entry: number(row, "entry")?,
            version: number(row, "version")?,
            at: time(row, "at")?,
            by: id(row, "actor")?,
            session: optional_id(row, "session")?,
            digest: row.get("digest")?,
        })
    };
    db.prepare_cached("SELECT * FROM soa_approvals ORDER BY entry DESC LIMIT 1")?
        .query_row([], read)
        .optional()
}

/// None for a stream that is about no control: nothing refers to it.
fn row(row: &Row<'_>) -> rusqlite::Result<Option<SoaRow>> {
    let key: String = row.get("control")?;
    let Ok(control) = Reference::parse(&key.to_ascii_uppercase()) else { return Ok(None) };
    let content = match (optional_word(row, "decision")?, row.get("reason")?) {
        (Some(decision), Some(reason)) => {
            Some(SoaContent { decision, reason, evidence: row.get("evidence")? })
        }
        _ => None,
    };
    Ok(Some(SoaRow {
        control,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        session: optional_id(row, "session")?,
        content,
    }))
}
