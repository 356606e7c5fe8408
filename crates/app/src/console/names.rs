//! Who an id stands for, as far as the reader may know.
//!
//! Must never: tell a person's name to somebody who may not read people.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tabellion_model::{CredentialId, Purpose, SystemId};
use tabellion_views::query::CredentialRow;

use super::cell::Cell;
use crate::permission::{Permission, Reach};
use crate::refusal::Refusal;
use crate::work::{Actor, Desk};

/// Names that one page has asked for.
#[derive(Default)]
pub(crate) struct Names {
    people: RefCell<BTreeMap<CredentialId, Option<String>>>,
    keys: RefCell<BTreeMap<CredentialId, Option<CredentialRow>>>,
    systems: RefCell<BTreeMap<SystemId, Option<String>>>,
}

impl Names {
    /// A person, a key or the log's own writer.
    pub(crate) fn who(&self, desk: &Desk, reader: &Actor, id: CredentialId) -> Result<Cell, Refusal> {
        if let Some(person) = self.person(desk, id)? {
            // Their own name too, not "you": what is shown is printed and handed on.
            let readable = reader.is(id) || reader.reach(Permission::ReadPeople) == Reach::All;
            return Ok(if readable {
                Cell::text(&person).to(format!("/people/{id}"))
            } else {
                Cell::id(&id.to_hex())
            });
        }
        match self.key_row(desk, id)? {
            Some(row) if desk.may(reader, Permission::ReadKeys, Some(row.system))? => {
                let name = row.issued.map(|issued| issued.name);
                Ok(Cell::maybe(name.as_deref(), "a key whose name is erased").to(format!("/keys/{id}")))
            }
            Some(_) => Ok(Cell::id(&id.to_hex())),
            None => Ok(signer(desk, id)),
        }
    }

    /// An API key.
    pub(crate) fn key(&self, desk: &Desk, reader: &Actor, id: CredentialId) -> Result<Cell, Refusal> {
        self.who(desk, reader, id)
    }

    /// A system.
    pub(crate) fn system(&self, desk: &Desk, id: SystemId) -> Result<Cell, Refusal> {
        let mut systems = self.systems.borrow_mut();
        let name = if let Some(known) = systems.get(&id) {
            known.clone()
        } else {
            let found = desk.views().system(&id)?.and_then(|row| row.described).map(|said| said.name);
            systems.entry(id).or_insert(found).clone()
        };
        Ok(match name {
            Some(name) => Cell::text(&name),
            None => Cell::id(&id.to_hex()),
        }
        .to(format!("/systems/{id}")))
    }

    fn person(&self, desk: &Desk, id: CredentialId) -> Result<Option<String>, Refusal> {
        if let Some(known) = self.people.borrow().get(&id) {
            return Ok(known.clone());
        }
        let found = desk
            .views()
            .person(&id)?
            .map(|row| row.details.map_or("an erased person".to_owned(), |said| said.name));
        Ok(self.people.borrow_mut().entry(id).or_insert(found).clone())
    }

    fn key_row(&self, desk: &Desk, id: CredentialId) -> Result<Option<CredentialRow>, Refusal> {
        if let Some(known) = self.keys.borrow().get(&id) {
            return Ok(known.clone());
        }
        let found = desk.views().credential(&id)?;
        Ok(self.keys.borrow_mut().entry(id).or_insert(found).clone())
    }
}

/// Who holds one of the log's own keys: the operator, who works on its machine, or an officer who signs.
fn signer(desk: &Desk, id: CredentialId) -> Cell {
    let keys = desk.ledger().reader().keys();
    let held = keys.grants().find(|grant| grant.credential == id).map(|grant| grant.purpose);
    match held {
        Some(Purpose::Writer) => Cell::text("the operator"),
        Some(_) => Cell { title: id.to_hex(), ..Cell::text("a signing key") },
        None => Cell::id(&id.to_hex()),
    }
}
