//! Lists of calls by what few words say: model, purpose, the name of a system, or a part of any of them.
//!
//! Promises: found by going from one pair of words to the next in an index and taking the newest calls of each pair that fits, so that a word that nobody
//! used costs as little as one that everybody uses. Must never: read a call that is not in the list, or that is not the newest of its pair.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Params, params, params_from_iter};
use tabellion_model::body::Outcome;
use tabellion_model::{Micros, SystemId};

use super::calls::{CallFilter, CallState};
use super::{Page, Where, needle};
use crate::error::ViewsError;
use crate::values::{id, int, number, word};

/// Entries that a list is within. Commit times never fall as entries grow, so that times are entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    from: u64,
    before: u64,
}

impl Bounds {
    pub(super) fn add(self, wanted: &mut Where) {
        wanted
            .with("calls.entry >= ?", (self.from > 0).then(|| int(self.from)))
            .with("calls.entry < ?", (self.before < u64::MAX).then(|| int(self.before)));
    }
}

/// The bounds of a page; none: there is nothing in them.
pub(super) fn bounds(db: &Connection, filter: &CallFilter, page: Page) -> Result<Option<Bounds>, ViewsError> {
    let before = page.before.unwrap_or(u64::MAX);
    let before = match filter.to {
        Some(to) => before.min(first_at(db, to)?.unwrap_or(u64::MAX)),
        None => before,
    };
    let from = match filter.from {
        Some(from) => first_at(db, from)?,
        None => Some(0),
    };
    Ok(from.map(|from| Bounds { from, before }))
}

/// Entry of the first call at `at` or later.
pub(super) fn first_at(db: &Connection, at: Micros) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT entry FROM calls WHERE at >= ?1 ORDER BY at, entry LIMIT 1")?
        .query_row(params![int(at.0)], |row| number(row, 0))
        .optional()
}

/// Whether the filter lets through only such calls as an index of few holds.
pub(super) fn are_few(filter: &CallFilter) -> bool {
    filter.end_erased
        || filter.code.is_some()
        || filter.outcome.is_some_and(|outcome| outcome != Outcome::Answered)
        || matches!(filter.state, Some(CallState::Open | CallState::Broken))
}

/// Whether words lead to the calls faster than any other index.
pub(super) fn helps(filter: &CallFilter) -> bool {
    let said = filter.model.is_some() || filter.purpose.is_some() || needle(filter.text.as_ref()).is_some();
    said && !are_few(filter)
        && filter.key.is_none()
        && filter.upstream.is_none()
        && filter.route.is_none()
        && filter.state != Some(CallState::Denied)
}

/// The newest calls that `filter` lets through, newest first, `limit` at most. No system may be asked for.
pub(super) fn newest(
    db: &Connection,
    filter: &CallFilter,
    bounds: Bounds,
    limit: usize,
) -> Result<Vec<u64>, ViewsError> {
    let mut wanted = Newest { db, filter, bounds, limit, entries: Vec::new() };
    let text = needle(filter.text.as_ref());
    let holds = |said: Option<&str>| {
        let text = text.as_deref();
        text.is_none_or(|text| said.is_some_and(|said| said.to_lowercase().contains(text)))
    };
    for (purpose, model) in pairs(db, filter)? {
        if holds(purpose.as_deref()) || holds(model.as_deref()) {
            wanted.add("calls.purpose IS ?1 AND calls.model IS ?2", [purpose.into(), model.into()])?;
        }
    }
    if text.is_some() {
        for (system, name) in systems(db)? {
            let system = Value::from(system.as_bytes().to_vec());
            if holds(name.as_deref()) {
                wanted.add("calls.system = ?1 AND ?2 IS NULL", [system.clone(), Value::Null])?;
            }
        }
        for (system, model) in super::models::pairs(db)? {
            if holds(Some(&model)) {
                let answered = "calls.state = 1 AND calls.ended_unit IS NOT NULL AND calls.system = ?1
                    AND coalesce(calls.answered_model, calls.model) = ?2";
                wanted.add(answered, [system.as_bytes().to_vec().into(), model.into()])?;
            }
        }
    }
    Ok(wanted.entries)
}

