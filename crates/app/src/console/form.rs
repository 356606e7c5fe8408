//! Forms: their fields, what was typed kept when it is refused, a summary of faults that leads to the fields.
//!
//! Promises: every form carries the proof of the session, an idempotency key and, where something changes, the version that was read; so that
//! another site cannot send it, sending it twice records once, and nobody overwrites what they have not seen.

use askama::Template;

use super::block::{Block, fold};
use super::pairs::Pairs;
use super::visit::Visit;
use crate::refusal::{Code, Refusal};

/// How a field is typed.
pub(crate) enum Kind {
    /// One line.
    Line,
    /// Several lines: how many are shown.
    Area(u8),
    /// A program: several lines, in a fixed pitch.
    Code(u8),
    /// One of these: value, label.
    Select(Vec<(String, String)>),
    /// Any of these: value, label.
    Checks(Vec<(String, String)>),
    /// One of these, each with its consequence: value, label, what follows.
    Radio(Vec<(String, String, String)>),
    /// A day.
    Day,
}

/// A field.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// What stands in it at first.
    pub(crate) values: Vec<String>,
}

impl Field {
    /// A field that must be filled in.
    pub(crate) fn new(name: &'static str, label: &'static str, kind: Kind) -> Self {
        Self { name, label, hint: "", kind, required: true, values: Vec::new() }
    }

    /// With a sentence below its label.
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// May be left out.
    pub(crate) fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// Whether whole sentences stand in it.
    fn is_written(&self) -> bool {
        matches!(self.kind, Kind::Area(_) | Kind::Code(_)) || self.name == "reason"
    }

    /// With what stands in it at first.
    pub(crate) fn value(self, value: impl Into<String>) -> Self {
        Self { values: vec![value.into()], ..self }
    }
}

/// A form as a page describes it.
pub(crate) struct Form {
    /// Also the first part of its fields' ids.
    pub(crate) id: &'static str,
    pub(crate) action: String,
    pub(crate) submit: &'static str,
    pub(crate) fields: Vec<Field>,
    /// The version that what it changes was read at.
    pub(crate) version: Option<u64>,
    /// Whether it ends something for good.
    pub(crate) ends: bool,
    /// What follows, said before it is done.
    pub(crate) consequence: &'static str,
    /// Where to go without doing it.
    pub(crate) cancel: String,
    /// What the form says without being typed, such as the digest that was shown.
    pub(crate) said: Vec<(&'static str, String)>,
    /// Whether the browser keeps nothing of it either, whatever is written in it.
    pub(crate) keeps_no_draft: bool,
}

/// What was typed, and why it was refused.
pub(crate) struct Refused<'a> {
    /// The form that was sent.
    pub(crate) id: &'static str,
    pub(crate) typed: &'a Pairs,
    pub(crate) refusal: &'a Refusal,
}

struct Choice {
    value: String,
    label: String,
    follows: String,
    chosen: bool,
}

struct Shown {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    kind: &'static str,
    rows: u8,
    required: bool,
    value: String,
    options: Vec<Choice>,
    fault: String,
}

impl Shown {
    /// Ids of the texts that describe it.
    fn described_by(&self, id: &str) -> String {
        let hint = if self.hint.is_empty() { String::new() } else { format!("{id}-{}-hint ", self.name) };
        let fault = if self.fault.is_empty() { String::new() } else { format!("{id}-{}-fault", self.name) };
        format!("{hint}{fault}").trim_end().to_owned()
    }
}

#[derive(Template)]
#[template(path = "console/form.html")]
struct FormView {
    id: &'static str,
    action: String,
    submit: &'static str,
    fields: Vec<Shown>,
    hidden: Vec<(&'static str, String)>,
    /// Whether somebody writes in it what they would not want to lose.
    drafted: bool,
    ends: bool,
    consequence: &'static str,
    cancel: String,
    problem: String,
    remedy: String,
}

impl FormView {
    fn faults(&self) -> impl Iterator<Item = &Shown> {
        self.fields.iter().filter(|field| !field.fault.is_empty())
    }
}

impl Form {
    /// A form with these fields.
    pub(crate) fn new(id: &'static str, action: String, submit: &'static str, fields: Vec<Field>) -> Self {
        Self {
            id,
            action,
            submit,
            fields,
            version: None,
            ends: false,
            consequence: "",
            cancel: String::new(),
            said: Vec::new(),
            keeps_no_draft: false,
        }
    }

    /// The form that ends what was read at `version`, with the reason for it.
    pub(crate) fn ending(
        id: &'static str,
        action: String,
        submit: &'static str,
        version: u64,
        consequence: &'static str,
    ) -> Self {
        let why = Field::new("reason", "Why", Kind::Area(2)).hint("For the reader of the history.");
        let version = Some(version);
        Self { version, ends: true, consequence, ..Self::new(id, action, submit, vec![why]) }
    }

    /// The block behind its own name, for what is done seldom; open where it was this form that was refused.
    pub(crate) fn folded(
        self,
        visit: &Visit<'_>,
        title: &str,
        refused: Option<&Refused<'_>>,
    ) -> Result<Block, Refusal> {
        let (id, open) = (self.id, refused.is_some_and(|refused| refused.id == self.id));
        fold(id, title, open, self.block(visit, refused)?)
    }

