//! The sample's management system: items of registers, written by one person and decided on by another, and the Statement of Applicability.
//!
//! Promises: each person comes in by a link of their own and does what their role permits; what an earlier run has entered is not entered again. Must
//! never: decide in the name of whoever wrote.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Api, list, text};
use super::door;
use super::organisation::Entered;
use crate::failure::Failure;

const MANAGEMENT: &str = include_str!("../../../../../examples/demo/loan-support/management.json");

/// What is written and decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Management {
    items: Vec<Item>,
    statement: Statement,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    register: String,
    system: String,
    /// Who writes it, answers for it, and puts it forward.
    by: String,
    content: Map<String, Value>,
    /// Whether it is put before an approver, who has not decided yet.
    #[serde(default)]
    submitted: bool,
    #[serde(default)]
    decision: Option<Decision>,
    /// Where it is moved once it is approved.
    #[serde(default)]
    step: Option<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    by: String,
    to: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    by: String,
    #[serde(rename = "decision")]
    verdict: String,
    reason: String,
    #[serde(default)]
    conditions: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    decided_by: String,
    approved_by: String,
    rows: Vec<Rows>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    controls: Vec<String>,
    decision: String,
    reason: String,
}

/// Ids by the names that the sample gives: people by their short names, systems by what people call them.
pub(super) struct Known {
    pub(super) people: BTreeMap<String, String>,
    pub(super) systems: BTreeMap<String, String>,
}

/// The people of the sample, each signed in when they are first needed.
pub(super) struct Desks<'a> {
    address: SocketAddr,
    administrator: &'a Api,
    pub(super) known: &'a Known,
    open: BTreeMap<String, Api>,
}

impl<'a> Desks<'a> {
    /// Nobody is signed in yet.
    pub(super) fn new(address: SocketAddr, administrator: &'a Api, known: &'a Known) -> Self {
        Self { address, administrator, known, open: BTreeMap::new() }
    }

    /// The control plane as `person` uses it.
    pub(super) fn of(&mut self, person: &str) -> Result<&Api, Failure> {
        if !self.open.contains_key(person) {
            let id = named(&self.known.people, person)?;
            let link = self.administrator.post(&format!("/api/v1/people/{id}/links"), &json!({}))?;
            let api = Api::sign_in(self.address, door::token(text(&link, "/result/url")?))?;
            self.open.insert(person.to_owned(), api);
        }
        self.open.get(person).ok_or_else(|| missing(person))
    }
}

impl Management {
    /// The sample.
    pub(super) fn read() -> Result<Self, Failure> {
        serde_json::from_str(MANAGEMENT)
            .map_err(|error| Failure::failed(format!("sample data, management.json: {error}")))
    }

    /// Enters what is not there yet; `administrator` lets people in, and decides nothing: nobody approves in a session that an author let in.
    pub(super) fn enter(
        &self,
        address: SocketAddr,
        administrator: &Api,
        known: &Known,
    ) -> Result<Entered, Failure> {
        let mut desks = Desks::new(address, administrator, known);
        let mut entered = Entered::default();
        for item in &self.items {
            let path = format!("/api/v1/registers/{}/items", item.register);
            let system = named(&known.systems, &item.system)?;
            let there = administrator.get(&format!("{path}?system={system}"))?;
            // Two items of one system have two names.
            let named =
                |row: &Value| row.get("name").is_some_and(|name| item.content.get("name") == Some(name));
            if list(&there, "/items")?.iter().any(named) {
                entered.known += 1;
            } else {
                item.enter(&path, system, &mut desks)?;
                entered.new += 1;
            }
        }
        self.statement.enter(&mut desks, &mut entered)?;
        Ok(entered)
    }
}

impl Item {
    fn enter(&self, path: &str, system: &str, desks: &mut Desks<'_>) -> Result<(), Failure> {
        let mut content = self.content.clone();
        content.insert("owner".to_owned(), named(&desks.known.people, &self.by)?.into());
        let author = desks.of(&self.by)?;
        let opened = author.post(path, &json!({"system": system, "content": content}))?;
        if !self.submitted && self.decision.is_none() {
            return Ok(());
        }
        let (id, digest) = (text(&opened, "/result/summary/id")?, text(&opened, "/result/digest")?);
        author.post(&format!("{path}/{id}/submission"), &json!({"digest": digest}))?;
        if let Some(made) = &self.decision {
            let body = json!({
                "digest": digest, "decision": made.verdict, "reason": made.reason, "conditions": made.conditions,
            });
            desks.of(&made.by)?.post(&format!("{path}/{id}/decision"), &body)?;
        }
        if let Some(step) = &self.step {
            let body = json!({"state": step.to, "reason": step.reason});
            desks.of(&step.by)?.post(&format!("{path}/{id}/state"), &body)?;
        }
        Ok(())
    }
}

impl Statement {
    fn enter(&self, desks: &mut Desks<'_>, entered: &mut Entered) -> Result<(), Failure> {
        let before = desks.administrator.get("/api/v1/soa")?;
        if before.get("approval").is_some_and(Value::is_object) {
            entered.known += 1;
            return Ok(());
        }
        let rows = list(&before, "/rows")?;
        let decided = |control: &str| {
            rows.iter()
                .filter(|row| row.get("control").is_some_and(|named| named == control))
                .any(|row| row.get("decision").is_some_and(Value::is_string))
        };
        for rows in &self.rows {
            for control in rows.controls.iter().filter(|control| !decided(control)) {
                let body = json!({"decision": rows.decision, "reason": rows.reason});
                desks.of(&self.decided_by)?.put(&format!("/api/v1/soa/{control}"), Some(0), &body)?;
            }
        }
        let statement = desks.administrator.get("/api/v1/soa")?;
        let body = json!({"digest": text(&statement, "/digest")?});
        desks.of(&self.approved_by)?.post("/api/v1/soa/approval", &body)?;
        entered.new += 1;
        Ok(())
    }
}

/// The id of somebody or something that the sample names.
pub(super) fn named<'m>(ids: &'m BTreeMap<String, String>, name: &str) -> Result<&'m str, Failure> {
    ids.get(name).map(String::as_str).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Failure {
    Failure::failed(format!("sample data: {name} is named and not there"))
}
