//! Writing items: opened, saved, put before an approver.
//!
//! Promises: two people who edit at the same time lose nothing: the second is told which version, revision and digest is there now.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tabellion_model::body::{RegisterSaved, RegisterSubmitted};
use tabellion_model::register::{About, Content, Life, Register, Review, content_digest};
use tabellion_model::{ItemId, SystemId};

use super::content::{Moment, check_complete, with_content};
use super::deciding::words;
use super::shown::Item;
use super::{about, check_open, check_version, ended, known_state, stream};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::forms::{DigestForm, IdForm};
use crate::work::writing::{Earlier, draft_of};
use crate::work::{Actor, Desk, Given, Written};

/// A new item.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRegisterItem")]
pub struct NewItem {
    /// The system it is about.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// What it says: a member for each field that is filled in. Fields may be missing until it is put forward.
    pub content: Map<String, Value>,
}

/// What an item is to say.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewRegisterRevision")]
pub struct NewRevision {
    /// All of it: a member for each field that is filled in.
    pub content: Map<String, Value>,
}

/// What is put before an approver.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterSubmission")]
pub struct Submission {
    /// Digest of the revision as it was shown.
    #[schemars(with = "DigestForm")]
    pub digest: String,
}

impl Desk {
    /// Opens an item.
    pub fn open_register_item(
        &self,
        actor: &Actor,
        given: &Given,
        register: &str,
        new: &NewItem,
    ) -> Result<(Item, Written), Refusal> {
        let register = self.register(register)?;
        let mut id = match (register.about, new.system) {
            (About::OnePerSystem, Some(system)) => ItemId::from_bytes(*system.as_bytes()),
            _ => ItemId::from_bytes(self.random_id()?),
        };
        let written = self.once(actor, "open-register-item", given, |earlier| {
            if let Some(earlier) = earlier {
                id = earlier.drawn_id()?;
            } else {
                let content = self.check_content(register, &new.content, Moment::Opening);
                if let Err(about) = self.check_new(actor, register, new.system) {
                    return Err(with_content(about, content));
                }
                if let Some(row) = self.views.register_item(&register.name, &id)? {
                    let what = match known_state(register, &row) {
                        Ok(state) if state.ended => ended(register, state),
                        _ => "change that one".to_owned(),
                    };
                    let text = format!("the system has its {} here already: {what}", register.item);
                    return Err(Refusal::new(Code::AlreadySo, text));
                }
                content?;
            }
            let body = saved(register, id, 1, &new.content, earlier);
            Ok(vec![about(new.system, draft_of(&body, stream(register, id), given.expected(earlier, 0))?)])
        })?;
        Ok((self.item_now(actor, register, id)?, written))
    }

    /// Saves a revision in place of the one before.
    pub fn save_register_item(
        &self,
        actor: &Actor,
        given: &Given,
        register: &str,
        id: ItemId,
        new: &NewRevision,
    ) -> Result<(Item, Written), Refusal> {
        let register = self.register(register)?;
        if given.version.is_none() {
            return Err(Refusal::new(Code::VersionRequired, "an item is replaced as a whole"));
        }
        let written = self.once(actor, "save-register-item", given, |earlier| {
            let row = self.reach_or_earlier_item(
                actor,
                Permission::EditRegisters,
                register,
                id,
                earlier.is_some(),
            )?;
            if earlier.is_none() {
                let life = self.views.register_life(&register.name, &id)?;
                let digest = life.saving.as_ref().map(|saving| saving.digest.as_str());
                check_version(&row, given, digest)?;
                check_open(register, &row)?;
                self.check_content(register, &new.content, Moment::Saving)?;
                self.check_fixed(register, &row, &new.content)?;
                let same = content_digest(&register.name, &id, row.revision, &new.content)
                    .is_ok_and(|now| digest == Some(now.to_hex().as_str()));
                if same {
                    return Err(Refusal::new(Code::AlreadySo, "the newest revision says the same"));
                }
            }
            let revision = earlier.and_then(earlier_revision).unwrap_or(row.revision + 1);
            let body = saved(register, id, revision, &new.content, earlier);
            let expected = given.expected(earlier, row.version);
            Ok(vec![about(row.system, draft_of(&body, stream(register, id), expected)?)])
        })?;
        Ok((self.item_now(actor, register, id)?, written))
    }

