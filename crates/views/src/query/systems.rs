//! Systems: the inventory.

use rusqlite::{OptionalExtension as _, Row, params};
use tabellion_model::body::{Capture, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};

use super::{Page, Rows, Where, bytes, needle};
use crate::error::ViewsError;
use crate::values::{
    id, number, optional_id, optional_list, optional_number, optional_time, optional_word, time, word,
};
use crate::views::Views;

/// Which systems are wanted; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemFilter {
    /// That stand so.
    pub stage: Option<SystemStage>,
    /// That this person answers for.
    pub owner: Option<CredentialId>,
    /// Whose name or description contains this, letter case aside.
    pub text: Option<String>,
}

/// What was last said about a system; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Name.
    pub name: String,
    /// Who answers for it.
    pub owner: CredentialId,
    /// The owner's name, while the person is known; none: the system has no known owner.
    pub owner_name: Option<String>,
    /// Purposes.
    pub purposes: Vec<String>,
    /// Description.
    pub description: String,
    /// What is kept of prompts and answers.
    pub capture: Capture,
    /// Why, where somebody was asked.
    pub capture_reason: Option<String>,
    /// Where its costs are booked, where somebody said.
    pub cost_centre: Option<String>,
}

/// Where a system stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The stage; none when the content that said it was erased.
    pub stage: Option<SystemStage>,
    /// Why; none before the first change, or when erased.
    pub reason: Option<String>,
    /// Entry of the last change; none for a draft that was never changed.
    pub entry: Option<u64>,
}

/// One system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemRow {
    /// Its id.
    pub system: SystemId,
    /// Version of its stream after the last record folded.
    pub version: u64,
    /// Entry of its first registration.
    pub registered_entry: u64,
    /// Commit time of that.
    pub registered_at: Micros,
    /// Entry of its last change.
    pub changed_entry: u64,
    /// Commit time of that.
    pub changed_at: Micros,
    /// What was last said about it.
    pub described: Option<Described>,
    /// Where it stands.
    pub stage: Stage,
    /// When its content goes, once its deletion was asked for.
    pub deletion_due: Option<Micros>,
    /// Entry that says that it is gone.
    pub purged_entry: Option<u64>,
}

/// A draft is what was registered and never moved; a stage that was erased is none.
const STAGE: &str = "CASE WHEN systems.stage_entry IS NULL THEN 'draft' ELSE systems.stage END";

fn select() -> String {
    format!(
        "SELECT systems.*, people.name AS owner_name, {STAGE} AS stage_now FROM systems
        LEFT JOIN people ON people.person = systems.owner"
    )
}

impl Views {
    /// Systems, the last registered first.
    pub fn systems(&self, filter: &SystemFilter, page: Page) -> Result<Rows<SystemRow>, ViewsError> {
        let mut wanted = Where::default();
        wanted
            .with(&format!("{STAGE} = ?"), filter.stage.and_then(|stage| word(&stage)))
            .with("systems.owner = ?", filter.owner.map(bytes))
            .with(
                "(instr(lower(coalesce(systems.name, '')), ?) OR instr(lower(coalesce(systems.description, '')), ?))",
                needle(filter.text.as_ref()),
            );
        let entry = |system: &SystemRow| system.registered_entry;
        self.ask(|db| wanted.page(db, &select(), "systems.registered_entry", page, row, entry))
    }

    /// One system.
    pub fn system(&self, system: &SystemId) -> Result<Option<SystemRow>, ViewsError> {
        let sql = format!("{} WHERE systems.system = ?1", select());
        self.ask(|db| Ok(db.prepare_cached(&sql)?.query_row(params![system.as_bytes()], row).optional()?))
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<SystemRow> {
    Ok(SystemRow {
        system: id(row, "system")?,
        version: number(row, "version")?,
        registered_entry: number(row, "registered_entry")?,
        registered_at: time(row, "registered_at")?,
        changed_entry: number(row, "changed_entry")?,
        changed_at: time(row, "changed_at")?,
        described: described(row)?,
        stage: Stage {
            stage: optional_word(row, "stage_now")?,
            reason: row.get("stage_reason")?,
            entry: optional_number(row, "stage_entry")?,
        },
        deletion_due: optional_time(row, "deletion_due")?,
        purged_entry: optional_number(row, "purged_entry")?,
    })
}

fn described(row: &Row<'_>) -> rusqlite::Result<Option<Described>> {
    let parts = (
        row.get("name")?,
        optional_id(row, "owner")?,
        optional_list(row, "purposes")?,
        row.get("description")?,
        optional_word(row, "capture")?,
    );
    let (Some(name), Some(owner), Some(purposes), Some(description), Some(capture)) = parts else {
        return Ok(None);
    };
    Ok(Some(Described {
        name,
        owner,
        owner_name: row.get("owner_name")?,
        purposes,
        description,
        capture,
        capture_reason: row.get("capture_reason")?,
        cost_centre: row.get("cost_centre")?,
    }))
}
