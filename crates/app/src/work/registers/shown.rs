//! Registers and items as they are shown.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tabellion_model::register::{Choice, Field, Register, RegisterState, Section, Transition, Waits};

use super::items::ItemSummary;
use crate::work::forms::{DigestForm, IdForm, Reference, RoleForm, Time};

/// Every register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Registers")]
pub struct RegistersShown {
    /// In the order in which lists show them.
    pub registers: Vec<RegisterShown>,
}

/// A register: what its items say, where they can stand, who decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Register")]
pub struct RegisterShown {
    /// Its name, as in paths.
    pub name: String,
    /// What people read.
    pub title: String,
    /// What one item is called.
    pub item: String,
    /// What it is for.
    pub purpose: String,
    /// Clauses and controls of ISO/IEC 42001 that it is evidence for.
    pub serves: Vec<String>,
    /// What its items are about.
    #[schemars(extend("enum" = ["one_per_system", "many_per_system", "system_or_organisation", "organisation"]))]
    pub about: &'static str,
    /// Months after which approved content is due for review; 0: never.
    pub review_months: u32,
    /// What asks for a new look by itself.
    pub triggers: Vec<&'static str>,
    /// Roles that open items, and nobody else; empty: whoever may write them.
    #[schemars(with = "Vec<RoleForm>")]
    pub opened_by: Vec<&'static str>,
    /// Whether items are approved; where they are not, they are worked on, and nothing of them is evidence.
    pub approves: bool,
    /// Whether an approver has to be somebody who neither wrote any of it nor put it forward.
    pub four_eyes: bool,
    /// Roles that may approve.
    #[schemars(with = "Vec<RoleForm>")]
    pub approval_roles: Vec<&'static str>,
    /// Where items can stand; they begin in the first.
    pub states: Vec<StateShown>,
    /// The steps between states.
    pub steps: Vec<StepShown>,
    /// Sections of the form.
    pub sections: Vec<SectionShown>,
    /// SHA-256 of the definition: what revisions name.
    #[schemars(with = "DigestForm")]
    pub definition: String,
}

/// A state of a register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterState")]
pub struct StateShown {
    /// The word in records.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Whether nothing changes any more.
    pub ended: bool,
    /// Whose turn it is there.
    #[schemars(extend("enum" = ["owner", "second_person", null]))]
    pub waits: Option<&'static str>,
}

/// A step between states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterStep")]
pub struct StepShown {
    /// Where it begins.
    pub from: Vec<String>,
    /// Where it leads.
    pub to: String,
    /// Roles that may take it.
    #[schemars(with = "Vec<RoleForm>")]
    pub roles: Vec<&'static str>,
    /// Whether the newest revision has to be approved.
    pub approved: bool,
    /// Fields that have to be filled in.
    pub needs: Vec<String>,
    /// Whether it has to be somebody who wrote nothing of what is approved, or of what the step needs.
    pub second_person: bool,
}

