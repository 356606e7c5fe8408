//! Spend: what calls took, added up by day, system, key or model; prices and budgets as they stand.
//!
//! Promises: sums are exact; counted and reserved, priced and unpriced are told apart, and so are currencies. Its time grows with the calls of the window asked
//! for, which is at most [`MAX_SPEND_DAYS`] long.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use tabellion_model::body::{BudgetScope, Caps};
use tabellion_model::charge::{Currency, Rates, Window};
use tabellion_model::{CredentialId, Micros, SystemId};

use super::versions::Versions;
use super::{Page, Rows, Where, bytes};
use crate::error::ViewsError;
use crate::gate::{BUDGET_VERSIONS, Counted, Used, budget_said, budget_used};
use crate::projection::tallies::DAY_US;
use crate::values::{id, int, number, numbers, optional_currency, optional_number, optional_rates, time};
use crate::views::Views;

/// Longest window of one answer: a year and a day.
pub const MAX_SPEND_DAYS: u64 = 367;
/// Most rows of one answer; one with so many may leave some out.
pub const MAX_SPEND_ROWS: usize = 10_000;

/// What sums are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpendBy {
    /// The day of commit, UTC.
    Day,
    /// The system.
    System,
    /// The key.
    Key,
    /// The upstream and the model as it was asked for.
    Model,
    /// The name of a budget of a person, a team or an agent. A call that several hold for is in each of them, and one of nobody's is in none.
    Budget,
}

/// Which calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpendFilter {
    /// From this moment on.
    pub from: Option<Micros>,
    /// Before this one.
    pub to: Option<Micros>,
    /// Of these systems alone.
    pub systems: Option<Vec<SystemId>>,
}

/// One sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendRow {
    /// What it is of: a day (RFC 3339), the hex of a system or key, `<upstream>/<model>`, a budget; none: it was erased.
    pub of: Option<String>,
    /// The currency; none: calls without a known price.
    pub currency: Option<Currency>,
    /// Calls.
    pub calls: u64,
    /// Of these, charged by what was reserved: not ended, or nobody counted.
    pub calls_reserved: u64,
    /// Tokens of prompts.
    pub input: u64,
    /// Tokens of answers.
    pub output: u64,
    /// Money for what was counted, in millionths.
    pub settled_micros: u64,
    /// Money for what was reserved.
    pub reserved_micros: u64,
    /// What all of it cost by the prices that the calls were let through with, where their currency is the same.
    pub first_micros: u64,
}

impl Views {
    /// Sums of what calls took.
    pub fn spend(&self, filter: &SpendFilter, by: SpendBy) -> Result<Vec<SpendRow>, ViewsError> {
        self.ask(|db| Ok(sums(db, filter, by)?))
    }

    /// The newest version of every budget, also of those ended; the last changed first.
    pub fn budgets(&self, page: Page) -> Result<Rows<BudgetVersion>, ViewsError> {
        self.ask(|db| BUDGETS.newest(db, page))
    }

    /// The newest version of one budget.
    pub fn budget(&self, name: &str) -> Result<Option<BudgetVersion>, ViewsError> {
        self.ask(|db| BUDGETS.newest_of(db, name))
    }

    /// All versions of one budget, newest first.
    pub fn budget_versions(&self, name: &str, page: Page) -> Result<Rows<BudgetVersion>, ViewsError> {
        self.ask(|db| BUDGETS.all_of(db, name, page))
    }

    /// What the calls of a budget took in the newest window in which there were any, and where that begins.
    pub fn budget_used(&self, row: &BudgetVersion, said: &BudgetSaid) -> Result<(Micros, Used), ViewsError> {
        let counted = Counted::of(&row.name, row.since, &said.scope);
        self.ask(|db| Ok(budget_used(db, &counted, said.window, said.caps.currency)?))
    }

    /// What of that is only reserved: by calls of the window from `start` on that have not ended.
    pub fn budget_reserved(
        &self,
        row: &BudgetVersion,
        said: &BudgetSaid,
        start: Micros,
    ) -> Result<Used, ViewsError> {
        self.ask(|db| Ok(reserved(db, row, said, start)?))
    }