    /// The block; with `refused`, when it was this form, what was typed and what was wrong.
    pub(crate) fn block(self, visit: &Visit<'_>, refused: Option<&Refused<'_>>) -> Result<Block, Refusal> {
        // Nothing is done in the past.
        if visit.moment.is_some() {
            return Ok(Block::nothing());
        }
        let refused = refused.filter(|refused| refused.id == self.id);
        let drafted = !self.keeps_no_draft && self.fields.iter().any(Field::is_written);
        let mut fields: Vec<Shown> =
            self.fields.into_iter().map(|field| shown(field, refused.map(|refused| refused.typed))).collect();
        let (mut problem, mut remedy) = (String::new(), String::new());
        if let Some(Refused { refusal, .. }) = refused {
            let said = match changed_meanwhile(refusal.code) {
                Some(what) => vec![(None, what.to_owned())],
                None => faults(refusal),
            };
            for (name, what) in said {
                match fields.iter_mut().find(|field| Some(field.name) == name.as_deref()) {
                    // Of a list, one sentence is enough.
                    Some(field) if field.fault.is_empty() => field.fault = what,
                    Some(_) => {}
                    None => problem = what,
                }
            }
            if problem.is_empty() {
                "Nothing was recorded.".clone_into(&mut problem);
            }
            refusal_remedy(refusal).clone_into(&mut remedy);
        }
        let once = once(visit, refused)?;
        let mut hidden = vec![
            ("csrf", visit.csrf.clone().unwrap_or_default()),
            ("once", once),
            ("form", self.id.to_owned()),
        ];
        hidden.extend(self.version.map(|version| ("version", version.to_string())));
        hidden.extend(self.said);
        Block::of(&FormView {
            id: self.id,
            action: self.action,
            submit: self.submit,
            fields,
            hidden,
            drafted,
            ends: self.ends,
            consequence: self.consequence,
            cancel: self.cancel,
            problem,
            remedy,
        })
    }
}

/// The idempotency key of a form. One that comes back keeps it only when the first request may have been carried out.
pub(crate) fn once(visit: &Visit<'_>, refused: Option<&Refused<'_>>) -> Result<String, Refusal> {
    let may_be_done = |refused: &&Refused<'_>| {
        matches!(refused.refusal.code, Code::ViewBehind | Code::Unavailable | Code::StorageFull)
    };
    match refused.filter(may_be_done).and_then(|refused| refused.typed.get("once")) {
        Some(once) => Ok(once.to_owned()),
        None => Ok(hex::encode(visit.desk.random_id()?)),
    }
}

/// Every field that a refusal is about, and what is wrong there.
fn faults(refusal: &Refusal) -> Vec<(Option<String>, String)> {
    if refusal.errors.is_empty() {
        return vec![fault(refusal.pointer.as_deref(), &refusal.detail)];
    }
    refusal.errors.iter().map(|error| fault(Some(&error.pointer), &error.detail)).collect()
}

/// The field that `pointer` leads to, and what is wrong there.
fn fault(pointer: Option<&str>, detail: &str) -> (Option<String>, String) {
    let Some(pointer) = pointer.filter(|pointer| !pointer.is_empty()) else {
        return (None, sentence(detail));
    };
    let name = pointer.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let what = detail.strip_prefix(pointer).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(detail);
    (Some(name), sentence(what))
}

/// What happened where somebody else was faster, without the versions and digests that programs compare.
fn changed_meanwhile(code: Code) -> Option<&'static str> {
    match code {
        Code::Stale => Some("Nothing was recorded: somebody else changed it meanwhile."),
        Code::NotWhatWasShown => {
            Some("Nothing was recorded: what stands here now is not what you were shown.")
        }
        _ => None,
    }
}

/// What to do, unless the field says it already or it speaks of the API.
pub(crate) fn refusal_remedy(refusal: &Refusal) -> &'static str {
    match refusal.code {
        Code::Malformed => "",
        Code::Stale | Code::Conflict => {
            "It changed while you were writing. What you typed is kept below; what is true now stands above it."
        }
        Code::NotWhatWasShown => "Read it again; what you typed is kept below.",
        Code::VersionRequired => "Open the page anew, so that you change what you have seen.",
        Code::ViewBehind | Code::Unavailable => {
            "Send it again in a moment; it is recorded once, however often you send it."
        }
        code => code.remedy(),
    }
}

/// With a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}

fn shown(field: Field, typed: Option<&Pairs>) -> Shown {
    let values = match typed {
        Some(typed) => typed.all(field.name).map(str::to_owned).collect(),
        None => field.values,
    };
    let option = |value: String, label: String, follows: String| {
        let chosen = values.contains(&value);
        Choice { value, label, follows, chosen }
    };
    let plain = |options: Vec<(String, String)>| {
        options.into_iter().map(|(value, label)| option(value, label, String::new())).collect()
    };
    let (kind, rows, options) = match field.kind {
        Kind::Line => ("text", 0, Vec::new()),
        Kind::Area(rows) => ("area", rows, Vec::new()),
        Kind::Code(rows) => ("code", rows, Vec::new()),
        Kind::Day => ("date", 0, Vec::new()),
        Kind::Select(options) => ("select", 0, plain(options)),
        Kind::Checks(options) => ("checks", 0, plain(options)),
        Kind::Radio(options) => (
            "radio",
            0,
            options.into_iter().map(|(value, label, follows)| option(value, label, follows)).collect(),
        ),
    };
    Shown {
        name: field.name,
        label: field.label,
        hint: field.hint,
        kind,
        rows,
        required: field.required,
        value: values.first().cloned().unwrap_or_default(),
        options,
        fault: String::new(),
    }
}

/// The words of a list that was typed with commas or on lines of their own.
pub(crate) fn list(text: &str) -> Vec<&str> {
    text.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_said_at_its_field_and_as_a_sentence() {
        let refusal = Refusal::at(Code::Malformed, "/purposes/1", "/purposes/1: a short word has no blanks");
        assert_eq!(
            faults(&refusal),
            [(Some("purposes".to_owned()), "A short word has no blanks.".to_owned())],
            "a person would have to know JSON pointers"
        );
        assert_eq!(list("loan-support, triage\n\n x "), ["loan-support", "triage", "x"]);
    }
}
