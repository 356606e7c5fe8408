//! Registers: lists of items, and everything about one.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use tabellion_model::body::{RegisterSaved, Role};
use tabellion_model::register::{Content, Decision, RefreshTrigger, Review};
use tabellion_model::{CredentialId, ItemId, Micros, RecordId, SystemId};

use super::{MAX_ROWS, Where, body, bytes, needle};
use crate::error::ViewsError;
use crate::values::{
    id, int, number, optional_id, optional_list, optional_number, optional_time, optional_word, time,
};
use crate::views::Views;

/// Which items are wanted; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ItemFilter {
    /// Of this register.
    pub register: Option<String>,
    /// About this system.
    pub system: Option<SystemId>,
    /// About one of these systems; none of them: no item.
    pub within: Option<BTreeSet<SystemId>>,
    /// Beside those within: that this person answers for.
    pub or_owner: Option<CredentialId>,
    /// That name this clause or control.
    pub reference: Option<String>,
    /// That are in none of these states.
    pub not_in: Vec<String>,
    /// That this person opened.
    pub created_by: Option<CredentialId>,
    /// That were moved to this state; with the second member, also those that were never moved.
    pub state: Option<(String, bool)>,
    /// Whose newest revision has come this far.
    pub review: Option<Review>,
    /// That this person answers for.
    pub owner: Option<CredentialId>,
    /// Whose newest revision this person saved.
    pub saved_by: Option<CredentialId>,
    /// Whose name contains this, letter case aside.
    pub text: Option<String>,
    /// In which these fields have these words, numbers, `true` or `false`.
    pub fields: Vec<(String, String)>,
    /// For which a new look was asked for since the last approval.
    pub refresh_open: bool,
    /// Whose approved content is due for review before this, or that are due themselves.
    pub due_before: Option<Micros>,
    /// About no system.
    pub about_none: bool,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ItemSort {
    /// Last changed first.
    #[default]
    Changed,
    /// By name.
    Name,
    /// Due first; those without a date last.
    Due,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemPage {
    /// The order.
    pub sort: ItemSort,
    /// Items left out before the first.
    pub skip: u64,
    /// Items wanted, 1 to [`MAX_ROWS`].
    pub limit: u32,
}

impl Default for ItemPage {
    /// The 50 last changed.
    fn default() -> Self {
        Self { sort: ItemSort::default(), skip: 0, limit: 50 }
    }
}

/// One page of a list of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items {
    /// The items.
    pub rows: Vec<ItemRow>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A record's place, time and actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Its entry.
    pub entry: u64,
    /// Its commit time.
    pub at: Micros,
    /// Who did it.
    pub by: CredentialId,
}

/// The newest decision that did not give back, when it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    /// Its place.
    pub done: Done,
    /// The session in which it was done.
    pub session: Option<RecordId>,
    /// What was approved, hex.
    pub digest: String,
    /// What it depends on; empty: nothing.
    pub conditions: String,
    /// When it is due for review.
    pub next_review_at: Option<Micros>,
}

/// One item in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// The register.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// The system it is about; none: the whole organisation.
    pub system: Option<SystemId>,
    /// The system's name, while it is known.
    pub system_name: Option<String>,
    /// Version of its stream.
    pub version: u64,
    /// Number of its newest revision.
    pub revision: u64,
    /// Its first revision.
    pub created: Done,
    /// Its newest revision.
    pub saved: Done,
    /// Entry of the last record that changed it.
    pub changed_entry: u64,
    /// Commit time of that.
    pub changed_at: Micros,
    /// Its name; none: erased.
    pub name: Option<String>,
    /// Who answers for it; none: erased, or not said yet.
    pub owner: Option<CredentialId>,
    /// That person's name, while it is known.
    pub owner_name: Option<String>,
    /// The beginning of the day by whose end it is due; none: it has none, or that was erased.
    pub due: Option<Micros>,
    /// The clauses and controls that it names; none: erased.
    pub references: Option<Vec<String>>,
    /// How far the newest revision has come; none: erased.
    pub review: Option<Review>,
    /// Where it was moved to: none when it never was, an inner none when that was erased.
    pub moved: Option<Option<String>>,
    /// The approval that holds.
    pub approval: Option<ApprovalRow>,
    /// Whether a new look was asked for since.
    pub refresh_open: bool,
}

