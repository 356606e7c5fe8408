//! What one answer leaves for the next: items of registers and models of systems that nothing has changed since.
//!
//! Promises: the same facts as without it. Everything is thrown away once content was blanked or rows were made anew. Must never: outlive the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::register::{Register, Registers};
use tabellion_model::status::facts::{Approval, Calls, ItemFacts, ModelSeen};
use tabellion_model::status::rules::Window;
use tabellion_model::{ItemId, Micros, SystemId};

use super::super::models;
use super::super::register_lives::{self, RegisterItemFacts};
use crate::error::ViewsError;
use crate::values::{id, int, number};

/// More changed items than this are read in one go with all the others.
const ONE_BY_ONE: usize = 200;

type ItemKey = (String, ItemId);

/// What was kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// How often content had been blanked when it was read.
    blanked: u64,
    items: BTreeMap<ItemKey, Arc<ItemFacts>>,
    /// The last entry of a register that `items` knows; none: nothing was read.
    items_upto: Option<u64>,
    models: BTreeMap<SystemId, Models>,
}

/// What a system's calls looked like when its models were read, and the models.
#[derive(Debug)]
struct Models {
    calls: [Calls; Window::ALL.len()],
    last_entry: u64,
    seen: Vec<ModelSeen>,
}

impl Kept {
    /// Throws everything away that is from before content was blanked for the `blanked`th time.
    pub(super) fn renew(&mut self, blanked: u64) {
        if self.blanked != blanked {
            *self = Self { blanked, ..Self::default() };
        }
    }

    /// Every item, those read again that a record has changed since.
    pub(super) fn items(
        &mut self,
        db: &Connection,
        registers: &Registers,
    ) -> Result<Vec<Arc<ItemFacts>>, ViewsError> {
        let upto = last_entry(db)?;
        let changed = match self.items_upto {
            Some(known) if known == upto => Vec::new(),
            Some(known) => changed_since(db, known)?,
            None => Vec::new(),
        };
        if self.items_upto.is_none() || changed.len() > ONE_BY_ONE {
            let first = first_approvals(db, None)?;
            self.items.clear();
            for facts in register_lives::all(db, None)? {
                self.keep(db, registers, &first, facts)?;
            }
        } else {
            for (register, item) in changed {
                if let Some(facts) = register_lives::one(db, &register, &item)? {
                    let first = first_approvals(db, Some((&register, &item)))?;
                    self.keep(db, registers, &first, facts)?;
                }
            }
        }
        self.items_upto = Some(upto);
        Ok(self.items.values().cloned().collect())
    }

    fn keep(
        &mut self,
        db: &Connection,
        registers: &Registers,
        first: &BTreeMap<ItemKey, Micros>,
        facts: RegisterItemFacts,
    ) -> Result<(), ViewsError> {
        let key = (facts.register.clone(), facts.item);
        let register = registers.get(&facts.register);
        let state = register.and_then(|register| facts.life.state(register.first_state()));
        let stands = register.zip(state).and_then(|(register, state)| register.state(state));
        let undecided = facts.life.revision > 0 && facts.life.review.is_none();
        let item = ItemFacts {
            register: facts.register.clone(),
            item: facts.item.to_hex(),
            system: facts.system,
            state: state.map(str::to_owned),
            first_in: first_in(db, &facts, registers)?,
            refresh_since: refresh_since(db, &facts)?,
            unreadable: stands.is_none_or(|state| !state.ended && undecided),
            approved: approval(db, facts, first.get(&key).copied(), registers)?,
        };
        self.items.insert(key, Arc::new(item));
        Ok(())
    }

    /// The models of one system, read again when it was called since, or when what was the first recent call no longer is.
    pub(super) fn models(
        &mut self,
        db: &Connection,
        system: SystemId,
        calls: [Calls; Window::ALL.len()],
        last_entry: u64,
        recent: [Recent; Window::ALL.len()],
    ) -> rusqlite::Result<Vec<ModelSeen>> {
        if let Some(kept) = self.models.get(&system) {
            let holds = |seen: &ModelSeen| {
                seen.first
                    .iter()
                    .zip(recent)
                    .all(|(first, recent)| first.is_none_or(|first| first >= recent.begin))
            };
            if kept.calls == calls && kept.last_entry == last_entry && kept.seen.iter().all(holds) {
                return Ok(kept.seen.clone());
            }
        }
        let seen = models::of_system(db, system, recent.map(|recent| recent.first_entry))?;
        self.models.insert(system, Models { calls, last_entry, seen: seen.clone() });
        Ok(seen)
    }
}

/// The time that counts as recent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent {
    /// Its first moment.
    pub(super) begin: Micros,
    /// Entry of its first call.
    pub(super) first_entry: Option<u64>,
}

