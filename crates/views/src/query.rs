//! Questions to the views, a file each. Every answer is of one moment; whoever needs the newest waits for a position first.
//!
//! Must never: wait for the projector, or give more rows than [`MAX_ROWS`].

mod applicability;
mod assessments;
mod budget_alerts;
mod call_groups;
mod call_sums;
mod calls;
mod configuration;
mod credentials;
mod decisions;
mod enrichments;
pub(crate) mod facts;
mod findings;
mod guards;
mod history;
mod invoices;
mod issuers;
mod measurements;
mod models;
mod observations;
mod openings;
mod overview;
mod packs;
mod people;
mod policies;
mod probes;
mod register_lives;
mod registers;
mod rule_reading;
mod rules;
mod saved_views;
mod shards;
mod sources;
mod spend;
mod stops;
mod systems;
mod traffic;
mod unknown;
mod unmaskings;
mod usage;
mod versions;
mod viewings;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use tabellion_ledger::{EntryView, Reader, UnitContent};
use tabellion_model::body::{Body, OF_PERSON};
use tabellion_model::{Micros, RecordId};
use tabellion_tlog::{Hash, leaf_hash};

use crate::error::ViewsError;
use crate::values::int;

pub(crate) use applicability::at as soa_at;
pub use applicability::{SoaApproval, SoaContent, SoaRow, Writers};
pub use assessments::{AssessedCall, UnassessedCall};
pub use budget_alerts::{BudgetAlertRow, CrossedSaid, ResolvedRow};
pub use call_sums::{CallGroup, CallTimes, MAX_CALL_GROUPS, Took, TookKey};
pub use calls::{Asked, CallDetail, CallEnd, CallFilter, CallRow, CallState, Ended, OpenCall};
pub use configuration::ConfigurationChangeRow;
pub use credentials::{CredentialRow, Issued, Revocation};
pub use decisions::{DecisionBody, DecisionRecord, Decisions, DecisionsWanted, DescribedFrom};
pub use enrichments::{
    EnrichedCall, EnrichmentCounts, EnrichmentKey, EnrichmentReport, MAX_ENRICHMENT_GROUPS,
};
pub use findings::FindingRow;
pub use guards::{GuardKey, GuardReport, GuardSide, GuardedCalls, MAX_GUARD_GROUPS, OutcomeCounts};
pub use history::{Change, NoiseRow, Subject, Unplaced};
pub use invoices::{InvoiceRow, Taken};
pub use issuers::IssuerRow;
pub use measurements::{MeasurementRow, MeasurementSaid};
pub use models::{CallPlace, MAX_MODELS_SEEN, ModelSeen};
pub use observations::{Observation, Tried, WouldChange};
pub use openings::{OpeningRow, OpeningStep};
pub use overview::{CodeCount, Overview};
pub use packs::{PackPublisherRow, PackSaid, PackVersion, Proposed};
pub use people::{Details, LetIn, Link, OpenSession, PersonRow, RoleChange, Session};
pub use policies::{PolicyContent, PolicyVersion, TakenBack};
pub use probes::{ProbeRoundRow, ProbeRoundSaid};
pub use register_lives::RegisterItemFacts;
pub use registers::{ActRow, ApprovalRow, Done, ItemFilter, ItemPage, ItemRow, ItemSort, Items, RevisionRow};
pub use rule_reading::{MAX_RULE_CALLS, RuleLacking, RuleReading};
pub use rules::{RuleCrossed, RuleCrossingRow, RuleSaid, RuleVersion};
pub use saved_views::SavedViewRow;
pub use shards::{ShardConflictRow, ShardRow};
pub use sources::{
    Gap, GapFound, Loss, MAX_GAP_ROWS, MAX_SOURCE_EPOCHS, MAX_UNSETTLED, SignedCount, SourceCounts,
    SourceEpochSeen, SourceEpochs, SourceSeen, Stated,
};
pub use spend::{
    BudgetSaid, BudgetVersion, MAX_SPEND_DAYS, MAX_SPEND_ROWS, PriceSaid, PriceVersion, SpendBy, SpendFilter,
    SpendRow,
};
pub use stops::{StopEffect, StopLift, StopRow};
pub use systems::{Described, Stage, SystemFilter, SystemRow};
pub use traffic::{COUNTED_CALLS, Stretch, Traffic};
pub use unknown::{AskedModel, MAX_ASKED_MODELS};
pub use unmaskings::UnmaskingRow;
pub use usage::{MAX_LANES, UsageComparisonRow, UsageReportRow};
pub use viewings::ViewingRow;