/// One revision of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRow {
    /// Its number.
    pub revision: u64,
    /// Version of the stream that it made.
    pub version: u64,
    /// Its place.
    pub done: Done,
    /// Its record.
    pub record_id: RecordId,
    /// The session in which it was done; none: a record of before sessions were named, or of the log's own writer.
    pub session: Option<RecordId>,
    /// Digest of its content, hex; none: erased.
    pub digest: Option<String>,
    /// Models it names.
    pub models: Option<Vec<String>>,
    /// Required fields it lacked.
    pub missing: Option<Vec<String>>,
    /// SHA-256 of the definition it was judged by, hex.
    pub definition: Option<String>,
}

/// What was done to an item besides saving it. Members that the kind does not have, and erased ones, are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    /// `submitted`, `decided`, `moved`, `refresh_opened`, `refused`, `noted`.
    pub kind: String,
    /// Its place.
    pub done: Done,
    /// Its record.
    pub record_id: RecordId,
    /// The session in which it was done; none: a record of before sessions were named, or of the log's own writer.
    pub session: Option<RecordId>,
    /// The digest it is about, hex.
    pub digest: Option<String>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// On which conditions.
    pub conditions: Option<String>,
    /// Why; of a refusal, its code; of a remark, the remark.
    pub reason: Option<String>,
    /// Under which role.
    pub role: Option<Role>,
    /// When the content is due for review.
    pub next_review_at: Option<Micros>,
    /// Where the item was moved to.
    pub state: Option<String>,
    /// What asked for a new look.
    pub trigger: Option<RefreshTrigger>,
    /// The model that was not named.
    pub model: Option<String>,
    /// Material fields that changed, as `<register>.<field>`.
    pub fields: Option<Vec<String>>,
    /// The record that showed it.
    pub cause: Option<RecordId>,
}

fn select() -> String {
    format!(
        "SELECT items.*, systems.name AS system_name, people.name AS owner_name, approval.entry AS approval_entry,
        approval.at AS approval_at, approval.actor AS approval_by, approval.session AS approval_session, approval.digest AS approval_digest,
        approval.conditions AS approval_conditions, approval.next_review_at AS due_at, {REFRESH_OPEN} AS refresh_open {}",
        from()
    )
}

/// What was erased does not answer a wish for a new look.
const REFRESH_OPEN: &str = "(items.refresh_entry IS NOT NULL AND (approval.decision IS NULL OR approval.entry < items.refresh_entry))";

/// Items alone.
const ITEMS: &str = "FROM register_items AS items";
/// Items and the newest decision on each that is not known to have given back. One that can no longer be read hides those before it.
const WITH_APPROVAL: &str = "FROM register_items AS items LEFT JOIN register_acts AS approval ON approval.entry =
    (SELECT max(last.entry) FROM register_acts AS last WHERE last.register = items.register AND last.item = items.item
    AND last.kind = 'decided' AND (last.decision IS NULL OR last.decision <> 'returned'))";

fn from() -> String {
    format!(
        "{WITH_APPROVAL} LEFT JOIN systems ON systems.system = items.system LEFT JOIN people ON people.person = items.owner"
    )
}

/// When an item is due: by its own word, or for review.
const DUE: &str = "coalesce(items.due, approval.next_review_at)";

impl ItemFilter {
    /// Whether what was decided has to be known to tell which items these are.
    fn asks_of_approval(&self) -> bool {
        self.refresh_open || self.due_before.is_some()
    }

