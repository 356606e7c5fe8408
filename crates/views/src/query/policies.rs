//! Policies: what is in force, every version there was, and what was put forward.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::{PolicyConfirmed, PolicyProposed};
use tabellion_model::{CredentialId, Micros, RecordId};

use super::packs::{Proposed, proposed};
use super::versions::Versions;
use super::{Page, Rows};
use crate::error::ViewsError;
use crate::values::{id, number, time};
use crate::views::Views;

/// What a version says; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyContent {
    /// The text; none for a withdrawal.
    pub text: Option<String>,
    /// SHA-256 of the text, hex; none for a withdrawal.
    pub digest: Option<String>,
    /// What changed and why.
    pub note: String,
    /// By which a second person decided on it; none: nobody put it forward.
    pub confirmed: Option<PolicyConfirmed>,
}

/// One version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The policy's name.
    pub name: String,
    /// The version: that of its stream.
    pub version: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who wrote it.
    pub by: CredentialId,
    /// Whether no later version follows.
    pub newest: bool,
    /// Whether this version took the policy out of force.
    pub withdrawn: bool,
    /// What it says.
    pub content: Option<PolicyContent>,
}

/// That who put something forward took it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// The entry that says so.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Why; none: erased.
    pub reason: Option<String>,
}

impl Views {
    /// The newest version of every policy, also of those withdrawn; the last changed first.
    pub fn policies(&self, page: Page) -> Result<Rows<PolicyVersion>, ViewsError> {
        self.ask(|db| POLICIES.newest(db, page))
    }

    /// The newest version of one policy.
    pub fn policy(&self, name: &str) -> Result<Option<PolicyVersion>, ViewsError> {
        self.ask(|db| POLICIES.newest_of(db, name))
    }

    /// All versions of one policy, newest first.
    pub fn policy_versions(&self, name: &str, page: Page) -> Result<Rows<PolicyVersion>, ViewsError> {
        self.ask(|db| POLICIES.all_of(db, name, page))
    }

    /// What was put forward last of one policy.
    pub fn policy_proposed(&self, name: &str) -> Result<Option<Proposed<PolicyProposed>>, ViewsError> {
        self.ask(|db| PROPOSALS.newest_of(db, name))
    }

    /// What was put forward last of every policy that something was ever put forward of; the last first.
    pub fn policies_proposed(&self, page: Page) -> Result<Rows<Proposed<PolicyProposed>>, ViewsError> {
        self.ask(|db| PROPOSALS.newest(db, page))
    }

    /// How what was put forward last of a policy was taken back; none: it was not.
    pub fn policy_taken_back(&self, name: &str) -> Result<Option<TakenBack>, ViewsError> {
        let sql = "SELECT withdrawn_entry, withdrawn_at, withdrawn_reason FROM policy_proposals
            WHERE name = ?1 AND newest = 1 AND withdrawn_entry IS NOT NULL";
        let read = |row: &Row<'_>| {
            Ok(TakenBack {
                entry: number(row, "withdrawn_entry")?,
                at: time(row, "withdrawn_at")?,
                reason: row.get("withdrawn_reason")?,
            })
        };
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![name], read).optional()?))
    }

    /// Who put forward what this record of a proposal says; none: there is no such record.
    pub fn policy_proposer(&self, proposed: RecordId) -> Result<Option<CredentialId>, ViewsError> {
        let sql = "SELECT actor FROM policy_proposals WHERE record_id = ?1";
        let by = |row: &Row<'_>| id(row, "actor");
        self.ask(|db| Ok(db.prepare_cached(sql)?.query_row(params![proposed.as_bytes()], by).optional()?))
    }
}

const POLICIES: Versions<PolicyVersion> =
    Versions { select: "SELECT * FROM policies", read: row, entry: |version| version.entry };

/// Open: it was not taken back, and the policy was not changed since.
const PROPOSALS: Versions<Proposed<PolicyProposed>> = Versions {
    select: "SELECT *, withdrawn_entry IS NULL
        AND NOT EXISTS (SELECT 1 FROM policies AS later WHERE later.name = proposals.name AND later.entry > proposals.entry) AS open
    FROM policy_proposals AS proposals",
    read: proposed,
    entry: |proposal| proposal.entry,
};

fn row(row: &Row<'_>) -> rusqlite::Result<PolicyVersion> {
    let note: Option<String> = row.get("note")?;
    let content = match note {
        None => None,
        Some(note) => {
            let confirmed: Option<String> = row.get("confirmed")?;
            let confirmed = confirmed.and_then(|said| serde_json::from_str(&said).ok());
            Some(PolicyContent { text: row.get("text")?, digest: row.get("digest")?, note, confirmed })
        }
    };
    Ok(PolicyVersion {
        name: row.get("name")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        newest: row.get("newest")?,
        withdrawn: row.get("withdrawn")?,
        content,
    })
}
