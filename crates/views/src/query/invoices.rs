//! Invoices of providers, and what the calls that they are for took.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use tabellion_model::body::InvoiceRecorded;
use tabellion_model::{CredentialId, Micros, RecordId};

use super::{Page, Rows, Where};
use crate::error::ViewsError;
use crate::values::{id, int, number, optional_said, time};
use crate::views::Views;

/// One invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRow {
    /// The provider.
    pub provider: String,
    /// Its record.
    pub record_id: RecordId,
    /// Version of the provider's stream that it made.
    pub version: u64,
    /// Its entry.
    pub entry: u64,
    /// Commit time of that.
    pub at: Micros,
    /// Who put it on record.
    pub by: CredentialId,
    /// What it says; none: erased.
    pub said: Option<InvoiceRecorded>,
}

/// What calls of some upstreams took in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Calls with a price in that currency.
    pub calls: u64,
    /// Money for what was counted, in millionths.
    pub settled_micros: u64,
    /// Money for what is only reserved: under way, or nobody counted to the end.
    pub reserved_micros: u64,
    /// Calls of these upstreams without a price in that currency.
    pub unpriced: u64,
    /// Calls of which nobody can read any more to which upstream they went.
    pub unreadable: u64,
}

impl Views {
    /// Invoices, the newest first.
    pub fn invoices(&self, page: Page) -> Result<Rows<InvoiceRow>, ViewsError> {
        let select = "SELECT * FROM invoices";
        self.ask(|db| Where::default().page(db, select, "entry", page, invoice, |row| row.entry))
    }

    /// One invoice, by its record.
    pub fn invoice(&self, record: &RecordId) -> Result<Option<InvoiceRow>, ViewsError> {
        let sql = "SELECT * FROM invoices WHERE record_id = ?1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![record.as_bytes()], invoice).optional()?)
        })
    }

    /// Version of a provider's stream of invoices; 0: there is none.
    pub fn invoices_version(&self, provider: &str) -> Result<u64, ViewsError> {
        let sql = "SELECT coalesce(max(version), 0) AS version FROM invoices WHERE provider = ?1";
        self.ask(|db| {
            Ok(db.prepare_cached(sql)?.query_row(params![provider], |row| number(row, "version"))?)
        })
    }

    /// What the calls took that an invoice is for, by the newest prices. Its time grows with the calls of that time.
    pub fn taken_of(&self, said: &InvoiceRecorded) -> Result<Taken, ViewsError> {
        let mut values = vec![
            Value::Integer(int(said.from.0)),
            Value::Integer(int(said.until.0)),
            Value::Text(said.currency.to_string()),
        ];
        let places: Vec<String> = said
            .upstreams
            .iter()
            .map(|upstream| {
                values.push(Value::Text(upstream.clone()));
                format!("?{}", values.len())
            })
            .collect();
        let places = places.join(", ");
        let sql = format!(
            "SELECT coalesce(sum(upstream IS NOT NULL AND currency IS ?3), 0) AS calls,
            coalesce(sum(CASE WHEN upstream IS NOT NULL AND currency IS ?3 AND known NOT IN ('open', 'reserve') THEN micros END), 0) AS settled,
            coalesce(sum(CASE WHEN upstream IS NOT NULL AND currency IS ?3 AND known IN ('open', 'reserve') THEN micros END), 0) AS reserved,
            coalesce(sum(upstream IS NOT NULL AND currency IS NOT ?3), 0) AS unpriced,
            coalesce(sum(upstream IS NULL), 0) AS unreadable
            FROM (SELECT calls.upstream AS upstream, charges.currency AS currency, charges.known AS known, charges.micros AS micros
                FROM charges LEFT JOIN calls ON calls.entry = charges.entry
                WHERE charges.at >= ?1 AND charges.at < ?2 AND (calls.upstream IS NULL OR calls.upstream IN ({places})))"
        );
        self.ask(|db| {
            let mut select = db.prepare_cached(&sql)?;
            Ok(select.query_row(params_from_iter(values), |row| {
                Ok(Taken {
                    calls: number(row, "calls")?,
                    settled_micros: number(row, "settled")?,
                    reserved_micros: number(row, "reserved")?,
                    unpriced: number(row, "unpriced")?,
                    unreadable: number(row, "unreadable")?,
                })
            })?)
        })
    }
}

fn invoice(row: &Row<'_>) -> rusqlite::Result<InvoiceRow> {
    Ok(InvoiceRow {
        provider: row.get("provider")?,
        record_id: id(row, "record_id")?,
        version: number(row, "version")?,
        entry: number(row, "entry")?,
        at: time(row, "at")?,
        by: id(row, "actor")?,
        said: optional_said(row, "said")?,
    })
}
