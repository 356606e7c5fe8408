//! Systems as the gateway knows them: the list, and the forms that register and describe a system.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tabellion_model::body::Role;

use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Empty, Note, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused, list as words_of};
use crate::console::table::{Column, Filter, Listing, Row, Rows, Takes, choices, column, more};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, stage as stage_look};
use crate::permission::{Permission, Reach, permitted};
use crate::refusal::{Code, Refusal};
use crate::work::forms::{capture_word, stage_word};
use crate::work::systems::{System, SystemDescription, stage_of};

const COLUMNS: &[Column] = &[
    column("name", "Name"),
    column("stage", "Stage"),
    column("owner", "Owner"),
    column("purposes", "Purposes"),
    column("capture", "Content kept"),
    column("changed", "Changed"),
    more("registered", "Registered"),
    more("id", "Id"),
    more("entry", "Newest entry"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let may_register = visit.can(Permission::RegisterSystems);
    let register =
        || may_register.then(|| Action { label: "Register a system", href: "/systems/new".to_owned() });
    let stage = visit.query.get("stage");
    let mut rows = Vec::new();
    for row in visit.desk.system_rows(visit.actor()?)? {
        let word = stage_word(stage_of(&row));
        if stage.is_some_and(|wanted| wanted != word) {
            continue;
        }
        let said = row.described.as_ref();
        let href = format!("/systems/{}", row.system);
        let owner = match said {
            None => Cell::unknown("erased"),
            Some(said) if said.owner_name.is_none() => Cell::unknown("nobody who is known"),
            Some(said) => visit.who(said.owner)?,
        };
        let cells = vec![
            Cell::maybe(said.map(|said| said.name.as_str()), "erased").to(href.clone()),
            Cell::state(stage_look(word)),
            owner,
            Cell::maybe(said.map(|said| said.purposes.join(", ")).as_deref(), "erased"),
            said.map_or_else(|| Cell::unknown("erased"), |said| Cell::text(kept(capture_word(said.capture)))),
            visit.time(row.changed_at),
            visit.time(row.registered_at),
            Cell::id(&row.system.to_hex()),
            visit.entry(row.changed_entry),
        ];
        rows.push(Row { href, cells });
    }
    let listing = listing(register());
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let lead = match visit.reach(Permission::ReadSystems) {
        Reach::Own => "The systems that you answer for.",
        _ => "Every system that asks a model, what it is for and who answers for it.",
    };
    let content = Content {
        lead: lead.to_owned(),
        action: register(),
        blocks: vec![listing.table(visit, Rows::All(rows))?],
        ..Content::titled("Systems")
    };
    visit.show(content)
}

fn listing(register: Option<Action>) -> Listing {
    Listing {
        id: "systems",
        caption: "AI systems",
        columns: COLUMNS,
        filters: vec![Filter {
            name: "stage",
            label: "Stage",
            takes: choices([
                ("draft", "Draft"),
                ("live", "Live"),
                ("paused", "Paused"),
                ("retired", "Retired"),
            ]),
        }],
        search: "name, owner or purpose",
        views: vec![
            ("All", Vec::new()),
            ("Live", vec![("stage", "live".into())]),
            ("Drafts", vec![("stage", "draft".into())]),
        ],
        empty: Empty {
            title: "No AI system yet",
            text: "Here stands every system that asks a model: what it is for, who answers for it, and whether it may call. API keys, calls and evidence belong to a system.",
            action: register,
            sample: "Loan support · live · answers questions of loan officers · owner: head of lending",
        },
    }
}

/// What is kept of prompts and answers, as people say it.
pub(crate) fn kept(word: &str) -> &'static str {
    match word {
        "masked" => "masked content",
        "masked_prompt" => "masked prompts",
        "masked_answer" => "masked answers",
        _ => "digests only",
    }
}

/// The form for a new system.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

/// Registers a system.
pub(crate) fn register(visit: &Visit<'_>) -> Answered {
    let done = visit
        .read::<SystemDescription>("registerSystem", described(visit))
        .and_then(|new| visit.desk.register_system(visit.actor()?, &visit.given(), &new));
    visit.after("system", done, |system| format!("/systems/{}", system.id), new_page)
}

