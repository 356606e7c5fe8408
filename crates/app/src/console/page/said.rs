//! What an item of a register says, field by field, as people read it; and beside what was approved.
//!
//! Promises: all of it, whole; hidden characters spelled out; a person's name only to somebody who may read people.

use askama::Template;
use serde_json::Value;
use tabellion_model::register::{Content, Field, Kind, Register};
use tabellion_model::{CredentialId, SystemId};

use super::picks::EVIDENCE;
use crate::console::block::Block;
use crate::console::cell::Cell;
use crate::console::link::own_path;
use crate::console::visit::Visit;
use crate::printable::{visible, visible_value};
use crate::refusal::Refusal;

/// What one field says.
#[derive(Default)]
pub(crate) struct Said {
    /// A text of several lines; empty: there are cells.
    pub(crate) text: String,
    /// Its values.
    pub(crate) cells: Vec<Cell>,
}

impl Said {
    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.cells.is_empty()
    }

    /// What `value` says in `field`; none: a member that is no field.
    pub(crate) fn of(visit: &Visit<'_>, field: Option<&Field>, value: &Value) -> Result<Self, Refusal> {
        let cells = |cells| Self { text: String::new(), cells };
        let Some(field) = field else {
            return Ok(cells(vec![Cell::long(&visible_value(value, usize::MAX))]));
        };
        let words = |value: &Value| match value.as_str() {
            Some(word) => {
                let option = field.options.iter().find(|option| option.word == word);
                Cell::text(option.map_or(word, |option| option.label.as_str()))
            }
            None => Cell::text(&visible_value(value, usize::MAX)),
        };
        Ok(match (field.kind, value) {
            (_, Value::Null) => Self::default(),
            (Kind::Text, Value::String(text)) => Self { text: prose(text), cells: Vec::new() },
            (Kind::List, Value::Array(items)) => {
                cells(items.iter().map(|item| led(visit, field, item, words(item))).collect())
            }
            (Kind::Choices, Value::Array(items)) => cells(items.iter().map(words).collect()),
            (Kind::Person, Value::String(id)) => cells(vec![match CredentialId::from_hex(id) {
                Some(id) => visit.who(id)?,
                None => Cell::text(id),
            }]),
            (Kind::System, Value::String(id)) => cells(vec![match SystemId::from_hex(id) {
                Some(id) => visit.names.system(visit.desk, id)?,
                None => Cell::text(id),
            }]),
            (Kind::YesNo, Value::Bool(yes)) => cells(vec![Cell::text(if *yes { "Yes" } else { "No" })]),
            (Kind::References, Value::Array(items)) => {
                let ids: Vec<String> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                cells(super::work_items::references(visit, &ids))
            }
            (Kind::Number, Value::Number(number)) => cells(vec![Cell::text(&number.to_string())]),
            (_, value) => cells(vec![words(value)]),
        })
    }
}

/// A line of a list, leading to what it names: an address, a page of ours, or where records are named the entry of its number.
fn led(visit: &Visit<'_>, field: &Field, value: &Value, cell: Cell) -> Cell {
    let text = value.as_str().unwrap_or_default().trim();
    if let Some(path) = text.strip_prefix(&visit.settings.public_url).and_then(own_path) {
        return cell.to(path.to_owned());
    }
    if is_web_address(text) {
        return cell.to(text.to_owned());
    }
    let number = text.split('#').nth(1).filter(|_| field.name == EVIDENCE).map(|rest| {
        rest.chars()
            .filter(|character| *character != ',')
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    match number.and_then(|digits| digits.parse::<u64>().ok()) {
        Some(index) if index < visit.size() && visit.opens(index) => {
            cell.to(visit.to(&format!("/ledger/{index}")))
        }
        _ => cell,
    }
}

/// Whether all of `text` is an address of the web, and of nothing that runs.
fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// A text of several lines as it is read: whole, its lines kept, what is hidden spelled out.
pub(crate) fn prose(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| visible(line, usize::MAX)).collect();
    lines.join("\n")
}

/// One field, and what was approved where that differs.
struct Row {
    label: String,
    /// `missing`, `changed` or nothing.
    class: &'static str,
    tags: Vec<&'static str>,
    now: Said,
    before: Option<Said>,
}

struct Part {
    name: String,
    title: String,
    changed: usize,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "console/said.html")]
struct Sections {
    /// What the two sides are called, where there are two.
    sides: (&'static str, &'static str),
    parts: Vec<Part>,
}

/// The content by section, but for fields that stand elsewhere on the page; where `before` differs from it, both.
pub(crate) fn sections(
    visit: &Visit<'_>,
    register: &Register,
    content: &Content,
    before: Option<&Content>,
    elsewhere: &[&str],
) -> Result<Block, Refusal> {
    let mut parts = Vec::new();
    for section in &register.sections {
        let mut rows = Vec::new();
        for field in section.fields.iter().filter(|field| !elsewhere.contains(&field.name.as_str())) {
            rows.push(row(visit, field, content, before)?);
        }
        parts.push(Part {
            name: section.name.clone(),
            title: section.title.clone(),
            changed: rows.iter().filter(|row| row.before.is_some()).count(),
            rows,
        });
    }
    Block::of(&Sections { sides: ("Approved", "Now"), parts })
}

fn row(
    visit: &Visit<'_>,
    field: &Field,
    content: &Content,
    before: Option<&Content>,
) -> Result<Row, Refusal> {
    let said =
        |content: &Content| Said::of(visit, Some(field), content.get(&field.name).unwrap_or(&Value::Null));
    let now = said(content)?;
    let differs = before.is_some_and(|before| before.get(&field.name) != content.get(&field.name));
    let before = before.filter(|_| differs).map(said).transpose()?;
    let missing = now.is_empty() && field.required;
    let mut tags = Vec::new();
    if missing {
        tags.push("needed");
    }
    if differs {
        tags.push(if field.material { "changed, material" } else { "changed" });
    }
    let class = match (missing, differs) {
        (true, _) => "missing",
        (_, true) => "changed",
        _ => "",
    };
    Ok(Row { label: field.label.clone(), class, tags, now, before })
}

/// Only the fields in which two contents differ; what both sides are called stands above.
pub(crate) fn differing(
    visit: &Visit<'_>,
    register: &Register,
    sides: (&'static str, &'static str),
    before: &Content,
    now: &Content,
) -> Result<Option<Block>, Refusal> {
    let mut rows = Vec::new();
    for field in register.fields().filter(|field| before.get(&field.name) != now.get(&field.name)) {
        rows.push(row(visit, field, now, Some(before))?);
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let part = Part { name: "differing".to_owned(), title: String::new(), changed: 0, rows };
    Block::of(&Sections { sides, parts: vec![part] }).map(Some)
}
