//! The form of an item, made from its register's definition: every kind of field, by section; drafts may lack what is needed later.
//!
//! Promises: what was typed is never lost; of two people who edit at once the second sees both versions, and takes over nothing unseen.

use askama::Template;
use serde_json::Value;
use tabellion_model::SystemId;
use tabellion_model::catalogue::Reference;
use tabellion_model::register::{About, Content, Register};

use super::item::{Opened, named, opened};
use super::item_fields::{self, Fault, Section as Fields};
use super::{picks, registers, said, systems as list_of_systems, typed};
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Note, Section};
use crate::console::form::{Refused, once, refusal_remedy, sentence};
use crate::console::visit::{Content as Page, Visit};
use crate::console::words::Tone;
use crate::permission::Reach;
use crate::refusal::{Code, FieldError, Refusal};
use crate::work::registers::{NewItem, NewRevision, Standing, is_written_later, names_controls, opening};

/// The field that chooses the system.
const SYSTEM: &str = "system";
/// The clause or control that an item is begun about.
const REFERENCE: &str = "reference";

#[derive(Template)]
#[template(path = "console/item_form.html")]
struct FormView {
    action: String,
    cancel: String,
    hidden: Vec<(&'static str, String)>,
    problem: String,
    remedy: String,
    faults: Vec<Fault>,
    /// The systems to choose from; none: it is not asked.
    systems: Option<item_fields::Shown>,
    sections: Vec<Fields>,
    /// What fields are picked from.
    lists: Vec<picks::List>,
    consequence: &'static str,
    /// What the button does.
    save: &'static str,
}

/// The form for a new item.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

/// Opens an item with its first draft.
pub(crate) fn open(visit: &Visit<'_>) -> Answered {
    let register = visit.desk.register(visit.parts.text("register"))?;
    let done = chosen(visit).and_then(|system| {
        let new = NewItem { system, content: item_fields::typed(register, &visit.form) };
        visit.desk.open_register_item(visit.actor()?, &visit.given(), &register.name, &new)
    });
    match done {
        Ok((item, written)) => Ok(visit.recorded(&registers::path(&item.summary), &written)),
        Err(refusal) => new_page(visit, refusal.code.status(), Some(&refusal)),
    }
}

/// The system that was chosen for a new item.
fn chosen(visit: &Visit<'_>) -> Result<Option<SystemId>, Refusal> {
    let id = visit.form.get(SYSTEM).map(|id| {
        SystemId::from_hex(id)
            .ok_or_else(|| Refusal::at(Code::Malformed, "/system", "choose a system from the list"))
    });
    id.transpose()
}

fn new_page(visit: &Visit<'_>, status: u16, refusal: Option<&Refusal>) -> Answered {
    let register = visit.desk.register(visit.parts.text("register"))?;
    opening(visit.actor()?, register)?;
    let content = match refusal {
        Some(_) => item_fields::typed(register, &visit.form),
        None => prefilled(visit, register),
    };
    let faults = refusal.map(|refusal| faults_of(register, refusal)).unwrap_or_default();
    let list = format!("/registers/{}", register.name);
    let mut sections =
        item_fields::sections(visit, register, &content, &faults, &Content::new(), None, about(visit))?;
    // What is written once the item is open is asked of its owner then.
    let later = |name: &str| {
        register.sections.iter().any(|known| known.name == name && is_written_later(register, known))
    };
    sections.retain(|section| !later(&section.name));
    let view = view(visit, refusal, faults, format!("{list}/new"), list.clone(), Vec::new(), sections)?;
    let save = if register.approves() { view.save } else { "Open it" };
    let lists = picks::lists(visit, register)?;
    let view = FormView { systems: systems(visit, register, refusal)?, lists, save, ..view };
    visit.show_with(
        status,
        Page {
            trail: vec![("Registers".to_owned(), "/registers".to_owned()), (register.title.clone(), list)],
            lead: lead(register).to_owned(),
            blocks: vec![Block::of(&view)?],
            ..Page::titled(&format!("New {}", register.item))
        },
    )
}

/// What may be left out.
fn lead(register: &Register) -> &'static str {
    if register.approves() {
        "A draft may leave out what is not known yet. What is marked as needed is filled in before it is put forward."
    } else {
        "What is marked as needed is filled in before it is saved. It changes no status of a clause or control."
    }
}