    /// Puts the newest revision before an approver.
    pub fn submit_register_item(
        &self,
        actor: &Actor,
        given: &Given,
        register: &str,
        id: ItemId,
        submission: &Submission,
    ) -> Result<(Item, Written), Refusal> {
        let register = self.register(register)?;
        let written = self.once(actor, "submit-register-item", given, |earlier| {
            let row = self.reach_or_earlier_item(
                actor,
                Permission::EditRegisters,
                register,
                id,
                earlier.is_some(),
            )?;
            if earlier.is_none() {
                let life = self.views.register_life(&register.name, &id)?;
                check_version(&row, given, life.saving.as_ref().map(|saving| saving.digest.as_str()))?;
                check_open(register, &row)?;
                if !register.approves() {
                    let text =
                        format!("nothing is approved in this register; move the {} instead", register.item);
                    return Err(Refusal::new(Code::StateImpossible, text));
                }
                check_digest(&life, &submission.digest)?;
                if life.review == Some(Review::InReview) {
                    return Err(Refusal::new(Code::AlreadySo, "the revision waits for an approver already"));
                }
                let content = self.views.register_content(row.saved.entry)?;
                check_complete(register, &content.unwrap_or_default())?;
            }
            let body = RegisterSubmitted {
                register: register.name.clone(),
                item: id,
                revision: earlier.and_then(earlier_revision).unwrap_or(row.revision),
                digest: submission.digest.clone(),
            };
            let expected = given.expected(earlier, row.version);
            Ok(vec![about(row.system, draft_of(&body, stream(register, id), expected)?)])
        })?;
        Ok((self.item_now(actor, register, id)?, written))
    }

    /// Whether `actor` may open an item about `system`.
    fn check_new(&self, actor: &Actor, register: &Register, system: Option<SystemId>) -> Result<(), Refusal> {
        let permission = opening(actor, register)?;
        match (register.about, system) {
            (About::OnePerSystem, None) => Err(Refusal::at(
                Code::Malformed,
                "/system",
                "the register has one item for each system: name the system",
            )),
            (About::Organisation, Some(_)) => Err(Refusal::at(
                Code::Malformed,
                "/system",
                "the register is about the organisation: leave out system",
            )),
            (_, None) if actor.reach(permission) != Reach::All => Err(Refusal::at(
                Code::NotPermitted,
                "/system",
                "your role permits this for systems that you answer for: name one of them",
            )),
            (_, None) => Ok(()),
            (_, Some(system)) if self.views.system(&system)?.is_none() => {
                Err(Refusal::at(Code::UnknownReference, "/system", "there is no system of this id"))
            }
            (_, Some(system)) => self.reach_system(actor, permission, system).map(drop),
        }
    }
}

/// What `actor` needs to open items of `register`; refused when its file names other roles.
pub(crate) fn opening(actor: &Actor, register: &Register) -> Result<Permission, Refusal> {
    if register.opened_by.is_empty() {
        // Whoever opens writes; a permission to ask is none to write.
        return match actor.reach(Permission::EditRegisters) {
            Reach::Nothing => Err(Refusal::new(
                Code::NotPermitted,
                format!("your role opens no {} here; you can remark on what is there", register.item),
            )),
            _ => Ok(Permission::EditRegisters),
        };
    }
    match actor {
        Actor::Person { roles, .. } if !register.opened_by.is_disjoint(roles) => {
            Ok(Permission::OpenRegisters)
        }
        _ => Err(Refusal::new(
            Code::NotPermitted,
            format!("{} opens items here, and you are none", words(register.opened_by.iter())),
        )),
    }
}

fn saved(
    register: &Register,
    item: ItemId,
    revision: u64,
    content: &Content,
    earlier: Option<&Earlier>,
) -> RegisterSaved {
    // The definition may have changed since the first try; the record stays what it was.
    let recorded = earlier.and_then(|earlier| {
        let missing = earlier.fields.get("missing").cloned()?;
        Some((earlier.text("definition")?, serde_json::from_value(missing).ok()?))
    });
    let (definition, missing) =
        recorded.unwrap_or_else(|| (register.digest.to_hex(), register.check(content).missing));
    RegisterSaved {
        register: register.name.clone(),
        item,
        revision,
        content: content.clone(),
        definition,
        missing,
    }
}

/// The number of the revision that an earlier request of the same key was about.
pub(super) fn earlier_revision(earlier: &Earlier) -> Option<u64> {
    earlier.fields.get("revision").and_then(Value::as_u64)
}

/// Whoever names a digest has to mean the newest revision.
pub(super) fn check_digest(life: &Life, digest: &str) -> Result<(), Refusal> {
    match &life.saving {
        Some(saving) if saving.digest == digest => Ok(()),
        Some(saving) => Err(Refusal::at(
            Code::NotWhatWasShown,
            "/digest",
            format!("it is at revision {} now, with the digest {}", life.revision, saving.digest),
        )),
        None => Err(Refusal::at(
            Code::NotWhatWasShown,
            "/digest",
            "the content of the newest revision was erased; save it anew",
        )),
    }
}
