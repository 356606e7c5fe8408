//! Rules of masking: what becomes of which class, for whom; and a box in which a text is tried.
//!
//! Must never: keep, record or log what is tried, not in the browser either.

use serde_json::{Map, Value};
use tabellion_model::{Micros, SystemId};

use super::{configuration, systems};
use crate::console::answer::Answered;
use crate::console::block::{Block, Facts, Line, Note, Section, Text, fold, section};
use crate::console::cell::{Cell, Piece};
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::table::{Column, Listing, Row, Rows, column, in_order, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{DAY, Tone, counted, day, machine_time};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::Refusal;
use crate::running::{MaskingRule, MaskingRules};
use crate::work::masked::{MaskedQuery, MaskedSum};
use crate::work::masking::{MAX_SAMPLE_BYTES, MaskingPreview, Sample, rules};

/// The form that tries.
const TRY: &str = "try-masking";

const COLUMNS: &[Column] = &[
    column("rule", "Rule"),
    column("on", "Of"),
    column("systems", "Systems"),
    column("purposes", "Purposes"),
    column("upstreams", "Providers"),
    column("blocked", "Keeps a call back"),
    column("left_out", "Left out"),
    column("class_name", "As the class"),
    column("digest", "As a digest"),
    column("placeholder", "As a placeholder"),
    column("as_it_is", "As it is"),
    column("placeholders", "Placeholders"),
    more("version", "Version"),
];
const REPLACED: &[Column] = &[
    column("day", "Day"),
    column("class", "Class"),
    column("by", "Became"),
    column("values", "Values"),
    column("in_calls", "In calls"),
];
/// Operators in the order of the columns.
const OPERATORS: [&str; 6] = ["block", "drop", "mask", "hash", "pseudonymise", "pass"];

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None, None)
}

/// Tries a text. Nothing of it is kept: it comes back on the page of whoever sent it alone.
pub(crate) fn try_it(visit: &Visit<'_>) -> Answered {
    let tried = visit
        .read::<Sample>("previewMasking", typed(visit))
        .and_then(|sample| visit.desk.preview_masking(&visit.settings.running, &sample));
    match tried {
        Ok(preview) => page(visit, 200, Some(&preview), None),
        Err(refusal) => {
            let refused = Refused { id: TRY, typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), None, Some(&refused))
        }
    }
}

fn typed(visit: &Visit<'_>) -> Value {
    let mut body = Map::new();
    for name in ["system", "purpose", "upstream"] {
        body.extend(visit.form.get(name).map(|text| (name.to_owned(), Value::from(text.trim()))));
    }
    // As it was typed: blanks and line breaks are part of it; a form sends them as CR and LF.
    body.insert("text".to_owned(), Value::from(visit.form.text("text").replace("\r\n", "\n")));
    Value::Object(body)
}

fn page(
    visit: &Visit<'_>,
    status: u16,
    preview: Option<&MaskingPreview>,
    refused: Option<&Refused<'_>>,
) -> Answered {
    if visit.settings.running.masking.is_none() {
        return without_rules(visit);
    }
    let held = &rules(&visit.settings.running)?.rules;
    let listing = listing();
    let rows = held.rules.iter().map(|rule| row(visit, rule)).collect::<Result<Vec<_>, _>>()?;
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = vec![listing.table(visit, Rows::All(rows))?, usual(held)?];
    if visit.can(Permission::ReadCalls) {
        blocks.push(replaced(visit)?);
    }
    blocks.push(configuration::lately(visit, &["masking.", "gateway"])?);
    if visit.can(Permission::PublishPolicies) {
        let part = Section {
            id: "try",
            title: "Try it".to_owned(),
            lead: "Shows what would be sent of a text. The server keeps, records and logs nothing of it; placeholders are written with * for what depends on this installation's key.".to_owned(),
            action: None,
            blocks: tried(visit, held, preview, refused)?,
        };
        // An answer is read before anything else.
        let place = if preview.is_some() || refused.is_some() { 0 } else { blocks.len() };
        blocks.insert(place, Block::of(&part)?);
    }
    let running = visit.settings.running.providers.is_some();
    let content = Content {
        lead: format!(
            "{} Where several rules hold for a call, each class gets the strictest operator.",
            if running {
                "Rules as the running gateway has them."
            } else {
                "Rules as they are configured; no gateway runs in this process."
            }
        ),
        blocks,
        ..Content::titled("Masking")
    };
    visit.show_with(status, content)
}

