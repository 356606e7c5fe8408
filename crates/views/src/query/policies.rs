//! Policies: what is in force, and every version there was.

use rusqlite::Row;
use tabellion_model::{CredentialId, Micros};

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
}

const POLICIES: Versions<PolicyVersion> =
    Versions { select: "SELECT * FROM policies", read: row, entry: |version| version.entry };

fn row(row: &Row<'_>) -> rusqlite::Result<PolicyVersion> {
    let note: Option<String> = row.get("note")?;
    let content = match note {
        None => None,
        Some(note) => Some(PolicyContent { text: row.get("text")?, digest: row.get("digest")?, note }),
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
