//! The sample's work: what has to be done, and what an auditor asked, each opened and answered by the person the sample names.
//!
//! Promises: what an earlier run has entered is not entered again; days count from the day of the run. Must never: close what the same person answered.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tabellion_ledger::{Clock as _, SystemClock};
use tabellion_model::Micros;

use super::client::{Api, list, text};
use super::management::{Desks, Known, named};
use super::organisation::{Entered, Person};
use crate::failure::Failure;

const WORK: &str = include_str!("../../../../../examples/demo/loan-support/work.json");
/// A day, in microseconds.
const DAY_US: u64 = 24 * 3600 * 1_000_000;

/// What is to be done and what was asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Work {
    auditor: Person,
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    register: String,
    #[serde(default)]
    system: Option<String>,
    by: String,
    owner: String,
    /// Days from the day of the run; less than none: it is overdue.
    due_in_days: i64,
    content: Map<String, Value>,
    #[serde(default)]
    answer: Option<Answer>,
    #[serde(default)]
    comments: Vec<Comment>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    by: String,
    text: String,
    evidence: Vec<String>,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    by: String,
    text: String,
}

impl Work {
    /// The sample.
    pub(super) fn read() -> Result<Self, Failure> {
        serde_json::from_str(WORK)
            .map_err(|error| Failure::failed(format!("sample data, work.json: {error}")))
    }

    /// Enters what is not there yet; `administrator` lets people in.
    pub(super) fn enter(
        &self,
        address: SocketAddr,
        administrator: &Api,
        known: &mut Known,
    ) -> Result<Entered, Failure> {
        let mut entered = Entered::default();
        let auditor = self.auditor.enter(administrator, &mut entered)?;
        known.people.insert(self.auditor.id.clone(), auditor);
        let mut desks = Desks::new(address, administrator, known);
        for item in &self.items {
            let path = format!("/api/v1/registers/{}/items", item.register);
            let there = administrator.get(&path)?;
            let is_it =
                |row: &Value| row.get("name").is_some_and(|name| item.content.get("name") == Some(name));
            if list(&there, "/items")?.iter().any(is_it) {
                entered.known += 1;
            } else {
                item.enter(&path, &mut desks)?;
                entered.new += 1;
            }
        }
        Ok(entered)
    }
}

impl Item {
    fn enter(&self, path: &str, desks: &mut Desks<'_>) -> Result<(), Failure> {
        let mut content = self.content.clone();
        content.insert("owner".to_owned(), named(&desks.known.people, &self.owner)?.into());
        content.insert("due".to_owned(), day(self.due_in_days).into());
        let mut body = json!({"content": content});
        if let (Some(system), Some(body)) = (&self.system, body.as_object_mut()) {
            body.insert("system".to_owned(), named(&desks.known.systems, system)?.into());
        }
        let opened = desks.of(&self.by)?.post(path, &body)?;
        let item = format!("{path}/{}", text(&opened, "/result/summary/id")?);
        for comment in &self.comments {
            desks.of(&comment.by)?.post(&format!("{item}/notes"), &json!({"text": comment.text}))?;
        }
        let Some(answer) = &self.answer else { return Ok(()) };
        content.insert("answer".to_owned(), answer.text.clone().into());
        content.insert("evidence".to_owned(), answer.evidence.clone().into());
        let by = desks.of(&answer.by)?;
        let version = opened.pointer("/result/summary/version").and_then(Value::as_u64);
        by.put(&item, version, &json!({"content": content}))?;
        by.post(&format!("{item}/state"), &json!({"state": "answered", "reason": answer.reason}))?;
        Ok(())
    }
}

/// A day, so many from today.
fn day(ahead: i64) -> String {
    let days = SystemClock.now().0 / DAY_US;
    let day = Micros(days.saturating_add_signed(ahead).saturating_mul(DAY_US));
    day.to_string().chars().take("YYYY-MM-DD".len()).collect()
}
