//! The table of records: the first of the range, with what is shown of each.
//!
//! Promises: nothing is shown that the package itself does not disclose, and everything left out is counted in the row.

use tabellion_ledger::{EntryView, UnitView};
use tabellion_model::registry::Kind;
use tabellion_model::{Entry, Header, Micros};

use super::words::{count, counted, row_time, short};
use crate::export::{ExportError, Subject, Survey, shown};
use crate::printable::{visible, visible_value};

/// Rows: some dozens of printed pages. A reader who needs more reads the entries, for which the verifiers have tools.
pub(crate) const MAX_RECORD_ROWS: usize = 500;
/// Entries read at a time while rows are collected.
const CHUNK_ENTRIES: u64 = 512;
/// Fields of one record: what fits beside its row.
const MAX_FIELDS: usize = 24;
/// Characters of one value: a paragraph.
const VALUE_CHARACTERS: usize = 400;
/// Characters of one structural fact: facts are short, lists of ids are not.
const FACT_CHARACTERS: usize = 120;

/// A name with its value.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) personal: bool,
}

/// One record.
pub(super) struct RecordRow {
    pub(super) index: u64,
    pub(super) kind: String,
    pub(super) sealed: String,
    pub(super) observed: String,
    pub(super) assurance: &'static str,
    pub(super) signed: bool,
    pub(super) actor: String,
    pub(super) about: String,
    /// What anyone may read for ever.
    pub(super) facts: Vec<Field>,
    /// What this package discloses.
    pub(super) fields: Vec<Field>,
    /// What is not there, and why.
    pub(super) notes: Vec<String>,
}

/// The rows and how many records there are besides them.
pub(super) struct Records {
    pub(super) rows: Vec<RecordRow>,
    pub(super) more: u64,
    pub(super) total: u64,
}

impl Records {
    /// How many rows there are.
    pub(super) fn printed(&self) -> u64 {
        self.rows.len() as u64
    }
}

pub(super) fn records(subject: &Subject<'_>, survey: &Survey) -> Result<Records, ExportError> {
    let span = &subject.span;
    let mut rows = Vec::new();
    let mut next = span.first;
    while next < span.end() && rows.len() < MAX_RECORD_ROWS {
        let to = span.end().min(next + CHUNK_ENTRIES);
        subject.reader.entries(next, to, |view| {
            if rows.len() < MAX_RECORD_ROWS {
                rows.extend(row(subject, survey, &view));
            }
            Ok(())
        })?;
        next = to;
    }
    let total = span.count.saturating_sub(span.commits.len() as u64);
    Ok(Records { more: total.saturating_sub(rows.len() as u64), rows, total })
}

fn row(subject: &Subject<'_>, survey: &Survey, view: &EntryView) -> Option<RecordRow> {
    let header = view.entry.header()?;
    let kind = Kind::of(&header.record_type);
    let (fields, notes) = content(subject, survey, view, kind);
    Some(RecordRow {
        index: view.index,
        kind: match header.type_version {
            1 => header.record_type.as_str().to_owned(),
            version => format!("{} (version {version})", header.record_type.as_str()),
        },
        sealed: row_time(subject.span.committed_at(view.index).unwrap_or(Micros(0))),
        observed: row_time(header.observed_at),
        assurance: header.assurance.as_str(),
        signed: matches!(view.entry, Entry::Statement(_)),
        actor: short(&header.actor.to_string()),
        about: about(header),
        facts: structural(header, kind),
        fields,
        notes,
    })
}

/// What the record is about, in ids.
fn about(header: &Header) -> String {
    let mut parts = Vec::new();
    if let Some((system, number)) = &header.system {
        parts.push(format!("system {} no. {}", short(&system.to_string()), count(*number)));
    }
    if let Some((stream, version)) = &header.stream {
        parts.push(format!("{} version {}", visible(stream.as_str(), FACT_CHARACTERS), count(*version)));
    }
    match header.parents.len() as u64 {
        0 => {}
        parents => parts.push(format!("follows from {}", counted(parents, "record", "records"))),
    }
    if let Some(basis) = header.basis {
        parts.push(format!("decided on size {}", count(basis)));
    }
    parts.join(" · ")
}

/// The members that anyone may read for ever; those of key records are told in the section on keys.
fn structural(header: &Header, kind: Option<Kind>) -> Vec<Field> {
    if kind.is_some_and(Kind::is_key_record) {
        return Vec::new();
    }
    let members = header.clear.iter().flatten().take(MAX_FIELDS);
    members
        .map(|(name, value)| Field {
            name: visible(name, FACT_CHARACTERS),
            value: visible_value(value, FACT_CHARACTERS),
            personal: false,
        })
        .collect()
}

/// The disclosed fields of a record, and a note for everything that is not one of them.
fn content(
    subject: &Subject<'_>,
    survey: &Survey,
    view: &EntryView,
    kind: Option<Kind>,
) -> (Vec<Field>, Vec<String>) {
    let mut fields = Vec::new();
    let mut notes = Vec::new();
    if kind.is_some_and(Kind::is_key_record) {
        notes.push("see Keys".to_owned());
    }
    // Units that are not wholly shown, and their fields that are not.
    let mut withheld = (0, 0);
    for unit in &view.units {
        let digests = digests_of(view, unit);
        if let Some(tombstone) = survey.tombstone_of(view.index, &unit.id) {
            notes.push(format!(
                "{} erased, tombstone at entry {tombstone}",
                counted(digests, "field", "fields")
            ));
        } else if kind == Some(Kind::ErasureDone) {
            notes.push(format!("names {}, one field each", counted(digests, "erased unit", "erased units")));
        } else {
            let disclosures = shown(view, unit, subject.request);
            let hidden = digests.saturating_sub(disclosures.len() as u64);
            if hidden > 0 {
                withheld = (withheld.0 + 1, withheld.1 + hidden);
            }
            fields.extend(disclosures.into_iter().map(|field| Field {
                name: field.name().to_owned(),
                value: visible_value(field.value(), VALUE_CHARACTERS),
                personal: unit.personal,
            }));
        }
    }
    if withheld.0 > 0 {
        let units = counted(withheld.0, "unit", "units");
        notes.push(format!("{units} withheld ({})", counted(withheld.1, "field", "fields")));
    }
    // Disclosures stand in the order of their digests, which says nothing to a reader.
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    let cut = fields.len().saturating_sub(MAX_FIELDS) as u64;
    if cut > 0 {
        fields.truncate(MAX_FIELDS);
        notes.push(format!("{} not printed here", counted(cut, "more field", "more fields")));
    }
    (fields, notes)
}

fn digests_of(view: &EntryView, unit: &UnitView) -> u64 {
    let units = view.entry.header().map(|header| header.units.as_slice()).unwrap_or_default();
    units.iter().find(|digests| digests.id == unit.id).map_or(0, |digests| digests.digests.len() as u64)
}
