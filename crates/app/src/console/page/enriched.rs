//! What detectors said: of one call, and of many in numbers.
//!
//! Must never: show a text that nobody looked at as one in which nothing was found.

use tabellion_model::SystemId;

use crate::console::block::{Block, Facts, Section};
use crate::console::cell::Cell;
use crate::console::page::story::data_class;
use crate::console::table::{Column, Listing, Row, column, in_order, more, nothing};
use crate::console::visit::Visit;
use crate::console::words::{Tone, count, counted};
use crate::refusal::Refusal;
use crate::work::calls::Call;
use crate::work::enrichments::{EnrichmentSaid, Label, Looks, Share};
use crate::work::forms::Time;
use crate::work::guards::OutcomesQuery;

/// Lines of the table.
const MAX_LINES: usize = 50;
/// What a detector of languages says where it cannot tell, after ISO 639-2.
const UNDETERMINED: &str = "und";
/// Labels of one line; the API has all.
const MAX_LABELS: usize = 8;

const LOOKS: &[Column] = &[
    column("enrichment", "Detector"),
    column("side", "Looks at"),
    column("of_system", "System"),
    column("ran", "Looked at"),
    column("labels", "Found"),
    column("nothing", "Nothing found"),
    column("not_run", "Did not look"),
    more("version", "Version"),
];

/// What detectors said of one call; nothing where nobody looked at it.
pub(super) fn of_call(visit: &Visit<'_>, call: &Call) -> Result<Option<Block>, Refusal> {
    let Some(record) = &call.proof.enriched else { return Ok(None) };
    // What was said later is not known as of then.
    if visit.moment.is_some_and(|moment| record.index >= moment.size) {
        return Ok(None);
    }
    let facts = call.enrichments.iter().fold(Facts::default(), |facts, said| {
        let of = if said.side == "prompt" { "prompt" } else { "answer" };
        facts.with(format!("{} ({of})", said.enrichment), result(said))
    });
    let facts = if call.enrichments.is_empty() { facts.with("Said", Cell::unknown("erased")) } else { facts };
    let part = Section {
        id: "enrichments",
        title: "What detectors said".to_owned(),
        lead: "Said when the call was over, of what was asked last and of the answer, without personal data; it decided nothing.".to_owned(),
        action: None,
        blocks: vec![facts.with("Record", visit.entry(record.index)).block()?],
    };
    Block::of(&part).map(Some)
}

fn result(said: &EnrichmentSaid) -> Cell {
    if let Some(why) = &said.why {
        return Cell::state((&format!("Did not look: {}", in_words(why)), Tone::Fair));
    }
    let kind = kind(&said.version);
    if kind == "language" && said.labels.iter().any(|label| label.label == UNDETERMINED) {
        return Cell::unknown("too short or too mixed to tell");
    }
    let label = |label: &Label| match label.count {
        1 => named(kind, &label.label),
        times => format!("{} ({} ×)", named(kind, &label.label), count(times)),
    };
    let labels: Vec<String> = said.labels.iter().map(label).collect();
    if labels.is_empty() {
        return Cell::text("nothing");
    }
    Cell::text(&match said.score_per_10000.and_then(|score| scored(kind, score)) {
        Some(scored) => format!("{}, {scored}", labels.join(", ")),
        None => labels.join(", "),
    })
}

/// A score as a reader takes it; none where it says nothing that the label does not.
fn scored(kind: &str, score: i64) -> Option<String> {
    let sign = if score < 0 { "−" } else { "" };
    let hundredths = (score.unsigned_abs() + 50) / 100;
    match kind {
        "language" => Some(format!("{hundredths} % sure")),
        "sentiment" => (score != 0).then(|| format!("{sign}{hundredths} of 100")),
        "toxicity" => Some(format!("{hundredths} % of sentences")),
        _ => Some(format!("{sign}{hundredths} %")),
    }
}

/// The kind of a detector, which its version begins with.
fn kind(version: &str) -> &str {
    version.split_once('.').map_or(version, |(kind, _)| kind)
}

/// A label as people call it, where it is ours.
fn named(kind: &str, label: &str) -> String {
    match kind {
        "pii" => data_class(label),
        "language" if label == UNDETERMINED => "could not tell".to_owned(),
        _ => label.to_owned(),
    }
}

/// Why a text was not looked at; the words of a service stay its own.
fn in_words(why: &str) -> String {
    match why {
        "language" => "not in English, or too short to tell".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What detectors came to in a window; nothing where there is no record of any.
pub(super) fn in_numbers(
    visit: &Visit<'_>,
    (from, to): (Time, Time),
    system: Option<SystemId>,
) -> Result<Option<Block>, Refusal> {
    let query = OutcomesQuery { from: Some(from), to: Some(to), system };
    let sums = visit.desk.enrichments(visit.actor()?, &query)?;
    if sums.calls == 0 {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for looks in sums.enrichments.iter().take(MAX_LINES) {
        rows.push(Row { href: String::new(), cells: cells(visit, looks)? });
    }
    let listing = Listing {
        id: "enrichments",
        caption: "What detectors said",
        columns: LOOKS,
        filters: Vec::new(),
        search: "",
        views: Vec::new(),
        empty: nothing(
            "Nothing can be read any more",
            "What detectors said of these calls was erased.",
            None,
        ),
    };
    let part = Section {
        id: "enrichments",
        title: "What detectors said".to_owned(),
        lead: format!(
            "Of {} with a record of it, of which {} erased. A text that was not looked at counts as none without a finding.",
            counted(sums.calls, "call", "calls"),
            counted(sums.erased, "is", "are")
        ),
        action: None,
        blocks: vec![listing.table(visit, in_order(rows))?],
    };
    Block::of(&part).map(Some)
}

fn cells(visit: &Visit<'_>, looks: &Looks) -> Result<Vec<Cell>, Refusal> {
    let system = match looks.system.as_deref().and_then(SystemId::from_hex) {
        Some(id) => visit.names.system(visit.desk, id)?,
        None => Cell::unknown("none"),
    };
    let shares = |shares: &[Share], name: &dyn Fn(&str) -> String| -> String {
        let share = |share: &Share| match share.per_10000 {
            Some(part) => format!("{} {} ({} %)", name(&share.label), count(share.texts), (part + 50) / 100),
            None => format!("{} {}", name(&share.label), count(share.texts)),
        };
        shares.iter().take(MAX_LABELS).map(share).collect::<Vec<_>>().join(", ")
    };
    let listed = |of: &[Share], name: &dyn Fn(&str) -> String| {
        if of.is_empty() { Cell::unknown("none") } else { Cell::text(&shares(of, name)) }
    };
    let label = |label: &str| named(kind(&looks.version), label);
    Ok(vec![
        Cell::text(&looks.enrichment),
        Cell::text(if looks.side == "prompt" { "Prompts" } else { "Answers" }),
        system,
        Cell::number(looks.ran),
        listed(&looks.labels, &label),
        Cell::number(looks.nothing),
        listed(&looks.not_run, &in_words),
        Cell::text(&looks.version),
    ])
}