/// The system that a new item is begun for, when one was chosen within reach.
fn about(visit: &Visit<'_>) -> Option<SystemId> {
    let chosen = visit.form.get(SYSTEM).or_else(|| visit.query.get(SYSTEM)).and_then(SystemId::from_hex)?;
    visit.desk.system(visit.actor().ok()?, chosen).is_ok().then_some(chosen)
}

/// What is known of a system before anybody types.
fn prefilled(visit: &Visit<'_>, register: &Register) -> Content {
    let mut content = Content::new();
    if let (true, Some(Ok(reference))) =
        (names_controls(register), visit.query.get(REFERENCE).map(Reference::parse))
    {
        content.insert("references".to_owned(), Value::from(vec![reference.as_str()]));
    }
    let system = visit.query.get(SYSTEM).and_then(SystemId::from_hex);
    let row = system.and_then(|system| visit.desk.system(visit.actor().ok()?, system).ok());
    if let (Some(system), About::OnePerSystem) = (row, register.about) {
        for (field, text) in [("name", system.name), ("owner", system.owner.map(|owner| owner.to_hex()))] {
            if let (Some(_), Some(text)) = (register.field(field), text) {
                content.insert(field.to_owned(), Value::from(text));
            }
        }
    }
    content
}

/// The systems that a new item can be about.
fn systems(
    visit: &Visit<'_>,
    register: &Register,
    refusal: Option<&Refusal>,
) -> Result<Option<item_fields::Shown>, Refusal> {
    if register.about == About::Organisation {
        return Ok(None);
    }
    let actor = visit.actor()?;
    let mut options = list_of_systems::to_choose(visit)?;
    let permission = opening(actor, register)?;
    if let (Some(all), Reach::Own) = (&mut options, visit.reach(permission)) {
        let own = visit.desk.systems_within(actor, permission)?.unwrap_or_default();
        all.retain(|(id, _)| SystemId::from_hex(id).is_some_and(|id| own.contains(&id)));
    }
    let chosen = if refusal.is_some() { visit.form.text(SYSTEM) } else { visit.query.text(SYSTEM) };
    let fault = refusal.into_iter().flat_map(|refusal| faults_of(register, refusal));
    let fault = fault.filter(|fault| fault.name == SYSTEM).map(|fault| fault.what).next();
    let may_be_none = matches!(register.about, About::ManyPerSystem | About::SystemOrOrganisation)
        && visit.reach(permission) == Reach::All;
    let choice = item_fields::Shown::choice(
        SYSTEM,
        "System that it is about",
        match (may_be_none, register.about) {
            (true, About::ManyPerSystem) => {
                "Without one it speaks for the whole organisation, and says nothing about any system."
            }
            (true, _) => "Leave it open where it is about no system in particular.",
            _ => "",
        },
        options,
        chosen,
        match (may_be_none, register.about) {
            (true, About::ManyPerSystem) => "The whole organisation",
            (true, _) => "The organisation",
            _ => "Choose",
        },
        fault.unwrap_or_default(),
    );
    Ok(Some(item_fields::Shown { needed: !may_be_none, ..choice }))
}

/// The form for a new revision.
pub(crate) fn edit(visit: &Visit<'_>) -> Answered {
    edit_page(visit, 200, None)
}

/// Saves a revision.
pub(crate) fn save(visit: &Visit<'_>) -> Answered {
    let (name, id) = named(visit)?;
    let register = visit.desk.register(name)?;
    let now = if register.fields().any(|field| field.fixed) {
        visit.desk.register_item(visit.actor()?, name, id)?.content.unwrap_or_default()
    } else {
        Content::new()
    };
    let new = NewRevision { content: mine(visit, register, &now) };
    match visit.desk.save_register_item(visit.actor()?, &visit.given(), name, id, &new) {
        Ok((item, written)) => Ok(visit.recorded(&registers::path(&item.summary), &written)),
        Err(refusal) => edit_page(visit, refusal.code.status(), Some(&refusal)),
    }
}

/// What was typed, and what stays as it was.
fn mine(visit: &Visit<'_>, register: &Register, now: &Content) -> Content {
    let mut content = item_fields::typed(register, &visit.form);
    for field in register.fields().filter(|field| field.fixed) {
        if let Some(value) = now.get(&field.name) {
            content.insert(field.name.clone(), value.clone());
        }
    }
    content
}