/// The last entry that changed a register; 0: none did.
fn last_entry(db: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT max(coalesce((SELECT max(entry) FROM register_revisions), 0), coalesce((SELECT max(entry) FROM register_acts), 0)) AS n";
    db.prepare_cached(sql)?.query_row([], |row| number(row, "n"))
}

fn changed_since(db: &Connection, entry: u64) -> rusqlite::Result<Vec<ItemKey>> {
    let sql = "SELECT register, item FROM register_revisions WHERE entry > ?1
        UNION SELECT register, item FROM register_acts WHERE entry > ?1";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map(params![int(entry)], |row| Ok((row.get("register")?, id(row, "item")?)))?;
    found.collect()
}

/// When each item, or one, was approved for the first time, as far as that can be read.
fn first_approvals(
    db: &Connection,
    one: Option<(&str, &ItemId)>,
) -> rusqlite::Result<BTreeMap<ItemKey, Micros>> {
    let only =
        if one.is_some() { "AND register = ?1 AND item = ?2" } else { "AND ?1 IS NULL AND ?2 IS NULL" };
    let sql = format!(
        "SELECT register, item, min(at) AS first FROM register_acts WHERE kind = 'decided' AND decision = 'approved' {only}
        GROUP BY register, item"
    );
    let mut select = db.prepare_cached(&sql)?;
    let row = |row: &Row<'_>| Ok(((row.get("register")?, id(row, "item")?), Micros(number(row, "first")?)));
    select
        .query_map(params![one.map(|(register, _)| register), one.map(|(_, item)| *item.as_bytes())], row)?
        .collect()
}

/// Since when a new look is asked for; the earliest when several are.
fn refresh_since(db: &Connection, facts: &RegisterItemFacts) -> rusqlite::Result<Option<Micros>> {
    let Some(entry) = facts.life.refreshes.iter().min() else { return Ok(None) };
    let sql = "SELECT at FROM register_acts WHERE entry = ?1";
    let at = db.prepare_cached(sql)?.query_row(params![int(*entry)], |row| number(row, "at")).optional()?;
    Ok(Some(Micros(at.unwrap_or(0))))
}

/// When the item first stood in each state, as far as that can be read.
fn first_in(
    db: &Connection,
    facts: &RegisterItemFacts,
    registers: &Registers,
) -> rusqlite::Result<BTreeMap<String, Micros>> {
    let sql = "SELECT state, min(at) AS first FROM register_acts
        WHERE register = ?1 AND item = ?2 AND kind = 'moved' AND state IS NOT NULL GROUP BY state";
    let mut first = BTreeMap::new();
    // Most items were never moved.
    if facts.life.moved.is_some() {
        let mut select = db.prepare_cached(sql)?;
        let of = params![facts.register, facts.item.as_bytes()];
        for found in select.query_map(of, |row| Ok((row.get("state")?, Micros(number(row, "first")?))))? {
            let (state, at): (String, Micros) = found?;
            first.insert(state, at);
        }
    }
    if let Some(register) = registers.get(&facts.register) {
        first.insert(register.first_state().to_owned(), facts.created_at);
    }
    Ok(first)
}

/// Whether the result of a revision speaks against the system, or can no longer be read.
fn is_adverse(db: &Connection, register: &Register, revision_entry: u64) -> Result<bool, ViewsError> {
    let fields: Vec<_> =
        register.fields().filter(|field| field.options.iter().any(|option| option.adverse)).collect();
    if fields.is_empty() {
        return Ok(false);
    }
    let sql = "SELECT facets ->> ?2 FROM register_revisions WHERE entry = ?1";
    let mut select = db.prepare_cached(sql)?;
    for field in fields {
        let row = params![int(revision_entry), field.name];
        let word: Option<String> = select.query_row(row, |row| row.get(0)).optional()?.flatten();
        let is_harmless =
            |word: &String| field.options.iter().any(|option| option.word == *word && !option.adverse);
        if !word.as_ref().is_some_and(is_harmless) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What counts of an item; nothing, once its state has ended it or cannot be read.
fn approval(
    db: &Connection,
    facts: RegisterItemFacts,
    first_at: Option<Micros>,
    registers: &Registers,
) -> Result<Option<Approval>, ViewsError> {
    let Some(register) = registers.get(&facts.register) else { return Ok(None) };
    let state = facts.life.state(register.first_state()).and_then(|state| register.state(state));
    let (Some(false), Some(approved)) = (state.map(|state| state.ended), facts.life.approved) else {
        return Ok(None);
    };
    let adverse = is_adverse(db, register, approved.revision_entry)?;
    let mut authors = approved.authors;
    authors.extend(approved.submitter);
    Ok(Some(Approval {
        adverse,
        entry: approved.entry,
        at: approved.at,
        first_at: first_at.unwrap_or(approved.at),
        by: approved.by,
        authors,
        review_at: approved.ruling.next_review_at,
        models: approved.saving.models.into_iter().collect(),
        missing: approved.saving.missing.into_iter().collect(),
    }))
}
