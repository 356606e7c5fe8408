//! Calls: lists, one with everything, and those that were left open.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_model::body::{CallAuthorised, CallBroken, CallCompleted, CallDenied, Delivered, Outcome};
use tabellion_model::{CredentialId, Micros, RecordId, SystemId};

use super::{
    AssessedCall, EnrichedCall, MAX_ROWS, Page, Reference, Rows, Where, body, bytes, call_groups, needle,
    reference,
};
use crate::error::ViewsError;
use crate::projection::filed;
use crate::values::{
    id, int, number, optional_id, optional_number, optional_time, optional_word, time, word,
};
use crate::views::Views;

/// How a call stands, by its records alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallState {
    /// Permitted; no end is recorded.
    Open,
    /// Ended, in whichever way.
    Completed,
    /// Found open by a start: nobody knows how it ended.
    Broken,
    /// Not let through.
    Denied,
}

impl CallState {
    /// As the column `state` has it (`projection/calls.rs`); literal, so that the index of each state is used.
    pub(super) fn condition(self) -> &'static str {
        match self {
            Self::Open => "calls.state = 0",
            Self::Completed => "calls.state = 1",
            Self::Broken => "calls.state = 2",
            Self::Denied => "calls.state = 3",
        }
    }

    pub(super) fn of(number: i64) -> rusqlite::Result<Self> {
        match number {
            0 => Ok(Self::Open),
            1 => Ok(Self::Completed),
            2 => Ok(Self::Broken),
            3 => Ok(Self::Denied),
            other => Err(FromSqlError::OutOfRange(other).into()),
        }
    }
}

/// Which calls are wanted; everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallFilter {
    /// Of this system.
    pub system: Option<SystemId>,
    /// Of one of these systems; none of them: no call.
    pub within: Option<BTreeSet<SystemId>>,
    /// Made with this key.
    pub key: Option<CredentialId>,
    /// That stand so.
    pub state: Option<CallState>,
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// That ended, and whose account of how was erased.
    pub end_erased: bool,
    /// With this code of docs/records.md.
    pub code: Option<String>,
    /// That asked for exactly this model.
    pub model: Option<String>,
    /// That claimed this purpose.
    pub purpose: Option<String>,
    /// That were let through to this provider; denials name none.
    pub upstream: Option<String>,
    /// On this route, or on those that begin with these words of it.
    pub route: Option<String>,
    /// Permitted or denied at this time or later, by commit time.
    pub from: Option<Micros>,
    /// Permitted or denied before this time.
    pub to: Option<Micros>,
    /// Whose model asked for, model that answered, purpose or system's name contains this, letter case aside.
    pub text: Option<String>,
}

/// What was asked for; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Route of the gateway.
    pub surface: String,
    /// Model asked for; denials of unreadable bodies know none.
    pub model: Option<String>,
    /// Upstream; denials have none.
    pub upstream: Option<String>,
    /// Purpose claimed.
    pub purpose: Option<String>,
    /// Whether a stream was asked for; denials do not say.
    pub stream: Option<bool>,
    /// Bytes of the body received.
    pub received_bytes: u64,
    /// Values replaced; denials do not say.
    pub masked: Option<u64>,
    /// How often the client's library had tried before.
    pub retry: u64,
}

/// How it ended; gone when its content was erased.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// How a completed call ended.
    pub outcome: Option<Outcome>,
    /// HTTP status given.
    pub status: Option<u64>,
    /// HTTP status of the provider.
    pub upstream_status: Option<u64>,
    /// Why, where it was not answered.
    pub code: Option<String>,
    /// What was released.
    pub delivered: Option<Delivered>,
    /// Model that answered.
    pub model: Option<String>,
    /// Tokens of the prompt.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer.
    pub completion_tokens: Option<u64>,
    /// Bytes received from the provider.
    pub received_bytes: Option<u64>,
    /// Values replaced in the answer.
    pub masked: Option<u64>,
    /// Microseconds to the end.
    pub duration_us: Option<u64>,
    /// Microseconds to the provider's first byte.
    pub first_byte_us: Option<u64>,
}