fn edit_page(visit: &Visit<'_>, status: u16, refusal: Option<&Refusal>) -> Answered {
    let opened = opened(visit)?;
    if !opened.may_edit {
        return not_written(visit, &opened, refusal);
    }
    let register = opened.register;
    let now = opened.item.content.clone().unwrap_or_default();
    let mut blocks = Vec::new();
    let (content, faults, others) = match refusal {
        None => (now.clone(), Vec::new(), None),
        Some(refusal) => {
            let mine = mine(visit, register, &now);
            let faults = faults_of(register, refusal);
            if matches!(refusal.code, Code::Stale | Code::Conflict) {
                let base = base(visit, &opened)?;
                let merged = merged(register, base.as_ref(), &now, &mine);
                blocks.extend(both(visit, &opened, &now, &mine)?);
                (merged, faults, base.map(|base| Others { base, now: now.clone(), mine }))
            } else {
                (mine, faults, None)
            }
        }
    };
    let hidden = vec![
        ("version", opened.item.summary.version.to_string()),
        ("revision", opened.item.summary.revision.to_string()),
    ];
    let sections = item_fields::sections(
        visit,
        register,
        &content,
        &faults,
        &now,
        others.as_ref(),
        opened.item.summary.system.as_deref().and_then(SystemId::from_hex),
    )?;
    let view =
        view(visit, refusal, faults, format!("{}/edit", opened.path), opened.path.clone(), hidden, sections)?;
    let view = FormView { lists: picks::lists(visit, register)?, ..view };
    let view = match opened.item.summary.review {
        _ if !register.approves() => FormView { save: "Save", ..view },
        Some("in_review") => FormView {
            consequence: "It waits for a decision now. Saving takes it back: it has to be put forward again.",
            ..view
        },
        Some("approved") => FormView {
            consequence: "What is approved holds until this revision is approved by a second person.",
            ..view
        },
        _ => view,
    };
    blocks.push(Block::of(&view)?);
    let mut trail = opened.trail();
    trail.push((opened.name.clone(), opened.path.clone()));
    visit.show_with(
        status,
        Page {
            trail,
            lead: lead(register).to_owned(),
            blocks,
            ..Page::titled(&format!("Edit {}", opened.name))
        },
    )
}

/// Why there is no form, with what was typed into one.
fn not_written(visit: &Visit<'_>, opened: &Opened<'_>, refusal: Option<&Refusal>) -> Answered {
    let summary = &opened.item.summary;
    let (code, title) = if summary.standing == Standing::Ended {
        let state = registers::state(opened.register, summary.state.as_deref()).text.to_lowercase();
        let title = format!("The {} is {state}, and nothing is written on it any more", opened.register.item);
        (Code::StateImpossible, title)
    } else {
        let title =
            format!("You answer neither for this {} nor for the system it is about", opened.register.item);
        (Code::NotPermitted, title)
    };
    let note = Note {
        tone: Tone::Fair,
        title,
        text: "Its page says how it stands, and what can be done.".to_owned(),
        action: Some(Action { label: "Open it", href: opened.path.clone() }),
    };
    let mut blocks = vec![Block::of(&note)?];
    if let Some(refusal) = refusal {
        blocks.extend(typed::block(visit, refusal)?);
    }
    let unsent = refusal.is_some();
    let page = Page { trail: opened.trail(), unsent, blocks, ..Page::titled(&opened.name) };
    visit.show_with(code.status(), page)
}

/// Three versions of one content, for whoever was slower.
pub(crate) struct Others {
    /// What both began with.
    pub(crate) base: Content,
    /// What somebody else saved.
    pub(crate) now: Content,
    /// What was typed.
    pub(crate) mine: Content,
}

/// What the one who was slower began with.
fn base(visit: &Visit<'_>, opened: &Opened<'_>) -> Result<Option<Content>, Refusal> {
    match visit.form.number("revision") {
        Some(number) => visit.desk.revision_content(visit.actor()?, &opened.register.name, opened.id, number),
        None => Ok(None),
    }
}

/// What the form holds after somebody else was faster: what was typed, and theirs where nothing was typed anew.
fn merged(register: &Register, base: Option<&Content>, now: &Content, mine: &Content) -> Content {
    let Some(base) = base else { return mine.clone() };
    let mut merged = Content::new();
    for field in register.fields() {
        let name = field.name.as_str();
        let taken = if mine.get(name) == base.get(name) { now.get(name) } else { mine.get(name) };
        if let Some(value) = taken {
            merged.insert(name.to_owned(), value.clone());
        }
    }
    merged
}

