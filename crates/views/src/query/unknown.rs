//! Which models were asked for, answered or denied, and paths that the gateway does not govern.
//!
//! Promises: found by walking an index from one pair of purpose and model to the next, so that the time grows with their number and not with the number of calls.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::CallPlace;
use crate::error::ViewsError;
use crate::values::{id, number, time};
use crate::views::Views;

/// Most names of one answer: callers choose them, so there may be any number; whoever reaches it is told so.
pub const MAX_ASKED_MODELS: usize = 1_000;

/// A model as callers asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedModel {
    /// The model.
    pub model: String,
    /// The first call.
    pub first: CallPlace,
    /// The last call.
    pub last: CallPlace,
    /// Whether one of its last calls was answered by another name.
    pub is_alias: bool,
}

impl Views {
    /// Models that were asked for, also in calls that were denied, by name; and whether there are more than [`MAX_ASKED_MODELS`].
    pub fn models_asked(&self) -> Result<(Vec<AskedModel>, bool), ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let mut asked: BTreeMap<String, AskedModel> = BTreeMap::new();
            let mut purpose: Option<String> = None;
            loop {
                if !walk(&moment, purpose.as_deref(), &mut asked)? {
                    return Ok((asked.into_values().collect(), true));
                }
                let next = "SELECT purpose FROM calls WHERE purpose > ?1 ORDER BY purpose LIMIT 1";
                let after = purpose.unwrap_or_default();
                let mut next = moment.prepare_cached(next)?;
                purpose = next.query_row(params![after], |row| row.get(0)).optional()?;
                if purpose.is_none() {
                    return Ok((asked.into_values().collect(), false));
                }
            }
        })
    }

    /// The first and the last call that was denied with `code`.
    pub fn denied_with(&self, code: &str) -> Result<Option<(CallPlace, CallPlace)>, ViewsError> {
        let end = |db: &Connection, order: &str| -> rusqlite::Result<Option<CallPlace>> {
            let sql = format!(
                "SELECT entry, record_id, at FROM calls WHERE code = ?1 AND state = 3 ORDER BY entry {order} LIMIT 1"
            );
            db.prepare_cached(&sql)?.query_row(params![code], place).optional()
        };
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            Ok(end(&moment, "ASC")?.zip(end(&moment, "DESC")?))
        })
    }
}

/// Adds the models of one purpose; none: of calls whose purpose could not be read. Whether all of them were.
fn walk(
    db: &Connection,
    purpose: Option<&str>,
    asked: &mut BTreeMap<String, AskedModel>,
) -> rusqlite::Result<bool> {
    let mut after = String::new();
    let next = "SELECT model FROM calls WHERE purpose IS ?1 AND model > ?2 ORDER BY model LIMIT 1";
    while let Some(model) = db
        .prepare_cached(next)?
        .query_row(params![purpose, after], |row| row.get::<_, String>(0))
        .optional()?
    {
        if let Some((first, last)) = end(db, purpose, &model, "ASC")?.zip(end(db, purpose, &model, "DESC")?) {
            let known = asked.entry(model.clone()).or_insert_with(|| AskedModel {
                model: model.clone(),
                first,
                last,
                is_alias: false,
            });
            known.is_alias |= is_alias(db, purpose, &model)?;
            if first.entry < known.first.entry {
                known.first = first;
            }
            if last.entry > known.last.entry {
                known.last = last;
            }
        }
        if asked.len() > MAX_ASKED_MODELS {
            asked.pop_last();
            return Ok(false);
        }
        after = model;
    }
    Ok(true)
}

/// How many of the newest calls of a model are looked at: enough to see one that was answered, few enough to be looked at often.
const LOOKED_AT: u32 = 200;

fn is_alias(db: &Connection, purpose: Option<&str>, model: &str) -> rusqlite::Result<bool> {
    let sql = format!(
        "SELECT count(*) AS others FROM (SELECT answered_model FROM calls WHERE purpose IS ?1 AND model = ?2
        ORDER BY entry DESC LIMIT {LOOKED_AT}) WHERE answered_model <> ?2"
    );
    let others = db.prepare_cached(&sql)?.query_row(params![purpose, model], |row| number(row, "others"))?;
    Ok(others > 0)
}

fn end(
    db: &Connection,
    purpose: Option<&str>,
    model: &str,
    order: &str,
) -> rusqlite::Result<Option<CallPlace>> {
    let sql = format!(
        "SELECT entry, record_id, at FROM calls WHERE purpose IS ?1 AND model = ?2 ORDER BY entry {order} LIMIT 1"
    );
    db.prepare_cached(&sql)?.query_row(params![purpose, model], place).optional()
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<CallPlace> {
    Ok(CallPlace { entry: number(row, "entry")?, record_id: id(row, "record_id")?, at: time(row, "at")? })
}