fn new_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let mut form =
        Form::new("system", "/systems/new".to_owned(), "Register the system", fields(visit, None)?);
    "/systems".clone_into(&mut form.cancel);
    let content = Content {
        trail: vec![("Systems".to_owned(), "/systems".to_owned())],
        lead: "It starts as a draft: it gets keys and calls once it is live.".to_owned(),
        blocks: vec![form.block(visit, refused)?],
        ..Content::titled("Register a system")
    };
    visit.show_with(status, content)
}

/// The form for what is said of a system.
pub(crate) fn edit(visit: &Visit<'_>) -> Answered {
    edit_page(visit, 200, None)
}

/// Replaces what is said of a system.
pub(crate) fn change(visit: &Visit<'_>) -> Answered {
    let id = visit.system()?;
    let done = visit
        .read::<SystemDescription>("changeSystem", described(visit))
        .and_then(|new| visit.desk.change_system(visit.actor()?, &visit.given(), id, &new));
    visit.after("system", done, |system| format!("/systems/{}", system.id), edit_page)
}

fn edit_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let system = visit.desk.system(visit.actor()?, visit.system()?)?;
    let path = format!("/systems/{}", system.id);
    if !visit.can_change(Permission::ChangeSystems, visit.system()?)? {
        return match refused {
            Some(refused) => Err(refused.refusal.clone()),
            None => others(visit, &system, path),
        };
    }
    let mut blocks = Vec::new();
    if refused.is_some_and(|refused| refused.refusal.code == Code::Stale) {
        // Both versions: what stands now, and below it what was typed.
        blocks.push(section("now", "What stands now", vec![super::system::facts(visit, &system)?.block()?])?);
    }
    let mut form =
        Form::new("system", format!("{path}/edit"), "Record the change", fields(visit, Some(&system))?);
    form.version = Some(system.version);
    form.cancel.clone_from(&path);
    blocks.push(form.block(visit, refused)?);
    let name = Cell::maybe(system.name.as_deref(), "An erased system").text;
    let content = Content {
        trail: vec![("Systems".to_owned(), "/systems".to_owned()), (name.clone(), path)],
        blocks,
        ..Content::titled(&format!("Edit description of {name}"))
    };
    visit.show_with(status, content)
}

/// What whoever may not change a system is shown in place of a form that could only be refused.
fn others(visit: &Visit<'_>, system: &System, path: String) -> Answered {
    let note = Note {
        tone: Tone::Fair,
        title: "You do not answer for this system".to_owned(),
        text: "Its owner changes what is said of it; so does whoever keeps the management system.".to_owned(),
        action: Some(Action { label: "Open the system", href: path.clone() }),
    };
    let facts = super::system::facts(visit, system)?.block()?;
    let name = Cell::maybe(system.name.as_deref(), "An erased system").text;
    let content = Content {
        trail: vec![("Systems".to_owned(), "/systems".to_owned()), (name.clone(), path)],
        lead: Cell::maybe(system.description.as_deref(), "No description yet.").text,
        blocks: vec![Block::of(&note)?, section("now", "What is said of it", vec![facts])?],
        ..Content::titled(&name)
    };
    visit.show_with(Code::NotPermitted.status(), content)
}

