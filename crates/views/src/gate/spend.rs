//! Budgets and prices, as the gateway decides by them.
//!
//! Must never: leave out a budget that holds and cannot be read; the gateway denies by it.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};
use tabellion_model::body::{BudgetScope, Caps};
use tabellion_model::charge::{Currency, Rates, Window};
use tabellion_model::{Id, Micros, RecordId};

use super::Gate;
use crate::error::ViewsError;
use crate::values::{id, number, optional_currency, optional_number, optional_rates, time};

/// What the calls of a budget took in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Money in the budget's currency, in millionths.
    pub micros: u64,
    /// Tokens.
    pub tokens: u64,
    /// Calls.
    pub calls: u64,
}

/// What a budget says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose calls.
    pub scope: BudgetScope,
    /// The time that it is for.
    pub window: Window,
    /// Its limits.
    pub caps: Caps,
    /// Where the newest window begins in which any of its calls was let through.
    pub start: Micros,
    /// What they took, and reserved, in that window.
    pub used: Used,
}

/// One budget that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateBudget {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its first version since the name was last ended: what calls took under the versions before is another budget's.
    pub since: u64,
    /// What it says; none: its content was erased, or is of a kind that is not known here.
    pub held: Option<Held>,
}

/// One price that calls may be rated by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatePrice {
    /// The record that set it.
    pub record: RecordId,
    /// The upstream that it is of.
    pub upstream: String,
    /// The model, as the upstream is given it.
    pub model: String,
    /// Most tokens of an answer.
    pub output_limit: Option<u64>,
    /// Most tokens of a prompt.
    pub input_limit: Option<u64>,
    /// What tokens cost, and when.
    pub rates: Rates,
}

/// `before` at `position`, with budgets and prices read anew.
pub(crate) fn load_spend(db: &Connection, position: u64, before: &Gate) -> Result<Gate, ViewsError> {
    let (budgets, prices) = (budgets(db)?, prices(db)?);
    let kept = |prices| if prices == *before.prices { Arc::clone(&before.prices) } else { Arc::new(prices) };
    Ok(Gate { position, budgets: Arc::new(budgets), prices: kept(prices), ..Gate::clone(before) })
}

pub(super) fn budgets(db: &Connection) -> rusqlite::Result<Vec<GateBudget>> {
    let sql = format!("{VERSIONS} WHERE newest = 1 AND ended = 0 ORDER BY name");
    let mut select = db.prepare_cached(&sql)?;
    let found = select.query_map([], |row| {
        Ok(GateBudget {
            name: row.get("name")?,
            version: number(row, "version")?,
            since: number(row, "since")?,
            held: held(row)?,
        })
    })?;
    let mut budgets = found.collect::<rusqlite::Result<Vec<_>>>()?;
    for GateBudget { name, since, held, .. } in &mut budgets {
        let Some(held) = held else { continue };
        let counted = Counted::of(name, *since, &held.scope);
        (held.start, held.used) = used(db, &counted, held.window, held.caps.currency)?;
    }
    Ok(budgets)
}

/// Versions of budgets, each with the first one since its name was last ended, and with the entry of that end (0: it never was).
pub(crate) const VERSIONS: &str = "SELECT *,
    (SELECT coalesce(max(version), 0) + 1 FROM budgets AS ends WHERE ends.name = budgets.name AND ends.ended = 1 AND ends.version < budgets.version) AS since,
    (SELECT coalesce(max(entry), 0) FROM budgets AS ends WHERE ends.name = budgets.name AND ends.ended = 1 AND ends.version < budgets.version) AS since_entry
    FROM budgets";

/// Which sums are those of a budget: by what headers of its calls say, or by its own name where it is for a person, a team or an agent.
pub(crate) struct Counted {
    table: &'static str,
    /// Of `subject` (?1) and `since` (?3).
    condition: &'static str,
    subject: Value,
    since: u64,
}

impl Counted {
    /// Those of the budget `name` since its version `since`.
    pub(crate) fn of(name: &str, since: u64, scope: &BudgetScope) -> Self {
        let (table, condition, subject) = match scope {
            BudgetScope::Tenant => ("spend", "?1 IS NOT NULL AND ?3 IS NOT NULL", Value::Blob(Vec::new())),
            BudgetScope::System(system) => {
                ("spend", "system = ?1 AND ?3 IS NOT NULL", Value::Blob(system.as_bytes().to_vec()))
            }
            BudgetScope::Key(key) => {
                ("spend", "key = ?1 AND ?3 IS NOT NULL", Value::Blob(key.as_bytes().to_vec()))
            }
            BudgetScope::Person(_) | BudgetScope::Team(_) | BudgetScope::Agent(_) => {
                ("budget_spend", "budget = ?1 AND version >= ?3", Value::Text(name.to_owned()))
            }
        };
        Self { table, condition, subject, since }
    }
}

