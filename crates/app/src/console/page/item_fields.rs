//! Fields of a register's form: from its definition and a content to what is shown, and from what was typed back to a content.
//!
//! Promises: an empty field is a member that is absent; a value that does not fit stays as it was typed, so that its fault can be said beside it.

use std::collections::BTreeSet;

use serde_json::Value;
use tabellion_model::SystemId;
use tabellion_model::body::Role;
use tabellion_model::register::{Content, Field, Kind, Register};

use super::item_form::Others;
use super::picks::Pick;
use super::said::Said;
use super::{register_filters, systems};
use crate::console::cell::Cell;
use crate::console::pairs::Pairs;
use crate::console::visit::Visit;
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::report::words::count;
use crate::work::Actor;
use crate::work::registers::owner_roles;

/// What stands before the names of fields, so that none is taken for one of the form's own.
const PREFIX: &str = "field.";
/// The field that names models, in every register that has one.
const MODELS: &str = "models";
/// Models that a hint names: a system calls a few.
const MODELS_OFFERED: usize = 20;
/// Lines of a text that is still empty.
const LINES: usize = 3;
/// Most lines that are shown at once.
const MOST_LINES: usize = 16;
/// Characters of a line, to guess how many a text takes.
const LINE_CHARS: usize = 80;

/// What is wrong with one field.
pub(crate) struct Fault {
    /// The field.
    pub(crate) name: String,
    /// Its label.
    pub(crate) label: String,
    /// A sentence.
    pub(crate) what: String,
}

/// An option.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

/// A field as the form shows it.
pub(crate) struct Shown {
    /// Its id, and what errors link to.
    pub(crate) id: String,
    /// Its name in the form.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) help: String,
    /// What fits, in words; empty: nothing to say.
    pub(crate) limit: String,
    /// `text`, `area`, `select`, `checks`, `radio`, `date` or `number`.
    pub(crate) kind: &'static str,
    pub(crate) rows: usize,
    /// Whether it has to be filled in before it is put forward.
    pub(crate) needed: bool,
    /// Whether it is needed and empty in what is saved.
    pub(crate) missing: bool,
    pub(crate) material: bool,
    pub(crate) value: String,
    /// What a choice shows that is not made.
    pub(crate) unset: &'static str,
    pub(crate) options: Vec<Choice>,
    pub(crate) fault: String,
    /// What somebody else saved meanwhile; none: the same.
    pub(crate) theirs: Option<Theirs>,
    /// What it says and keeps saying; none: it can be written.
    pub(crate) fixed: Option<Said>,
    /// What is offered to be added to it; none: it is typed.
    pub(crate) pick: Option<Pick>,
}

/// What somebody else saved in a field.
pub(crate) struct Theirs {
    pub(crate) said: Said,
    /// Whether the form holds it.
    pub(crate) taken: bool,
}

impl Shown {
    /// Ids of the texts that describe it.
    pub(crate) fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if !self.help.is_empty() || !self.limit.is_empty() {
            ids.push(format!("{}-hint", self.id));
        }
        if !self.fault.is_empty() {
            ids.push(format!("{}-fault", self.id));
        }
        ids.join(" ")
    }

    /// A choice that is no field of the register.
    pub(crate) fn choice(
        name: &str,
        label: &str,
        help: &str,
        options: Option<Vec<(String, String)>>,
        chosen: &str,
        unset: &'static str,
        fault: String,
    ) -> Self {
        let kind = if options.is_some() { "select" } else { "text" };
        let options = options
            .into_iter()
            .flatten()
            .map(|(value, label)| Choice { chosen: value == chosen, value, label })
            .collect();
        Self {
            id: format!("item-{name}"),
            name: name.to_owned(),
            label: label.to_owned(),
            help: help.to_owned(),
            limit: String::new(),
            kind,
            rows: 0,
            needed: true,
            missing: false,
            material: false,
            value: chosen.to_owned(),
            unset,
            options,
            fault,
            theirs: None,
            fixed: None,
            pick: None,
        }
    }
}

