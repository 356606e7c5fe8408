//! What a change of a policy comes to on recorded decisions, and the tick by which somebody says that they looked at it.
//!
//! Promises: the tick stands for exactly what is shown above it. Must never: be ticked beforehand, or be shown where nothing needs it.

use serde_json::{Value, json};

use crate::console::block::{Block, Facts, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Kind, Refused};
use crate::console::visit::Visit;
use crate::console::words::{count, counted};
use crate::refusal::{Code, Refusal};
use crate::work::replays::{Acknowledged, Change, NewReplay, Replay};

/// Most kinds of turned decisions that are shown; the rest is counted.
const MAX_SHOWN: usize = 50;

/// What was refused for want of it, with the field that gives it: what the change of `name` to `text` (none: its end) comes to.
pub(super) fn asked_for(
    visit: &Visit<'_>,
    refused: Option<&Refused<'_>>,
    name: &str,
    text: Option<&str>,
) -> Result<Option<(Block, Field)>, Refusal> {
    let wanted =
        refused.filter(|refused| matches!(refused.refusal.code, Code::ReplayNeeded | Code::ReplayOutdated));
    if wanted.is_none() {
        return Ok(None);
    }
    let new = NewReplay { text: text.map(str::to_owned), from: None, to: None };
    let replay = visit.desk.replay_policy(visit.actor()?, name, &new)?;
    let (shown, tick) = with_tick(visit, &replay)?;
    let tick = tick.unwrap_or_else(|| ticks(Vec::new()));
    Ok(Some((shown, tick)))
}

/// What a replay found, and the tick by which it is acknowledged; none where nothing can be.
pub(super) fn with_tick(visit: &Visit<'_>, replay: &Replay) -> Result<(Block, Option<Field>), Refusal> {
    let label = "I looked at what it comes to, and it is to be so".to_owned();
    let tick = replay.acknowledge.as_ref().map(|seen| ticks(vec![(word(seen), label)]));
    Ok((shown(visit, replay)?, tick))
}

fn ticks(choices: Vec<(String, String)>) -> Field {
    Field::new("replay", "What it comes to", Kind::Checks(choices))
}

/// What was ticked, as the API takes it.
pub(super) fn typed(visit: &Visit<'_>) -> Option<Value> {
    let (size, digest) = visit.form.get("replay")?.split_once('.')?;
    Some(json!({"size": size.parse::<u64>().ok()?, "digest": digest}))
}

/// What the tick sends.
fn word(seen: &Acknowledged) -> String {
    format!("{}.{}", seen.size, seen.digest)
}

fn shown(visit: &Visit<'_>, replay: &Replay) -> Result<Block, Refusal> {
    let mut facts = Facts::default()
        .with("Recorded decisions", Cell::number(replay.decisions))
        .with("Asked again", Cell::number(replay.replayed))
        .with("Would be denied now", Cell::number(replay.now_denied))
        .with("Would be permitted now", Cell::number(replay.now_permitted))
        .with("Not asked: no rule changes them", Cell::number(replay.by_no_rule))
        .with("Not asked: not enough is known", Cell::number(replay.not_asked))
        .with("Older than those asked", Cell::number(replay.beyond));
    for change in replay.changes.iter().take(MAX_SHOWN) {
        facts = facts.with_all(named(change), cells(visit, change));
    }
    if let Some(more) = replay.changes.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        facts = facts.with("More kinds", Cell::number(more as u64));
    }
    for reason in &replay.reasons {
        let what = format!("{}: {}", count(reason.decisions), reason.why);
        facts = facts.with_all("Not asked", vec![Cell::text(&what), visit.entry(reason.newest.index)]);
    }
    section("replay", "What it comes to on recorded decisions", vec![facts.block()?])
}

fn named(change: &Change) -> String {
    let turn = match change.turn {
        "now_denied" => "Denied now",
        "now_permitted" => "Permitted now",
        _ => "Denied for another reason",
    };
    let system = change.name.as_deref().or(change.system.as_deref()).unwrap_or("no system");
    format!("{turn}: {}", Cell::text(system).text)
}

fn cells(visit: &Visit<'_>, change: &Change) -> Vec<Cell> {
    let by = if change.rules.is_empty() { "no rule permits it".to_owned() } else { change.rules.join(", ") };
    let what = format!("{}, {by}", counted(change.decisions, "decision", "decisions"));
    let entries = change.newest.iter().map(|newest| visit.entry(newest.index));
    std::iter::once(Cell::text(&what)).chain(entries).collect()
}
