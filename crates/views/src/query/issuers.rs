//! Issuers of statements and their keys.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::IssuerAdded;
use tabellion_model::{CredentialId, Micros};
use tabellion_tlog::Hash;

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, optional_time, time};
use crate::views::Views;

/// Most keys of one issuer that a statement is tried under: a rotation has two.
const MAX_KEYS: u32 = 16;

/// One key of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerRow {
    /// Thumbprint of the key.
    pub key_id: Hash,
    /// Version of its stream.
    pub version: u64,
    /// The entry that added it.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who added it.
    pub by: CredentialId,
    /// When it was removed; none: it counts.
    pub removed_at: Option<Micros>,
    /// Whose it is; gone when its content was erased, and then it counts no more.
    pub said: Option<IssuerAdded>,
}

impl Views {
    /// Every key of an issuer, also of those removed; the last added first.
    pub fn issuers(&self, page: Page) -> Result<Rows<IssuerRow>, ViewsError> {
        self.ask(|db| Where::default().page(db, "SELECT * FROM issuers", "entry", page, row, |row| row.entry))
    }

    /// One key.
    pub fn issuer(&self, key_id: &Hash) -> Result<Option<IssuerRow>, ViewsError> {
        let sql = "SELECT * FROM issuers WHERE key_id = ?1";
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![key_id.0], row).optional()?))
    }

    /// The keys that count of the issuer with this name, the last added first, 16 at most.
    pub fn issuer_keys(&self, issuer: &str) -> Result<Vec<IssuerRow>, ViewsError> {
        let sql = format!(
            "SELECT * FROM issuers WHERE issuer = ?1 AND removed_at IS NULL ORDER BY entry DESC LIMIT {MAX_KEYS}"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            let rows = select.query_map(params![issuer], row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<IssuerRow> {
    let issuer: Option<String> = row.get("issuer")?;
    let said = match issuer {
        None => None,
        Some(issuer) => Some(IssuerAdded {
            issuer,
            algorithm: row.get("algorithm")?,
            public: row.get("public")?,
            kid: row.get("kid")?,
            note: row.get("note")?,
        }),
    };
    Ok(IssuerRow {
        key_id: Hash(row.get("key_id")?),
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        removed_at: optional_time(row, "removed_at")?,
        said,
    })
}
