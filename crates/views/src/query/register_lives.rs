//! How register items stand, folded from all that was done to them: what rules and statuses are decided by.
//!
//! Promises: the same fold for one item as for all of them (`tabellion_model::register::Life`).

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::register::{Act, Deed, Life, Ruling, Saving};
use tabellion_model::{CredentialId, ItemId, Micros, SystemId};

use crate::error::ViewsError;
use crate::projection::registers::kind;
use crate::values::{id, number, optional_id, optional_list, optional_time, optional_word, time};
use crate::views::Views;

/// One item and how it stands: everything that a status of a control can rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterItemFacts {
    /// The register.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// The system it is about; none: it speaks for the whole organisation.
    pub system: Option<SystemId>,
    /// Its name; none: erased.
    pub name: Option<String>,
    /// Who answers for it.
    pub owner: Option<CredentialId>,
    /// Commit time of its first revision.
    pub created_at: Micros,
    /// Version of its stream.
    pub version: u64,
    /// Its life: newest revision, review, approval with authors, approver and date, models named, refreshes.
    pub life: Life,
}

impl Views {
    /// Every item, by register and id; of one register when it is named.
    pub fn register_facts(&self, register: Option<&str>) -> Result<Vec<RegisterItemFacts>, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            all(&moment, register)
        })
    }

    /// How one item stands.
    pub fn register_life(&self, register: &str, item: &ItemId) -> Result<Life, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            life(&moment, register, item)
        })
    }
}

fn life(db: &Connection, register: &str, item: &ItemId) -> Result<Life, ViewsError> {
    let revisions = format!("{REVISIONS} WHERE register = ?1 AND item = ?2 ORDER BY entry");
    let acts = format!("{ACTS} WHERE register = ?1 AND item = ?2 ORDER BY entry");
    let of = params![register, item.as_bytes()];
    let mut all = Vec::new();
    all.extend(db.prepare_cached(&revisions)?.query_map(of, saved)?.collect::<Result<Vec<_>, _>>()?);
    let acts = db.prepare_cached(&acts)?.query_map(of, acted)?.collect::<Result<Vec<_>, _>>()?;
    all.extend(acts.into_iter().flatten());
    all.sort_unstable_by_key(|deed| deed.deed.entry);
    Ok(Life::of(all.iter().map(|deed| &deed.deed)))
}

/// One item, when it was ever saved.
pub(super) fn one(
    db: &Connection,
    register: &str,
    item: &ItemId,
) -> Result<Option<RegisterItemFacts>, ViewsError> {
    let sql = "SELECT register, item, system, name, owner, created_at, version FROM register_items
        WHERE register = ?1 AND item = ?2";
    let found = db.prepare_cached(sql)?.query_row(params![register, item.as_bytes()], bare).optional()?;
    let Some(mut found) = found else { return Ok(None) };
    found.life = life(db, register, item)?;
    Ok(Some(found))
}

/// Every item, by register and id; of one register when it is named.
pub(super) fn all(db: &Connection, register: Option<&str>) -> Result<Vec<RegisterItemFacts>, ViewsError> {
    let all = "SELECT register, item, system, name, owner, created_at, version FROM register_items
        WHERE ?1 IS NULL OR register = ?1 ORDER BY register, item";
    let mut facts =
        db.prepare_cached(all)?.query_map(params![register], bare)?.collect::<Result<Vec<_>, _>>()?;
    let mut deeds = deeds(db, register)?.into_iter().peekable();
    for item in &mut facts {
        let mut own = Vec::new();
        while let Some(deed) =
            deeds.next_if(|deed| (deed.register.as_str(), deed.item) <= (item.register.as_str(), item.item))
        {
            own.push(deed.deed);
        }
        item.life = Life::of(&own);
    }
    Ok(facts)
}

/// A deed and the item it is about.
struct Of {
    register: String,
    item: ItemId,
    deed: Deed,
}

const REVISIONS: &str =
    "SELECT register, item, entry, at, actor, session, digest, models, missing FROM register_revisions";
const ACTS: &str = "SELECT register, item, entry, at, actor, session, kind, digest, decision, conditions, role, next_review_at, state, trigger
    FROM register_acts";

/// All deeds, by item and then in the order of the log.
fn deeds(db: &Connection, register: Option<&str>) -> Result<Vec<Of>, ViewsError> {
    let only = "WHERE ?1 IS NULL OR register = ?1";
    let mut all: Vec<Of> = db
        .prepare_cached(&format!("{REVISIONS} {only}"))?
        .query_map(params![register], saved)?
        .collect::<Result<_, _>>()?;
    let acts: Vec<Option<Of>> = db
        .prepare_cached(&format!("{ACTS} {only}"))?
        .query_map(params![register], acted)?
        .collect::<Result<_, _>>()?;
    all.extend(acts.into_iter().flatten());
    all.sort_unstable_by(|a, b| {
        (&a.register, a.item, a.deed.entry).cmp(&(&b.register, b.item, b.deed.entry))
    });
    Ok(all)
}

fn bare(row: &Row<'_>) -> rusqlite::Result<RegisterItemFacts> {
    Ok(RegisterItemFacts {
        register: row.get("register")?,
        item: id(row, "item")?,
        system: optional_id(row, "system")?,
        name: row.get("name")?,
        owner: optional_id(row, "owner")?,
        created_at: time(row, "created_at")?,
        version: number(row, "version")?,
        life: Life::default(),
    })
}

// Columns by place: there are as many rows as there are records about items, and looking for a name costs more than reading a value.

fn of(row: &Row<'_>, act: Act) -> rusqlite::Result<Of> {
    Ok(Of {
        register: row.get(0)?,
        item: id(row, 1)?,
        deed: Deed {
            entry: number(row, 2)?,
            at: time(row, 3)?,
            by: id(row, 4)?,
            session: optional_id(row, 5)?,
            act,
        },
    })
}

/// As [`REVISIONS`] has them.
fn saved(row: &Row<'_>) -> rusqlite::Result<Of> {
    let parts = (row.get(6)?, optional_list(row, 7)?, optional_list(row, 8)?);
    let saving = match parts {
        (Some(digest), Some(models), Some(missing)) => Some(Saving { digest, models, missing }),
        _ => None,
    };
    of(row, Act::Saved(saving))
}

/// As [`ACTS`] has them; none for what changes nothing of an item: refusals.
fn acted(row: &Row<'_>) -> rusqlite::Result<Option<Of>> {
    let act = match row.get_ref(6)?.as_str()? {
        kind::SUBMITTED => Act::Submitted(row.get(7)?),
        kind::DECIDED => Act::Decided(ruling(row)?),
        kind::MOVED => Act::Moved(row.get(12)?),
        kind::REFRESH => Act::RefreshOpened(optional_word(row, 13)?),
        _ => return Ok(None),
    };
    of(row, act).map(Some)
}

fn ruling(row: &Row<'_>) -> rusqlite::Result<Option<Ruling>> {
    let parts = (optional_word(row, 8)?, row.get(7)?, optional_word(row, 10)?, row.get(9)?);
    let (Some(decision), Some(digest), Some(role), Some(conditions)) = parts else { return Ok(None) };
    Ok(Some(Ruling { decision, digest, role, conditions, next_review_at: optional_time(row, 11)? }))
}
