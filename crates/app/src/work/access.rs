//! The right of access: what is kept about one person, given to whoever answers them.
//!
//! Promises: nothing of it is handed out before who asked, why and the digest of the file are durable. Must never: give it to whoever may not see all content about people, or write the name of somebody
//! about whom nothing is kept.

use std::sync::TryLockError;

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_ledger::Draft;
use tabellion_model::body::{AccessGiven, Body as _};
use tabellion_views::query::PersonRow;

use super::forms::Line;
use super::prose::Prose;
use super::writing::GOVERNANCE_RETENTION;
use super::{Actor, Desk, Given, Written};
use crate::access::{AccessError, AccessFile, AccessRequest, AskedNames, access, sought};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

/// Whose content is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccess {
    /// The person, named as in the records; of a person of the console, also their name or address.
    pub subject: Line,
    /// The entry to begin at: where the file before ended (`next` in its `about.json`). Absent: the beginning.
    #[serde(default)]
    pub from: Option<u64>,
    /// Why, for whoever asks later: whose request it answers, and how they were known to be this person.
    pub reason: Prose,
}

/// The record that a file was given; what names whom it is about goes when they are erased.
pub fn access_draft(given: &AccessGiven) -> Result<Draft, String> {
    let mut draft = Draft::new(AccessGiven::TYPE);
    draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
    draft.assurance = Some("observed".to_owned());
    let unnamed = AccessGiven { subject: None, ..given.clone() };
    draft.body = unnamed.fields().map_err(|fault| fault.to_string())?;
    Ok(match &given.subject {
        Some(subject) => draft.about(subject, "subject", subject.as_str()),
        None => draft,
    })
}

impl Desk {
    /// Makes the file of what is kept about a person, and records that.
    pub fn give_access(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewAccess,
    ) -> Result<(AccessFile, Written), Refusal> {
        let wanted = [Permission::BuildPackages, Permission::ReadPersonal, Permission::ReadCaptured];
        if wanted.into_iter().any(|permission| actor.reach(permission) != Reach::All) {
            return Err(Refusal::new(
                Code::NotPermitted,
                "it takes the permissions to build packages and to see all content about people, prompts and answers",
            ));
        }
        if matches!(actor, Actor::Key { .. }) {
            return Err(Refusal::new(Code::NotPermitted, "a reason is a person's: sign in to give one"));
        }
        let _one = match self.packing.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Refusal::new(Code::Unavailable, "another package is being built; one at a time"));
            }
            Ok(one) => one,
            Err(TryLockError::Poisoned(one)) => one.into_inner(),
        };
        let subject = new.subject.as_str();
        let mut names = self.ledger.subject_names(subject);
        let (about, person) = sought(self.ledger.reader(), &mut names, |asked| self.person_called(asked))?;
        let about = about.ok_or_else(|| {
            Refusal::at(
                Code::NotFound,
                "/subject",
                "nothing is kept about anybody of this name, and nothing was erased. Names are looked for as they were recorded, addresses in their usual writings too; ask by the other names that records may use, such as an account number or an address",
            )
        })?;
        let request =
            AccessRequest { subject, person: person.as_deref(), about: &about, from: new.from.unwrap_or(0) };
        let file = access(self.ledger.reader(), &request).map_err(refusal)?;
        let draft = access_draft(&file.on_record(new.reason.as_str()))
            .map_err(|fault| Refusal::new(Code::Malformed, fault))?;
        let written = self.once(actor, "give-access", given, |_| Ok(vec![draft.clone()]))?;
        Ok((file, written))
    }

    /// The person of the console who goes by a name that is asked for, by their name or address: their id; refused where several do, of whom one would be given what is kept about another.
    fn person_called(&self, asked: &AskedNames) -> Result<Option<String>, Refusal> {
        let has_it = |row: &&PersonRow| {
            let details = row.details.as_ref();
            details.is_some_and(|details| asked.has(&details.name) || asked.has(&details.email))
        };
        let people = self.people_rows()?;
        let mut found = people.iter().filter(has_it).map(|row| row.person);
        match (found.next(), found.count()) {
            (person, 0) => Ok(person.map(|person| person.to_hex())),
            (_, more) => Err(Refusal::at(
                Code::Malformed,
                "/subject",
                format!(
                    "{} people of the console go by this name or address; ask for one of them by their id",
                    more + 1
                ),
            )),
        }
    }
}

fn refusal(error: AccessError) -> Refusal {
    match error {
        AccessError::Ledger(error) => Refusal::from(error),
        AccessError::Zip(error) => Refusal::new(Code::TooLarge, error.to_string()),
        error @ AccessError::Page { .. } => Refusal::new(Code::Broken, error.to_string()),
    }
}
