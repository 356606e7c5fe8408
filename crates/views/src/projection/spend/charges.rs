//! What calls are charged: reserved when they are let through, settled when they end, rated anew when a price is corrected.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::Micros;
use tabellion_model::body::{BatchSettled, CallAuthorised, CallBroken, CallCompleted};
use tabellion_model::charge::{Charged, Rates, Reserved, Spent, Tokens, Window};
use tabellion_model::probe::is_probe;

use super::prices;
use crate::projection::{Applied, changed, run};
use crate::record::Record;
use crate::values::{int, number, time};

/// A call that has not ended: what it reserved stands.
pub(crate) const OPEN: &str = "open";

/// A row, as sums are made of it.
struct Charge {
    entry: u64,
    at: Micros,
    system: Vec<u8>,
    key: Vec<u8>,
    tokens: Tokens,
    price: Option<String>,
    price_version: Option<u64>,
    currency: Option<String>,
    micros: u64,
    /// Budgets of persons, teams and agents that held for it.
    budgets: Vec<Charged>,
}

const COLUMNS: &str =
    "entry, at, system, key, input, cached, cache_write, output, price, price_version, currency, micros";

fn charge(row: &Row<'_>) -> rusqlite::Result<Charge> {
    let micros: Option<i64> = row.get("micros")?;
    Ok(Charge {
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        system: row.get("system")?,
        key: row.get("key")?,
        tokens: Tokens {
            input: number(row, "input")?,
            cached: number(row, "cached")?,
            cache_write: number(row, "cache_write")?,
            output: number(row, "output")?,
        },
        price: row.get("price")?,
        price_version: row
            .get::<_, Option<i64>>("price_version")?
            .and_then(|version| u64::try_from(version).ok()),
        currency: row.get("currency")?,
        micros: micros.and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0),
        budgets: Vec::new(),
    })
}

/// `charge` with the budgets that it counts in by name.
fn with_budgets(db: &Connection, charge: Charge) -> rusqlite::Result<Charge> {
    let sql = "SELECT budget, version FROM charged_budgets WHERE entry = ?1 ORDER BY budget";
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map(params![int(charge.entry)], |row| {
        Ok(Charged { budget: row.get("budget")?, version: number(row, "version")? })
    })?;
    Ok(Charge { budgets: found.collect::<rusqlite::Result<_>>()?, ..charge })
}

pub(super) fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    // A probe is charged to nobody: its `clear` is its mark.
    if is_probe(record.header) {
        return Ok(Applied::Passed);
    }
    if record.is::<CallAuthorised>() {
        return authorised(db, record);
    }
    if record.is::<CallCompleted>() {
        return completed(db, record);
    }
    if record.is::<CallBroken>() {
        return broken(db, record);
    }
    if record.is::<BatchSettled>() {
        return batch_settled(db, record);
    }
    Ok(Applied::Passed)
}

fn authorised(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let header = record.header;
    let Some(reserved) = Reserved::of(header) else { return Ok(Applied::Passed) };
    let named = reserved.price.map(|id| prices::named(db, &id)).transpose()?.flatten();
    let newest = match &named {
        Some(named) => prices::newest(db, &named.name, named.rates.currency.as_str())?,
        None => None,
    };
    let first = named.as_ref().map(|named| named.rates.most(reserved.tokens()));
    let rated = newest.as_ref().map(|newest| newest.rates.most(reserved.tokens()));
    let tokens = reserved.tokens();
    let charge = Charge {
        entry: record.index,
        at: record.committed_at,
        system: header.system.map(|(system, _)| system.as_bytes().to_vec()).unwrap_or_default(),
        key: header.actor.as_bytes().to_vec(),
        tokens,
        price: named.as_ref().map(|named| named.name.clone()),
        price_version: named.as_ref().map(|named| named.number),
        currency: rated.map(|cost| cost.currency.to_string()),
        micros: rated.map_or(0, |cost| cost.micros),
        budgets: Charged::of(header),
    };
    let sql = "INSERT INTO charges (entry, record_id, at, system, key, known, input, cached, cache_write, output, price, price_version, currency,
        micros, first_currency, first_micros)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (record_id) WHERE known = 'open' DO NOTHING";
    let rows = run(
        db,
        sql,
        params![
            int(charge.entry),
            header.record_id.as_bytes(),
            int(charge.at.0),
            charge.system,
            charge.key,
            OPEN,
            int(tokens.input),
            int(tokens.output),
            charge.price,
            charge.price_version.map(int),
            charge.currency,
            rated.map(|cost| int(cost.micros)),
            first.map(|cost| cost.currency.to_string()),
            first.map(|cost| int(cost.micros)),
        ],
    )?;
    if rows > 0 {
        for Charged { budget, version } in &charge.budgets {
            let sql = "INSERT INTO charged_budgets (entry, budget, version) VALUES (?1, ?2, ?3)";
            run(db, sql, params![int(charge.entry), budget, int(*version)])?;
        }
        add(db, &charge, 1)?;
    }
    Ok(changed(rows, "a call with its id is open"))
}