/// One call in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Entry of its permission or denial.
    pub entry: u64,
    /// Id of that record: what the client was told.
    pub record_id: RecordId,
    /// How it stands.
    pub state: CallState,
    /// The system.
    pub system: Option<SystemId>,
    /// The system's name, while it is known.
    pub system_name: Option<String>,
    /// The key.
    pub key: CredentialId,
    /// Log size that the decision saw.
    pub basis: Option<u64>,
    /// Commit time of `entry`.
    pub at: Micros,
    /// Entry of its end; its own for denials.
    pub end_entry: Option<u64>,
    /// Commit time of `end_entry`.
    pub ended_at: Option<Micros>,
    /// What was asked for.
    pub asked: Option<Asked>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// The last record of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallEnd {
    /// `call.completed`
    Completed(Box<CallCompleted>),
    /// `call.broken`
    Broken(CallBroken),
    /// `call.denied`
    Denied(Box<CallDenied>),
}

/// One call with everything that is recorded and still disclosed; the bodies are read from the log and stand in no view.
#[derive(Debug, Clone, PartialEq)]
pub struct CallDetail {
    /// The row.
    pub row: CallRow,
    /// The permission, when its content is still there.
    pub authorised: Option<CallAuthorised>,
    /// Id of the record at [`CallRow::end_entry`].
    pub end_record: Option<RecordId>,
    /// The end, when there is one and its content is still there.
    pub end: Option<CallEnd>,
    /// What detectors said of it when it was over; none: nobody looked at it.
    pub enriched: Option<EnrichedCall>,
    /// What guards said of it when it was over; none: nothing yet, or none is for it.
    pub assessed: Option<AssessedCall>,
}

/// A call without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCall {
    /// Its `call.authorised`: the parent of the record that ends it.
    pub authorised: Reference,
    /// The system.
    pub system: Option<SystemId>,
    /// The key.
    pub key: CredentialId,
    /// The call that it is a further attempt of.
    pub attempt_of: Option<Reference>,
}

const SELECT: &str = "SELECT calls.*, systems.name AS system_name FROM calls LEFT JOIN systems ON systems.system = calls.system";

