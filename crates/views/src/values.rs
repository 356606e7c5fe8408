//! How the values of records stand in columns: ids as 16 bytes, times and counts as integers, closed words as the text of records.
//! Columns are found by name, or by place where there are very many rows.

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Row, RowIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tabellion_model::charge::{Currency, Rates};
use tabellion_model::{Id, Micros};

/// A count or time as `SQLite` holds it. Numbers of records end at 2^53 − 1, so nothing is ever cut.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The word of a closed list, as it stands in records.
pub(crate) fn word<T: Serialize>(value: &T) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// A list as JSON text.
pub(crate) fn list<T: Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).unwrap_or_default()
}

/// Reads a digest of 64 lower-case hex digits; anything else is no digest.
pub(crate) fn digest_bytes(hex: &str) -> Option<[u8; 32]> {
    tabellion_tlog::Hash::from_hex(hex).map(|hash| hash.0)
}

/// Column `at` as a number.
pub(crate) fn number(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<u64> {
    let value: i64 = row.get(at)?;
    u64::try_from(value).map_err(|_| FromSqlError::OutOfRange(value).into())
}

/// Column `at` as a number, when there is one.
pub(crate) fn optional_number(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Option<u64>> {
    let value: Option<i64> = row.get(at)?;
    value.map(|value| u64::try_from(value).map_err(|_| FromSqlError::OutOfRange(value).into())).transpose()
}

/// Column `at` as a time.
pub(crate) fn time(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Micros> {
    number(row, at).map(Micros)
}

/// Column `at` as a time, when there is one.
pub(crate) fn optional_time(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Option<Micros>> {
    Ok(optional_number(row, at)?.map(Micros))
}

/// Column `at` as an id.
pub(crate) fn id<K>(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Id<K>> {
    row.get(at).map(Id::from_bytes)
}

/// Column `at` as an id, when there is one.
pub(crate) fn optional_id<K>(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Option<Id<K>>> {
    let bytes: Option<[u8; 16]> = row.get(at)?;
    Ok(bytes.map(Id::from_bytes))
}

/// Column `at` as a word of a closed list, when there is one.
pub(crate) fn optional_word<T: DeserializeOwned>(
    row: &Row<'_>,
    at: impl RowIndex,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(at)?;
    text.map(|text| serde_json::from_value(Value::String(text)).map_err(conversion)).transpose()
}

/// Column `at` as a currency, when there is one.
pub(crate) fn optional_currency(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Option<Currency>> {
    let text: Option<String> = row.get(at)?;
    Ok(text.as_deref().and_then(Currency::parse))
}

/// What tokens cost, as a row of `prices` has it; none: the price was withdrawn.
pub(crate) fn optional_rates(row: &Row<'_>) -> rusqlite::Result<Option<Rates>> {
    let Some(currency) = optional_currency(row, "currency")? else { return Ok(None) };
    Ok(Some(Rates {
        currency,
        input: number(row, "input")?,
        cached: number(row, "cached")?,
        cache_write: number(row, "cache_write")?,
        output: number(row, "output")?,
        from: time(row, "valid_from")?,
        until: optional_time(row, "valid_until")?,
    }))
}

/// Column `at` as a list; none when its content is gone.
pub(crate) fn optional_list(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Option<Vec<String>>> {
    let text: Option<String> = row.get(at)?;
    text.map(|text| serde_json::from_str(&text).map_err(conversion)).transpose()
}

/// What column `at` says in JSON; none: its content is gone, or is in a form that is not known here.
pub(crate) fn optional_said<T: DeserializeOwned>(
    row: &Row<'_>,
    at: impl RowIndex,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(at)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Column `at` as a list of numbers; none: an empty one.
pub(crate) fn numbers(row: &Row<'_>, at: impl RowIndex) -> rusqlite::Result<Vec<u64>> {
    let text: Option<String> = row.get(at)?;
    let read = text.map(|text| serde_json::from_str(&text).map_err(conversion)).transpose()?;
    Ok(read.unwrap_or_default())
}

fn conversion(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}
