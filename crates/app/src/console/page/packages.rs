//! Evidence packages: the form with its live count, the verdict after building, the download.
//!
//! Promises: what is downloaded is what was verified, byte for byte; building is recorded once, however often it is downloaded.

use askama::Template;
use serde_json::{Map, Value};
use tabellion_model::status::rules::FRAMEWORK;
use tabellion_model::{Micros, verify};
use tabellion_tlog::Policy;

use super::systems;
use crate::console::answer::{Answered, Reply};
use crate::console::block::{Action, Block, Facts, Note, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, sentence};
use crate::console::link::Link;
use crate::console::pairs::Pairs;
use crate::console::table::{Listing, Row, Rows, column, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{DAY, Tone, count, counted, size};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::packages::NewPackage;
use crate::work::{Given, Written};
use crate::{Exported, MAX_COUNTED};

/// Packages that are listed; the ledger has the rest.
const LISTED: u64 = 10;

/// What the package would hold, as of the form.
#[derive(Template)]
#[template(path = "console/count.html")]
struct Count {
    facts: Option<Block>,
    problem: String,
}

/// The page with the form.
pub(crate) fn form(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let typed = if visit.query.is_empty() { None } else { Some(&visit.query) };
    let source = refused.map(|refused| refused.typed).or(typed);
    let mut form = Form::new("package", "/packages".to_owned(), "Build the package", fields(visit, source)?);
    form.consequence = "Building it is itself a record: who had what packed, and when.";
    let counted = count_block(visit, source.unwrap_or(&Pairs::default()))?;
    let content = Content {
        lead: "Whole commits of the log with their proofs, in one file that anybody can verify without us."
            .to_owned(),
        blocks: vec![
            Block::of(&Builder { form: form.block(visit, refused)?, count: counted })?,
            section("built", "Built before", vec![built_before(visit)?])?,
        ],
        ..Content::titled("Evidence packages")
    };
    visit.show_with(status, content)
}

#[derive(Template)]
#[template(path = "console/builder.html")]
struct Builder {
    form: Block,
    count: Block,
}

fn fields(visit: &Visit<'_>, typed: Option<&Pairs>) -> Result<Vec<Field>, Refusal> {
    let said = |name: &str| typed.map(|typed| typed.text(name).to_owned()).unwrap_or_default();
    let systems = match systems::to_choose(visit)? {
        Some(some) => {
            let all = (String::new(), "All systems".to_owned());
            let choice = Kind::Select(std::iter::once(all).chain(some).collect());
            Field::new("system", "Show content of", choice)
        }
        None => Field::new("system", "Show content of the system with the id", Kind::Line),
    };
    let mut disclose = vec![
        (
            "business".into(),
            "All but personal content".into(),
            "What is about a person is withheld, and what was said in calls; that it is there is proved."
                .into(),
        ),
        ("none".into(), "No content".into(), "Structure, digests and proofs alone.".into()),
    ];
    if visit.reach(Permission::ReadPersonal) == Reach::All {
        disclose.insert(
            0,
            (
                "all".into(),
                "All content".into(),
                "Whoever gets the file reads it for good, also what is erased here later.".into(),
            ),
        );
    }
    let chosen = said("disclose");
    Ok(vec![
        Field::new("from", "From", Kind::Day)
            .hint("First day, UTC. Empty: from the beginning.")
            .optional()
            .value(said("from")),
        Field::new("to", "Until", Kind::Day)
            .hint("Last day, UTC. Empty: until now.")
            .optional()
            .value(said("to")),
        Field::new("at", "As of log size", Kind::Line)
            .hint("The package says how everything stood then. Empty: as it is now.")
            .optional()
            .value(said("at")),
        systems
            .hint("The package holds the whole commits all the same, so that nothing can be left out unseen.")
            .optional()
            .value(said("system")),
        Field::new("disclose", "What is disclosed", Kind::Radio(disclose)).value(if chosen.is_empty() {
            "business".to_owned()
        } else {
            chosen
        }),
        Field::new("framework", "Framework", Kind::Select(framework_choices()))
            .hint("Statuses, their index and the Statement of Applicability are content of all systems: they are left out where no content is shown, or that of one system alone. No record is left out either way.")
            .value(match typed {
                Some(typed) => framework(typed).to_owned(),
                None => FRAMEWORK.to_owned(),
            }),
        Field::new("label", "Label", Kind::Line)
            .hint("For the reader, in place of a framework's name: what the package is for. It selects nothing.")
            .optional()
            .value(said("label")),
    ])
}

/// What stands for no index of a framework in the form.
const NO_INDEX: &str = "none";

fn framework_choices() -> Vec<(String, String)> {
    vec![
        (FRAMEWORK.to_owned(), "ISO/IEC 42001".to_owned()),
        (NO_INDEX.to_owned(), "None: records and proofs alone".to_owned()),
    ]
}

/// The framework that was chosen; a form that says none has it as it is offered first.
fn framework(typed: &Pairs) -> &str {
    typed.get("framework").unwrap_or(FRAMEWORK)
}

/// Whether a package says how clauses and controls stand.
fn holds_framework(has_framework: bool) -> Cell {
    if has_framework {
        Cell::text("index, statuses and Statement of Applicability inside")
    } else {
        Cell::unknown("no index, no statuses, no Statement of Applicability")
    }
}

fn count_block(visit: &Visit<'_>, typed: &Pairs) -> Result<Block, Refusal> {
    let surveyed = package(visit, typed).and_then(|new| visit.desk.survey_package(&new));
    let (facts, problem) = match surveyed {
        Err(refusal) => (None, sentence(&refusal.detail)),
        Ok(survey) => {
            let mut facts = Facts::default()
                .with(
                    "Entries",
                    Cell::number(survey.count).to(Link::to("/ledger")
                        .with("before", &(survey.first + survey.count).to_string())
                        .href()),
                )
                .with("Commits", Cell::number(survey.commits))
                .with("First commit", visit.time(survey.first_commit))
                .with("Last commit", visit.time(survey.last_commit));
            facts = match survey.units {
                Some(units) => facts
                    .with("Content shown", Cell::number(units.shown))
                    .with("Of it about persons", Cell::number(units.shown_personal))
                    .with("Content withheld", Cell::number(units.withheld))
                    .with("Content erased", Cell::number(units.erased)),
                None => facts.with(
                    "Content",
                    Cell::unknown(&format!(
                        "counted when it is built: more than {} entries",
                        count(MAX_COUNTED)
                    )),
                ),
            };
            let facts = facts.with("Of ISO/IEC 42001", holds_framework(survey.has_framework));
            (Some(facts.block()?), String::new())
        }
    };
    Block::of(&Count { facts, problem })
}

/// What was typed, as the API takes it. A last day is inside the period.
fn package(visit: &Visit<'_>, typed: &Pairs) -> Result<NewPackage, Refusal> {
    let mut body = Map::new();
    for name in ["from", "system", "disclose"] {
        if let Some(text) = typed.get(name) {
            body.insert(name.to_owned(), Value::from(text.trim()));
        }
    }
    let label = typed.text("label").trim();
    match (framework(typed), label) {
        (NO_INDEX, "") => {}
        (NO_INDEX, FRAMEWORK) => {
            let text = format!("{FRAMEWORK} names the index; choose the framework above, or another label");
            return Err(Refusal::at(Code::Malformed, "/label", text));
        }
        (NO_INDEX, label) => {
            body.insert("framework".to_owned(), Value::from(label));
        }
        (framework, "") => {
            body.insert("framework".to_owned(), Value::from(framework));
        }
        _ => {
            let text = "a package with an index is labelled by its framework; leave this empty, or choose no framework";
            return Err(Refusal::at(Code::Malformed, "/label", text));
        }
    }
    if let Some(day) = typed.get("to") {
        let midnight = Micros::parse_date(day.trim())
            .map_err(|error| Refusal::at(Code::Malformed, "/to", error.to_string()))?;
        body.insert("to".to_owned(), Value::from(Micros(midnight.0 + DAY).to_string()));
    }
    if let Some(text) = typed.get("at") {
        let digits = text.trim().trim_start_matches('#').replace(',', "");
        let at: u64 = digits.parse().map_err(|_| {
            Refusal::at(Code::Malformed, "/at", "a log size is a whole number, such as 12,345")
        })?;
        body.insert("at".to_owned(), Value::from(at));
    }
    visit.read("buildPackage", Value::Object(body))
}

fn built(visit: &Visit<'_>) -> Result<(Vec<u8>, Exported, Written), Refusal> {
    let new = package(visit, &visit.form)?;
    visit.desk.build_package(visit.actor()?, &Given { version: None, ..visit.given() }, &new)
}

/// Builds it and says what the verifier says.
pub(crate) fn build(visit: &Visit<'_>) -> Answered {
    let (bytes, exported, written) = match built(visit) {
        Ok(built) => built,
        Err(refusal) => return visit.again("package", &refusal, page),
    };
    let trust = super::settings::trust_file(visit)?;
    let policy = Policy::parse(&trust)
        .map_err(|error| Refusal::new(Code::Broken, format!("the trust file cannot be read: {error}")))?;
    let report = verify(&bytes, Some(&policy));
    let verdict = report.verdict();
    let tone = if report.exit_code() == 0 { Tone::Good } else { Tone::Bad };
    let note = Note {
        tone,
        title: format!("The verifier says: {}", verdict.as_str()),
        text: "Checked here, by the same code that an auditor runs. What counts is what they find with a trust file that they got another way.".to_owned(),
        action: None,
    };
    let totals = &exported.totals;
    let facts = Facts::default()
        .with("Entries", Cell::text(&format!("{} from #{}", count(exported.count), count(exported.first))))
        .with("Proved against", Cell::text(&format!("the checkpoint of size {}", count(exported.size))))
        .with(
            "Content",
            Cell::text(&format!(
                "{} shown, {} withheld, {} erased",
                count(totals.shown),
                count(totals.withheld),
                count(totals.erased)
            )),
        )
        .with("About persons", Cell::text(&counted(exported.shown_personal, "unit shown", "units shown")))
        .with("Of ISO/IEC 42001", holds_framework(exported.has_framework))
        .with("Size", Cell::text(&size(bytes.len() as u64)))
        .with("Manifest", Cell::id(&exported.manifest_sha256.to_hex()))
        .with("Recorded at", visit.entry(written.index));
    let facts = match exported.left_out.as_slice() {
        [] => facts,
        damaged => facts.with("Left out, damaged", Cell::text(&damaged.join("; "))),
    };
    let download = Download {
        hidden: hidden(visit, exported.size),
        name: file_name(exported.size),
        trust: "/settings/trust.txt",
    };
    let content = Content {
        trail: vec![("Evidence packages".to_owned(), "/packages".to_owned())],
        badges: vec![Cell::state((verdict.as_str(), tone))],
        blocks: vec![
            Block::of(&note)?,
            Block::of(&download)?,
            facts.block()?,
            section("checks", "What was checked", vec![checks(visit, &report)?])?,
        ],
        ..Content::titled("The package is built")
    };
    visit.show(content)
}

/// Every check of a report.
fn checks(visit: &Visit<'_>, report: &tabellion_model::Report) -> Result<Block, Refusal> {
    let rows = report.checks.iter().map(|check| Row {
        href: String::new(),
        cells: vec![
            Cell::text(check.name),
            Cell::state((check.outcome.as_str(), outcome(check.outcome))),
            uncut(&check.detail),
            uncut(check.proves),
        ],
    });
    let listing = Listing::plain(
        "checks",
        "What was checked",
        const {
            &[
                column("check", "Check"),
                column("outcome", "Outcome"),
                column("detail", "Found"),
                column("proves", "What it shows"),
            ]
        },
        nothing("Nothing was checked", "", None),
    );
    listing.table(visit, Rows::All(rows.collect()))
}

/// A sentence of the verifier, all of it.
fn uncut(text: &str) -> Cell {
    let cell = Cell::long(text);
    Cell { text: cell.whole.clone(), ..cell }
}

fn outcome(outcome: tabellion_model::Outcome) -> Tone {
    match outcome {
        tabellion_model::Outcome::Holds => Tone::Good,
        tabellion_model::Outcome::Broken | tabellion_model::Outcome::Malformed => Tone::Bad,
        tabellion_model::Outcome::Undetermined => Tone::Fair,
        tabellion_model::Outcome::NotRun => Tone::Quiet,
    }
}

#[derive(Template)]
#[template(path = "console/download.html")]
struct Download {
    hidden: Vec<(&'static str, String)>,
    name: String,
    trust: &'static str,
}

/// What makes the same package again: the same request at the same size, under the same idempotency key.
fn hidden(visit: &Visit<'_>, size: u64) -> Vec<(&'static str, String)> {
    let names = ["csrf", "once", "from", "to", "system", "disclose", "framework", "label"];
    let mut hidden: Vec<(&'static str, String)> =
        names.into_iter().map(|name| (name, visit.form.text(name).to_owned())).collect();
    hidden.push(("at", size.to_string()));
    hidden
}

fn file_name(size: u64) -> String {
    format!("evidence-{size}.zip")
}

/// The same package once more, as a file.
pub(crate) fn download(visit: &Visit<'_>) -> Answered {
    let (bytes, exported, _) = built(visit)?;
    Ok(Reply::File(file_name(exported.size), "application/zip", bytes).into())
}

/// The newest packages that were built, by whoever.
fn built_before(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let query = crate::work::entries::EntryQuery {
        record_type: Some("package.exported".to_owned()),
        limit: Some(LISTED),
        ..Default::default()
    };
    let found = visit.desk.entries(visit.actor()?, &query)?;
    let mut rows = Vec::new();
    for entry in found.entries {
        let number = |name: &str| entry.clear.get(name).and_then(Value::as_u64);
        let cells = vec![
            visit.time(entry.at.0),
            visit.who_or(entry.actor.as_deref(), "the log")?,
            Cell::maybe_number(number("count")),
            Cell::maybe_number(number("size")),
            visit.entry(entry.index),
        ];
        rows.push(Row { href: String::new(), cells });
    }
    let listing = Listing::plain(
        "packages",
        "Packages built before",
        const {
            &[
                column("when", "When"),
                column("who", "Who"),
                column("entries", "Entries"),
                column("size", "Log size"),
                column("entry", "Record"),
            ]
        },
        nothing(
            "No package was built lately",
            "A package is what you hand to an auditor: entries, proofs, a report to read, and a verifier that needs nothing of ours. Each one that is built is recorded.",
            None::<Action>,
        ),
    );
    listing.table(visit, Rows::All(rows))
}