/// Both versions, field by field, where they differ.
fn both(
    visit: &Visit<'_>,
    opened: &Opened<'_>,
    now: &Content,
    mine: &Content,
) -> Result<Option<Block>, Refusal> {
    let sides = ("Stands now", "You typed");
    let Some(block) = said::differing(visit, opened.register, sides, now, mine)? else { return Ok(None) };
    let part = Section {
        id: "both",
        title: "Somebody else saved meanwhile".to_owned(),
        lead: format!(
            "Revision {} stands now. Nothing is lost: here is where it differs from what you typed. In the form below your changes are kept, and theirs are taken over where you changed nothing.",
            opened.item.summary.revision
        ),
        action: None,
        blocks: vec![block],
    };
    Block::of(&part).map(Some)
}

/// What is wrong, field by field, as the desk found it; all of it at once.
fn faults_of(register: &Register, refusal: &Refusal) -> Vec<Fault> {
    let alone = refusal
        .pointer
        .iter()
        .map(|pointer| FieldError { pointer: pointer.clone(), detail: refusal.detail.clone() });
    let errors: Vec<FieldError> =
        if refusal.errors.is_empty() { alone.collect() } else { refusal.errors.clone() };
    let fault = |error: &FieldError| {
        if error.pointer == "/system" {
            let what = sentence(&error.detail);
            return Some(Fault { name: SYSTEM.to_owned(), label: "System".to_owned(), what });
        }
        let field = error.pointer.strip_prefix("/content/").and_then(|name| register.field(name))?;
        let what = error.detail.strip_prefix(&format!("{}: ", field.label)).unwrap_or(&error.detail);
        Some(Fault { name: field.name.clone(), label: field.label.clone(), what: sentence(what) })
    };
    errors.iter().filter_map(fault).collect()
}

fn view(
    visit: &Visit<'_>,
    refusal: Option<&Refusal>,
    faults: Vec<Fault>,
    action: String,
    cancel: String,
    more: Vec<(&'static str, String)>,
    sections: Vec<Fields>,
) -> Result<FormView, Refusal> {
    let refused = refusal.map(|refusal| Refused { id: "item", typed: &visit.form, refusal });
    let mut hidden = vec![
        ("csrf", visit.csrf.clone().unwrap_or_default()),
        ("once", once(visit, refused.as_ref())?),
        ("form", "item".to_owned()),
    ];
    hidden.extend(more);
    let (problem, remedy) = match refusal {
        None => (String::new(), ""),
        Some(_) if !faults.is_empty() => ("Nothing was recorded.".to_owned(), ""),
        Some(refusal) if refusal.code == Code::AlreadySo => {
            (sentence(&refusal.detail), "Nothing has to be saved.")
        }
        Some(refusal) if refusal.code == Code::Stale => (
            "Nothing was recorded: somebody else saved while you were writing.".to_owned(),
            "Look at what stands above and at the fields that are marked, then save again.",
        ),
        Some(refusal) => (sentence(&refusal.detail), refusal_remedy(refusal)),
    };
    Ok(FormView {
        action,
        cancel,
        hidden,
        problem,
        remedy: remedy.to_owned(),
        faults,
        systems: None,
        sections,
        lists: Vec::new(),
        consequence: "",
        save: "Save the draft",
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tabellion_model::register::Registers;

    use super::*;

    fn content(value: &Value) -> Content {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn the_slower_one_keeps_what_they_typed_and_takes_over_what_they_did_not_touch() {
        let registers = Registers::built_in().expect("registers");
        let register = registers.get("impact_assessment").expect("the register");
        let base = content(&json!({"name": "A", "scope": "all", "purpose": "p"}));
        let now = content(
            &json!({"name": "A, renamed", "scope": "all of theirs", "purpose": "p", "data": "theirs"}),
        );
        let mine = content(&json!({"name": "A", "scope": "all of mine"}));
        let merged = merged(register, Some(&base), &now, &mine);
        assert_eq!(
            merged,
            content(&json!({"name": "A, renamed", "scope": "all of mine", "data": "theirs"})),
            "somebody's words are lost, or what was deleted comes back"
        );
    }
}
