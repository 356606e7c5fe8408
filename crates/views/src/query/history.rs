//! What was changed by whom, what nobody stood behind, and records that fit nowhere.

use rusqlite::Row;
use tabellion_model::body::NoiseCounted;
use tabellion_model::{CredentialId, ItemId, Micros, RecordId, SystemId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, number, optional_number, time};
use crate::views::Views;

/// Whose history is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A system's.
    System(SystemId),
    /// A key's.
    Credential(CredentialId),
    /// A policy's, by its name.
    Policy(String),
    /// A person's.
    Person(CredentialId),
    /// An item's, by its register.
    Item(String, ItemId),
    /// All items of this register.
    Register(String),
    /// A control's in the Statement of Applicability.
    Applicability(String),
    /// Whatever this stream is about.
    Stream(String),
}

impl Subject {
    /// The stream that its records change; of a register, what the names of its items' streams begin with.
    pub fn stream(&self) -> String {
        match self {
            Self::System(id) => format!("system/{id}"),
            Self::Credential(id) => format!("credential/{id}"),
            Self::Policy(name) => format!("policy/{name}"),
            Self::Person(id) => format!("person/{id}"),
            Self::Item(register, id) => format!("register/{register}/{id}"),
            Self::Register(register) => format!("register/{register}/"),
            Self::Stream(name) => name.clone(),
            Self::Applicability(control) => format!("soa/{}", control.to_ascii_lowercase()),
        }
    }
}

/// One record of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its entry.
    pub entry: u64,
    /// The stream it changed.
    pub stream: String,
    /// The stream's version afterwards.
    pub version: u64,
    /// Its id.
    pub record_id: RecordId,
    /// Its type.
    pub record_type: String,
    /// Who did it.
    pub by: CredentialId,
    /// Its commit time.
    pub at: Micros,
}

/// One minute's count of requests that nobody stood behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoiseRow {
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// The counts; none when erased.
    pub counted: Option<NoiseCounted>,
}

/// A record of a known type that fits nothing that came before it: somebody's mistake, never the view's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    /// Its entry.
    pub entry: u64,
    /// The view that could not place it.
    pub view: String,
    /// Its type.
    pub record_type: String,
    /// Why.
    pub why: String,
}

impl Views {
    /// The history of one system, key, policy, person or item, or of all of them; newest first.
    pub fn history(&self, of: Option<&Subject>, page: Page) -> Result<Rows<Change>, ViewsError> {
        let mut wanted = Where::default();
        match of {
            Some(Subject::Register(_)) => {
                // From the newest change back: there are few pages, and the index by stream would sort every change of the register first.
                let begin = of.map(Subject::stream);
                let end = begin.as_ref().map(|begin| format!("{}0", begin.trim_end_matches('/')));
                wanted.with("+stream >= ?", begin).with("+stream < ?", end);
            }
            _ => {
                wanted.with("stream = ?", of.map(Subject::stream));
            }
        }
        self.ask(|db| wanted.page(db, "SELECT * FROM changes", "entry", page, change, |row| row.entry))
    }

    /// Counts of requests that nobody stood behind, newest first.
    pub fn noise(&self, page: Page) -> Result<Rows<NoiseRow>, ViewsError> {
        self.ask(|db| Where::default().page(db, "SELECT * FROM noise", "entry", page, noise, |row| row.entry))
    }

    /// Records that fit nowhere, newest first.
    pub fn unplaced(&self, page: Page) -> Result<Rows<Unplaced>, ViewsError> {
        let entry = |row: &Unplaced| row.entry;
        self.ask(|db| Where::default().page(db, "SELECT * FROM unplaced", "entry", page, unplaced, entry))
    }
}

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change {
        entry: number(row, "entry")?,
        stream: row.get("stream")?,
        version: number(row, "version")?,
        record_id: id(row, "record_id")?,
        record_type: row.get("record_type")?,
        by: id(row, "actor")?,
        at: time(row, "at")?,
    })
}

fn noise(row: &Row<'_>) -> rusqlite::Result<NoiseRow> {
    let counted = match (optional_number(row, "since")?, optional_number(row, "until")?) {
        (Some(from), Some(to)) => Some(NoiseCounted {
            from,
            to,
            unauthenticated: number(row, "unauthenticated")?,
            bad_key: number(row, "bad_key")?,
            malformed: number(row, "malformed")?,
            rate_limited: number(row, "rate_limited")?,
        }),
        _ => None,
    };
    Ok(NoiseRow { entry: number(row, "entry")?, at: time(row, "at")?, counted })
}

fn unplaced(row: &Row<'_>) -> rusqlite::Result<Unplaced> {
    Ok(Unplaced {
        entry: number(row, "entry")?,
        view: row.get("view")?,
        record_type: row.get("record_type")?,
        why: row.get("why")?,
    })
}
