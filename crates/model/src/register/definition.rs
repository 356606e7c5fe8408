//! Definitions of registers: one TOML file each, read strictly.
//!
//! Promises: a definition that parses is consistent: every name once, every transition between known states, every choice with options, and the
//! fields that lists are made of are there. Must never: guess what an author of a file meant.

use std::collections::BTreeSet;

use serde::Deserialize;
use tabellion_tlog::{Hash, sha256};

use super::field::{Field, Kind};
use super::words::RefreshTrigger;
use crate::body::Role;
use crate::catalogue::Reference;

/// Largest file of a definition.
pub const MAX_DEFINITION_BYTES: usize = 128 << 10;
/// Longest name of a register: it stands in stream names, which have 128 bytes.
const MAX_NAME_BYTES: usize = 40;
/// Most fields of a register: a form that somebody still fills in.
const MAX_FIELDS: usize = 200;
/// Most options of one field.
const MAX_OPTIONS: usize = 64;
/// Most states of a register.
const MAX_STATES: usize = 16;
/// Longest title, label or help text, in characters.
const MAX_WORDS_CHARS: usize = 600;
/// Longest time between reviews, in months: ten years.
const MAX_REVIEW_MONTHS: u32 = 120;

/// Why a definition is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the register {register}: {problem}. See docs/registers.md")]
pub struct DefinitionFault {
    /// The register's name, as far as it is known.
    pub register: String,
    /// What is wrong.
    pub problem: String,
}

/// What the items of a register are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// One item for each AI system, under the system's id.
    OnePerSystem,
    /// Any number for each AI system. An item that names no system speaks for the whole organisation, and is marked as that.
    ManyPerSystem,
    /// Any number, each about one AI system or about the organisation, which is as good.
    SystemOrOrganisation,
    /// The organisation.
    Organisation,
}

impl About {
    /// The word in definitions and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnePerSystem => "one_per_system",
            Self::ManyPerSystem => "many_per_system",
            Self::SystemOrOrganisation => "system_or_organisation",
            Self::Organisation => "organisation",
        }
    }
}

/// Who approves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Whether it has to be somebody who neither wrote any of it nor put it forward.
    pub four_eyes: bool,
    /// Roles that may approve.
    pub roles: BTreeSet<Role>,
}

/// Where an item can stand. The first of a definition is where it begins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterState {
    /// The word in records.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Whether nothing changes any more.
    #[serde(default)]
    pub ended: bool,
    /// Whose turn it is; none: nobody's in particular.
    #[serde(default)]
    pub waits: Option<Waits>,
}

/// Whose turn it is while an item stands in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// Whoever answers for the item.
    Owner,
    /// Whoever takes a step from there that takes a second person.
    SecondPerson,
}

impl Waits {
    /// The word in definitions and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::SecondPerson => "second_person",
        }
    }
}

/// A step from one of several states to another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Where it begins.
    pub from: BTreeSet<String>,
    /// Where it leads.
    pub to: String,
    /// Roles that may take it.
    pub roles: BTreeSet<Role>,
    /// Whether the newest revision has to be approved.
    #[serde(default)]
    pub approved: bool,
    /// Fields that have to be filled in.
    #[serde(default)]
    pub needs: BTreeSet<String>,
    /// Whether it has to be somebody who wrote nothing of what is approved; in a register without approvals nothing of what the step needs, and who did
    /// not take the step before, unless that ended the item.
    #[serde(default)]
    pub second_person: bool,
}

/// Fields that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its name, unique in the register.
    pub name: String,
    /// What people read above it.
    pub title: String,
    /// What to know before filling it in.
    #[serde(default)]
    pub help: String,
    /// Its fields.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
}

/// A register.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Its name, `[a-z][a-z0-9_]*`.
    pub name: String,
    /// What people read.
    pub title: String,
    /// What one item is called.
    pub item: String,
    /// What the register is for.
    pub purpose: String,
    /// Clauses and controls of ISO/IEC 42001 that it is evidence for.
    pub serves: Vec<String>,
    /// What its items are about.
    pub about: About,
    /// Months after which approved content is due for review; 0: never.
    pub review_months: u32,
    /// What asks for a new look by itself.
    pub triggers: BTreeSet<RefreshTrigger>,
    /// Who opens items, and nobody else; empty: whoever may write them.
    #[serde(default)]
    pub opened_by: BTreeSet<Role>,
    /// Who approves; none: items are worked on and never approved, so there are no drafts either.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// Where items can stand.
    #[serde(rename = "state")]
    pub states: Vec<RegisterState>,
    /// The steps between states.
    #[serde(rename = "transition", default)]
    pub transitions: Vec<Transition>,
    /// Sections of the form.
    #[serde(rename = "section")]
    pub sections: Vec<Section>,
    /// SHA-256 of the file: what revisions name, so that a reader knows by which form they were judged.
    #[serde(skip, default = "no_digest")]
    pub digest: Hash,
}