/// The newest calls found so far.
struct Newest<'a> {
    db: &'a Connection,
    filter: &'a CallFilter,
    bounds: Bounds,
    limit: usize,
    entries: Vec<u64>,
}

impl Newest<'_> {
    /// Adds the newest of one group.
    fn add(&mut self, group: &str, values: [Value; 2]) -> Result<(), ViewsError> {
        let mut wanted = Where { conditions: vec![group.to_owned()], values: values.into() };
        // What is older than all that were found already is not looked at.
        let full = self.entries.len() >= self.limit;
        let oldest = self.entries.last().copied().filter(|_| full).map_or(0, |oldest| oldest + 1);
        Bounds { from: self.bounds.from.max(oldest), ..self.bounds }.add(&mut wanted);
        let filter = self.filter;
        wanted
            .with("+calls.model = ?", filter.model.clone())
            .with("+calls.purpose = ?", filter.purpose.clone())
            .with("+calls.outcome = ?", filter.outcome.and_then(|outcome| word(&outcome)));
        if filter.state == Some(CallState::Completed) {
            wanted.only("+calls.state = 1");
        }
        let sql = format!("SELECT entry FROM calls{} ORDER BY entry DESC LIMIT {}", wanted.sql(), self.limit);
        let mut select = self.db.prepare_cached(&sql)?;
        let found = select.query_map(params_from_iter(wanted.values), |row| number(row, 0))?;
        for entry in found {
            self.entries.push(entry?);
        }
        self.entries.sort_unstable_by(|a, b| b.cmp(a));
        self.entries.dedup();
        self.entries.truncate(self.limit);
        Ok(())
    }
}

type Pair = (Option<String>, Option<String>);

/// Every pair of purpose and model in calls, of the purpose and model asked for.
fn pairs(db: &Connection, filter: &CallFilter) -> rusqlite::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    let purposes = match &filter.purpose {
        Some(purpose) => vec![Some(purpose.clone())],
        None => purposes(db)?,
    };
    for purpose in purposes {
        let models = match &filter.model {
            Some(model) => vec![Some(model.clone())],
            None => models(db, purpose.as_deref())?,
        };
        pairs.extend(models.into_iter().map(|model| (purpose.clone(), model)));
    }
    Ok(pairs)
}

fn purposes(db: &Connection) -> rusqlite::Result<Vec<Option<String>>> {
    let mut all = vec![None];
    let mut last = String::new();
    let next = "SELECT purpose FROM calls WHERE purpose > ?1 ORDER BY purpose LIMIT 1";
    // The empty word is one too, and after nothing.
    if one(db, "SELECT purpose FROM calls WHERE purpose = ?1 LIMIT 1", params![last])?.is_some() {
        all.push(Some(String::new()));
    }
    while let Some(purpose) = one(db, next, params![last])? {
        all.push(Some(purpose.clone()));
        last = purpose;
    }
    Ok(all)
}

fn models(db: &Connection, purpose: Option<&str>) -> rusqlite::Result<Vec<Option<String>>> {
    let mut all = vec![None];
    let mut last = String::new();
    let next = "SELECT model FROM calls WHERE purpose IS ?1 AND model > ?2 ORDER BY model LIMIT 1";
    while let Some(model) = one(db, next, params![purpose, last])? {
        all.push(Some(model.clone()));
        last = model;
    }
    Ok(all)
}

fn one(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<Option<String>> {
    db.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()
}

fn systems(db: &Connection) -> rusqlite::Result<Vec<(SystemId, Option<String>)>> {
    let mut select = db.prepare_cached("SELECT system, name FROM systems WHERE name IS NOT NULL")?;
    select.query_map([], |row| Ok((id(row, 0)?, row.get(1)?)))?.collect()
}