fn fields(visit: &Visit<'_>, system: Option<&System>) -> Result<Vec<Field>, Refusal> {
    let said = |text: fn(&System) -> Option<String>| system.and_then(text).unwrap_or_default();
    let mut fields = vec![
        Field::new("name", "Name", Kind::Line).hint("What people call it.").value(said(|system| system.name.clone())),
        Field::new("purposes", "Purposes", Kind::Line)
            .hint("Short words with commas between them, such as loan-support, triage. The first is what its keys claim unless they say otherwise.")
            .value(said(|system| system.purposes.as_ref().map(|words| words.join(", ")))),
        Field::new("description", "Description", Kind::Area(3))
            .hint("One or two sentences for a reader who does not know it.")
            .optional()
            .value(said(|system| system.description.clone())),
        Field::new("cost_centre", "Cost centre", Kind::Line)
            .hint("Where its costs are booked: a short word such as retail-4711. Costs are added up by it.")
            .optional()
            .value(said(|system| system.cost_centre.clone())),
    ];
    if visit.reach(Permission::ReadPeople) == Reach::All {
        let able = |roles: &BTreeSet<Role>| {
            roles.iter().any(|role| permitted(*role, Permission::ChangeSystems) != Reach::Nothing)
        };
        let known =
            visit.desk.people_rows()?.into_iter().filter(|row| {
                able(&row.roles) || system.is_some_and(|system| system.owner == Some(row.person))
            });
        let people = known.filter_map(|row| Some((row.person.to_hex(), row.details?.name)));
        let people: Vec<(String, String)> = people.map(|(id, name)| (id, Cell::text(&name).text)).collect();
        let owner = system
            .and_then(|system| system.owner)
            .or_else(|| visit.actor.as_ref().and_then(crate::work::Actor::credential));
        fields.push(
            Field::new("owner", "Owner", Kind::Select(people))
                .hint("The person who answers for it. Without a known owner it does not go live. Only people who can change a system are listed: auditors and approvers cannot.")
                .value(owner.map(|id| id.to_hex()).unwrap_or_default()),
        );
    }
    let capture = system.and_then(|system| system.capture).map_or("none", capture_word);
    fields
        .push(Field::new("capture", "What is kept of prompts and answers", capture_choices()).value(capture));
    fields.push(
        Field::new("capture_reason", "Why this much is kept", Kind::Line)
            .hint(if system.is_some() {
                "Needed when the choice above changes."
            } else {
                "Needed where anything is kept: for whoever asks later why."
            })
            .optional(),
    );
    Ok(fields)
}

/// The choice of what is kept, with what follows from it.
pub(crate) fn capture_choices() -> Kind {
    Kind::Radio(vec![
        (
            "none".into(),
            "Digests only".into(),
            "Nothing that was said is kept; who asked, what decided and the digests are.".into(),
        ),
        (
            "masked_prompt".into(),
            "Masked prompts".into(),
            "The prompt alone is kept encrypted, as the provider saw it; of the answer the digests are."
                .into(),
        ),
        (
            "masked_answer".into(),
            "Masked answers".into(),
            "The answer alone is kept encrypted, masked; of the prompt the digests are.".into(),
        ),
        (
            "masked".into(),
            "Masked content".into(),
            "What the provider saw is kept encrypted, with placeholders for personal data. It can be erased."
                .into(),
        ),
    ])
}

/// What was typed, as the API takes it.
fn described(visit: &Visit<'_>) -> Value {
    let mut body = Map::new();
    for name in ["name", "description", "capture"] {
        body.insert(name.to_owned(), Value::from(visit.form.text(name)));
    }
    body.insert("purposes".to_owned(), json!(words_of(visit.form.text("purposes"))));
    let centre = visit.form.text("cost_centre").trim();
    if !centre.is_empty() {
        body.insert("cost_centre".to_owned(), Value::from(centre));
    }
    let reason = visit.form.text("capture_reason").trim();
    if !reason.is_empty() {
        body.insert("capture_reason".to_owned(), Value::from(reason));
    }
    if let Some(owner) = visit.form.get("owner") {
        body.insert("owner".to_owned(), Value::from(owner));
    }
    Value::Object(body)
}

/// Systems that a list to choose from offers; more would be neither read nor quickly loaded.
const MAX_CHOICES: u32 = 100;

/// Systems to choose from, by id and name; `None` when there are too many to choose from.
pub(crate) fn to_choose(visit: &Visit<'_>) -> Result<Option<Vec<(String, String)>>, Refusal> {
    let (rows, more) = visit.desk.newest_system_rows(visit.actor()?, MAX_CHOICES)?;
    let named =
        rows.into_iter().filter_map(|row| Some((row.system.to_hex(), Cell::text(&row.described?.name).text)));
    Ok((!more).then(|| named.collect()))
}

/// A filter by system: chosen by name, or by id where there are too many.
pub(crate) fn filter(visit: &Visit<'_>) -> Result<Filter, Refusal> {
    let choices = to_choose(visit)?;
    Ok(match choices {
        Some(choices) => Filter { name: "system", label: "System", takes: Takes::Choice(choices) },
        None => Filter { name: "system", label: "System id", takes: Takes::Text },
    })
}
