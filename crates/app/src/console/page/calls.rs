//! Calls: the list with its filters, and one call as a story from who asked to the proof.

use serde_json::{Map, Value};
use tabellion_model::Micros;
use tabellion_views::query::{CallFilter, CallRow, CallState};

use super::{story, systems};
use crate::console::answer::Answered;
use crate::console::block::{Block, Empty};
use crate::console::cell::Cell;
use crate::console::chart::{Calls, OverTime, list_here};
use crate::console::table::{
    CSV_ROWS, Column, Filter, Listing, PAGE_ROWS, Row, Rows, Takes, choices, column, more,
};
use crate::console::visit::{Content, Visit};
use crate::console::words::{self, DAY, call_state, day, duration};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::calls::{CallQuery, filter, state};
use crate::work::forms::Time;

const COLUMNS: &[Column] = &[
    column("when", "When"),
    column("state", "Outcome"),
    column("reason", "Reason"),
    column("system", "System"),
    column("key", "Key"),
    column("model", "Model"),
    more("purpose", "Purpose"),
    column("masked", "Masked"),
    more("tokens_in", "Tokens in"),
    more("tokens_out", "Tokens out"),
    column("took", "Took"),
    more("surface", "Route"),
    more("upstream", "Provider"),
    column("entry", "Entry"),
];