/// The open charge of the call that the record ends.
fn open(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Option<Charge>> {
    charged(db, record, "known = 'open'")
}

/// The charge of the call that the record is of, where it is one of these.
fn charged(db: &Connection, record: &Record<'_>, condition: &str) -> rusqlite::Result<Option<Charge>> {
    let Some(call) = record.parent("authorised") else { return Ok(None) };
    let sql =
        format!("SELECT {COLUMNS} FROM charges WHERE record_id = ?1 AND {condition} ORDER BY entry LIMIT 1");
    db.prepare_cached(&sql)?.query_row(params![call.as_bytes()], charge).optional()
}

fn completed(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(before) = open(db, record)? else { return Ok(Applied::Passed) };
    match Spent::of(record.header).unwrap_or(Spent::Reserve) {
        Spent::Reserve => stands(db, before.entry),
        spent => settle(db, before, spent),
    }
}

/// What a batch took is known: it is charged to the call that began it, where what that reserved stands. Once: whatever is said of it later changes nothing.
fn batch_settled(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(before) = charged(db, record, "known = 'reserve'")? else { return Ok(Applied::Passed) };
    match Spent::of(record.header) {
        None | Some(Spent::Reserve) => Ok(Applied::Passed),
        Some(spent) => settle(db, before, spent),
    }
}

/// Charges a call what it took in place of what it reserved.
fn settle(db: &Connection, before: Charge, spent: Spent) -> rusqlite::Result<Applied> {
    let tokens = match spent {
        Spent::Counted(tokens) => tokens.bounded(),
        Spent::Nothing | Spent::Reserve => Tokens::default(),
    };
    let before = with_budgets(db, before)?;
    let newest = match (&before.price, &before.currency) {
        (Some(name), Some(currency)) => prices::newest(db, name, currency)?,
        _ => None,
    };
    let first = first_rates(db, &before)?;
    add(db, &before, -1)?;
    let cost = newest.map(|newest| newest.rates.cost(tokens));
    let first = first.map(|rates| rates.cost(tokens));
    let after = Charge {
        tokens,
        currency: cost.map(|cost| cost.currency.to_string()),
        micros: cost.map_or(0, |cost| cost.micros),
        ..before
    };
    let sql = "UPDATE charges SET known = ?2, input = ?3, cached = ?4, cache_write = ?5, output = ?6, currency = ?7, micros = ?8,
        first_currency = ?9, first_micros = ?10 WHERE entry = ?1";
    let rows = run(
        db,
        sql,
        params![
            int(after.entry),
            spent.word(),
            int(tokens.input),
            int(tokens.cached),
            int(tokens.cache_write),
            int(tokens.output),
            after.currency,
            cost.map(|cost| int(cost.micros)),
            first.map(|cost| cost.currency.to_string()),
            first.map(|cost| int(cost.micros)),
        ],
    )?;
    add(db, &after, 1)?;
    Ok(changed(rows, "its call is not open"))
}

/// The rates of the version that a call was let through with.
fn first_rates(db: &Connection, charge: &Charge) -> rusqlite::Result<Option<Rates>> {
    let (Some(name), Some(version)) = (&charge.price, charge.price_version) else { return Ok(None) };
    Ok(prices::version(db, name, version)?.map(|version| version.rates))
}

/// Nobody knows what came of the call.
fn broken(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    match open(db, record)? {
        Some(before) => stands(db, before.entry),
        None => Ok(Applied::Passed),
    }
}

/// What was reserved stands, as it was rated.
fn stands(db: &Connection, entry: u64) -> rusqlite::Result<Applied> {
    let sql = "UPDATE charges SET known = ?2 WHERE entry = ?1";
    let rows = run(db, sql, params![int(entry), Spent::Reserve.word()])?;
    Ok(changed(rows, "its call is not open"))
}

/// Rates every call of the price `name` by `rates`, of those in their currency; what is counted stays as it is.
pub(super) fn rate_anew(db: &Connection, name: &str, rates: &Rates) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT {COLUMNS}, known FROM charges WHERE price = ?1 AND currency = ?2 AND known <> 'nothing'"
    );
    let mut select = db.prepare_cached(&sql)?;
    let found = select
        .query_map(params![name, rates.currency.as_str()], |row| {
            Ok((charge(row)?, row.get::<_, String>("known")?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (before, known) in found {
        let before = with_budgets(db, before)?;
        add(db, &before, -1)?;
        let is_counted = known == Spent::Counted(before.tokens).word();
        let cost = if is_counted { rates.cost(before.tokens) } else { rates.most(before.tokens) };
        let sql = "UPDATE charges SET currency = ?2, micros = ?3 WHERE entry = ?1";
        run(db, sql, params![int(before.entry), cost.currency.as_str(), int(cost.micros)])?;
        let after = Charge { currency: Some(cost.currency.to_string()), micros: cost.micros, ..before };
        add(db, &after, 1)?;
    }
    Ok(())
}

/// Adds a charge to its day and to the total, and to those of each budget that it counts in by name, or takes it away (`sign` −1).
fn add(db: &Connection, charge: &Charge, sign: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO spend (span, start, system, key, currency, micros, tokens, calls) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (span, start, system, key, currency) DO UPDATE SET micros = micros + excluded.micros, tokens = tokens + excluded.tokens,
        calls = calls + excluded.calls";
    let currency = charge.currency.as_deref().unwrap_or_default();
    let (micros, tokens) = (int(charge.micros) * sign, int(charge.tokens.total()) * sign);
    for window in [Window::Day, Window::Total] {
        let start = int(window.start(charge.at).0);
        run(
            db,
            sql,
            params![window.as_str(), start, charge.system, charge.key, currency, micros, tokens, sign],
        )?;
        for Charged { budget, version } in &charge.budgets {
            let sql = "INSERT INTO budget_spend (budget, span, start, version, currency, micros, tokens, calls) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT (budget, span, start, version, currency) DO UPDATE SET micros = micros + excluded.micros, tokens = tokens + excluded.tokens,
                calls = calls + excluded.calls";
            let version = int(*version);
            run(db, sql, params![budget, window.as_str(), start, version, currency, micros, tokens, sign])?;
        }
    }
    Ok(())
}