    /// The newest version of every price, also of those withdrawn; the last changed first.
    pub fn prices(&self, page: Page) -> Result<Rows<PriceVersion>, ViewsError> {
        self.ask(|db| PRICES.newest(db, page))
    }

    /// The newest version of one price.
    pub fn price(&self, name: &str) -> Result<Option<PriceVersion>, ViewsError> {
        self.ask(|db| PRICES.newest_of(db, name))
    }

    /// All versions of one price, newest first.
    pub fn price_versions(&self, name: &str, page: Page) -> Result<Rows<PriceVersion>, ViewsError> {
        self.ask(|db| PRICES.all_of(db, name, page))
    }
}

const BUDGETS: Versions<BudgetVersion> =
    Versions { select: BUDGET_VERSIONS, read: budget, entry: |version| version.entry };
const PRICES: Versions<PriceVersion> =
    Versions { select: "SELECT * FROM prices", read: price, entry: |version| version.entry };

/// What a version of a budget says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSaid {
    /// Whose calls.
    pub scope: BudgetScope,
    /// The time that it is for.
    pub window: Window,
    /// Its limits.
    pub caps: Caps,
    /// From this share on it counts as nearly used up.
    pub alert_percent: Option<u64>,
    /// Shares of which it is recorded when they are passed, beside that one.
    pub alert_at: Vec<u64>,
}

/// One version of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetVersion {
    /// The budget's name.
    pub name: String,
    /// The version: that of its stream.
    pub version: u64,
    /// The first version since the name was last ended: what was used under those before is another budget's.
    pub since: u64,
    /// The entry of that end; 0: it never was.
    pub since_entry: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who wrote it.
    pub by: CredentialId,
    /// Whether it ended the budget.
    pub ended: bool,
    /// What it says; none: it ended the budget, or its content was erased.
    pub said: Option<BudgetSaid>,
    /// What changed and why; none: erased.
    pub note: Option<String>,
}

/// What a version of a price says of its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceSaid {
    /// The upstream that it is of.
    pub upstream: String,
    /// The model, as the upstream is given it.
    pub model: String,
    /// Most tokens of an answer.
    pub output_limit: Option<u64>,
    /// Most tokens of a prompt.
    pub input_limit: Option<u64>,
}

/// One version of a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    /// The price's name.
    pub name: String,
    /// The version: that of its stream.
    pub version: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who wrote it.
    pub by: CredentialId,
    /// What tokens cost; none: it withdrew the price.
    pub rates: Option<Rates>,
    /// What it is of; none: it withdrew the price, or its content was erased.
    pub said: Option<PriceSaid>,
    /// Where it is from, or why it was withdrawn; none: erased.
    pub source: Option<String>,
}

fn budget(row: &Row<'_>) -> rusqlite::Result<BudgetVersion> {
    let said = budget_said(row)?;
    let alert_percent = optional_number(row, "alert_percent")?;
    let alert_at = numbers(row, "alert_at")?;
    Ok(BudgetVersion {
        name: row.get("name")?,
        version: number(row, "version")?,
        since: number(row, "since")?,
        since_entry: number(row, "since_entry")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        ended: row.get("ended")?,
        said: said.map(|said| BudgetSaid {
            scope: said.scope,
            window: said.window,
            caps: said.caps,
            alert_percent,
            alert_at,
        }),
        note: row.get("note")?,
    })
}

fn price(row: &Row<'_>) -> rusqlite::Result<PriceVersion> {
    let (upstream, model): (Option<String>, Option<String>) = (row.get("upstream")?, row.get("model")?);
    let limits = (optional_number(row, "output_limit")?, optional_number(row, "input_limit")?);
    Ok(PriceVersion {
        name: row.get("name")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        rates: optional_rates(row)?,
        said: upstream.zip(model).map(|(upstream, model)| PriceSaid {
            upstream,
            model,
            output_limit: limits.0,
            input_limit: limits.1,
        }),
        source: row.get("source")?,
    })
}