/// Fields that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterSection")]
pub struct SectionShown {
    /// Its name.
    pub name: String,
    /// What people read above it.
    pub title: String,
    /// What to know before filling it in; empty: nothing.
    pub help: String,
    /// Its fields.
    pub fields: Vec<FieldShown>,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterField")]
pub struct FieldShown {
    /// Member of the content.
    pub name: String,
    /// What people read beside it.
    pub label: String,
    /// What to write there; empty: nothing to say.
    pub help: String,
    /// What it holds.
    #[schemars(extend("enum" = ["line", "text", "choice", "choices", "list", "person", "system", "date", "yes_no", "number", "references"]))]
    pub kind: &'static str,
    /// Whether an item is incomplete without it.
    pub required: bool,
    /// Whether a change of it asks others to look again.
    pub material: bool,
    /// Whether it stays as it was when the item was opened.
    pub fixed: bool,
    /// The options of a choice.
    pub options: Vec<OptionShown>,
    /// Most characters of a text, items of a list, or the largest number.
    pub max: Option<u64>,
}

/// An option of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterOption")]
pub struct OptionShown {
    /// The word in content.
    pub word: String,
    /// What people read.
    pub label: String,
}

/// An item of a register. What was erased is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterItem")]
pub struct Item {
    /// How it stands.
    pub summary: ItemSummary,
    /// What its newest revision says.
    pub content: Option<Map<String, Value>>,
    /// Digest of the newest revision: what an approver decides on.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// Required fields that are not filled in, by the register as it is now.
    pub missing: Vec<String>,
    /// Sections that lack any of them.
    pub incomplete_sections: Vec<String>,
    /// Who wrote any revision since the last approval; while there is none, who wrote what was approved.
    #[schemars(with = "Vec<IdForm>")]
    pub authors: Vec<String>,
    /// Who opened it.
    #[schemars(with = "IdForm")]
    pub opened_by: String,
    /// Who put the newest revision forward.
    #[schemars(with = "Option<IdForm>")]
    pub submitter: Option<String>,
    /// Whether the one who asks may approve it now or give it back.
    pub may_decide: bool,
    /// The states that the one who asks may move it to now.
    pub next_states: Vec<String>,
    /// Why a new look is asked for.
    pub refreshes: Vec<RefreshShown>,
    /// Its first record.
    pub created: Reference,
    /// The record of the newest revision.
    pub saved: Reference,
}

/// An approval that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterApproval")]
pub struct ApprovalShown {
    /// What was approved.
    #[schemars(with = "DigestForm")]
    pub digest: String,
    /// When.
    pub at: Time,
    /// By whom.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// What it depends on; empty: nothing.
    pub conditions: String,
    /// When it is due for review.
    pub next_review_at: Option<Time>,
    /// Index of the entry.
    pub index: u64,
}

/// A wish for a new look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterRefresh")]
pub struct RefreshShown {
    /// When.
    pub at: Time,
    /// What asks.
    #[schemars(extend("enum" = ["model_not_named", "material_change", null]))]
    pub trigger: Option<&'static str>,
    /// The model that the approved content does not name.
    pub model: Option<String>,
    /// Material fields that changed, as register.field.
    pub fields: Vec<String>,
    /// The record that showed it: a call, or the revision that changed.
    #[schemars(with = "Option<IdForm>")]
    pub cause: Option<String>,
    /// Its record.
    pub recorded: Reference,
}

impl RegisterShown {
    pub(super) fn of(register: &Register) -> Self {
        Self {
            name: register.name.clone(),
            title: register.title.clone(),
            item: register.item.clone(),
            purpose: register.purpose.clone(),
            serves: register.serves.clone(),
            about: register.about.as_str(),
            review_months: register.review_months,
            triggers: register.triggers.iter().map(|trigger| trigger.as_str()).collect(),
            opened_by: register.opened_by.iter().map(|role| role.as_str()).collect(),
            approves: register.approves(),
            four_eyes: register.approval.as_ref().is_some_and(|approval| approval.four_eyes),
            approval_roles: register
                .approval
                .iter()
                .flat_map(|approval| &approval.roles)
                .map(|role| role.as_str())
                .collect(),
            states: register.states.iter().map(state).collect(),
            steps: register.transitions.iter().map(step).collect(),
            sections: register.sections.iter().map(section).collect(),
            definition: register.digest.to_hex(),
        }
    }
}

fn state(state: &RegisterState) -> StateShown {
    StateShown {
        name: state.name.clone(),
        title: state.title.clone(),
        ended: state.ended,
        waits: state.waits.map(Waits::as_str),
    }
}

fn step(step: &Transition) -> StepShown {
    StepShown {
        from: step.from.iter().cloned().collect(),
        to: step.to.clone(),
        roles: step.roles.iter().map(|role| role.as_str()).collect(),
        approved: step.approved,
        needs: step.needs.iter().cloned().collect(),
        second_person: step.second_person,
    }
}

fn section(section: &Section) -> SectionShown {
    SectionShown {
        name: section.name.clone(),
        title: section.title.clone(),
        help: section.help.clone(),
        fields: section.fields.iter().map(field).collect(),
    }
}

fn field(field: &Field) -> FieldShown {
    let option = |option: &Choice| OptionShown { word: option.word.clone(), label: option.label.clone() };
    FieldShown {
        name: field.name.clone(),
        label: field.label.clone(),
        help: field.help.clone(),
        kind: field.kind.as_str(),
        required: field.required,
        material: field.material,
        fixed: field.fixed,
        options: field.options.iter().map(option).collect(),
        max: field.most(),
    }
}
