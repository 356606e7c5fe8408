//! Moving items from state to state.
//!
//! Promises: a step takes the roles, the approval, the fields and the second person that the register's file names for it; what can no longer be read
//! counts as written by everybody who could have written it. A try to close one's own work is refused and recorded.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::body::RegisterMoved;
use tabellion_model::register::{Content, Life, Register, Review, Transition};
use tabellion_model::{CredentialId, ItemId, RecordId};
use tabellion_views::query::ItemRow;

use super::content::missing_fields;
use super::deciding::words;
use super::shown::Item;
use super::{about, check_version, ended, known_state, stream};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::prose::Prose;
use crate::work::second_person::SecondPerson;
use crate::work::writing::draft_of;
use crate::work::{Actor, Desk, Given, Written};

/// Where an item is to stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRegisterState")]
pub struct NewState {
    /// The state, a word of the register.
    #[schemars(length(min = 1, max = 40))]
    pub state: String,
    /// Why.
    pub reason: Prose,
}

impl Desk {
    /// Moves an item to another state.
    pub fn move_register_item(
        &self,
        actor: &Actor,
        given: &Given,
        register: &str,
        id: ItemId,
        new: &NewState,
    ) -> Result<(Item, Written), Refusal> {
        let register = self.register(register)?;
        let mut digest = None;
        let written = self.once(actor, "move-register-item", given, |earlier| {
            let row = self.reach_or_earlier_item(
                actor,
                Permission::MoveRegisters,
                register,
                id,
                earlier.is_some(),
            )?;
            if earlier.is_none() {
                let life = self.views.register_life(&register.name, &id)?;
                digest = life.saving.as_ref().map(|saving| saving.digest.clone());
                check_version(&row, given, digest.as_deref())?;
                self.check_step(actor, &self.second_person(actor)?, register, &row, &life, &new.state)?;
            }
            let body = RegisterMoved {
                register: register.name.clone(),
                item: id,
                state: new.state.clone(),
                reason: new.reason.to_text(),
            };
            let expected = given.expected(earlier, row.version);
            Ok(vec![about(row.system, draft_of(&body, stream(register, id), expected)?)])
        });
        if let (Err(refusal), Some(digest)) = (&written, &digest)
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            self.record_refusal(actor, register, id, digest, refusal.code)?;
        }
        let written = written?;
        Ok((self.item_now(actor, register, id)?, written))
    }

    /// Whether `actor` may move an item to `to` from where it stands.
    pub(super) fn check_step(
        &self,
        actor: &Actor,
        second: &SecondPerson<'_>,
        register: &Register,
        row: &ItemRow,
        life: &Life,
        to: &str,
    ) -> Result<(), Refusal> {
        let from = known_state(register, row)?;
        let Some(step) = register.transition(&from.name, to) else {
            let text = if from.ended {
                ended(register, from)
            } else {
                format!("the item is {}, from where no step leads to {to:?}", from.name)
            };
            return Err(Refusal::at(Code::StateImpossible, "/state", text));
        };
        let Actor::Person { roles, .. } = actor else {
            return Err(Refusal::new(
                Code::NotPermitted,
                "a step is a person's: sign in as somebody with the role",
            ));
        };
        if step.roles.is_disjoint(roles) {
            return Err(Refusal::new(
                Code::NotPermitted,
                format!("{} takes this step, and you are none", words(step.roles.iter())),
            ));
        }
        if step.approved && life.review != Some(Review::Approved) {
            return Err(Refusal::new(
                Code::StateImpossible,
                "its newest revision is not approved, and this step needs that",
            ));
        }
        self.check_needs(register, row, step)?;
        if !step.second_person {
            return Ok(());
        }
        if !register.approves() {
            return self.check_not_of_answer(second, register, row, life, step);
        }
        let Some(approved) = life.approved.as_ref() else { return Ok(()) };
        if approved.authors.iter().any(|author| second.is(*author)) {
            return Err(Refusal::new(
                Code::OwnWork,
                "you wrote some of what is approved, and somebody else has to take this step; the attempt is recorded",
            ));
        }
        second.check_let_in_by_others(approved.authors.iter(), approved.sessions.iter())
    }

    fn check_needs(&self, register: &Register, row: &ItemRow, step: &Transition) -> Result<(), Refusal> {
        if step.needs.is_empty() {
            return Ok(());
        }
        let content = self.views.register_content(row.saved.entry)?.unwrap_or_default();
        let missing: Vec<String> =
            step.needs.iter().filter(|name| !content.contains_key(*name)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(missing_fields(register, &missing)) }
    }

    /// Refuses whoever wrote any of what the step needs, or said that it is there.
    fn check_not_of_answer(
        &self,
        second: &SecondPerson<'_>,
        register: &Register,
        row: &ItemRow,
        life: &Life,
        step: &Transition,
    ) -> Result<(), Refusal> {
        let (mut answered, mut sessions) = self.writers_of(register, row, &step.needs)?;
        // Whoever closed it may open it again: that makes nothing better.
        if !super::is_ended(register, row) {
            answered.extend(life.mover);
            sessions.extend(life.moved_in);
        }
        if answered.iter().any(|author| second.is(*author)) {
            return Err(Refusal::new(
                Code::OwnWork,
                "you wrote some of the answer or said that it is given, and somebody else has to take this step; the attempt is recorded",
            ));
        }
        second.check_let_in_by_others(answered.iter(), sessions.iter())
    }

    /// Who wrote any of these fields, in any revision, and in which sessions. One that can no longer be read may have written all of them, and so may the one after it.
    fn writers_of(
        &self,
        register: &Register,
        row: &ItemRow,
        fields: &BTreeSet<String>,
    ) -> Result<(BTreeSet<CredentialId>, BTreeSet<RecordId>), Refusal> {
        let (mut writers, mut sessions) = (BTreeSet::new(), BTreeSet::new());
        let mut before = Some(Content::new());
        for revision in self.views.register_revisions(&register.name, &row.item)? {
            let content = self.views.register_content(revision.done.entry)?;
            let same = before
                .as_ref()
                .zip(content.as_ref())
                .is_some_and(|(before, now)| fields.iter().all(|field| before.get(field) == now.get(field)));
            if !same {
                writers.insert(revision.done.by);
                sessions.extend(revision.session);
            }
            before = content;
        }
        Ok((writers, sessions))
    }
}