/// Fields that belong together.
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) help: String,
    /// How many that are needed are empty in what is saved.
    pub(crate) missing: usize,
    pub(crate) fields: Vec<Shown>,
}

/// The fields by section. `saved` is what the newest revision says.
pub(crate) fn sections(
    visit: &Visit<'_>,
    register: &Register,
    content: &Content,
    faults: &[Fault],
    saved: &Content,
    others: Option<&Others>,
    system: Option<SystemId>,
) -> Result<Vec<Section>, Refusal> {
    let choices = Choices::of(visit, register)?;
    let called = called(visit, register, system)?;
    let mut sections = Vec::new();
    for section in &register.sections {
        let mut fields = Vec::new();
        for field in &section.fields {
            let mut shown = shown(field, content.get(&field.name), &choices);
            if field.name == MODELS && !called.is_empty() {
                shown.limit = format!("{} Called so far: {called}.", shown.limit);
            }
            if let Some(value) = saved.get(&field.name).filter(|_| field.fixed) {
                shown.fixed = Some(Said::of(visit, Some(field), value)?);
            }
            shown.missing = field.required && !saved.is_empty() && !saved.contains_key(&field.name);
            if let Some(fault) = faults.iter().find(|fault| fault.name == field.name) {
                shown.fault.clone_from(&fault.what);
            }
            if let Some(others) = others.filter(|others| differs(others, &field.name)) {
                let theirs = others.now.get(&field.name).unwrap_or(&Value::Null);
                shown.theirs = Some(Theirs {
                    said: Said::of(visit, Some(field), theirs)?,
                    taken: others.mine.get(&field.name) == others.base.get(&field.name),
                });
            }
            fields.push(shown);
        }
        sections.push(Section {
            name: section.name.clone(),
            title: section.title.clone(),
            help: section.help.clone(),
            missing: fields.iter().filter(|field| field.missing).count(),
            fields,
        });
    }
    Ok(sections)
}

/// The models that the system's calls named, as somebody copies them into the form; empty: none, or the form asks for none.
fn called(visit: &Visit<'_>, register: &Register, system: Option<SystemId>) -> Result<String, Refusal> {
    let Some(system) = system.filter(|_| register.field(MODELS).is_some()) else { return Ok(String::new()) };
    let seen = visit.desk.views().models_seen()?;
    let names = seen.iter().filter(|seen| seen.system == system).map(|seen| Cell::text(&seen.model).text);
    Ok(names.take(MODELS_OFFERED).collect::<Vec<_>>().join(", "))
}

/// Whether somebody else changed this field to something else than what was typed.
fn differs(others: &Others, name: &str) -> bool {
    others.now.get(name) != others.base.get(name) && others.now.get(name) != others.mine.get(name)
}

/// The people and systems that can be chosen; none: there are too many, and their ids are typed.
struct Choices {
    people: Option<Vec<(String, String)>>,
    systems: Option<Vec<(String, String)>>,
    /// Why the list of people is as short as it is; empty: nothing to say.
    people_left_out: &'static str,
}

impl Choices {
    /// Of people those alone who can do what an owner is asked for.
    fn of(visit: &Visit<'_>, register: &Register) -> Result<Self, Refusal> {
        let has = |kind: Kind| register.fields().any(|field| field.kind == kind);
        let can = owner_roles(register);
        let (people, people_left_out) = if visit.reach(Permission::ReadPeople) == Reach::All {
            let able = |roles: &BTreeSet<Role>| roles.iter().any(|role| can.contains(role));
            let people = if has(Kind::Person) { register_filters::people_who(visit, able)? } else { None };
            (people, "Only people who can act on it are listed: auditors and approvers cannot.")
        } else {
            let me = match &visit.actor {
                Some(Actor::Person { id, roles, .. }) if roles.iter().any(|role| can.contains(role)) => {
                    Some(id)
                }
                _ => None,
            };
            let me = me.map(|me| (me.to_hex(), "You".to_owned()));
            (
                Some(me.into_iter().collect()),
                "Your role does not list people, so you can name yourself alone. An administrator or a compliance officer can name somebody else.",
            )
        };
        let systems = if has(Kind::System) { systems::to_choose(visit)? } else { None };
        Ok(Self { people, systems, people_left_out })
    }
}