fn no_digest() -> Hash {
    Hash([0; 32])
}

impl Register {
    /// Reads a definition.
    pub fn parse(text: &str) -> Result<Self, DefinitionFault> {
        let unnamed = |problem: String| DefinitionFault { register: "definition".to_owned(), problem };
        if text.len() > MAX_DEFINITION_BYTES {
            return Err(unnamed(format!(
                "it has {} bytes; at most {MAX_DEFINITION_BYTES} are possible",
                text.len()
            )));
        }
        let mut register: Self = toml::from_str(text).map_err(|error| unnamed(error.to_string()))?;
        register.digest = sha256(text.as_bytes());
        match register.inconsistency() {
            None => Ok(register),
            Some(problem) => {
                Err(DefinitionFault { register: register.name.chars().take(80).collect(), problem })
            }
        }
    }

    /// All fields, in the order of the form.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.sections.iter().flat_map(|section| &section.fields)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().find(|field| field.name == name)
    }

    /// Whether its items wait for an approval before they count. Without, they are worked on, and complete from the first revision.
    pub fn approves(&self) -> bool {
        self.approval.is_some()
    }

    /// Names of the states in which nothing changes any more.
    pub fn ended_states(&self) -> impl Iterator<Item = &str> {
        self.states.iter().filter(|state| state.ended).map(|state| state.name.as_str())
    }

    /// Where items begin.
    pub fn first_state(&self) -> &str {
        self.states.first().map_or("", |state| state.name.as_str())
    }

    /// The state of this name.
    pub fn state(&self, name: &str) -> Option<&RegisterState> {
        self.states.iter().find(|state| state.name == name)
    }

    /// The step from one state to another.
    pub fn transition(&self, from: &str, to: &str) -> Option<&Transition> {
        self.transitions.iter().find(|step| step.to == to && step.from.contains(from))
    }

    /// The first thing that contradicts another.
    fn inconsistency(&self) -> Option<String> {
        if !is_name(&self.name) {
            return Some(format!("the name {:?} is not {NAME_FORM}", self.name));
        }
        let words = [&self.title, &self.item, &self.purpose];
        if words.iter().any(|text| !is_shown(text)) {
            return Some(format!("title, item and purpose need text, at most {MAX_WORDS_CHARS} characters"));
        }
        if self.review_months > MAX_REVIEW_MONTHS {
            return Some(format!("review_months is above {MAX_REVIEW_MONTHS}"));
        }
        match &self.approval {
            Some(approval) if approval.roles.is_empty() => {
                return Some("nobody may approve: approval.roles is empty".to_owned());
            }
            // What counts for a clause or control was approved; so is what is reviewed.
            None if !self.serves.is_empty() || self.review_months > 0 || !self.triggers.is_empty() => {
                return Some("without approval nothing is evidence: serves and triggers have to be empty, review_months 0".to_owned());
            }
            _ => {}
        }
        if let Some(odd) = self.serves.iter().find_map(|reference| Reference::parse(reference).err()) {
            return Some(format!("serves: {odd}"));
        }
        self.odd_states().or_else(|| self.odd_fields())
    }

    fn odd_states(&self) -> Option<String> {
        let names: Vec<&str> = self.states.iter().map(|state| state.name.as_str()).collect();
        if let Some(problem) = odd_names("state", &names, MAX_STATES) {
            return Some(problem);
        }
        if self.states.first().is_some_and(|first| first.ended) {
            return Some("the first state, where items begin, is ended".to_owned());
        }
        for step in &self.transitions {
            let mut ends = step.from.iter().chain([&step.to]);
            if let Some(unknown) = ends.find(|name| !names.contains(&name.as_str())) {
                return Some(format!("a transition names the state {unknown:?}, which is not defined"));
            }
            if step.from.is_empty() || step.roles.is_empty() || step.from.contains(&step.to) {
                return Some(format!(
                    "the transition to {} has no from, no roles, or leads nowhere",
                    step.to
                ));
            }
            if let Some(unknown) = step.needs.iter().find(|name| self.field(name).is_none()) {
                return Some(format!("the transition to {} needs {unknown:?}, which is no field", step.to));
            }
            if step.approved && self.approval.is_none() {
                return Some(format!(
                    "the transition to {} waits for an approval, and there are none",
                    step.to
                ));
            }
            if step.second_person && self.approval.is_none() && step.needs.is_empty() {
                return Some(format!(
                    "the transition to {} takes a second person, and needs no field that somebody wrote",
                    step.to
                ));
            }
            let is_ended = |name: &&String| self.state(name).is_some_and(|state| state.ended);
            if let Some(ended) = step.from.iter().find(is_ended).filter(|_| !step.second_person) {
                return Some(format!(
                    "a transition leads out of {ended}, which is ended, and takes no second person"
                ));
            }
        }
        if let Some(problem) = self.odd_turns() {
            return Some(problem);
        }
        let way_out =
            |state: &RegisterState| self.transitions.iter().any(|step| step.from.contains(&state.name));
        if let Some(end) = self.states.iter().find(|state| state.ended && !way_out(state))
            && self.about == About::OnePerSystem
        {
            return Some(format!(
                "no transition leads out of {}, so a system whose item ended there could never have one again",
                end.name
            ));
        }
        for (number, step) in self.transitions.iter().enumerate() {
            let before = self.transitions.iter().take(number);
            if before.into_iter().any(|other| other.to == step.to && !other.from.is_disjoint(&step.from)) {
                return Some(format!("two transitions lead to {} from the same state", step.to));
            }
        }
        None
    }

    /// A state that waits for somebody who could do nothing there.
    fn odd_turns(&self) -> Option<String> {
        let idle = self.states.iter().find(|state| {
            let mut steps = self.transitions.iter().filter(|step| step.from.contains(&state.name));
            match state.waits {
                None => false,
                Some(Waits::Owner) => state.ended || steps.next().is_none(),
                Some(Waits::SecondPerson) => state.ended || !steps.any(|step| step.second_person),
            }
        })?;
        Some(format!("the state {} waits for somebody who can take no step from there", idle.name))
    }

    fn odd_fields(&self) -> Option<String> {
        let sections: Vec<&str> = self.sections.iter().map(|section| section.name.as_str()).collect();
        let fields: Vec<&str> = self.fields().map(|field| field.name.as_str()).collect();
        let odd =
            odd_names("section", &sections, MAX_FIELDS).or_else(|| odd_names("field", &fields, MAX_FIELDS));
        if odd.is_some() {
            return odd;
        }
        if let Some(section) = self.sections.iter().find(|section| !is_shown(&section.title)) {
            return Some(format!("the section {} has no title", section.name));
        }
        // Lists, inboxes and the comparison with traffic are made from these, whatever the register.
        for (name, kind, needed) in [
            ("name", Kind::Line, true),
            ("owner", Kind::Person, true),
            ("models", Kind::List, false),
            ("due", Kind::Date, false),
            ("references", Kind::References, false),
        ] {
            match self.field(name) {
                None if needed => return Some(format!("it has no field {name}, which lists are made from")),
                Some(field) if field.kind != kind || (needed && !field.required) => {
                    let required = if needed { ", and required" } else { "" };
                    return Some(format!("its field {name} has to be a {}{required}", kind.as_str()));
                }
                _ => {}
            }
        }
        self.fields().find_map(odd_field)
    }
}