fn without_rules(visit: &Visit<'_>) -> Answered {
    let note = Note {
        tone: Tone::Bad,
        title: "The rules of masking cannot be read".to_owned(),
        text: "The server said at its start which one, and why. No gateway starts with such rules."
            .to_owned(),
        action: None,
    };
    visit.show(Content { blocks: vec![Block::of(&note)?], ..Content::titled("Masking") })
}

fn listing() -> Listing {
    let empty = nothing(
        "No rule: the default holds",
        "Every value of the classes below gets a placeholder, for which the answer is given the value back. A section [masking.NAME] of the configuration says otherwise for some systems, purposes or providers.",
        None,
    );
    Listing::plain("masking", "Rules of masking", COLUMNS, empty).searched("rule, class or provider")
}

fn row(visit: &Visit<'_>, rule: &MaskingRule) -> Result<Row, Refusal> {
    let mut systems = Vec::new();
    for id in &rule.systems {
        let cell = SystemId::from_hex(id).map(|id| visit.names.system(visit.desk, id)).transpose()?;
        systems.push(cell.map_or_else(|| id.clone(), |cell| cell.text));
    }
    let all = |words: &[String]| {
        if words.is_empty() { Cell::text("all") } else { Cell::tags(tags(words.iter().map(String::as_str))) }
    };
    let on = rule.on.iter().map(|side| match side.as_str() {
        "answer" => "what a model brings up",
        _ => "what is sent",
    });
    let mut cells = vec![
        Cell::text(&rule.name),
        Cell::tags(tags(on)),
        all(&systems),
        all(&rule.purposes),
        all(&rule.upstreams),
    ];
    for operator in OPERATORS {
        let of = rule.classes.iter().filter(|class| class.operator == operator);
        let pieces = tags(of.map(|class| class.class.as_str()));
        cells.push(if pieces.is_empty() { Cell::unknown("–") } else { Cell::tags(pieces) });
    }
    cells.push(placeholders(rule));
    cells.push(Cell::text(&rule.version));
    Ok(Row { href: String::new(), cells })
}