fn shown(field: &Field, value: Option<&Value>, choices: &Choices) -> Shown {
    let text = value.map(as_typed).unwrap_or_default();
    let set: BTreeSet<&str> = match value {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => [text.as_str()].into(),
    };
    let pick = |pairs: &[(String, String)]| -> Vec<Choice> {
        pairs
            .iter()
            .map(|(value, label)| Choice {
                value: value.clone(),
                label: label.clone(),
                chosen: set.contains(value.as_str()),
            })
            .collect()
    };
    let own: Vec<(String, String)> =
        field.options.iter().map(|option| (option.word.clone(), option.label.clone())).collect();
    let (kind, mut options) = match field.kind {
        Kind::Line => ("text", Vec::new()),
        Kind::Text | Kind::List | Kind::References => ("area", Vec::new()),
        Kind::Choice => ("select", pick(&own)),
        Kind::Choices => ("checks", pick(&own)),
        Kind::Person => choices.people.as_ref().map_or(("text", Vec::new()), |all| ("select", pick(all))),
        Kind::System => choices.systems.as_ref().map_or(("text", Vec::new()), |all| ("select", pick(all))),
        Kind::Date => ("date", Vec::new()),
        Kind::YesNo => {
            ("radio", pick(&[("true".to_owned(), "Yes".to_owned()), ("false".to_owned(), "No".to_owned())]))
        }
        Kind::Number => ("number", Vec::new()),
    };
    // Somebody or something that is not in the list stays chosen: saving must not change what nobody touched.
    if kind == "select" && !text.is_empty() && !options.iter().any(|option| option.chosen) {
        let label = format!("{} (as it is)", Cell::id(&text).text);
        options.push(Choice { value: text.clone(), label, chosen: true });
    }
    let written = text.lines().map(|line| line.chars().count() / LINE_CHARS + 1).sum::<usize>();
    Shown {
        id: format!("item-{}", field.name),
        name: format!("{PREFIX}{}", field.name),
        label: field.label.clone(),
        help: field.help.clone(),
        limit: match (kind, field.kind) {
            ("text", _) => typed_limit(field),
            (_, Kind::Person) => choices.people_left_out.to_owned(),
            _ => limit(field),
        },
        kind,
        rows: (written + 1).clamp(LINES, MOST_LINES),
        needed: field.required,
        missing: false,
        material: field.material,
        value: text,
        unset: if field.required { "Choose" } else { "Not said" },
        options,
        fault: String::new(),
        theirs: None,
        fixed: None,
        pick: Pick::of(field),
    }
}

/// A value as somebody types it.
fn as_typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// What fits where something is typed that others choose from a list.
fn typed_limit(field: &Field) -> String {
    match field.kind {
        Kind::Person => "Too many to list: its id, as People and roles shows it.".to_owned(),
        Kind::System => "Too many to list: its id, as its page shows it.".to_owned(),
        _ => limit(field),
    }
}

fn limit(field: &Field) -> String {
    match (field.kind, field.most()) {
        // The usual limits are far above what anybody writes; whoever meets one reads it as a fault.
        (Kind::Line | Kind::Text, Some(most)) if field.max.is_some() => {
            format!("At most {} characters.", count(most))
        }
        (Kind::References, _) => "One a line.".to_owned(),
        (Kind::List, Some(most)) => format!("One a line, at most {}.", count(most)),
        (Kind::Choices, _) => "Any that apply.".to_owned(),
        (Kind::Number, _) => match field.max {
            Some(most) => format!("A whole number, 0 to {}.", count(most)),
            None => "A whole number.".to_owned(),
        },
        _ => String::new(),
    }
}

