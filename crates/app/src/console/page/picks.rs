//! What a form offers where a clause, a control or a record is named: lists to search by typing, each choice one more line of the field.
//!
//! Promises: only what the reader may open is offered. The field itself takes what is typed too, and without scripts nothing else.

use tabellion_model::catalogue::Reference;
use tabellion_model::register::{Field, Kind, Register};
use tabellion_views::query::Page;

use super::happened;
use crate::console::visit::Visit;
use crate::console::words::count;
use crate::permission::Permission;
use crate::refusal::Refusal;

/// The field that names records, in every register that has one.
pub(crate) const EVIDENCE: &str = "evidence";
/// Changes that are looked through for those within reach.
const LOOKED_THROUGH: u32 = 200;
/// Records that are offered: the newest; older ones are found by the search, and typed as `#123`.
const OFFERED: usize = 60;

/// Streams whose records show something about the management of AI; who came and went shows nothing.
const SHOWS: [&str; 4] = ["register/", "soa/", "policy/", "system/"];

/// Id of the list of clauses and controls.
const REFERENCES_LIST: &str = "pick-references";
/// Id of the list of records.
const RECORDS_LIST: &str = "pick-records";

/// What is offered to be added to a field.
pub(crate) struct Pick {
    /// Id of the list.
    pub(crate) list: &'static str,
    /// What is looked for.
    pub(crate) label: &'static str,
}

impl Pick {
    /// What is offered for `field`.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        match field.kind {
            Kind::References => Some(Self { list: REFERENCES_LIST, label: "Find a clause or control" }),
            Kind::List if field.name == EVIDENCE => {
                Some(Self { list: RECORDS_LIST, label: "Find a record by what was done, or by its number" })
            }
            _ => None,
        }
    }
}

/// A list that fields are picked from.
pub(crate) struct List {
    pub(crate) id: &'static str,
    /// The line that is added, and what is read beside it.
    pub(crate) options: Vec<(String, String)>,
}

/// The lists that the fields of `register` pick from.
pub(crate) fn lists(visit: &Visit<'_>, register: &Register) -> Result<Vec<List>, Refusal> {
    let picks: Vec<Pick> = register.fields().filter_map(Pick::of).collect();
    let has = |list: &str| picks.iter().any(|pick| pick.list == list);
    let mut lists = Vec::new();
    if has(REFERENCES_LIST) {
        let all =
            Reference::all().map(|reference| (reference.to_string(), reference.item().title.to_string()));
        lists.push(List { id: REFERENCES_LIST, options: all.collect() });
    }
    if has(RECORDS_LIST) {
        lists.push(List { id: RECORDS_LIST, options: records(visit)? });
    }
    Ok(lists)
}

/// The newest changes that the reader may open, each under the number of its entry.
fn records(visit: &Visit<'_>) -> Result<Vec<(String, String)>, Refusal> {
    let mut options = Vec::new();
    if !visit.can(Permission::ReadEntries) {
        return Ok(options);
    }
    let recent = visit.desk.views().history(None, Page { before: None, limit: LOOKED_THROUGH })?;
    for row in recent.rows {
        if options.len() == OFFERED {
            break;
        }
        let shows = SHOWS.iter().any(|kind| row.stream.starts_with(kind));
        if shows && happened::within(visit, &row)? && visit.desk.entry(visit.actor()?, row.entry).is_ok() {
            let what = happened::what(visit, &row)?.text;
            options.push((format!("#{} {what}", row.entry), format!("entry {}", count(row.entry))));
        }
    }
    Ok(options)
}
