//! Prices: every version of each, the newest marked; the newest rates all calls of its price.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::RecordId;
use tabellion_model::body::{PriceSet, PriceWithdrawn};
use tabellion_model::charge::Rates;

use super::charges;
use crate::projection::versions::Versions;
use crate::projection::{Applied, NO_STREAM};
use crate::record::Record;
use crate::values::{int, number, optional_rates};

/// One version of a price, as calls are rated.
pub(super) struct Version {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) rates: Rates,
}

const COLUMNS: &str = "name, version, currency, input, cached, cache_write, output, valid_from, valid_until";

/// The version that the record `id` made.
pub(super) fn named(db: &Connection, id: &RecordId) -> rusqlite::Result<Option<Version>> {
    let sql = format!("SELECT {COLUMNS} FROM prices WHERE record_id = ?1 AND withdrawn = 0");
    let version = db.prepare_cached(&sql)?.query_row(params![id.as_bytes()], row).optional()?;
    Ok(version.flatten())
}

/// The newest rates of a price in a currency, whatever came after them. What was charged in one currency is never rated in another, in which no budget of the first
/// would find it.
pub(super) fn newest(db: &Connection, name: &str, currency: &str) -> rusqlite::Result<Option<Version>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM prices WHERE name = ?1 AND currency = ?2 AND withdrawn = 0 ORDER BY version DESC LIMIT 1"
    );
    let version = db.prepare_cached(&sql)?.query_row(params![name, currency], row).optional()?;
    Ok(version.flatten())
}

/// One version of a price.
pub(super) fn version(db: &Connection, name: &str, number: u64) -> rusqlite::Result<Option<Version>> {
    let sql = format!("SELECT {COLUMNS} FROM prices WHERE name = ?1 AND version = ?2 AND withdrawn = 0");
    let found = db.prepare_cached(&sql)?.query_row(params![name, int(number)], row).optional()?;
    Ok(found.flatten())
}

fn row(row: &Row<'_>) -> rusqlite::Result<Option<Version>> {
    let Some(rates) = optional_rates(row)? else { return Ok(None) };
    Ok(Some(Version { name: row.get("name")?, number: number(row, "version")?, rates }))
}

pub(super) fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    if record.is::<PriceSet>() {
        return set(db, record);
    }
    if record.is::<PriceWithdrawn>() {
        return withdrawn(db, record);
    }
    Ok(Applied::Passed)
}

const VERSIONS: Versions = Versions {
    streams: "price/",
    ending: "",
    supersede: "UPDATE prices SET newest = 0 WHERE name = ?1 AND newest = 1",
    twice: "the price has this version already",
};

fn set(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let Some(rates) = Rates::of(record.header) else {
        return Ok(Applied::Unplaced("its header names no rates"));
    };
    let body = version.own(record.body::<PriceSet>(), |said| &said.name);
    let said = body.as_ref().map(|body| &body.value);
    let sql = "INSERT INTO prices (name, version, entry, at, actor, record_id, newest, withdrawn, currency, input, cached, cache_write, output,
        valid_from, valid_until, upstream, model, output_limit, input_limit, source, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 0, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) ON CONFLICT DO NOTHING";
    let applied = VERSIONS.add(
        db,
        &version,
        sql,
        params![
            record.header.record_id.as_bytes(),
            rates.currency.as_str(),
            int(rates.input),
            int(rates.cached),
            int(rates.cache_write),
            int(rates.output),
            int(rates.from.0),
            rates.until.map(|until| int(until.0)),
            said.map(|said| &said.upstream),
            said.map(|said| &said.model),
            said.and_then(|said| said.output_limit).map(int),
            said.and_then(|said| said.input_limit).map(int),
            said.map(|said| &said.source),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )?;
    if applied == Applied::Changed {
        charges::rate_anew(db, version.name, &rates)?;
    }
    Ok(applied)
}

fn withdrawn(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    let Some(version) = VERSIONS.of(record) else { return Ok(Applied::Unplaced(NO_STREAM)) };
    let body = version.own(record.body::<PriceWithdrawn>(), |said| &said.name);
    let sql =
        "INSERT INTO prices (name, version, entry, at, actor, record_id, newest, withdrawn, source, unit)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 1, ?7, ?8) ON CONFLICT DO NOTHING";
    VERSIONS.add(
        db,
        &version,
        sql,
        params![
            record.header.record_id.as_bytes(),
            body.as_ref().map(|body| &body.value.reason),
            body.as_ref().map(|body| body.unit.as_bytes()),
        ],
    )
}
