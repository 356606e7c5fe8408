//! The history of an item: every record about it, with what each revision changed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tabellion_model::body::Role;
use tabellion_model::register::{Content, Decision, FieldChange, RefreshTrigger, Register, changes};
use tabellion_model::{CredentialId, ItemId, RecordId};
use tabellion_views::query::{ActRow, Done, RevisionRow};

use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::asking::refer;
use crate::work::forms::{DigestForm, IdForm, Reference, RoleForm, Time};
use crate::work::{Actor, Desk};

/// Most records of one answer, the newest.
const MAX_EVENTS: usize = 500;

/// One field that a revision changed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterChange")]
pub struct Change {
    /// The field.
    pub field: String,
    /// What people read beside it.
    pub label: String,
    /// Whether a change of it asks others to look again.
    pub material: bool,
    /// What stood there; null: nothing.
    pub before: Value,
    /// What stands there now; null: nothing.
    pub after: Value,
}

/// One record about an item. What the kind does not have, and what was erased, is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterEvent")]
pub struct Event {
    /// What was done.
    #[schemars(extend("enum" = ["saved", "submitted", "decided", "moved", "refresh_opened", "refused", "noted"]))]
    pub kind: String,
    /// When.
    pub at: Time,
    /// By whom.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// Who handed out the link that began their session; null: it names no session.
    #[schemars(with = "Option<IdForm>")]
    pub let_in_by: Option<String>,
    /// Its record.
    pub recorded: Reference,
    /// Number of the revision that it saved.
    pub revision: Option<u64>,
    /// The digest of what it saved or was about.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// The fields that it changed; null where one of the two revisions was erased.
    pub changes: Option<Vec<Change>>,
    /// What was decided.
    #[schemars(extend("enum" = ["approved", "returned", null]))]
    pub decision: Option<&'static str>,
    /// Under which role.
    #[schemars(with = "Option<RoleForm>")]
    pub role: Option<&'static str>,
    /// On which conditions.
    pub conditions: Option<String>,
    /// Why; of a refusal, its code; of a remark, the remark.
    pub reason: Option<String>,
    /// When the content is due for review.
    pub next_review_at: Option<Time>,
    /// Where it was moved to.
    pub state: Option<String>,
    /// What asked for a new look.
    #[schemars(extend("enum" = ["model_not_named", "material_change", null]))]
    pub trigger: Option<&'static str>,
    /// The model that was not named.
    pub model: Option<String>,
    /// Material fields that changed elsewhere, as register.field.
    pub fields: Option<Vec<String>>,
    /// The record that showed it.
    #[schemars(with = "Option<IdForm>")]
    pub cause: Option<String>,
}

/// The history of an item.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterHistory")]
pub struct History {
    /// Newest first.
    pub events: Vec<Event>,
    /// Whether older ones were left out.
    pub more: bool,
}

impl Desk {
    /// The history of one item.
    pub fn register_history(&self, actor: &Actor, register: &str, item: ItemId) -> Result<History, Refusal> {
        let register = self.register(register)?;
        self.reach_item(actor, Permission::ReadRegisters, register, item)?;
        let revisions = self.views.register_revisions(&register.name, &item)?;
        let acts = self.views.register_acts(&register.name, &item)?;
        let total = revisions.len() + acts.len();
        let mut doors = Doors { desk: self, known: BTreeMap::new() };
        let mut events: Vec<(u64, Event)> = Vec::new();
        for act in acts {
            let let_in_by = doors.of(act.session)?;
            events.push((act.done.entry, Event { let_in_by, ..acted(act) }));
        }
        // Every revision is read once: it is what the next one is compared with.
        let mut before = Some(Content::new());
        let unseen = revisions.len().saturating_sub(MAX_EVENTS);
        for (number, row) in revisions.iter().enumerate() {
            if number + 1 < unseen {
                continue;
            }
            let content = self.views.register_content(row.done.entry)?;
            if number >= unseen {
                let changed =
                    before.zip(content.as_ref()).map(|(before, after)| diff(register, &before, after));
                let let_in_by = doors.of(row.session)?;
                events.push((row.done.entry, Event { let_in_by, ..saved(row, changed) }));
            }
            before = content;
        }
        events.sort_unstable_by_key(|(entry, _)| std::cmp::Reverse(*entry));
        events.truncate(MAX_EVENTS);
        let more = events.len() < total;
        Ok(History { events: events.into_iter().map(|(_, event)| event).collect(), more })
    }
}

/// Who let in the sessions of a history, each looked up once.
struct Doors<'d> {
    desk: &'d Desk,
    known: BTreeMap<RecordId, Option<CredentialId>>,
}

impl Doors<'_> {
    fn of(&mut self, session: Option<RecordId>) -> Result<Option<String>, Refusal> {
        let Some(session) = session else { return Ok(None) };
        if !self.known.contains_key(&session) {
            self.known.insert(session, self.desk.let_in_by(Some(&session))?);
        }
        Ok(self.known.get(&session).copied().flatten().map(|by| by.to_hex()))
    }
}

fn diff(register: &Register, before: &Content, after: &Content) -> Vec<Change> {
    let change = |change: FieldChange| Change {
        field: change.field,
        label: change.label,
        material: change.material,
        before: change.before.unwrap_or_default(),
        after: change.after.unwrap_or_default(),
    };
    changes(register, before, after).into_iter().map(change).collect()
}

fn event(kind: String, done: &Done, record_id: RecordId) -> Event {
    Event {
        kind,
        at: Time(done.at),
        by: done.by.to_hex(),
        let_in_by: None,
        recorded: refer(done.entry, record_id),
        revision: None,
        digest: None,
        changes: None,
        decision: None,
        role: None,
        conditions: None,
        reason: None,
        next_review_at: None,
        state: None,
        trigger: None,
        model: None,
        fields: None,
        cause: None,
    }
}

fn saved(row: &RevisionRow, changes: Option<Vec<Change>>) -> Event {
    Event {
        revision: Some(row.revision),
        digest: row.digest.clone(),
        changes,
        ..event("saved".to_owned(), &row.done, row.record_id)
    }
}

fn acted(row: ActRow) -> Event {
    Event {
        digest: row.digest,
        decision: row.decision.map(Decision::as_str),
        role: row.role.map(Role::as_str),
        conditions: row.conditions,
        reason: row.reason,
        next_review_at: row.next_review_at.map(Time),
        state: row.state,
        trigger: row.trigger.map(RefreshTrigger::as_str),
        model: row.model,
        fields: row.fields,
        cause: row.cause.map(|cause| cause.to_hex()),
        ..event(row.kind, &row.done, row.record_id)
    }
}
