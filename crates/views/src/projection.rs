//! Projections: how records become rows.
//!
//! Promises: a projection is a function of the rows before, the record's place and time, its header, and body values that stand in columns
//! tagged with their unit. Which row is made or changed depends on the header alone, so that a rebuild after an erasure makes the same rows; of the one table
//! of which that is not so, an erasure takes the rows.
//! Must never: decide, count or name by a body value; read a clock, randomness, a file or the network.

mod applicability;
mod assessments;
mod budget_alerts;
mod budgets;
pub(crate) mod calls;
mod changes;
mod configuration;
mod credentials;
mod enrichments;
pub(crate) mod filed;
mod findings;
mod invoices;
mod issuers;
mod kept_names;
pub(crate) mod ledger;
mod measurements;
mod observations;
mod openings;
mod operations;
mod packs;
mod people;
mod policies;
mod probes;
pub(crate) mod registers;
mod rules;
mod saved_views;
mod shards;
mod sources;
pub(crate) mod spend;
mod stopped;
mod stops;
mod systems;
pub(crate) mod tallies;
mod unmaskings;
mod usage;
mod versions;
mod viewings;

use rusqlite::{Connection, Params};

pub(crate) use enrichments::NOT_RUN as NOT_ENRICHED;

use crate::record::Record;

/// Columns whose values come from one unit, and the column that names it.
#[derive(Debug, Clone, Copy)]
pub struct TaggedColumns {
    /// The column with the unit's id.
    pub unit: &'static str,
    /// The columns that an erasure of the unit blanks, with `unit` itself; none where the row goes ([`Table::goes`]).
    pub values: &'static [&'static str],
}

/// One table of a projection.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Columns of its primary key, as SQL: the order of its digest.
    pub key: &'static str,
    /// Its tagged columns.
    pub tagged: &'static [TaggedColumns],
}

impl Table {
    /// Whether its units are filed (`filed.rs`) and not indexed.
    pub(crate) fn is_filed(&self) -> bool {
        self.name == calls::CALLS_TABLE
    }

    /// Whether its rows go with the unit that they came from: how many a record made was what it said.
    pub(crate) fn goes(&self) -> bool {
        self.name == kept_names::KEPT_NAMES_TABLE
    }
}

/// What a record did to a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It changed rows.
    Changed,
    /// It is none of the projection's.
    Passed,
    /// It is one of the projection's, and its header does not fit what came before: why.
    Unplaced(&'static str),
}

/// One view. It has no state of its own: all of it is in its rows.
#[derive(Debug, Clone, Copy)]
pub struct Projection {
    /// Name, unique among all projections.
    pub name: &'static str,
    /// Raised whenever the same records would make other rows; the view is then rebuilt.
    pub version: u32,
    /// Its tables.
    pub tables: &'static [Table],
    /// Makes its tables and the indexes that its queries need. Indexes on tag columns are added by [`definition`].
    pub ddl: &'static str,
    /// Whether the gateway decides by these rows.
    pub feeds_gate: bool,
    /// Folds one record.
    pub apply: fn(&Connection, &Record<'_>) -> rusqlite::Result<Applied>,
}

/// Every projection, in the order in which a record is given to them.
pub const ALL: &[Projection] = &[
    systems::SYSTEMS,
    credentials::CREDENTIALS,
    policies::POLICIES,
    packs::PACKS,
    budgets::BUDGETS,
    budget_alerts::BUDGET_ALERTS,
    observations::OBSERVATIONS,
    stops::STOPS,
    openings::OPENINGS,
    people::PEOPLE,
    calls::CALLS,
    operations::OPERATIONS,
    configuration::CONFIGURATION,
    changes::CHANGES,
    registers::REGISTERS,
    applicability::APPLICABILITY,
    tallies::TALLIES,
    spend::SPEND,
    stopped::STOPPED,
    probes::PROBES,
    measurements::MEASUREMENTS,
    enrichments::ENRICHMENTS,
    assessments::ASSESSMENTS,
    kept_names::KEPT_NAMES,
    viewings::VIEWINGS,
    unmaskings::UNMASKINGS,
    saved_views::SAVED_VIEWS,
    issuers::ISSUERS,
    sources::SOURCES,
    shards::SHARDS,
    usage::USAGE,
    invoices::INVOICES,
    findings::FINDINGS,
    rules::RULES,
    ledger::LEDGER,
];

/// The whole SQL that makes the view: its own, and an index on each tag column that is not filed, so that a tombstone finds its rows.
pub fn definition(projection: &Projection) -> String {
    let mut sql = projection.ddl.to_owned();
    for table in projection.tables.iter().filter(|table| !table.is_filed()) {
        for tagged in table.tagged {
            let (table, unit) = (table.name, tagged.unit);
            let index =
                format!("\nCREATE INDEX {table}_{unit} ON {table} ({unit}) WHERE {unit} IS NOT NULL;");
            sql.push_str(&index);
        }
    }
    sql
}

/// Runs a statement that is kept prepared; gives the number of rows it changed.
fn run(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

/// [`Applied::Changed`] when a row was changed, else unplaced for the reason given.
fn changed(rows: usize, otherwise: &'static str) -> Applied {
    if rows == 0 { Applied::Unplaced(otherwise) } else { Applied::Changed }
}

/// Why a record is unplaced that names no stream of its kind.
const NO_STREAM: &str = "its stream is not the one of its type";