/// What was typed, as a content.
pub(crate) fn typed(register: &Register, form: &Pairs) -> Content {
    let mut content = Content::new();
    for field in register.fields() {
        let name = format!("{PREFIX}{}", field.name);
        let value = match field.kind {
            Kind::Choices => listed(form.all(&name)),
            Kind::List | Kind::References => {
                listed(form.text(&name).lines().map(str::trim).filter(|line| !line.is_empty()))
            }
            Kind::YesNo => form.get(&name).map(|word| match word {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => Value::from(other),
            }),
            Kind::Number => form.get(&name).map(|text| {
                let text = text.trim();
                text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
            }),
            Kind::Line | Kind::Choice | Kind::Person | Kind::System | Kind::Date => {
                form.get(&name).map(|text| Value::from(text.trim()))
            }
            Kind::Text => form.get(&name).map(|text| Value::from(text.trim_end())),
        };
        if let Some(value) = value {
            content.insert(field.name.clone(), value);
        }
    }
    content
}

fn listed<'a>(items: impl Iterator<Item = &'a str>) -> Option<Value> {
    let items: Vec<Value> = items.map(Value::from).collect();
    (!items.is_empty()).then_some(Value::Array(items))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tabellion_model::register::Registers;

    use super::*;

    #[test]
    fn what_is_typed_is_what_the_api_takes_and_empty_fields_are_absent() {
        let registers = Registers::built_in().expect("registers");
        let register = registers.get("impact_assessment").expect("the register");
        let pairs = [
            ("field.name", " Loan support "),
            ("field.scope", "all\nof it\n"),
            ("field.functions", "answers\n\n  sums up \n"),
            ("field.personal_data", "true"),
            ("field.purpose", "   "),
            ("name", "not a field"),
            ("csrf", "x"),
        ];
        let form = Pairs::new(pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        let content = typed(register, &form);
        let wanted = json!({"name": "Loan support", "scope": "all\nof it", "functions": ["answers", "sums up"], "personal_data": true});
        assert_eq!(
            Value::Object(content),
            wanted,
            "a draft would be refused, or say something that nobody typed"
        );
    }

    #[test]
    fn a_number_that_is_none_is_kept_as_it_was_typed() {
        let text = "name = \"n\"\ntitle = \"N\"\nitem = \"n\"\npurpose = \"p\"\nserves = [\"8.4\"]\nabout = \"organisation\"\nreview_months = 0\ntriggers = []\n[approval]\nfour_eyes = true\nroles = [\"approver\"]\n[[state]]\nname = \"a\"\ntitle = \"A\"\n[[section]]\nname = \"s\"\ntitle = \"S\"\n[[section.field]]\nname = \"name\"\nlabel = \"Name\"\nkind = \"line\"\nrequired = true\n[[section.field]]\nname = \"owner\"\nlabel = \"Owner\"\nkind = \"person\"\nrequired = true\n[[section.field]]\nname = \"size\"\nlabel = \"Size\"\nkind = \"number\"\nmax = 9\n";
        let registers = Registers::default().with(text).expect("a register");
        let register = registers.get("n").expect("it");
        let of = |text: &str| {
            typed(register, &Pairs::new(vec![("field.size".to_owned(), text.to_owned())])).remove("size")
        };
        assert_eq!(of(" 7 "), Some(json!(7)));
        assert_eq!(
            of("many"),
            Some(json!("many")),
            "what somebody typed is gone before they read why it does not fit"
        );
        let size = register.field("size").expect("the field");
        let none = Choices { people: None, systems: None, people_left_out: "" };
        let shown = shown(size, of("many").as_ref(), &none);
        assert_eq!(
            (shown.kind, shown.value.as_str(), shown.limit.as_str()),
            ("number", "many", "A whole number, 0 to 9.")
        );
    }
}
