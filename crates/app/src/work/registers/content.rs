//! What an item may say: every fault of a content at once, each at its field.
//!
//! Promises: whoever corrects what is named is not told of something else afterwards. What is written only once an item is open is not taken before.

use serde_json::Value;
use tabellion_model::body::Role;
use tabellion_model::register::{Content, Field, Kind, Register, Section, Waits};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::query::ItemRow;

use crate::permission::{Permission, Reach, permitted};
use crate::refusal::{Code, FieldError, Refusal};
use crate::work::Desk;

/// Most fields that the sentence of one refusal names; all of them are in its list.
const MAX_NAMED: usize = 20;

/// For what a content is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// For the first revision of an item.
    Opening,
    /// For a later one.
    Saving,
}

impl Desk {
    /// Refuses content with a fault, that names somebody or something nobody knows, that lacks what has to be there, or that says before its time what is
    /// said later: all of it in one refusal.
    pub(super) fn check_content(
        &self,
        register: &Register,
        content: &Content,
        moment: Moment,
    ) -> Result<(), Refusal> {
        let checked = register.check(content);
        let mut faults: Vec<FieldError> = checked
            .faults
            .iter()
            .map(|fault| FieldError {
                pointer: pointer(&fault.field),
                detail: format!("{}: {}", fault.label, fault.sentence),
            })
            .collect();
        if moment == Moment::Opening {
            let early = register.sections.iter().filter(|section| is_written_later(register, section));
            let early = early.flat_map(|section| &section.fields);
            faults.extend(early.filter(|field| content.contains_key(&field.name)).map(|field| FieldError {
                pointer: pointer(&field.name),
                detail: format!(
                    "{}: it is written once the {} is open; leave it out now",
                    field.label, register.item
                ),
            }));
        }
        let sound = faults.is_empty();
        faults.extend(self.unknown_references(register, content)?);
        // Without an approval to wait for there is no draft: what is required is there from the first revision.
        let missing = if register.approves() { Vec::new() } else { checked.missing };
        if faults.is_empty() {
            return if missing.is_empty() { Ok(()) } else { Err(missing_fields(register, &missing)) };
        }
        let missing = missing.iter().filter_map(|name| register.field(name));
        faults.extend(missing.map(|field| FieldError {
            pointer: pointer(&field.name),
            detail: format!("{}: it is not filled in", field.label),
        }));
        let code = if sound { Code::UnknownReference } else { Code::ContentFaulty };
        Err(fields_at_fault(code, "", faults, "; "))
    }

    /// People and systems that are named and nobody knows.
    fn unknown_references(&self, register: &Register, content: &Content) -> Result<Vec<FieldError>, Refusal> {
        let mut unknown = Vec::new();
        for field in register.fields() {
            let Some(id) = content.get(&field.name).and_then(Value::as_str) else { continue };
            // What is no id at all is a fault of its form, and named as that.
            let known = match field.kind {
                Kind::Person => CredentialId::from_hex(id).map(|id| self.known(id)),
                Kind::System => SystemId::from_hex(id).map(|id| Ok(self.views.system(&id)?.is_some())),
                _ => continue,
            };
            if known.transpose()? == Some(false) {
                unknown.push(FieldError {
                    pointer: pointer(&field.name),
                    detail: format!("{}: nobody and nothing of this id is known here", field.label),
                });
            }
        }
        Ok(unknown)
    }

    /// Refuses to change what stays as it was when the item was opened.
    pub(super) fn check_fixed(
        &self,
        register: &Register,
        row: &ItemRow,
        content: &Content,
    ) -> Result<(), Refusal> {
        let mut fixed = register.fields().filter(|field| field.fixed).peekable();
        if fixed.peek().is_none() {
            return Ok(());
        }
        let Some(before) = self.views.register_content(row.saved.entry)? else {
            let text = "what was asked was erased, and nobody else can say it; open a new one";
            return Err(Refusal::new(Code::StateImpossible, text));
        };
        let changed = |field: &&Field| {
            before.get(&field.name).is_some_and(|stood| content.get(&field.name) != Some(stood))
        };
        let errors = fixed.filter(changed).map(|field| FieldError {
            pointer: pointer(&field.name),
            detail: format!(
                "{}: it stays as it was when the item was opened; open a new one to ask otherwise",
                field.label
            ),
        });
        let errors: Vec<FieldError> = errors.collect();
        if errors.is_empty() { Ok(()) } else { Err(fields_at_fault(Code::ContentFaulty, "", errors, "; ")) }
    }
}

/// Whether a section is written once the item is open: it holds what a step needs and nothing that has to be there from the beginning. Of what is approved
/// every section is part of the draft.
pub(crate) fn is_written_later(register: &Register, section: &Section) -> bool {
    let needed = |field: &Field| register.transitions.iter().any(|step| step.needs.contains(&field.name));
    !register.approves()
        && section.fields.iter().any(needed)
        && !section.fields.iter().any(|field| field.required)
}

/// Roles whose holders can do what an owner is asked for: write the item, and take a step from where it waits for them.
pub(crate) fn owner_roles(register: &Register) -> Vec<Role> {
    let turns: Vec<&str> = register
        .states
        .iter()
        .filter(|state| state.waits == Some(Waits::Owner))
        .map(|state| state.name.as_str())
        .collect();
    let steps = |role: &Role| {
        let mut from_there =
            register.transitions.iter().filter(|step| turns.iter().any(|turn| step.from.contains(*turn)));
        turns.is_empty() || from_there.any(|step| step.roles.contains(role))
    };
    let writes = |role: &Role| permitted(*role, Permission::EditRegisters) != Reach::Nothing;
    Role::ALL.into_iter().filter(|role| writes(role) && steps(role)).collect()
}

pub(super) fn check_complete(register: &Register, content: &Content) -> Result<(), Refusal> {
    let missing = register.check(content).missing;
    if missing.is_empty() { Ok(()) } else { Err(missing_fields(register, &missing)) }
}

/// What is said where fields have to be filled in first.
pub(super) fn missing_fields(register: &Register, missing: &[String]) -> Refusal {
    let fields = missing.iter().filter_map(|name| register.field(name));
    let errors =
        fields.map(|field| FieldError { pointer: pointer(&field.name), detail: field.label.clone() });
    let mut refusal = fields_at_fault(Code::Incomplete, "not filled in: ", errors.collect(), ", ");
    for error in &mut refusal.errors {
        error.detail.push_str(": it is not filled in");
    }
    refusal
}

/// What is wrong with what an item is about, together with what is wrong with what it says.
pub(super) fn with_content(about: Refusal, content: Result<(), Refusal>) -> Refusal {
    let (Some(pointer), Err(content)) = (about.pointer.clone(), content) else { return about };
    // Whoever may not is told that alone.
    if about.code == Code::NotPermitted {
        return about;
    }
    let mut errors = vec![FieldError { pointer, detail: about.detail.clone() }];
    errors.extend(content.errors);
    Refusal::of_fields(about.code, format!("{}; {}", about.detail, content.detail), errors)
}

fn pointer(field: &str) -> String {
    format!("/content/{}", field.replace('~', "~0").replace('/', "~1"))
}

/// A refusal that names the first fields in its sentence and all of them in its list.
fn fields_at_fault(code: Code, before: &str, errors: Vec<FieldError>, between: &str) -> Refusal {
    let named: Vec<&str> = errors.iter().take(MAX_NAMED).map(|error| error.detail.as_str()).collect();
    let more = match errors.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Refusal::of_fields(code, format!("{before}{}{more}", named.join(between)), errors)
}