/// Few calls are open, so that all of them are looked at.
fn reserved(
    db: &Connection,
    row: &BudgetVersion,
    said: &BudgetSaid,
    start: Micros,
) -> rusqlite::Result<Used> {
    let (condition, subject) = match &said.scope {
        BudgetScope::Tenant => ("?1 IS NOT NULL AND ?4 IS NOT NULL", Value::Blob(Vec::new())),
        BudgetScope::System(system) => ("system = ?1 AND ?4 IS NOT NULL", Value::Blob(bytes(*system))),
        BudgetScope::Key(key) => ("key = ?1 AND ?4 IS NOT NULL", Value::Blob(bytes(*key))),
        BudgetScope::Person(_) | BudgetScope::Team(_) | BudgetScope::Agent(_) => (
            "EXISTS (SELECT 1 FROM charged_budgets WHERE charged_budgets.entry = charges.entry AND budget = ?1 AND version >= ?4)",
            Value::Text(row.name.clone()),
        ),
    };
    let sql = format!(
        "SELECT coalesce(sum(CASE WHEN currency = ?3 THEN micros END), 0) AS micros, coalesce(sum(input + output), 0) AS tokens,
        count(*) AS calls FROM charges INDEXED BY charges_open WHERE known = 'open' AND at >= ?2 AND {condition}"
    );
    let currency = said.caps.currency.map(|currency| currency.to_string());
    db.prepare_cached(&sql)?.query_row(params![subject, int(start.0), currency, int(row.since)], |row| {
        Ok(Used {
            micros: number(row, "micros")?,
            tokens: number(row, "tokens")?,
            calls: number(row, "calls")?,
        })
    })
}

fn sums(db: &Connection, filter: &SpendFilter, by: SpendBy) -> rusqlite::Result<Vec<SpendRow>> {
    let mut wanted = Where::default();
    wanted.times("charges.at", filter.from, filter.to);
    if let Some(systems) = &filter.systems {
        let list: Vec<String> = systems
            .iter()
            .map(|system| {
                wanted.values.push(Value::Blob(bytes(*system)));
                format!("?{}", wanted.values.len())
            })
            .collect();
        wanted.only(&format!("charges.system IN ({})", list.join(", ")));
    }
    let (of, join) = match by {
        SpendBy::Day => (format!("charges.at - charges.at % {DAY_US}"), ""),
        SpendBy::System => ("lower(hex(charges.system))".to_owned(), ""),
        SpendBy::Key => ("lower(hex(charges.key))".to_owned(), ""),
        SpendBy::Model => (
            "calls.upstream || '/' || calls.model".to_owned(),
            " LEFT JOIN calls ON calls.entry = charges.entry",
        ),
        SpendBy::Budget => (
            "charged_budgets.budget".to_owned(),
            " JOIN charged_budgets ON charged_budgets.entry = charges.entry",
        ),
    };
    let sql = format!(
        "SELECT {of} AS of, charges.currency AS currency, count(*) AS calls, sum(known IN ('open', 'reserve')) AS calls_reserved,
        sum(input) AS input, sum(charges.output) AS output,
        coalesce(sum(CASE WHEN known NOT IN ('open', 'reserve') THEN micros END), 0) AS settled,
        coalesce(sum(CASE WHEN known IN ('open', 'reserve') THEN micros END), 0) AS reserved,
        coalesce(sum(CASE WHEN first_currency = charges.currency THEN first_micros END), 0) AS first
        FROM charges{join}{} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {MAX_SPEND_ROWS}",
        wanted.sql()
    );
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(wanted.values), |row| sum(row, by))?;
    rows.collect()
}

fn sum(row: &Row<'_>, by: SpendBy) -> rusqlite::Result<SpendRow> {
    let of = if by == SpendBy::Day { Some(time(row, "of")?.to_string()) } else { row.get("of")? };
    Ok(SpendRow {
        of,
        currency: optional_currency(row, "currency")?,
        calls: number(row, "calls")?,
        calls_reserved: number(row, "calls_reserved")?,
        input: number(row, "input")?,
        output: number(row, "output")?,
        settled_micros: number(row, "settled")?,
        reserved_micros: number(row, "reserved")?,
        first_micros: number(row, "first")?,
    })
}