/// How far charts of the present look back.
const WINDOW: u64 = 30 * DAY;
/// Every state, as the filter offers them.
const STATES: [(&str, &str); 9] = [
    ("answered", "Answered"),
    ("denied", "Denied"),
    ("refused", "Refused by provider"),
    ("failed", "Failed"),
    ("abandoned", "Abandoned by client"),
    ("cut", "Cut off"),
    ("open", "Open"),
    ("broken", "End unknown"),
    ("erased", "Erased"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let query = query(visit)?;
    let (text, limit) = (visit.query.get("q"), u32::try_from(PAGE_ROWS).unwrap_or(u32::MAX));
    let listing = listing(visit, "calls", filters(visit)?);
    if visit.wants_csv() {
        let mut rows = Vec::new();
        let mut query = query;
        loop {
            let page = visit.desk.call_rows(visit.actor()?, &query, text, 200)?;
            rows.extend(shown(visit, page.rows)?);
            query.before = page.next;
            if page.next.is_none() || rows.len() >= CSV_ROWS {
                return Ok(listing.csv(visit, Rows::Newest(rows, None)).into());
            }
        }
    }
    let page = visit.desk.call_rows(visit.actor()?, &query, text, limit)?;
    let rows = shown(visit, page.rows)?;
    let content = Content {
        lead: "Every call of a known key: decided, recorded, then let through or not. A call that was tried again has a row for each attempt.".to_owned(),
        blocks: vec![over_time(visit, &query, text)?, listing.table(visit, Rows::Newest(rows, page.next))?],
        charts: true,
        ..Content::titled("Calls")
    };
    visit.show(content)
}

/// The calls that fit the filters, in time; a window of it is a filter too.
fn over_time(visit: &Visit<'_>, query: &CallQuery, text: Option<&str>) -> Result<Block, Refusal> {
    let wanted = CallFilter { text: text.map(str::to_owned), ..filter(query) };
    let traffic = visit.desk.traffic(visit.actor()?, wanted, Some(visit.size()), None)?;
    let list = Some(list_here(visit));
    let chart = Calls { id: "calls", title: "These calls over time", traffic: &traffic, list }.chart()?;
    Block::of(&OverTime { blocks: chart.into_iter().collect() })
}

/// Where the window of a chart begins that looks back from the present: whole days, so that very many calls can be added up from tallies.
pub(crate) fn weeks_ago(visit: &Visit<'_>) -> Micros {
    Micros(visit.now().0.saturating_sub(WINDOW) / DAY * DAY)
}

/// Some calls as a table without filters.
pub(crate) fn table(
    visit: &Visit<'_>,
    id: &'static str,
    rows: Vec<CallRow>,
    next: Option<u64>,
) -> Result<Block, Refusal> {
    let rows = shown(visit, rows)?;
    let mut listing = listing(visit, id, Vec::new());
    listing.search = "";
    listing.views = Vec::new();
    listing.table(visit, Rows::Newest(rows, next))
}

fn listing(visit: &Visit<'_>, id: &'static str, filters: Vec<Filter>) -> Listing {
    let yesterday = words::machine_time(Micros(visit.now().0.saturating_sub(DAY)));
    let state = |word: &str| ("state", word.to_owned());
    Listing {
        id,
        caption: "Calls",
        columns: COLUMNS,
        filters,
        search: "model, purpose or system",
        views: vec![
            ("All", Vec::new()),
            ("Denied", vec![state("denied")]),
            ("Denied, last 24 h", vec![state("denied"), ("from", yesterday)]),
            ("Open", vec![state("open")]),
            ("Failed", vec![state("failed")]),
        ],
        empty: Empty {
            title: "No call yet",
            text: "A call appears here when an application asks a model through the gateway with an API key of a registered system. Each is decided by policy, masked, recorded and only then sent on.",
            action: None,
            sample: "curl http://127.0.0.1:8088/v1/chat/completions -H 'authorization: Bearer tbl_…' \\\n  -H 'content-type: application/json' \\\n  -d '{\"model\": \"small\", \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'",
        },
    }
}

fn filters(visit: &Visit<'_>) -> Result<Vec<Filter>, Refusal> {
    let mut filters = vec![
        Filter { name: "state", label: "Outcome", takes: choices(STATES) },
        systems::filter(visit)?,
        Filter { name: "model", label: "Model", takes: Takes::Text },
        Filter { name: "from", label: "From", takes: Takes::Day },
        Filter { name: "to", label: "Until", takes: Takes::Day },
    ];
    // Filters that come by a link, such as from a number, are shown so that they can be taken off.
    for (name, label) in [("code", "Reason"), ("key", "Key"), ("upstream", "Provider"), ("route", "Route")] {
        if visit.query.get(name).is_some() {
            filters.push(Filter { name, label, takes: Takes::Text });
        }
    }
    Ok(filters)
}

/// What the address asks for. An end that was recorded later is none as of then, so that its outcome is nothing to filter by.
fn query(visit: &Visit<'_>) -> Result<CallQuery, Refusal> {
    let mut asked = Map::new();
    for name in ["system", "key", "state", "code", "model", "upstream", "route"] {
        if let Some(text) = visit.query.get(name) {
            asked.insert(name.to_owned(), Value::from(text.trim()));
        }
    }
    let read: Result<CallQuery, _> = serde_json::from_value(Value::Object(asked));
    let mut query = read.map_err(|error| {
        Refusal::new(Code::Malformed, format!("a filter is not one that can be: {error}"))
    })?;
    if query.state.as_deref().is_some_and(|state| !STATES.iter().any(|(known, _)| *known == state)) {
        return Err(Refusal::new(Code::Malformed, "there is no such outcome"));
    }
    query.from = visit.query.get("from").map(time).transpose()?;
    query.to = visit.query.get("to").map(until).transpose()?;
    query.before = visit.query.number("before");
    if let Some(moment) = visit.moment {
        query.before = Some(query.before.unwrap_or(u64::MAX).min(moment.size));
        if query.state.is_some() && query.state.as_deref() != Some("denied") {
            return Err(Refusal::at(
                Code::Malformed,
                "/as_of",
                "calls as of an earlier moment can be filtered by outcome for denials alone: how the others ended may have been recorded later",
            ));
        }
    }
    Ok(query)
}

/// A time as an address has it.
pub(crate) fn time(text: &str) -> Result<Time, Refusal> {
    Micros::parse_date(text.trim())
        .map(Time)
        .map_err(|error| Refusal::new(Code::Malformed, error.to_string()))
}

/// A day means all of it.
pub(crate) fn until(text: &str) -> Result<Time, Refusal> {
    let Time(at) = time(text)?;
    Ok(Time(if text.trim().len() == 10 { Micros(at.0 + DAY) } else { at }))
}

/// A call as it stood at the moment that is shown.
pub(crate) fn as_of(visit: &Visit<'_>, mut row: CallRow) -> CallRow {
    let later = visit.moment.is_some_and(|moment| row.end_entry.is_some_and(|end| end >= moment.size));
    if later && row.state != CallState::Denied {
        (row.state, row.end_entry, row.ended_at, row.ended) = (CallState::Open, None, None, None);
    }
    row
}

fn shown(visit: &Visit<'_>, rows: Vec<CallRow>) -> Result<Vec<Row>, Refusal> {
    let keys_readable = visit.can(Permission::ReadKeys);
    rows.into_iter()
        .map(|row| {
            let row = as_of(visit, row);
            let href = visit.to(&format!("/calls/{}", row.record_id));
            let (asked, ended) = (row.asked.as_ref(), row.ended.as_ref());
            let key = if keys_readable {
                visit.names.key(visit.desk, visit.actor()?, row.key)?
            } else {
                Cell::id(&row.key.to_hex())
            };
            let system = match (row.system, row.system_name.as_deref()) {
                (Some(id), Some(name)) => Cell::text(name).to(visit.to(&format!("/systems/{id}"))),
                (Some(id), None) => Cell::id(&id.to_hex()),
                (None, _) => Cell::unknown("none"),
            };
            let model = asked.and_then(|asked| asked.model.as_deref());
            let duration_us = ended.and_then(|ended| ended.duration_us);
            let cells = vec![
                visit.time(row.at).to(href.clone()),
                Cell::state(call_state(&state(&row))),
                ended.and_then(|ended| ended.code.as_deref()).map_or_else(|| Cell::unknown("–"), Cell::code),
                system,
                key,
                Cell::maybe(model, if asked.is_some() { "–" } else { "erased" }),
                Cell::maybe(asked.and_then(|asked| asked.purpose.as_deref()), "–"),
                Cell::maybe_number(asked.and_then(|asked| asked.masked)),
                Cell::maybe_number(ended.and_then(|ended| ended.prompt_tokens)),
                Cell::maybe_number(ended.and_then(|ended| ended.completion_tokens)),
                duration_us.map_or_else(|| Cell::unknown("–"), |us| Cell::quantity(&duration(us), us)),
                Cell::maybe(asked.map(|asked| asked.surface.as_str()), "erased"),
                Cell::maybe(asked.and_then(|asked| asked.upstream.as_deref()), "–"),
                visit.entry(row.entry),
            ];
            Ok(Row { href, cells })
        })
        .collect()
}

/// One call.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let id = visit.record("call")?;
    let actor = visit.actor()?;
    let call = visit.desk.call(actor, id)?;
    if visit.moment.is_some_and(|moment| call.proof.decided.index >= moment.size) {
        return Err(Refusal::new(Code::NotFound, "there was no such call then"));
    }
    story::show(visit, &call)
}

/// The day on which a call was decided, for links to others of it.
pub(crate) fn day_of(call: &crate::work::calls::Call) -> String {
    day(call.decision.at.0)
}

/// Whether the reader may see what was captured of this call, and how far.
pub(crate) fn captured_readable(visit: &Visit<'_>) -> bool {
    visit.reach(Permission::ReadCaptured) != Reach::Nothing
}

#[cfg(test)]
mod tests {
    use tabellion_model::body::Outcome;

    use super::*;

    #[test]
    fn every_outcome_can_be_filtered_by() {
        for outcome in
            [Outcome::Answered, Outcome::Refused, Outcome::Failed, Outcome::Abandoned, Outcome::Cut]
        {
            let word = serde_json::to_value(outcome).expect("an outcome is a word");
            let word = word.as_str().expect("an outcome is a word").to_owned();
            assert!(
                STATES.iter().any(|(known, _)| *known == word),
                "nobody would find calls that were {word}"
            );
            assert_ne!(call_state(&word).0, "Erased", "a call that was {word} would read as erased");
        }
    }
}
