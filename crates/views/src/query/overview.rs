//! Sums for the overview. Added up when asked, from rows: what was erased since is in no sum, and the counts of records still hold. A call that was tried more than
//! once counts once, by its first attempt.

use rusqlite::{Connection, Row, ToSql, params};
use tabellion_model::Micros;

use super::call_groups::first_at;
use super::calls::CallState;
use crate::error::ViewsError;
use crate::values::{int, number};
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
}

/// Rows that are further attempts of calls, and so no calls by themselves.
struct Further(Vec<(CallState, CodeCount)>);

impl Further {
    fn of(db: &Connection, entries: &[&dyn ToSql]) -> rusqlite::Result<Self> {
        let sql = "SELECT state, code, count(*) AS calls FROM calls INDEXED BY calls_attempts
            WHERE attempt_of IS NOT NULL AND entry >= ?1 AND entry < ?2 GROUP BY state, code ORDER BY state, code";
        let line = |row: &Row<'_>| {
            let count = CodeCount { code: row.get("code")?, calls: number(row, "calls")? };
            Ok((CallState::of(row.get("state")?)?, count))
        };
        db.prepare_cached(sql)?.query_map(entries, line)?.collect::<Result<_, _>>().map(Self)
    }

    fn all(&self) -> u64 {
        self.0.iter().map(|(_, count)| count.calls).sum()
    }

    fn of_state(&self, wanted: CallState) -> u64 {
        self.0.iter().filter(|(state, _)| *state == wanted).map(|(_, count)| count.calls).sum()
    }

    /// Denials by code, without those of attempts; most first.
    fn taken_from(&self, mut codes: Vec<CodeCount>) -> Vec<CodeCount> {
        for (_, further) in self.0.iter().filter(|(state, _)| *state == CallState::Denied) {
            if let Some(count) = codes.iter_mut().find(|count| count.code == further.code) {
                count.calls = count.calls.saturating_sub(further.calls);
            }
        }
        codes.retain(|count| count.calls > 0);
        codes.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.code.cmp(&b.code)));
        codes
    }
}

impl Views {
    /// The sums over calls permitted or denied from `from` until before `to`, by commit time.
    pub fn overview(&self, from: Micros, to: Micros) -> Result<Overview, ViewsError> {
        self.sums(from, to, Further::of)
    }

    /// The same with each attempt as a call of its own, as lists of calls have it.
    pub fn overview_of_attempts(&self, from: Micros, to: Micros) -> Result<Overview, ViewsError> {
        self.sums(from, to, |_, _| Ok(Further(Vec::new())))
    }

    /// `further` gives what counts for no call.
    fn sums(
        &self,
        from: Micros,
        to: Micros,
        further: fn(&Connection, &[&dyn ToSql]) -> rusqlite::Result<Further>,
    ) -> Result<Overview, ViewsError> {
        self.ask(|db| {
            // One transaction, so that the sums are of one moment.
            let tx = db.unchecked_transaction()?;
            let Some(begin) = first_at(&tx, from)? else { return Ok(Overview::default()) };
            let end = first_at(&tx, to)?.map_or(i64::MAX, int);
            let entries = params![int(begin), end];
            // Each counts in an index that holds little else.
            let count = |sql: &str, params: &[&dyn ToSql]| {
                tx.prepare_cached(sql)?.query_row(params, |row| number(row, 0))
            };
            let of_state = |state: CallState| {
                let condition = state.condition();
                let index = match state {
                    CallState::Open => "calls_open",
                    CallState::Broken => "calls_broken",
                    _ => "calls_denied",
                };
                let sql = format!(
                    "SELECT count(*) FROM calls INDEXED BY {index} WHERE {condition} AND entry >= ?1 AND entry < ?2"
                );
                count(&sql, entries)
            };
            let all = "SELECT count(*) FROM calls WHERE at >= ?1 AND at < ?2";
            let further = further(&tx, entries)?;
            let all = count(all, params![int(from.0), int(to.0)])?.saturating_sub(further.all());
            let calls =
                |state: CallState| of_state(state).map(|calls| calls.saturating_sub(further.of_state(state)));
            let (open, broken, denied) =
                (calls(CallState::Open)?, calls(CallState::Broken)?, calls(CallState::Denied)?);
            let authorised = all.saturating_sub(denied);
            let codes = format!(
                "SELECT code, count(*) AS calls FROM calls INDEXED BY calls_denied WHERE {} AND entry >= ?1 AND entry < ?2
                GROUP BY code ORDER BY calls DESC, code LIMIT {MAX_LINES}",
                CallState::Denied.condition()
            );
            let mut select = tx.prepare_cached(&codes)?;
            let line = |row: &Row<'_>| Ok(CodeCount { code: row.get(0)?, calls: number(row, 1)? });
            let denied_by_code = select.query_map(entries, line)?.collect::<Result<Vec<_>, _>>()?;
            let denied_by_code = further.taken_from(denied_by_code);
            let completed = authorised.saturating_sub(open + broken);
            Ok(Overview { authorised, open, completed, broken, denied, denied_by_code })
        })
    }
}
