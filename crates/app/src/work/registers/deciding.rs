//! Deciding on items.
//!
//! Promises: an approval is by somebody with the role who neither wrote any of it nor put it forward, over exactly the digest that is there. Trying to
//! approve one's own work is refused and recorded, also where an author and the approver let one another in (docs/decisions/0013-who-let-the-approver-in.md).

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::body::{RegisterDecided, RegisterRefused, Role};
use tabellion_model::register::{Decision, Life, Register, Review};
use tabellion_model::{ItemId, Micros};
use tabellion_views::query::ItemRow;

use super::editing::{check_digest, earlier_revision};
use super::shown::Item;
use super::{about, check_open, check_version, stream};
use crate::permission::{Permission, Reach, permitted};
use crate::refusal::{Code, Refusal};
use crate::work::forms::{DigestForm, role_of};
use crate::work::prose::{self, Prose};
use crate::work::second_person::SecondPerson;
use crate::work::writing::{Earlier, draft_of, foreign};
use crate::work::{Actor, Desk, Given, Written};

/// What is decided on an item.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterDecision")]
pub struct NewDecision {
    /// Digest of the revision as it was shown: what is decided on.
    #[schemars(with = "DigestForm")]
    pub digest: String,
    /// Whether it holds from now on or goes back to its authors.
    #[schemars(with = "DecisionForm")]
    pub decision: Decision,
    /// Why.
    pub reason: Prose,
    /// What an approval depends on; absent: nothing.
    #[serde(default, deserialize_with = "prose::or_nothing")]
    #[schemars(length(max = 2000))]
    pub conditions: String,
}

/// The words of a decision, for the document.
#[derive(JsonSchema)]
#[schemars(rename = "Ruling", rename_all = "snake_case")]
#[expect(dead_code, reason = "its schema alone is used")]
enum DecisionForm {
    /// The content holds from now on.
    Approved,
    /// The content goes back to its authors.
    Returned,
}

impl Desk {
    /// Approves the newest revision or gives it back.
    pub fn decide_register_item(
        &self,
        actor: &Actor,
        given: &Given,
        register: &str,
        id: ItemId,
        new: &NewDecision,
    ) -> Result<(Item, Written), Refusal> {
        let register = self.register(register)?;
        let written = self.once(actor, "decide-register-item", given, |earlier| {
            let row = self.reach_or_earlier_item(
                actor,
                Permission::DecideRegisters,
                register,
                id,
                earlier.is_some(),
            )?;
            let (role, at) = match earlier {
                Some(earlier) => (earlier.text("role").and_then(|word| role_of(&word)), due(earlier)),
                None => {
                    (Some(self.check_decision(actor, given, register, &row, new)?), self.due(register, new))
                }
            };
            let body = RegisterDecided {
                register: register.name.clone(),
                item: id,
                revision: earlier.and_then(earlier_revision).unwrap_or(row.revision),
                digest: new.digest.clone(),
                decision: new.decision,
                conditions: new.conditions.clone(),
                reason: new.reason.to_text(),
                role: role.ok_or_else(foreign)?,
                next_review_at: at,
            };
            let expected = given.expected(earlier, row.version);
            Ok(vec![about(row.system, draft_of(&body, stream(register, id), expected)?)])
        });
        if let Err(refusal) = &written
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            self.record_refusal(actor, register, id, &new.digest, refusal.code)?;
        }
        let written = written?;
        Ok((self.item_now(actor, register, id)?, written))
    }

    /// The role under which `actor` may decide so; the order of the checks is the order in which the sentences help.
    fn check_decision(
        &self,
        actor: &Actor,
        given: &Given,
        register: &Register,
        row: &ItemRow,
        new: &NewDecision,
    ) -> Result<Role, Refusal> {
        let role = deciding_role(actor, register)?;
        let life = self.views.register_life(&register.name, &row.item)?;
        check_version(row, given, life.saving.as_ref().map(|saving| saving.digest.as_str()))?;
        check_open(register, row)?;
        check_digest(&life, &new.digest)?;
        match life.review {
            Some(Review::InReview) => {}
            Some(Review::Approved) => {
                return Err(Refusal::new(Code::AlreadySo, "the revision is approved already"));
            }
            _ => {
                return Err(Refusal::new(
                    Code::StateImpossible,
                    "nobody has put this revision forward: an author has to",
                ));
            }
        }
        check_second_person(&self.second_person(actor)?, register, &life)?;
        if new.decision == Decision::Returned && !new.conditions.is_empty() {
            return Err(Refusal::at(
                Code::Malformed,
                "/conditions",
                "what goes back has no conditions; say why in reason",
            ));
        }
        Ok(role)
    }

    fn due(&self, register: &Register, new: &NewDecision) -> Option<Micros> {
        let reviewed = new.decision == Decision::Approved && register.review_months > 0;
        reviewed.then(|| self.now().plus_months(register.review_months))
    }

    /// Records that somebody tried to decide on their own work: once for each person and digest.
    pub(super) fn record_refusal(
        &self,
        actor: &Actor,
        register: &Register,
        item: ItemId,
        digest: &str,
        code: Code,
    ) -> Result<(), Refusal> {
        let Some(person) = actor.credential() else { return Ok(()) };
        let system = self.item_row(register, item)?.system;
        let body = RegisterRefused {
            register: register.name.clone(),
            item,
            digest: digest.to_owned(),
            code: code.as_str().to_owned(),
        };
        let key = format!("register-refused/{}/{item}/{digest}/{person}", register.name);
        let draft = self.attempt(actor, &body, &stream(register, item), key)?;
        self.record_attempt(about(system, draft))
    }
}