    fn conditions(&self) -> Where {
        let mut wanted = Where::default();
        wanted
            .with("items.register = ?", self.register.clone())
            .with("items.system = ?", self.system.map(bytes))
            .with("items.review = ?", self.review.map(|review| review.as_str().to_owned()))
            .with("items.owner = ?", self.owner.map(bytes))
            .with("items.saved_by = ?", self.saved_by.map(bytes))
            .with("instr(lower(coalesce(items.name, '')), ?)", needle(self.text.as_ref()))
            .with("items.created_by = ?", self.created_by.map(bytes))
            .with("? IN (SELECT value FROM json_each(items.refs))", self.reference.clone())
            .with(&format!("{DUE} < ?"), self.due_before.map(|at| int(at.0)));
        if let Some(within) = &self.within {
            let ids: Vec<String> = within.iter().map(ToString::to_string).collect();
            wanted.values.push(crate::values::list(&ids).into());
            let systems =
                format!("items.system IN (SELECT unhex(value) FROM json_each(?{}))", wanted.values.len());
            wanted.values.extend(self.or_owner.map(|owner| bytes(owner).into()));
            let owner = self.or_owner.map(|_| format!(" OR items.owner = ?{}", wanted.values.len()));
            wanted.only(&format!("({systems}{})", owner.unwrap_or_default()));
        }
        if !self.not_in.is_empty() {
            // A state that can no longer be read is none of them.
            wanted.with(
                "(items.state IS NULL OR items.state NOT IN (SELECT value FROM json_each(?)))",
                Some(crate::values::list(&self.not_in)),
            );
        }
        if let Some((state, first)) = &self.state {
            let unmoved = if *first { "items.state_entry IS NULL OR " } else { "" };
            wanted.with(&format!("({unmoved}items.state = ?)"), Some(state.clone()));
        }
        for (field, value) in &self.fields {
            // true and false come out of JSON as 1 and 0.
            let value = match value.as_str() {
                "true" => "1",
                "false" => "0",
                other => other,
            };
            wanted.values.extend([field.clone().into(), value.to_owned().into()]);
            let last = wanted.values.len();
            // A name on the right of ->> means the object's own member of that name.
            wanted.only(&format!("CAST(items.facets ->> ?{} AS TEXT) = ?{last}", last - 1));
        }
        if self.refresh_open {
            wanted.only(REFRESH_OPEN);
        }
        if self.about_none {
            wanted.only("items.system IS NULL");
        }
        wanted
    }
}

impl Views {
    /// Items of registers.
    pub fn register_items(&self, filter: &ItemFilter, page: ItemPage) -> Result<Items, ViewsError> {
        let wanted = filter.conditions();
        let by_due = page.sort == ItemSort::Due;
        let order = match page.sort {
            ItemSort::Changed => "items.changed_entry DESC".to_owned(),
            ItemSort::Name => {
                "items.name IS NULL, items.name COLLATE NOCASE, items.changed_entry DESC".to_owned()
            }
            ItemSort::Due => format!("{DUE} IS NULL, {DUE}, items.changed_entry DESC"),
        };
        // The page is found with what it is chosen and sorted by; the rest is read for its rows alone.
        let limit = page.limit.clamp(1, MAX_ROWS);
        let conditions = wanted.sql();
        let of = |with_approval: bool| if with_approval { WITH_APPROVAL } else { ITEMS };
        let chosen = format!(
            "SELECT items.rowid {}{conditions} ORDER BY {order} LIMIT {limit} OFFSET {}",
            of(by_due || filter.asks_of_approval()),
            int(page.skip)
        );
        let rows = format!("{} WHERE items.rowid IN ({chosen}) ORDER BY {order}", select());
        let count = format!("SELECT count(*) {}{conditions}", of(filter.asks_of_approval()));
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let values = || params_from_iter(wanted.values.iter());
            let total: i64 = moment.prepare_cached(&count)?.query_row(values(), |row| row.get(0))?;
            let rows = moment.prepare(&rows)?.query_map(values(), row)?.collect::<Result<_, _>>()?;
            Ok(Items { rows, total: u64::try_from(total).unwrap_or(0) })
        })
    }

    /// One item.
    pub fn register_item(&self, register: &str, item: &ItemId) -> Result<Option<ItemRow>, ViewsError> {
        let sql = format!("{} WHERE items.register = ?1 AND items.item = ?2", select());
        self.ask(|db| {
            Ok(db.prepare_cached(&sql)?.query_row(params![register, item.as_bytes()], row).optional()?)
        })
    }

    /// Every revision of one item, oldest first.
    pub fn register_revisions(&self, register: &str, item: &ItemId) -> Result<Vec<RevisionRow>, ViewsError> {
        let sql = "SELECT * FROM register_revisions WHERE register = ?1 AND item = ?2 ORDER BY entry";
        self.ask(|db| listed(db, sql, register, item, revision))
    }

    /// Everything else that was done to one item, oldest first.
    pub fn register_acts(&self, register: &str, item: &ItemId) -> Result<Vec<ActRow>, ViewsError> {
        let sql = "SELECT * FROM register_acts WHERE register = ?1 AND item = ?2 ORDER BY entry";
        self.ask(|db| listed(db, sql, register, item, act))
    }

    /// The content of the revision at `entry`, while all of it is still disclosed; read from the log.
    pub fn register_content(&self, entry: u64) -> Result<Option<Content>, ViewsError> {
        Ok(body::<RegisterSaved>(&self.reader().entry(entry)?).map(|saved| saved.content))
    }
}

