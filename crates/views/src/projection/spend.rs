//! Spend: prices, what each call was charged, and sums of it for each day.
//!
//! Everything that is added up stands in headers, so that no erasure of content changes a sum. `charges` has a row for each call that was let through to a
//! provider: what was reserved, until what it took is known; of a call that began a batch that is known long after the call ended. A later version of a price rates every call of that price anew; what each cost by the version
//! that it was let through with stays beside it. Budgets of persons, teams and agents are found by their names alone, which headers of calls have: who they are
//! for stands nowhere here.

mod charges;
mod prices;

use rusqlite::Connection;

use super::{Applied, Projection, Table, TaggedColumns};
use crate::record::Record;

pub(crate) const SPEND: Projection =
    Projection { name: "spend", version: 4, tables: TABLES, ddl: DDL, feeds_gate: false, apply };

const TABLES: &[Table] = &[
    Table {
        name: "prices",
        key: "name, version",
        tagged: &[TaggedColumns {
            unit: "unit",
            values: &["upstream", "model", "output_limit", "input_limit", "source"],
        }],
    },
    Table { name: "charges", key: "entry", tagged: &[] },
    Table { name: "spend", key: "span, start, system, key, currency", tagged: &[] },
    Table { name: "charged_budgets", key: "entry, budget", tagged: &[] },
    Table { name: "budget_spend", key: "budget, span, start, version, currency", tagged: &[] },
];

/// `span` is `day`, with the first moment of the day of commit in UTC, or `total`, with 0. Without a known price the currency is empty. A call without a
/// system has the empty one. `budget_spend` has the same sums by the version of a budget that held.
const DDL: &str = "
CREATE TABLE prices (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor BLOB NOT NULL,
    record_id BLOB NOT NULL,
    newest INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    currency TEXT,
    input INTEGER,
    cached INTEGER,
    cache_write INTEGER,
    output INTEGER,
    valid_from INTEGER,
    valid_until INTEGER,
    upstream TEXT,
    model TEXT,
    output_limit INTEGER,
    input_limit INTEGER,
    source TEXT,
    unit BLOB,
    PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX prices_newest ON prices (name) WHERE newest = 1;
CREATE INDEX prices_record ON prices (record_id);
CREATE TABLE charges (
    entry INTEGER PRIMARY KEY,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    system BLOB NOT NULL,
    key BLOB NOT NULL,
    known TEXT NOT NULL,
    input INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output INTEGER NOT NULL,
    price TEXT,
    price_version INTEGER,
    currency TEXT,
    micros INTEGER,
    first_currency TEXT,
    first_micros INTEGER
) STRICT;
CREATE UNIQUE INDEX charges_open ON charges (record_id) WHERE known = 'open';
CREATE INDEX charges_reserve ON charges (record_id) WHERE known = 'reserve';
CREATE INDEX charges_at ON charges (at);
CREATE INDEX charges_price ON charges (price) WHERE price IS NOT NULL;
CREATE TABLE spend (
    span TEXT NOT NULL,
    start INTEGER NOT NULL,
    system BLOB NOT NULL,
    key BLOB NOT NULL,
    currency TEXT NOT NULL,
    micros INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (span, start, system, key, currency)
) STRICT, WITHOUT ROWID;
CREATE TABLE charged_budgets (
    entry INTEGER NOT NULL,
    budget TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (entry, budget)
) STRICT, WITHOUT ROWID;
CREATE TABLE budget_spend (
    budget TEXT NOT NULL,
    span TEXT NOT NULL,
    start INTEGER NOT NULL,
    version INTEGER NOT NULL,
    currency TEXT NOT NULL,
    micros INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (budget, span, start, version, currency)
) STRICT, WITHOUT ROWID;
";

fn apply(db: &Connection, record: &Record<'_>) -> rusqlite::Result<Applied> {
    match charges::apply(db, record)? {
        Applied::Passed => prices::apply(db, record),
        applied => Ok(applied),
    }
}
