//! People and their roles.
//!
//! Promises: nobody raises their own authority; one administrator always stays. Must never: put a name or an address anywhere but into the
//! unit about that person.

use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::SubjectFields;
use tabellion_model::CredentialId;
use tabellion_model::body::{PersonAdded, PersonDetails, Role, RoleGranted, RoleRevoked};
use tabellion_views::query::PersonRow;

use super::asking::all;
use super::forms::{IdForm, Line, Reason, Reference, RoleForm, Time};
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written, credential};
use crate::refusal::{Code, Refusal};

/// A person to be known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Name.
    pub name: Line,
    /// E-mail address.
    #[serde(default)]
    #[schemars(length(max = 254))]
    pub email: String,
    /// What they are to be.
    #[serde(default)]
    #[schemars(with = "Vec<RoleForm>", length(max = 7), extend("uniqueItems" = true))]
    pub roles: Vec<Role>,
}

/// A role to grant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// What they are to be.
    #[schemars(with = "RoleForm")]
    pub role: Role,
}

/// A person. Name and address are null once they are erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The credential they act under.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// Name.
    pub name: Option<String>,
    /// E-mail address; empty when none was given.
    pub email: Option<String>,
    /// What they are.
    #[schemars(with = "Vec<RoleForm>")]
    pub roles: Vec<Role>,
    /// Since when they are known.
    pub added_at: Time,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record that added them.
    pub added: Reference,
}

/// People.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// By id.
    pub people: Vec<Person>,
}

impl Desk {
    /// Everybody.
    pub fn people(&self) -> Result<People, Refusal> {
        let mut rows = all(|page| self.views.people(None, page))?;
        rows.sort_unstable_by_key(|row| row.person);
        let people = rows.into_iter().map(|row| self.shown_person(row));
        Ok(People { people: people.collect::<Result<_, _>>()? })
    }

    /// Everybody as the views have them, the last added first.
    pub fn people_rows(&self) -> Result<Vec<PersonRow>, Refusal> {
        Ok(all(|page| self.views.people(None, page))?)
    }

    /// One person.
    pub fn person(&self, id: CredentialId) -> Result<Person, Refusal> {
        self.shown_person(self.person_row(id)?)
    }

    /// Adds a person, with their first roles.
    pub fn add_person(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewPerson,
    ) -> Result<(Person, Written), Refusal> {
        let mut id = credential(self.random_id()?);
        let written = self.once(actor, "add-person", given, |earlier| {
            if let Some(earlier) = earlier {
                id = earlier.drawn_id()?;
            }
            let mut added = draft_of(&PersonAdded { person: id }, stream(id), 0)?;
            let details = PersonDetails { name: new.name.as_str().to_owned(), email: new.email.clone() };
            let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(details) else {
                return Err(Refusal::new(Code::Malformed, "name and email are no text"));
            };
            added.subjects = vec![SubjectFields { subject: id.to_hex(), fields }];
            let mut drafts = vec![added];
            for (version, role) in (1..).zip(&new.roles) {
                drafts.push(draft_of(&RoleGranted { person: id, role: *role }, stream(id), version)?);
            }
            Ok(drafts)
        })?;
        Ok((self.person(id)?, written))
    }

    /// Grants a role to somebody else.
    pub fn grant_role(
        &self,
        actor: &Actor,
        given: &Given,
        id: CredentialId,
        grant: &Grant,
    ) -> Result<(Person, Written), Refusal> {
        let _one = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        if actor.is(id) {
            return Err(Refusal::new(Code::OwnAuthority, "nobody grants a role to themselves"));
        }
        let written = self.once(actor, "grant-role", given, |earlier| {
            let row = self.person_row(id)?;
            if earlier.is_none() {
                if row.details.is_none() {
                    return Err(Refusal::new(Code::Conflict, "the person is gone; they get no more roles"));
                }
                if row.roles.contains(&grant.role) {
                    return Err(Refusal::new(Code::AlreadySo, "the person has this role"));
                }
            }
            let body = RoleGranted { person: id, role: grant.role };
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        })?;
        Ok((self.person(id)?, written))
    }

    /// Takes a role away.
    pub fn revoke_role(
        &self,
        actor: &Actor,
        given: &Given,
        id: CredentialId,
        role: Role,
        why: &Reason,
    ) -> Result<(Person, Written), Refusal> {
        let _one = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.once_taking(actor, "revoke-role", given, |earlier| {
            let row = self.person_row(id)?;
            if earlier.is_none() {
                if !row.roles.contains(&role) {
                    return Err(Refusal::new(Code::AlreadySo, "the person does not have this role"));
                }
                if role == Role::Administrator && !self.another_administrator(id)? {
                    return Err(Refusal::new(Code::LastAdministrator, "nobody could let people in any more"));
                }
            }
            let body = RoleRevoked { person: id, role, reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        })?;
        Ok((self.person(id)?, written))
    }

    fn another_administrator(&self, than: CredentialId) -> Result<bool, Refusal> {
        Ok(self.views.holders(Role::Administrator)?.iter().any(|person| *person != than))
    }

    pub(super) fn person_row(&self, id: CredentialId) -> Result<PersonRow, Refusal> {
        self.views.person(&id)?.ok_or_else(|| Refusal::not_found("person"))
    }

    fn shown_person(&self, row: PersonRow) -> Result<Person, Refusal> {
        let (name, email) = row.details.map(|details| (details.name, details.email)).unzip();
        Ok(Person {
            id: row.person.to_hex(),
            name,
            email,
            roles: row.roles.into_iter().collect(),
            added_at: Time(row.added_at),
            version: row.version,
            added: self.reference(row.added_entry)?,
        })
    }
}

pub(super) fn stream(id: CredentialId) -> String {
    format!("person/{id}")
}
