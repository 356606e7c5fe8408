//! Sums for the overview. Added up when asked, from rows: what was erased since is in no sum, and the counts of records still hold.

use rusqlite::{Connection, Row, params};
use tabellion_model::Micros;
use tabellion_model::body::Outcome;

use super::calls::CallState;
use crate::error::ViewsError;
use crate::values::{int, number, optional_word};
use crate::views::Views;

/// Most lines of one table: the rest adds nothing that an overview shows.
const MAX_LINES: u32 = 100;

/// How often one code was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCount {
    /// The code; none when the content that said it was erased.
    pub code: Option<String>,
    /// Denials.
    pub calls: u64,
}

/// How often calls ended in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeCount {
    /// The outcome; none when the content that said it was erased.
    pub outcome: Option<Outcome>,
    /// Completed calls.
    pub calls: u64,
}

/// How much one model was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    /// The model asked for; none when erased.
    pub model: Option<String>,
    /// Completed calls.
    pub calls: u64,
    /// Tokens of prompts, as providers counted them.
    pub prompt_tokens: u64,
    /// Tokens of answers, likewise.
    pub completion_tokens: u64,
    /// Calls among them for which no count is known.
    pub uncounted: u64,
}

/// What happened in a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// Calls permitted, open ones included.
    pub authorised: u64,
    /// Of these, without an end yet.
    pub open: u64,
    /// Of these, ended by their own record.
    pub completed: u64,
    /// Of these, found open by a start.
    pub broken: u64,
    /// Calls denied.
    pub denied: u64,
    /// Denials by code, most first.
    pub denied_by_code: Vec<CodeCount>,
    /// Completed calls by outcome, most first.
    pub outcomes: Vec<OutcomeCount>,
    /// Completed calls by model, most first.
    pub models: Vec<ModelUse>,
}

impl Views {
    /// The sums over calls permitted or denied from `from` until before `to`, by commit time.
    pub fn overview(&self, from: Micros, to: Micros) -> Result<Overview, ViewsError> {
        self.ask(|db| {
            // One transaction, so that the sums are of one moment.
            let tx = db.unchecked_transaction()?;
            let mut overview = Overview::default();
            let states = Lines { columns: "state, count(*) AS calls", of: "1", by: "state" };
            let read = |row: &Row<'_>| Ok((CallState::of(row.get("state")?)?, number(row, "calls")?));
            for (state, calls) in states.read(&tx, from, to, read)? {
                match state {
                    CallState::Open => overview.open = calls,
                    CallState::Completed => overview.completed = calls,
                    CallState::Broken => overview.broken = calls,
                    CallState::Denied => overview.denied = calls,
                }
            }
            overview.authorised = overview.open + overview.completed + overview.broken;
            overview.denied_by_code =
                Lines { columns: "code, count(*) AS calls", of: "state = 3", by: "code" }.read(
                    &tx,
                    from,
                    to,
                    |row| Ok(CodeCount { code: row.get("code")?, calls: number(row, "calls")? }),
                )?;
            overview.outcomes =
                Lines { columns: "outcome, count(*) AS calls", of: "state = 1", by: "outcome" }.read(
                    &tx,
                    from,
                    to,
                    |row| {
                        Ok(OutcomeCount {
                            outcome: optional_word(row, "outcome")?,
                            calls: number(row, "calls")?,
                        })
                    },
                )?;
            overview.models =
                Lines { columns: MODEL_SUMS, of: "state = 1", by: "model" }.read(&tx, from, to, model_use)?;
            Ok(overview)
        })
    }
}

const MODEL_SUMS: &str = "model, count(*) AS calls, coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
    coalesce(sum(completion_tokens), 0) AS completion_tokens, sum(prompt_tokens IS NULL) AS uncounted";

fn model_use(row: &Row<'_>) -> rusqlite::Result<ModelUse> {
    Ok(ModelUse {
        model: row.get("model")?,
        calls: number(row, "calls")?,
        prompt_tokens: number(row, "prompt_tokens")?,
        completion_tokens: number(row, "completion_tokens")?,
        uncounted: number(row, "uncounted")?,
    })
}

/// One table of sums over calls. All texts are ours.
struct Lines {
    columns: &'static str,
    of: &'static str,
    by: &'static str,
}

impl Lines {
    fn read<T>(
        &self,
        db: &Connection,
        from: Micros,
        to: Micros,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let Self { columns, of, by } = self;
        let sql = format!(
            "SELECT {columns} FROM calls WHERE {of} AND at >= ?1 AND at < ?2 GROUP BY {by} ORDER BY calls DESC, {by} LIMIT {MAX_LINES}"
        );
        let mut select = db.prepare_cached(&sql)?;
        let found = select.query_map(params![int(from.0), int(to.0)], |row| read(row))?;
        found.collect()
    }
}