fn due(earlier: &Earlier) -> Option<Micros> {
    earlier.fields.get("next_review_at").and_then(serde_json::Value::as_u64).map(Micros)
}

/// The role under which `actor` may decide on items of `register`.
pub(super) fn deciding_role(actor: &Actor, register: &Register) -> Result<Role, Refusal> {
    let Actor::Person { roles, .. } = actor else {
        return Err(Refusal::new(
            Code::NotPermitted,
            "a decision is a person's: sign in as somebody with the role",
        ));
    };
    let Some(approval) = &register.approval else {
        let text = format!("nothing is approved in this register; move the {} instead", register.item);
        return Err(Refusal::new(Code::StateImpossible, text));
    };
    let may = |role: &&Role| {
        approval.roles.contains(role) && permitted(**role, Permission::DecideRegisters) != Reach::Nothing
    };
    roles.iter().find(may).copied().ok_or_else(|| {
        Refusal::new(
            Code::NotPermitted,
            format!("{} approves here, and you are none", words(approval.roles.iter())),
        )
    })
}

/// Whether who decides neither wrote any of what is to be decided on nor put it forward, came in by nobody who did, and let none of them in.
pub(super) fn check_second_person(
    second: &SecondPerson<'_>,
    register: &Register,
    life: &Life,
) -> Result<(), Refusal> {
    if !register.approval.as_ref().is_some_and(|approval| approval.four_eyes) {
        return Ok(());
    }
    if life.authors.iter().any(|author| second.is(*author)) {
        return Err(Refusal::new(
            Code::OwnWork,
            "you wrote some of what is to be decided on, and a second person has to decide; the attempt is recorded",
        ));
    }
    if life.submitter.is_some_and(|submitter| second.is(submitter)) {
        return Err(Refusal::new(
            Code::OwnWork,
            "you put it forward yourself, and a second person has to decide; the attempt is recorded",
        ));
    }
    second.check_let_in_by_others(
        life.authors.iter().chain(&life.submitter),
        life.sessions.iter().chain(&life.submitted_in),
    )
}

/// Any one of these roles, as a sentence names it: `a developer, a business owner or an approver`.
pub(crate) fn words<'a>(roles: impl Iterator<Item = &'a Role>) -> String {
    let named = |role: &Role| {
        let word = role.as_str().replace('_', " ");
        let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {word}")
    };
    let mut named: Vec<String> = roles.map(named).collect();
    let last = named.pop().unwrap_or_else(|| "nobody".to_owned());
    if named.is_empty() { last } else { format!("{} or {last}", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_as_a_sentence_has_them() {
        let said = |roles: &[Role]| words(roles.iter());
        assert_eq!(
            (said(&[Role::Auditor]), said(&[Role::Developer, Role::BusinessOwner, Role::Approver])),
            ("an auditor".to_owned(), "a developer, a business owner or an approver".to_owned()),
            "whoever is refused reads a list of words and not whom to ask"
        );
    }
}
