//! Providers of the running gateway: what is declared of each, whether calls are sent to it now, what is asked when it fails, and how it did lately.
//!
//! Must never: show a key of a provider or where it is kept; call a provider well of which nothing is known.

use askama::Template;
use tabellion_model::Micros;

use super::traffic::number;
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Note};
use crate::console::cell::Cell;
use crate::console::link::Link;
use crate::console::table::{Column, Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted, machine_time};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::running::{Circuit, Provider};
use crate::work::traffic::{TrafficQuery, TrafficSums};

#[derive(Template)]
#[template(path = "console/named.html")]
struct Named {
    name: String,
    facts: Block,
}

const COLUMNS: &[Column] = &[
    column("provider", "Provider"),
    column("circuit", "Calls are sent"),
    column("calls", "Calls in 7 days"),
    column("answered", "Answered"),
    column("not_answered", "Not answered"),
    column("codes", "Why not"),
    column("region", "Processes in"),
    column("retention", "Keeps for"),
    column("training", "Trains on it"),
];

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let Some(now) = &visit.settings.running.providers else { return without_gateway(visit) };
    let providers = now();
    let sums = if visit.can(Permission::ReadCalls) {
        Some(visit.desk.traffic_sums(visit.actor()?, &TrafficQuery::default())?)
    } else {
        None
    };
    let rows = providers.iter().map(|provider| row(visit, provider, sums.as_ref())).collect();
    let listing = Listing::plain(
        "providers",
        "Providers",
        COLUMNS,
        nothing("No provider", "A gateway without a provider does not start.", None),
    )
    .searched("name, region or code");
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?];
    let mut details = Vec::new();
    for provider in &providers {
        details.push((provider.name.clone(), facts(visit, provider)?));
    }
    blocks.extend(each(details)?);
    let content = Content {
        lead: "Providers as the running gateway has them. The operator changes them in the configuration; what is declared of a provider nobody checks.".to_owned(),
        blocks,
        ..Content::titled("Providers")
    };
    visit.show(content)
}

/// One part for each provider, by its name.
fn each(details: Vec<(String, Block)>) -> Result<Vec<Block>, Refusal> {
    details.into_iter().map(|(name, facts)| Block::of(&Named { name, facts })).collect()
}

fn without_gateway(visit: &Visit<'_>) -> Answered {
    let note = Note {
        tone: Tone::Fair,
        title: "No gateway runs in this process".to_owned(),
        text: "It starts with the server when a section [upstream.NAME] of the configuration names a provider with base_url and models, and [gateway] listen is not off."
            .to_owned(),
        action: None,
    };
    visit.show(Content { blocks: vec![Block::of(&note)?], ..Content::titled("Providers") })
}

fn row(visit: &Visit<'_>, provider: &Provider, sums: Option<&TrafficSums>) -> Row {
    let did = sums
        .and_then(|sums| sums.providers.iter().find(|sum| sum.of.as_deref() == Some(provider.name.as_str())));
    let did_lately = match sums {
        None => [Cell::unknown("–"), Cell::unknown("–"), Cell::unknown("–"), Cell::unknown("–")],
        Some(sums) => {
            let list = Link::to("/calls")
                .with("upstream", &provider.name)
                .with("from", &machine_time(sums.from.0))
                .with("to", &machine_time(sums.to.0));
            let calls = did.map_or(0, |did| did.calls);
            let codes: Vec<String> = sums
                .failures
                .iter()
                .filter(|failure| failure.provider.as_deref() == Some(provider.name.as_str()))
                .map(|failure| {
                    let code = failure.code.as_deref().unwrap_or("no code");
                    format!("{code} {} ×", failure.calls)
                })
                .collect();
            [
                number(visit, calls, list.clone(), None),
                number(visit, did.map_or(0, |did| did.answered), list, Some("answered")),
                Cell::number(did.map_or(0, |did| did.not_answered)),
                Cell::maybe(Some(&codes.join(", ")), "–"),
            ]
        }
    };
    let [all, answered, not_answered, codes] = did_lately;
    let cells = vec![
        Cell::text(&provider.name),
        Cell::state(circuit(&provider.circuit, visit.now())),
        all,
        answered,
        not_answered,
        codes,
        Cell::maybe(provider.region.as_deref(), "not declared"),
        kept(provider),
        training(provider),
    ];
    Row { href: String::new(), cells }
}

fn circuit(circuit: &Circuit, now: Micros) -> (&'static str, Tone) {
    let may_try = circuit.until.is_some_and(|until| until.0 <= now);
    match (circuit.open, circuit.failures) {
        (true, _) if may_try => ("One call tries next", Tone::Fair),
        (true, _) => ("No: its circuit is open", Tone::Bad),
        (false, 0) => ("Yes", Tone::Good),
        (false, _) => ("Yes, the last ones failed", Tone::Fair),
    }
}

fn kept(provider: &Provider) -> Cell {
    match provider.retention_days {
        None => Cell::unknown("not declared"),
        Some(0) => Cell::text("not at all"),
        Some(days) => Cell::quantity(&counted(days, "day", "days"), days),
    }
}

fn training(provider: &Provider) -> Cell {
    match provider.training.as_str() {
        "no" => Cell::state(("No", Tone::Good)),
        "yes" => Cell::state(("Yes", Tone::Bad)),
        _ => Cell::unknown("not declared, taken for yes"),
    }
}

fn facts(visit: &Visit<'_>, provider: &Provider) -> Result<Block, Refusal> {
    let words = |words: &[String]| words.iter().map(|word| Cell::text(word)).collect::<Vec<_>>();
    let aliases = provider.aliases.iter().map(|alias| format!("{} is {}", alias.name, alias.model));
    let fallback = provider
        .fallback
        .iter()
        .map(|fallback| format!("{}, then {}", fallback.model, fallback.then.join(", then ")));
    let circuit = &provider.circuit;
    let opens = match circuit.opens_at {
        0 => Cell::text("never"),
        failures => Cell::text(&format!("after {} in a row", counted(failures, "failure", "failures"))),
    };
    let facts = Facts::default()
        .with("Interface", Cell::text(interface(provider.interface)))
        .with("Host", Cell::text(&provider.host))
        .with_all("Models", words(&provider.models))
        .with_all("Own names of models", words(&aliases.collect::<Vec<_>>()))
        .with_all("Asked when one fails", words(&fallback.collect::<Vec<_>>()))
        .with("Asked again", Cell::text(&counted(provider.retries, "time", "times")))
        .with("Circuit opens", opens);
    // They are counted while it is closed alone.
    let facts = if circuit.open {
        facts
    } else {
        facts.with("Failures in a row now", Cell::number(circuit.failures))
    };
    let facts = match (circuit.since, circuit.until) {
        (Some(since), Some(until)) => facts
            .with("Open since", visit.time(since.0))
            .with("One call may try from", visit.time(until.0))
            .with("Calls that tried", Cell::number(circuit.trials))
            .with("Requests not sent", Cell::number(circuit.not_sent)),
        _ => facts,
    };
    facts
        .with("Terms", Cell::maybe(provider.terms.as_deref(), "not declared"))
        .with("Read there last", Cell::maybe(provider.terms_seen.as_deref(), "not declared"))
        .block()
}

/// An interface by the name that people know it by.
fn interface(word: &str) -> &str {
    match word {
        "openai" => "OpenAI",
        "anthropic" => "Anthropic",
        "gemini" => "Gemini",
        "vertex" => "Vertex",
        "bedrock" => "Bedrock Converse",
        other => other,
    }
}