/// Most rows of one answer: a page that a person scrolls.
pub const MAX_ROWS: u32 = 200;

/// Which part of a list is wanted; lists begin with the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Rows of entries below this one: [`Rows::next`] of the page before.
    pub before: Option<u64>,
    /// Rows wanted, 1 to [`MAX_ROWS`].
    pub limit: u32,
}

impl Default for Page {
    /// The newest 50.
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Where the next page begins, when there is more.
    pub next: Option<u64>,
}

/// A record as another names it for its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Its entry.
    pub entry: u64,
    /// Its id.
    pub record_id: RecordId,
    /// Leaf hash of its entry.
    pub hash: Hash,
}

/// The record at `entry`, as a parent is named.
pub(crate) fn reference(reader: &Reader, entry: u64) -> Result<Reference, ViewsError> {
    let view = reader.entry(entry)?;
    let header = view.entry.header();
    let record_id = header.map(|header| header.record_id).ok_or_else(|| ViewsError::Malformed {
        index: entry,
        reason: "it is a seal and no record".to_owned(),
    })?;
    Ok(Reference { entry, record_id, hash: leaf_hash(&view.bytes) })
}

/// The body of an entry, when all of it is still disclosed. Of a call, with the person behind it, who stands in a unit of their own, where that is.
fn body<B: Body>(view: &EntryView) -> Option<B> {
    let named =
        |view: &EntryView| view.entry.header().is_some_and(|header| header.record_type.as_str() == B::TYPE);
    if !named(view) {
        return None;
    }
    let shown = || {
        view.units.iter().filter_map(|unit| match &unit.content {
            UnitContent::Shown(fields) => Some(fields),
            _ => None,
        })
    };
    let person = || shown().flatten().filter(|field| field.name() == OF_PERSON);
    shown().find_map(|fields| {
        let fields = fields.iter().chain(person());
        B::read(fields.map(|field| (field.name().to_owned(), field.value().clone())).collect()).ok()
    })
}

/// Conditions of a list, each with its value. Texts are ours; values are bound.
#[derive(Default)]
struct Where {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Where {
    /// Adds `condition`, in which `?` stands for the value, when there is one.
    fn with(&mut self, condition: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.values.push(value.into());
            self.conditions.push(condition.replace('?', &format!("?{}", self.values.len())));
        }
        self
    }

    /// Adds a condition without a value.
    fn only(&mut self, condition: &str) -> &mut Self {
        self.conditions.push(condition.to_owned());
        self
    }

    fn times(&mut self, column: &str, from: Option<Micros>, to: Option<Micros>) -> &mut Self {
        self.with(&format!("{column} >= ?"), from.map(|at| int(at.0)))
            .with(&format!("{column} < ?"), to.map(|at| int(at.0)))
    }

    fn sql(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.conditions.join(" AND "))
        }
    }

    /// One page of `select`, whose rows are in the order of the entry column `order`, newest first.
    fn page<T>(
        mut self,
        db: &Connection,
        select: &str,
        order: &str,
        page: Page,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        entry: impl Fn(&T) -> u64,
    ) -> Result<Rows<T>, ViewsError> {
        self.with(&format!("{order} < ?"), page.before.map(int));
        let limit = page.limit.clamp(1, MAX_ROWS);
        // One row more than wanted tells whether there is another page.
        let sql = format!("{select}{} ORDER BY {order} DESC LIMIT {}", self.sql(), limit + 1);
        let mut select = db.prepare_cached(&sql)?;
        let mut rows = select
            .query_map(params_from_iter(self.values), |row| read(row))?
            .collect::<Result<Vec<T>, _>>()?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next = rows.last().filter(|_| more).map(entry);
        Ok(Rows { rows, next })
    }
}

/// A search text as it is compared: lower case, and only when it says something.
fn needle(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty())
}

/// The 16 bytes of an id as a value.
fn bytes<K>(id: tabellion_model::Id<K>) -> Vec<u8> {
    id.as_bytes().to_vec()
}
