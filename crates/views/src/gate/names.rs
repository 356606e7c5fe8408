//! Whose the names are by which prompts refer to what providers keep: too many for a snapshot, and asked for by few calls.

use std::fmt;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use tabellion_model::SystemId;

use crate::error::ViewsError;
use crate::pool::Pool;
use crate::values::id;

/// Where they are looked up; nowhere, where a snapshot stands alone.
#[derive(Default)]
pub(super) struct Names(Option<Arc<Pool>>);

impl Names {
    pub(super) fn of(pool: Arc<Pool>) -> Self {
        Self(Some(pool))
    }

    pub(super) fn owners(&self, names: &[String]) -> Result<Vec<Option<SystemId>>, ViewsError> {
        let Some(pool) = &self.0 else { return Ok(vec![None; names.len()]) };
        // The first: some servers let callers say what their answers are called, and whoever says a known name must not have what is under it.
        let sql = "SELECT system FROM kept_names WHERE name = ?1 ORDER BY entry LIMIT 1";
        pool.ask(|db| {
            let mut first = db.prepare_cached(sql)?;
            let owner = |name: &String| first.query_row(params![name], |row| id(row, "system")).optional();
            Ok(names.iter().map(owner).collect::<Result<_, _>>()?)
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}