/// What a rule says of placeholders.
fn placeholders(rule: &MaskingRule) -> Cell {
    let Some(said) = &rule.placeholders else { return Cell::unknown("–") };
    let scope = said.scope.as_deref().map(|scope| match scope {
        "call" => "another in each call".to_owned(),
        "conversation" => "another in each conversation".to_owned(),
        _ => "the same in all calls of a system".to_owned(),
    });
    let rehydrate = said.rehydrate.as_deref().map(|rehydrate| match rehydrate {
        "never" => "stay in answers".to_owned(),
        _ => "answers get the values".to_owned(),
    });
    let keep = said.keep.map(|keep| if keep { "what they stand for is kept" } else { "nothing is kept" });
    let generation = said.generation.map(|generation| format!("generation {generation}"));
    let words = [scope, rehydrate, keep.map(str::to_owned), generation];
    Cell::text(&words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn tags<'w>(words: impl Iterator<Item = &'w str>) -> Vec<Piece> {
    let piece = |word: &str| {
        let text = Cell::text(word).text;
        Piece { class: "", title: text.clone(), text }
    };
    words.map(piece).collect()
}

/// What is looked for where no rule says otherwise.
fn usual(held: &MaskingRules) -> Result<Block, Refusal> {
    let facts = Facts::default()
        .with("Get a placeholder", Cell::tags(tags(held.usual.iter().map(String::as_str))))
        .block()?;
    let title =
        format!("Where no rule says otherwise: {}", counted(held.usual.len() as u64, "class", "classes"));
    fold("usual", &title, false, facts)
}

/// What was replaced, by day and class.
fn replaced(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let masked = visit.desk.masked_sums(visit.actor()?, &MaskedQuery::default())?;
    let row = |sum: &MaskedSum| {
        let (at, until) = (sum.day.0, Micros(sum.day.0.0 + DAY));
        let list = Link::to("/calls").with("from", &machine_time(at)).with("to", &machine_time(until));
        let cells = vec![
            Cell { whole: day(at), ..Cell::quantity(&day(at), at.0) }.to(list.href()),
            Cell::text(&sum.class),
            Cell::text(operator(sum.operator.as_deref().unwrap_or("pseudonymise"))),
            Cell::number(sum.values),
            Cell::number(sum.calls),
        ];
        Row { href: String::new(), cells }
    };
    let listing = Listing::plain(
        "replaced",
        "What was replaced, by day",
        REPLACED,
        nothing(
            "Nothing was replaced in 31 days",
            "Each value that gives way in a request is counted by its class in the record of the call.",
            None,
        ),
    );
    let of = if masked.partial { "the newest of the last 31 days" } else { "all of the last 31 days" };
    let part = Section {
        id: "replaced",
        title: "What was replaced".to_owned(),
        lead: format!(
            "In {} let through, {of}; of {} what was replaced is erased. A day leads to all of its calls.",
            counted(masked.calls, "call", "calls"),
            counted(masked.erased, "call", "calls")
        ),
        action: None,
        blocks: vec![listing.table(visit, in_order(masked.sums.iter().map(row).collect()))?],
    };
    Block::of(&part)
}

fn tried(
    visit: &Visit<'_>,
    held: &MaskingRules,
    preview: Option<&MaskingPreview>,
    refused: Option<&Refused<'_>>,
) -> Result<Vec<Block>, Refusal> {
    let mut blocks = preview.map(answer).transpose()?.unwrap_or_default();
    // What was tried stands there again, to be changed and tried anew.
    let typed = |name: &str| visit.form.text(name).to_owned();
    let mut fields = Vec::new();
    if let Some(choices) = systems::to_choose(visit)? {
        let mut all = vec![(String::new(), "No system that a rule names".to_owned())];
        all.extend(choices);
        fields.push(Field::new("system", "Sent by", Kind::Select(all)).optional().value(typed("system")));
    } else {
        fields.push(
            Field::new("system", "Sent by the system", Kind::Line)
                .optional()
                .value(typed("system"))
                .hint("Its id; nothing: one that no rule names."),
        );
    }
    fields.push(
        Field::new("purpose", "For the purpose", Kind::Line)
            .optional()
            .value(typed("purpose"))
            .hint("Nothing: one that no rule names."),
    );
    fields.push(provider(visit, held).value(typed("upstream")));
    fields.push(Field::new("text", "Text", Kind::Area(6)).value(typed("text")));
    let mut form = Form::new(TRY, "/masking".to_owned(), "Show what would be sent", fields);
    form.keeps_no_draft = true;
    blocks.push(form.block(visit, refused)?);
    Ok(blocks)
}

/// The provider it goes to: one that runs, or that a rule names.
fn provider(visit: &Visit<'_>, held: &MaskingRules) -> Field {
    let running = visit.settings.running.providers.as_ref().map(|now| now()).unwrap_or_default();
    let of_rules = held.rules.iter().flat_map(|rule| rule.upstreams.iter().cloned());
    let mut names: Vec<String> = running.into_iter().map(|provider| provider.name).chain(of_rules).collect();
    names.sort_unstable();
    names.dedup();
    let mut choices = vec![(String::new(), "One that no rule names".to_owned())];
    choices.extend(names.into_iter().map(|name| (name.clone(), name)));
    Field::new("upstream", "To the provider", Kind::Select(choices)).optional()
}

/// What would become of the text.
fn answer(preview: &MaskingPreview) -> Result<Vec<Block>, Refusal> {
    let found = preview.found.iter().map(|found| {
        Cell::text(&format!("{} × {}: {}", found.count, found.class, operator(&found.operator)))
    });
    let words = |words: &[String]| words.iter().map(|word| Cell::text(word)).collect::<Vec<_>>();
    let rules = match preview.rules.as_slice() {
        [] => vec![Cell::text("none: the default holds")],
        rules => words(rules),
    };
    let facts = Facts::default().with_all("Found", found.collect()).with_all("Rules for such a call", rules);
    let outcome = match &preview.sent {
        Some(sent) => {
            let line = |(number, line): (usize, &str)| Line {
                class: "same",
                number: (number + 1).to_string(),
                text: visible(line, MAX_SAMPLE_BYTES),
            };
            let text = Text {
                caption: "As it would be sent".to_owned(),
                lines: sent.lines().enumerate().map(line).collect(),
            };
            Block::of(&text)?
        }
        None => Block::of(&Note {
            tone: Tone::Bad,
            title: "It would not be sent".to_owned(),
            text: format!("A rule keeps back what holds {}.", preview.blocked.join(", ")),
            action: None,
        })?,
    };
    Ok(vec![section("tried", "What would become of it", vec![outcome, facts.block()?])?])
}

/// What an operator makes of a value, in words.
pub(super) fn operator(operator: &str) -> &'static str {
    match operator {
        "block" => "keeps the call back",
        "drop" => "left out",
        "mask" => "the name of its class in its place",
        "hash" => "a digest in its place",
        "pass" => "sent as it is",
        _ => "a placeholder in its place, given back in the answer",
    }
}
