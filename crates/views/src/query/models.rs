//! Which models answered which system.
//!
//! Promises: found by walking an index from one pair to the next, so that the time grows with the number of models and not with the number of calls.

use rusqlite::{Connection, OptionalExtension as _, params};
use tabellion_model::status::facts;
use tabellion_model::status::rules::Window;
use tabellion_model::{Micros, RecordId, SystemId};

use crate::error::ViewsError;
use crate::values::{id, int, number, time};
use crate::views::Views;

/// Most pairs of one answer: far above what an organisation has; whoever reaches it is told so.
pub const MAX_MODELS_SEEN: usize = 20_000;

/// A call, by its permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallPlace {
    /// Entry of its permission.
    pub entry: u64,
    /// Id of that record.
    pub record_id: RecordId,
    /// Commit time.
    pub at: Micros,
}

/// One model that answered one system: as the provider named it, or as it was asked for when the provider named none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSeen {
    /// The system.
    pub system: SystemId,
    /// The model.
    pub model: String,
    /// The first completed call.
    pub first: CallPlace,
    /// The last completed call.
    pub last: CallPlace,
}

const ANSWERED: &str = "state = 1 AND ended_unit IS NOT NULL";
/// Literally as in the index `calls_answered_by`.
const MODEL: &str = "coalesce(answered_model, model)";

impl Views {
    /// Every pair of system and model in completed calls, by system and model; [`MAX_MODELS_SEEN`] at most.
    pub fn models_seen(&self) -> Result<Vec<ModelSeen>, ViewsError> {
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let mut seen = Vec::new();
            for (system, model) in pairs(&moment)? {
                seen.extend(pair(&moment, system, &model)?);
            }
            Ok(seen)
        })
    }

    /// The first completed call of `system` that `model` answered and that was permitted at entry `from` or later.
    pub fn first_answer(
        &self,
        system: &SystemId,
        model: &str,
        from: u64,
    ) -> Result<Option<CallPlace>, ViewsError> {
        self.ask(|db| Ok(end(db, *system, model, from, "")?))
    }
}

/// Systems and the models that answered them, by system and model; [`MAX_MODELS_SEEN`] at most.
pub(super) fn pairs(db: &Connection) -> rusqlite::Result<Vec<(SystemId, String)>> {
    let mut pairs = Vec::new();
    let mut system = None;
    while let Some(next) = next_system(db, system)? {
        let mut model = String::new();
        while let Some(name) = next_model(db, next, &model)? {
            pairs.push((next, name.clone()));
            if pairs.len() >= MAX_MODELS_SEEN {
                return Ok(pairs);
            }
            model = name;
        }
        system = Some(next);
    }
    Ok(pairs)
}

/// Models that answered one system, for the rules of controls; `recent`: the first entry of each window. A call whose model is no
/// longer known counts as one of an unknown model.
pub(super) fn of_system(
    db: &Connection,
    system: SystemId,
    recent: [Option<u64>; Window::ALL.len()],
) -> rusqlite::Result<Vec<facts::ModelSeen>> {
    let mut seen = Vec::new();
    let mut model = String::new();
    while let Some(name) = next_model(db, system, &model)? {
        let mut first = [None; Window::ALL.len()];
        for (first, from) in first.iter_mut().zip(recent) {
            if let Some(from) = from {
                *first = end(db, system, &name, from, "")?.map(|call| call.at);
            }
        }
        if let Some(last) = end(db, system, &name, 0, "DESC")? {
            seen.push(facts::ModelSeen { model: Some(name.clone()), first, last: last.at });
        }
        if seen.len() >= MAX_MODELS_SEEN {
            break;
        }
        model = name;
    }
    let unknown = format!(
        "SELECT max(at) AS at FROM calls WHERE system = ?1 AND state = 1 AND (ended_unit IS NULL OR {MODEL} IS NULL)"
    );
    let last: Option<i64> =
        db.prepare_cached(&unknown)?.query_row(params![system.as_bytes()], |row| row.get("at"))?;
    let last = last.and_then(|at| u64::try_from(at).ok()).map(Micros);
    seen.extend(last.map(|last| facts::ModelSeen { model: None, first: [None; Window::ALL.len()], last }));
    Ok(seen)
}

fn next_system(db: &Connection, after: Option<SystemId>) -> rusqlite::Result<Option<SystemId>> {
    let after = after.map(|system| system.as_bytes().to_vec()).unwrap_or_default();
    let sql = format!("SELECT system FROM calls WHERE {ANSWERED} AND system > ?1 ORDER BY system LIMIT 1");
    db.prepare_cached(&sql)?.query_row(params![after], |row| id(row, "system")).optional()
}

fn next_model(db: &Connection, system: SystemId, after: &str) -> rusqlite::Result<Option<String>> {
    let sql = format!(
        "SELECT {MODEL} FROM calls WHERE {ANSWERED} AND system = ?1 AND {MODEL} > ?2 ORDER BY {MODEL} LIMIT 1"
    );
    db.prepare_cached(&sql)?.query_row(params![system.as_bytes(), after], |row| row.get(0)).optional()
}

fn pair(db: &Connection, system: SystemId, model: &str) -> rusqlite::Result<Option<ModelSeen>> {
    let (first, last) = (end(db, system, model, 0, "")?, end(db, system, model, 0, "DESC")?);
    Ok(first.zip(last).map(|(first, last)| ModelSeen { system, model: model.to_owned(), first, last }))
}

fn end(
    db: &Connection,
    system: SystemId,
    model: &str,
    from: u64,
    order: &str,
) -> rusqlite::Result<Option<CallPlace>> {
    let sql = format!(
        "SELECT entry, record_id, at FROM calls WHERE {ANSWERED} AND system = ?1 AND {MODEL} = ?2 AND entry >= ?3
        ORDER BY entry {order} LIMIT 1"
    );
    let place = |row: &rusqlite::Row<'_>| {
        Ok(CallPlace { entry: number(row, "entry")?, record_id: id(row, "record_id")?, at: time(row, "at")? })
    };
    db.prepare_cached(&sql)?.query_row(params![system.as_bytes(), model, int(from)], place).optional()
}