impl Views {
    /// Calls, newest first.
    pub fn calls(&self, filter: &CallFilter, page: Page) -> Result<Rows<CallRow>, ViewsError> {
        let Some(within) = &filter.within else {
            return self.ask(|db| one_list(db, filter, filter.system, page));
        };
        // A list for each system: every one of them is in the order of an index, however many calls other systems made.
        let wanted = within.iter().copied().filter(|system| filter.system.is_none_or(|only| only == *system));
        self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let mut merged = Rows { rows: Vec::new(), next: None };
            for system in wanted {
                merge(&mut merged, one_list(&moment, filter, Some(system), page)?, page);
            }
            Ok(merged)
        })
    }

    /// One call by the id of its permission or denial.
    pub fn call(&self, record: &RecordId) -> Result<Option<CallDetail>, ViewsError> {
        let sql = format!("{SELECT} WHERE calls.entry = ?1");
        let found = self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let Some(entry) = filed::entry_of(&moment, record)? else { return Ok(None) };
            Ok(moment.prepare_cached(&sql)?.query_row(params![int(entry)], row).optional()?)
        })?;
        found.map(|row| self.call_detail(row)).transpose()
    }

    /// The attempts after the first, which is `call`, oldest first.
    pub fn further_attempts(&self, call: &RecordId) -> Result<Vec<CallRow>, ViewsError> {
        let sql = format!("{SELECT} WHERE calls.attempt_of = ?1 ORDER BY calls.entry LIMIT {MAX_ROWS}");
        self.ask(|db| {
            Ok(db
                .prepare_cached(&sql)?
                .query_map(params![call.as_bytes()], row)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// What the log still says of a call in a list.
    pub fn call_detail(&self, row: CallRow) -> Result<CallDetail, ViewsError> {
        let authorised = body(&self.reader().entry(row.entry)?);
        let (mut end_record, mut end) = (None, None);
        if let Some(entry) = row.end_entry {
            let view = self.reader().entry(entry)?;
            end_record = view.entry.header().map(|header| header.record_id);
            let completed = body(&view).map(|end| CallEnd::Completed(Box::new(end)));
            end = completed
                .or_else(|| body(&view).map(CallEnd::Broken))
                .or_else(|| body(&view).map(|end| CallEnd::Denied(Box::new(end))));
        }
        let enriched = self.enriched(&row.record_id)?;
        let assessed = self.assessed(&row.record_id)?;
        Ok(CallDetail { row, authorised, end_record, end, enriched, assessed })
    }

    /// Calls permitted below entry `below` that have no end, oldest first: after a start, those that the process before left behind. To be asked
    /// once the views have read `below` and before new calls are let through.
    pub fn open_calls(&self, below: u64) -> Result<Vec<OpenCall>, ViewsError> {
        let sql =
            "SELECT entry, system, key, attempt_of FROM calls WHERE state = 0 AND entry < ?1 ORDER BY entry";
        let open = self.ask(|db| {
            let moment = db.unchecked_transaction()?;
            let mut select = moment.prepare_cached(sql)?;
            let rows = select.query_map(params![int(below)], |row| {
                let of: Option<RecordId> = optional_id(row, "attempt_of")?;
                let of = of.map(|of| filed::entry_of(&moment, &of)).transpose()?.flatten();
                Ok((number(row, "entry")?, optional_id(row, "system")?, id(row, "key")?, of))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        open.into_iter()
            .map(|(entry, system, key, of)| {
                let attempt_of = of.map(|of| reference(self.reader(), of)).transpose()?;
                Ok(OpenCall { authorised: reference(self.reader(), entry)?, system, key, attempt_of })
            })
            .collect()
    }
}

/// One page of what `filter` lets through, its systems left aside: of `system`, or of all.
fn one_list(
    db: &Connection,
    filter: &CallFilter,
    system: Option<SystemId>,
    page: Page,
) -> Result<Rows<CallRow>, ViewsError> {
    let Some(bounds) = call_groups::bounds(db, filter, page)? else {
        return Ok(Rows { rows: Vec::new(), next: None });
    };
    if system.is_none() && call_groups::helps(filter) {
        let limit = usize::try_from(page.limit.clamp(1, MAX_ROWS)).unwrap_or(usize::MAX);
        let mut entries = call_groups::newest(db, filter, bounds, limit + 1)?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let mut select = db.prepare_cached(&format!("{SELECT} WHERE calls.entry = ?1"))?;
        let rows = entries.iter().map(|entry| select.query_row(params![int(*entry)], row));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        return Ok(Rows { rows, next: entries.last().copied().filter(|_| more) });
    }
    let mut wanted = conditions(filter, system);
    bounds.add(&mut wanted);
    // Few calls are open, and their index has them by their ids: they are sorted.
    let select = match filter.state {
        Some(CallState::Open) => SELECT.replace("FROM calls", "FROM calls INDEXED BY calls_open"),
        _ => SELECT.to_owned(),
    };
    wanted.page(db, &select, "calls.entry", page, row, |call| call.entry)
}

/// Of calls that are a use of a model; what the gateway answered by itself went to nobody.
pub(super) const ASKS_A_MODEL: &str = "+calls.upstream IS NOT ''";

/// What `filter` asks of calls and of the systems they are joined with, its own systems left aside. A plus keeps an index from being used that holds the
/// calls in another order than lists, or more of them than another one.
pub(super) fn conditions(filter: &CallFilter, system: Option<SystemId>) -> Where {
    let few = call_groups::are_few(filter);
    let column = |plain: &'static str, kept_off: &'static str| if few { kept_off } else { plain };
    let mut wanted = Where::default();
    wanted
        .with(column("calls.system = ?", "+calls.system = ?"), system.map(bytes))
        .with(column("calls.key = ?", "+calls.key = ?"), filter.key.map(bytes))
        .with("calls.outcome = ?", filter.outcome.and_then(|outcome| word(&outcome)))
        .with("calls.code = ?", filter.code.clone())
        .with("+calls.model = ?", filter.model.clone())
        .with("+calls.purpose = ?", filter.purpose.clone())
        .with("+calls.upstream = ?", filter.upstream.clone())
        // Whole words: `opaque.file` is no beginning of `opaque.files.create`.
        .with("substr(calls.surface || '.', 1, length(?)) = ?", filter.route.as_ref().map(|route| format!("{route}.")))
        .times("+calls.at", filter.from, filter.to)
        .with(
            "(instr(lower(coalesce(calls.model, '')), ?) OR instr(lower(coalesce(calls.answered_model, '')), ?)
            OR instr(lower(coalesce(calls.purpose, '')), ?) OR instr(lower(coalesce(systems.name, '')), ?))",
            needle(filter.text.as_ref()),
        );
    if filter.outcome.is_some_and(|outcome| outcome != Outcome::Answered) {
        // As the index of these few has it.
        wanted.only("calls.outcome <> 'answered'");
    }
    if let Some(state) = filter.state {
        wanted.only(state.condition());
    }
    if filter.end_erased {
        wanted.only(CallState::Completed.condition()).only("calls.ended_unit IS NULL");
    }
    wanted
}

/// Puts two lists of the same page into one.
fn merge(into: &mut Rows<CallRow>, more: Rows<CallRow>, page: Page) {
    let limit = usize::try_from(page.limit.clamp(1, MAX_ROWS)).unwrap_or(usize::MAX);
    into.rows.extend(more.rows);
    into.rows.sort_unstable_by_key(|call| Reverse(call.entry));
    let goes_on = into.next.is_some() || more.next.is_some() || into.rows.len() > limit;
    into.rows.truncate(limit);
    into.next = into.rows.last().filter(|_| goes_on).map(|call| call.entry);
}

fn row(row: &Row<'_>) -> rusqlite::Result<CallRow> {
    Ok(CallRow {
        entry: number(row, "entry")?,
        record_id: id(row, "record_id")?,
        state: CallState::of(row.get("state")?)?,
        system: optional_id(row, "system")?,
        system_name: row.get("system_name")?,
        key: id(row, "key")?,
        basis: optional_number(row, "basis")?,
        at: time(row, "at")?,
        end_entry: optional_number(row, "end_entry")?,
        ended_at: optional_time(row, "ended_at")?,
        asked: asked(row)?,
        ended: ended(row)?,
    })
}

fn asked(row: &Row<'_>) -> rusqlite::Result<Option<Asked>> {
    let Some(surface) = row.get("surface")? else { return Ok(None) };
    Ok(Some(Asked {
        surface,
        model: row.get("model")?,
        upstream: row.get("upstream")?,
        purpose: row.get("purpose")?,
        stream: row.get("stream")?,
        received_bytes: number(row, "request_bytes")?,
        masked: optional_number(row, "request_masked")?,
        retry: number(row, "retry")?,
    }))
}

fn ended(row: &Row<'_>) -> rusqlite::Result<Option<Ended>> {
    let unit: Option<[u8; 16]> = row.get("ended_unit")?;
    if unit.is_none() {
        return Ok(None);
    }
    Ok(Some(Ended {
        outcome: optional_word(row, "outcome")?,
        status: optional_number(row, "status")?,
        upstream_status: optional_number(row, "upstream_status")?,
        code: row.get("code")?,
        delivered: optional_word(row, "delivered")?,
        model: row.get("answered_model")?,
        prompt_tokens: optional_number(row, "prompt_tokens")?,
        completion_tokens: optional_number(row, "completion_tokens")?,
        received_bytes: optional_number(row, "answer_bytes")?,
        masked: optional_number(row, "answer_masked")?,
        duration_us: optional_number(row, "duration_us")?,
        first_byte_us: optional_number(row, "first_byte_us")?,
    }))
}
