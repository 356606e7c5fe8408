//! API keys and their ends. Never the key itself: it is recorded nowhere.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::{CredentialId, Micros, SystemId};

use super::{Page, Rows, Where, bytes};
use crate::error::ViewsError;
use crate::values::{id, number, optional_id, optional_list, optional_number, optional_time, time};
use crate::views::Views;

/// What was said when a key was issued; gone when its content was erased, and then the key is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Name.
    pub name: String,
    /// Purposes it may claim.
    pub purposes: Vec<String>,
    /// Models it may ask for; empty: whatever policy permits.
    pub models: Vec<String>,
    /// When it stops by itself.
    pub expires_at: Option<Micros>,
    /// The key it takes over from.
    pub replaces: Option<CredentialId>,
}

/// One end of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who revoked it.
    pub by: CredentialId,
    /// From when on the key is refused; none when erased, and then from `at` on.
    pub effective_at: Option<Micros>,
    /// Why; none when erased.
    pub reason: Option<String>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRow {
    /// Its id.
    pub credential: CredentialId,
    /// The system that calls with it.
    pub system: SystemId,
    /// Version of its stream after the last record folded.
    pub version: u64,
    /// Entry of its issue.
    pub issued_entry: u64,
    /// Commit time of that.
    pub issued_at: Micros,
    /// Who issued it.
    pub issued_by: CredentialId,
    /// What was said then.
    pub issued: Option<Issued>,
    /// An entry that issued the same id again: such a key is refused.
    pub issued_again_entry: Option<u64>,
    /// Its revocations, oldest first.
    pub revocations: Vec<Revocation>,
    /// From this moment on it is refused: its expiry or its first revocation to take effect.
    pub ends_at: Option<Micros>,
}

impl Views {
    /// Keys, the last issued first; of one system when it is named.
    pub fn credentials(
        &self,
        system: Option<&SystemId>,
        page: Page,
    ) -> Result<Rows<CredentialRow>, ViewsError> {
        let mut wanted = Where::default();
        wanted.with("system = ?", system.map(|system| bytes(*system)));
        self.ask(|db| {
            let entry = |credential: &CredentialRow| credential.issued_entry;
            let mut found = wanted.page(db, "SELECT * FROM credentials", "issued_entry", page, row, entry)?;
            for credential in &mut found.rows {
                complete(db, credential)?;
            }
            Ok(found)
        })
    }

    /// One key.
    pub fn credential(&self, credential: &CredentialId) -> Result<Option<CredentialRow>, ViewsError> {
        self.ask(|db| {
            let sql = "SELECT * FROM credentials WHERE credential = ?1";
            let found = db.prepare_cached(sql)?.query_row(params![credential.as_bytes()], row).optional()?;
            let Some(mut found) = found else { return Ok(None) };
            complete(db, &mut found)?;
            Ok(Some(found))
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<CredentialRow> {
    let parts = (row.get("name")?, optional_list(row, "purposes")?, optional_list(row, "models")?);
    let issued = match parts {
        (Some(name), Some(purposes), Some(models)) => Some(Issued {
            name,
            purposes,
            models,
            expires_at: optional_time(row, "expires_at")?,
            replaces: optional_id(row, "replaces")?,
        }),
        _ => None,
    };
    Ok(CredentialRow {
        credential: id(row, "credential")?,
        system: id(row, "system")?,
        version: number(row, "version")?,
        issued_entry: number(row, "issued_entry")?,
        issued_at: time(row, "issued_at")?,
        issued_by: id(row, "issued_by")?,
        issued,
        issued_again_entry: optional_number(row, "issued_again_entry")?,
        revocations: Vec::new(),
        ends_at: None,
    })
}

/// Adds the revocations and what follows from them.
fn complete(db: &Connection, credential: &mut CredentialRow) -> rusqlite::Result<()> {
    let sql = "SELECT entry, at, revoked_by, effective_at, reason FROM revocations WHERE credential = ?1 ORDER BY entry";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map(params![credential.credential.as_bytes()], |row| {
        Ok(Revocation {
            entry: number(row, "entry")?,
            at: time(row, "at")?,
            by: id(row, "revoked_by")?,
            effective_at: optional_time(row, "effective_at")?,
            reason: row.get("reason")?,
        })
    })?;
    credential.revocations = found.collect::<Result<_, _>>()?;
    let ends = credential.revocations.iter().map(|end| end.effective_at.unwrap_or(end.at));
    let expires = credential.issued.as_ref().and_then(|issued| issued.expires_at);
    credential.ends_at = ends.chain(expires).min();
    Ok(())
}