fn odd_field(field: &Field) -> Option<String> {
    let name = &field.name;
    if !is_shown(&field.label) || field.help.chars().count() > MAX_WORDS_CHARS {
        return Some(format!(
            "the field {name} has no label, or a text longer than {MAX_WORDS_CHARS} characters"
        ));
    }
    let choosing = matches!(field.kind, Kind::Choice | Kind::Choices);
    if choosing == field.options.is_empty() {
        return Some(format!("the field {name}: options belong to choice and choices, and those need some"));
    }
    if field.options.iter().any(|option| option.adverse) && !(field.kind == Kind::Choice && field.required) {
        return Some(format!("the field {name}: an adverse option belongs to a required choice"));
    }
    let words: Vec<&str> = field.options.iter().map(|option| option.word.as_str()).collect();
    if choosing && let Some(problem) = odd_names("option", &words, MAX_OPTIONS) {
        return Some(format!("the field {name}: {problem}"));
    }
    let fits = match (field.max, field.kind.most()) {
        (None, _) => true,
        (Some(max), Some(most)) => (1..=most).contains(&max),
        (Some(_), None) => false,
    };
    (!fits).then(|| format!("the field {name} has a max that a {} does not take", field.kind.as_str()))
}

const NAME_FORM: &str = "lower-case letters, digits and underscores, a letter first, at most 40";

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= MAX_NAME_BYTES
        && text.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(plain)
}

fn is_shown(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_WORDS_CHARS && !text.chars().any(char::is_control)
}

fn odd_names(what: &str, names: &[&str], most: usize) -> Option<String> {
    if names.is_empty() || names.len() > most {
        return Some(format!("it has {} {what}s; 1 to {most} are possible", names.len()));
    }
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Some(format!("the {what} {name:?} is not {NAME_FORM}"));
    }
    let mut seen = BTreeSet::new();
    names.iter().find(|name| !seen.insert(**name)).map(|name| format!("the {what} {name} is there twice"))
}
