//! `/healthz`, `/readyz`, `/metrics` and `/api/openapi.json`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::Answered;
use crate::api::catalogue::CATALOGUE;
use crate::api::route::{Answer, Asked, Input, Json, Nothing, Plain, Reply};
use crate::refusal::{Code, Refusal};

/// How long a failed append counts against readiness, in microseconds: after that somebody has to try again to know.
const FAILED_FOR_US: u64 = 30 * 1_000_000;

/// One part of the program.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Part {
    /// Its name.
    name: String,
}

/// Everything does its work.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Readiness {
    /// The parts that were asked.
    ready: Vec<Part>,
    /// What an operator should look at, though everything does its work: that the log's time is ahead of the clock, that emergency stops are in force, or that witnesses are late.
    notes: Vec<String>,
    /// Entries in the log.
    log_size: u64,
    /// Entries that the views have seen.
    views_position: u64,
}

/// The OpenAPI document.
pub(in crate::api) struct Document;

impl Answer for Document {
    const MEDIA: Option<&'static str> = Some("application/json");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "description": "An OpenAPI 3.1 document."})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(CATALOGUE.document.clone().into_bytes())
    }
}

pub(in crate::api) fn health(
    _: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    Ok(Reply::of(Plain(b"up\n".to_vec())))
}

pub(in crate::api) fn readiness(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Answered<Readiness> {
    let (log_size, views_position) = (asked.desk.ledger().reader().size(), asked.desk.views().position());
    let mut parts =
        vec![("ledger", ledger_ready(asked)), ("views", views_ready(asked, log_size, views_position))];
    parts.extend(asked.settings.ready.iter().map(|(name, ready)| (*name, ready())));
    let faults: Vec<String> = parts
        .iter()
        .filter_map(|(name, ready)| ready.as_ref().err().map(|why| format!("{name}: {why}")))
        .collect();
    if faults.is_empty() {
        let ready = parts.iter().map(|(name, _)| Part { name: (*name).to_owned() }).collect();
        let clock = asked.desk.ledger().reader().clock_trouble().map(|note| format!("clock: {note}"));
        let notes = clock
            .into_iter()
            .chain(stops(asked))
            .chain(asked.settings.notes.iter().filter_map(|note| note()))
            .collect();
        return Ok(Reply::of(Json(Readiness { ready, notes, log_size, views_position })));
    }
    Err(Refusal::new(Code::Unavailable, faults.join("; ")))
}

/// That calls are refused on purpose.
fn stops(asked: &Asked<'_>) -> Option<String> {
    let count = asked.desk.views().gate_now().stops.len();
    (count > 0).then(|| format!("stops: {count} in force, so calls are refused (tabellion stop list)"))
}

fn ledger_ready(asked: &Asked<'_>) -> Result<(), String> {
    if let Some(conflict) = asked.desk.ledger().reader().conflict() {
        return Err(conflict.to_string());
    }
    asked.desk.ledger().check_in_place().map_err(|error| error.to_string())?;
    let health = asked.desk.health();
    // Commands append over the local socket, past the desk.
    let failed = health.failed.or_else(|| asked.desk.ledger().last_unavailable());
    match failed {
        Some((_, why)) if health.fatal => Err(format!("stopped for good: {why}")),
        Some((at, why)) if asked.desk.now().since(at) < FAILED_FOR_US => {
            Err(format!("the last append failed: {why}"))
        }
        _ => asked.desk.ledger().check_room().map_err(|error| error.to_string()),
    }
}

fn views_ready(asked: &Asked<'_>, size: u64, position: u64) -> Result<(), String> {
    if let Some(failure) = asked.desk.views().failure() {
        return Err(failure);
    }
    let lag = size.saturating_sub(position);
    if lag <= asked.settings.max_lag {
        return Ok(());
    }
    Err(format!("{lag} entries behind, at most {} are usual", asked.settings.max_lag))
}

pub(in crate::api) fn metrics(
    asked: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Plain>, Refusal> {
    let mut text = String::new();
    crate::api::numbers::write(&mut text, asked.requests, asked.desk);
    for numbers in &asked.settings.numbers {
        numbers(&mut text);
    }
    Ok(Reply::of(Plain(text.into_bytes())))
}

pub(in crate::api) fn openapi(
    _: &Asked<'_>,
    _: &Input<Nothing, Nothing, Nothing>,
) -> Result<Reply<Document>, Refusal> {
    Ok(Reply::of(Document))
}