fn listed<T>(
    db: &Connection,
    sql: &str,
    register: &str,
    item: &ItemId,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, ViewsError> {
    let mut select = db.prepare_cached(sql)?;
    let rows = select.query_map(params![register, item.as_bytes()], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<ItemRow> {
    let done = |entry, at, by| {
        Ok::<_, rusqlite::Error>(Done { entry: number(row, entry)?, at: time(row, at)?, by: id(row, by)? })
    };
    let moved = optional_number(row, "state_entry")?.map(|_| row.get("state")).transpose()?;
    Ok(ItemRow {
        register: row.get("register")?,
        item: id(row, "item")?,
        system: optional_id(row, "system")?,
        system_name: row.get("system_name")?,
        version: number(row, "version")?,
        revision: number(row, "revision")?,
        created: done("created_entry", "created_at", "created_by")?,
        saved: done("saved_entry", "saved_at", "saved_by")?,
        changed_entry: number(row, "changed_entry")?,
        changed_at: time(row, "changed_at")?,
        name: row.get("name")?,
        owner: optional_id(row, "owner")?,
        owner_name: row.get("owner_name")?,
        due: optional_time(row, "due")?,
        references: optional_list(row, "refs")?,
        review: optional_word(row, "review")?,
        moved,
        approval: approval(row)?,
        refresh_open: row.get("refresh_open")?,
    })
}

fn approval(row: &Row<'_>) -> rusqlite::Result<Option<ApprovalRow>> {
    let (Some(digest), Some(conditions)) = (row.get("approval_digest")?, row.get("approval_conditions")?)
    else {
        return Ok(None);
    };
    Ok(Some(ApprovalRow {
        done: Done {
            entry: number(row, "approval_entry")?,
            at: time(row, "approval_at")?,
            by: id(row, "approval_by")?,
        },
        session: optional_id(row, "approval_session")?,
        digest,
        conditions,
        next_review_at: optional_time(row, "due_at")?,
    }))
}

fn place(row: &Row<'_>) -> rusqlite::Result<Done> {
    Ok(Done { entry: number(row, "entry")?, at: time(row, "at")?, by: id(row, "actor")? })
}

fn revision(row: &Row<'_>) -> rusqlite::Result<RevisionRow> {
    Ok(RevisionRow {
        revision: number(row, "revision")?,
        version: number(row, "version")?,
        done: place(row)?,
        record_id: id(row, "record_id")?,
        session: optional_id(row, "session")?,
        digest: row.get("digest")?,
        models: optional_list(row, "models")?,
        missing: optional_list(row, "missing")?,
        definition: row.get("definition")?,
    })
}

fn act(row: &Row<'_>) -> rusqlite::Result<ActRow> {
    Ok(ActRow {
        kind: row.get("kind")?,
        done: place(row)?,
        record_id: id(row, "record_id")?,
        session: optional_id(row, "session")?,
        digest: row.get("digest")?,
        decision: optional_word(row, "decision")?,
        conditions: row.get("conditions")?,
        reason: row.get("reason")?,
        role: optional_word(row, "role")?,
        next_review_at: optional_time(row, "next_review_at")?,
        state: row.get("state")?,
        trigger: optional_word(row, "trigger")?,
        model: row.get("model")?,
        fields: optional_list(row, "fields")?,
        cause: optional_id(row, "cause")?,
    })
}
