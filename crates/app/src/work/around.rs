//! What belongs to an entry: what it follows from, what of it was erased and where that is on record, and the file that it holds.
//!
//! Must never: give bytes of a file that its reader may not see in the entry itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tabellion_ledger::UnitContent;
use tabellion_model::RecordId;

use super::entries::EntryForm;
use super::{Actor, Desk};
use crate::refusal::{Code, Refusal};

/// What belongs to an entry.
pub(crate) struct Around {
    /// Records that it follows from: each by its part in it.
    pub(crate) parents: Vec<(String, RecordId)>,
    /// For each unit that was erased, by its id: the entry that proves it.
    pub(crate) erased: BTreeMap<String, u64>,
}

/// A file that stands in a record.
pub(crate) struct RecordedFile {
    /// What it is called.
    pub(crate) name: String,
    /// Its media type, as whoever recorded it says.
    pub(crate) media_type: Option<String>,
    /// Its size in bytes.
    pub(crate) size_bytes: Option<u64>,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// Whether its bytes are kept and the reader may have them.
    pub(crate) is_kept: bool,
}

impl Desk {
    /// What belongs to the entry at `index`.
    pub(crate) fn around(&self, actor: &Actor, index: u64) -> Result<Around, Refusal> {
        let view = self.reach_entry(actor, index)?;
        let parents = view.entry.header().map(|header| header.parents.as_slice()).unwrap_or_default();
        let parents = parents.iter().map(|parent| (parent.role.clone(), parent.record_id)).collect();
        let gone: Vec<_> =
            view.units.iter().filter(|unit| matches!(unit.content, UnitContent::Erased)).collect();
        let mut erased = BTreeMap::new();
        if !gone.is_empty() {
            let reader = self.ledger.reader();
            let tombstones = reader.tombstones(reader.size())?;
            for unit in gone {
                erased.extend(tombstones.get(&unit.id).map(|(entry, _)| (unit.id.to_hex(), *entry)));
            }
        }
        Ok(Around { parents, erased })
    }

    /// The bytes of the file in the entry at `index`, with its name.
    pub(crate) fn recorded_file(&self, actor: &Actor, index: u64) -> Result<(String, Vec<u8>), Refusal> {
        let entry = self.entry(actor, index)?;
        let not_there = || Refusal::not_found("file");
        let file = file_in(&entry).ok_or_else(not_there)?;
        let content = text_in(&entry, "content").ok_or_else(not_there)?;
        let bytes = STANDARD.decode(content).map_err(|error| {
            Refusal::new(
                Code::Broken,
                format!("the file in entry {index} is not what it was recorded as: {error}"),
            )
        })?;
        Ok((file.name, bytes))
    }
}

/// The file that an entry holds, as far as its reader may see.
pub(crate) fn file_in(entry: &EntryForm) -> Option<RecordedFile> {
    let named = entry.record_type.as_deref()?.ends_with(".captured");
    let sha256 = text_in(entry, "sha256").filter(|_| named)?.to_owned();
    Some(RecordedFile {
        name: text_in(entry, "name").unwrap_or_default().to_owned(),
        media_type: text_in(entry, "media_type").map(str::to_owned),
        size_bytes: fields_of(entry, "size").and_then(Value::as_u64),
        sha256,
        is_kept: text_in(entry, "content").is_some(),
    })
}

fn fields_of<'e>(entry: &'e EntryForm, name: &str) -> Option<&'e Value> {
    entry.units.iter().find_map(|unit| unit.fields.get(name))
}

fn text_in<'e>(entry: &'e EntryForm, name: &str) -> Option<&'e str> {
    fields_of(entry, name).and_then(Value::as_str)
}