/// What a row of `budgets` says.
pub(crate) fn held(row: &Row<'_>) -> rusqlite::Result<Option<Held>> {
    let (kind, span): (Option<String>, Option<String>) = (row.get("scope")?, row.get("span")?);
    let (subject, caller): (Option<[u8; 16]>, Option<String>) = (row.get("subject")?, row.get("caller")?);
    let scope = match (kind.as_deref(), subject, caller) {
        (Some("tenant"), None, None) => BudgetScope::Tenant,
        (Some("system"), Some(system), None) => BudgetScope::System(Id::from_bytes(system)),
        (Some("key"), Some(key), None) => BudgetScope::Key(Id::from_bytes(key)),
        (Some("person"), None, Some(person)) => BudgetScope::Person(person),
        (Some("team"), None, Some(team)) => BudgetScope::Team(team),
        (Some("agent"), None, Some(agent)) => BudgetScope::Agent(agent),
        _ => return Ok(None),
    };
    let Some(window) = span.as_deref().and_then(|span| Window::parse(span).ok()) else { return Ok(None) };
    let caps = Caps {
        micros: optional_number(row, "micros")?,
        currency: optional_currency(row, "currency")?,
        tokens: optional_number(row, "tokens")?,
        calls: optional_number(row, "calls")?,
        calls_per_minute: optional_number(row, "calls_per_minute")?,
        calls_at_once: optional_number(row, "calls_at_once")?,
    };
    Ok(Some(Held { scope, window, caps, start: Micros(0), used: Used::default() }))
}

/// What the calls of a budget took in the newest window in which there were any, and where it begins.
pub(crate) fn used(
    db: &Connection,
    counted: &Counted,
    window: Window,
    currency: Option<Currency>,
) -> rusqlite::Result<(Micros, Used)> {
    let Counted { table, condition, subject, since } = counted;
    let since = crate::values::int(*since);
    let span = if window == Window::Total { Window::Total } else { Window::Day };
    let sql = format!(
        "SELECT start FROM {table} WHERE span = ?2 AND {condition} AND calls > 0 ORDER BY start DESC LIMIT 1"
    );
    let mut newest = db.prepare_cached(&sql)?;
    let mut rows = newest.query(params![subject, span.as_str(), since])?;
    let Some(row) = rows.next()? else { return Ok((Micros(0), Used::default())) };
    let start = window.start(time(row, "start")?);
    let sql = format!(
        "SELECT coalesce(sum(CASE WHEN currency = ?5 THEN micros END), 0) AS micros, coalesce(sum(tokens), 0) AS tokens,
        coalesce(sum(calls), 0) AS calls FROM {table} WHERE span = ?2 AND start >= ?4 AND {condition}"
    );
    let currency = currency.map(|currency| currency.to_string());
    let used = db.prepare_cached(&sql)?.query_row(
        params![subject, span.as_str(), since, crate::values::int(start.0), currency],
        |row| {
            Ok(Used {
                micros: number(row, "micros")?,
                tokens: number(row, "tokens")?,
                calls: number(row, "calls")?,
            })
        },
    )?;
    Ok((start, used))
}

pub(super) fn prices(db: &Connection) -> rusqlite::Result<Vec<GatePrice>> {
    let sql = "SELECT * FROM prices WHERE newest = 1 AND withdrawn = 0 AND unit IS NOT NULL ORDER BY valid_from DESC, name";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map([], price)?;
    found.filter_map(Result::transpose).collect()
}

fn price(row: &Row<'_>) -> rusqlite::Result<Option<GatePrice>> {
    let Some(rates) = optional_rates(row)? else { return Ok(None) };
    Ok(Some(GatePrice {
        record: id(row, "record_id")?,
        upstream: row.get("upstream")?,
        model: row.get("model")?,
        output_limit: optional_number(row, "output_limit")?,
        input_limit: optional_number(row, "input_limit")?,
        rates,
    }))
}
