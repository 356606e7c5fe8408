//! `tabellion log find`: the records that speak of a content, by its SHA-256.

use std::path::Path;

use serde_json::{Map, Value, json};
use tabellion_ledger::{EntryView, Reader, UnitContent};
use tabellion_model::digests::{DigestMention, digest_of_text, mentions};
use tabellion_model::registry::Kind;
use tabellion_tlog::{Hash, sha256};

use crate::failure::Failure;
use crate::{files, terminal};

/// Largest file whose digest is made here; of a larger one give the digest.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The digest that was given, or that of the file.
pub(super) fn digest_of(digest: Option<&str>, file: Option<&Path>) -> Result<Hash, Failure> {
    match (digest, file) {
        (Some(text), None) => digest_of_text(text).ok_or_else(|| {
            Failure::malformed("a SHA-256 is 64 hex digits, with sha256: before them or without")
        }),
        (None, Some(file)) => Ok(sha256(&files::read_limited(file, MAX_FILE_BYTES, "file")?)),
        _ => Err(Failure::malformed("give a SHA-256, or a file with --file")),
    }
}

/// Prints every place of the log that speaks of `digest`, oldest first.
pub(super) fn run(reader: &Reader, digest: &Hash, as_json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    reader.entries(0, reader.size(), |view| {
        rows.extend(places(&view, digest));
        Ok(())
    })?;
    if as_json {
        return terminal::json(&json!({ "digest": digest.to_hex(), "places": rows }));
    }
    if rows.is_empty() {
        return Err(Failure::undetermined(format!(
            "no record that can be read here speaks of {}: what was erased, or never given to this vault, cannot be looked into",
            digest.to_hex()
        )));
    }
    rows.iter().try_for_each(|row| {
        let text =
            |name: &str| terminal::printable(row.get(name).and_then(Value::as_str).unwrap_or_default());
        let index = row.get("index").map(Value::to_string).unwrap_or_default();
        let (at, record_type) = (text("at"), text("type"));
        terminal::data(&format!(
            "entry {index}  {at}  {record_type}  {} at {}\n",
            text("role"),
            text("place")
        ))
    })
}

fn places(view: &EntryView, digest: &Hash) -> Vec<Value> {
    let Some(header) = view.entry.header() else { return Vec::new() };
    let is_import = header.record_type.as_str() == Kind::EnvelopeImported.name();
    let clear: &Map<String, Value> = &header.clear.clone().unwrap_or_default();
    let in_clear = clear.iter().flat_map(|(name, value)| mentions(name, value, is_import, digest));
    let shown = view.units.iter().filter_map(|unit| match &unit.content {
        UnitContent::Shown(fields) => Some(fields),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    let in_units = shown.flatten().flat_map(|field| mentions(field.name(), field.value(), is_import, digest));
    let row = |mention: DigestMention| {
        json!({
            "at": header.observed_at.to_string(), "index": view.index, "place": mention.place, "record_id": header.record_id.to_hex(),
            "role": mention.role.as_str(), "type": header.record_type.as_str(),
        })
    };
    in_clear.chain(in_units).map(row).collect()
}
