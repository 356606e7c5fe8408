//! Whose hands a package went through, as far as the log knows: its export, and what its holders signed over it and had registered.
//!
//! Promises: every row is a record, named by its entry. Must never: say that nobody else has a copy.

use std::path::Path;

use serde_json::{Map, Value, json};
use tabellion_ledger::{EntryView, Reader, UnitContent};
use tabellion_model::registry::{self, Facts};
use tabellion_model::zip::ZipArchive;
use tabellion_tlog::{Hash, sha256};

use crate::failure::Failure;
use crate::{files, terminal};

/// Largest package: it has no ZIP64 form (docs/formats.md §11).
const MAX_PACKAGE_BYTES: u64 = u32::MAX as u64;
const MANIFEST: &str = "manifest.json";

/// Prints who exported the package in `file` and who stated that they have it, oldest first.
pub(super) fn run(reader: &Reader, file: &Path, as_json: bool) -> Result<(), Failure> {
    let bytes = files::read_limited(file, MAX_PACKAGE_BYTES, "package")?;
    let no_package =
        |why: &dyn std::fmt::Display| Failure::malformed(format!("{} is no package: {why}", file.display()));
    let archive = ZipArchive::parse(&bytes).map_err(|error| no_package(&error))?;
    let manifest = archive.get(MANIFEST).ok_or_else(|| no_package(&"it has no manifest.json"))?;
    let (manifest, package) = (sha256(manifest.content), sha256(&bytes));
    let mut rows = Vec::new();
    reader.entries(0, reader.size(), |view| {
        rows.extend(row(&view, &manifest, &package));
        Ok(())
    })?;
    if as_json {
        return terminal::json(&json!({ "custody": rows, "package_sha256": package.to_hex() }));
    }
    if rows.is_empty() {
        return Err(Failure::undetermined(format!(
            "this log knows nothing of the package {}: it was exported elsewhere, or under another log",
            package.to_hex()
        )));
    }
    rows.iter().try_for_each(|row| terminal::data(&line(row)))
}

/// What an entry says about the package.
fn row(view: &EntryView, manifest: &Hash, package: &Hash) -> Option<Value> {
    let header = view.entry.header()?;
    let said = fields(view);
    let text = |name: &str| said.get(name).cloned().unwrap_or(Value::Null);
    let (event, who, about) = match registry::facts(header).ok()?? {
        Facts::PackageExported(exported) if exported.manifest_sha256 == *manifest => {
            ("exported", Value::from(header.actor.to_hex()), text("recipient"))
        }
        Facts::StatementRegistered(_) if text("artefact_digest") == package.to_hex() => {
            ("stated", text("issuer"), text("subject"))
        }
        _ => return None,
    };
    let about = if event == "exported" { ("for", about) } else { ("says", about) };
    Some(json!({
        "at": header.observed_at.to_string(), "entry": view.index, "event": event, "record_id": header.record_id.to_hex(),
        "who": who, about.0: about.1,
    }))
}

fn fields(view: &EntryView) -> Map<String, Value> {
    let shown = view.units.iter().filter_map(|unit| match &unit.content {
        UnitContent::Shown(fields) => Some(fields),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    shown.flatten().map(|field| (field.name().to_owned(), field.value().clone())).collect()
}

fn line(row: &Value) -> String {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(terminal::printable);
    let of = |name: &str| text(name).unwrap_or_else(|| "unknown".to_owned());
    let more = match (text("for"), text("says")) {
        (Some(recipient), _) => format!(" for {recipient}"),
        (None, Some(says)) => format!(": {says}"),
        (None, None) => String::new(),
    };
    let entry = row.get("entry").map(Value::to_string).unwrap_or_default();
    format!("entry {entry}  {}  {} by {}{more}\n", of("at"), of("event"), of("who"))
}
