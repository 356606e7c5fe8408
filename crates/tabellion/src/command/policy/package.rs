//! Recorded decisions out of an evidence package.
//!
//! Promises: a package that does not hold together is refused; a system is taken as it was described when the call was decided. Must never: read what the
//! package does not disclose.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use tabellion_model::body::{Body as _, CallAuthorised, CallDenied, SystemRegistered};
use tabellion_model::probe::is_probe;
use tabellion_model::zip::ZipArchive;
use tabellion_model::{Disclosure, Entry, Header, Manifest, SystemId, verify};
use tabellion_policy::{KnownSystem, RecordedDecision};
use tabellion_tlog::BundleReader;

use super::recorded::Decided;
use crate::failure::Failure;
use crate::files;

/// Largest package that is read whole.
const MAX_PACKAGE_BYTES: u64 = 1 << 30;
/// What a verifier says of a package that is broken, and of a file that is none.
const UNUSABLE: [u8; 2] = [1, 2];

/// Fields that are shown, by entry.
type Shown = BTreeMap<u64, Map<String, Value>>;

/// Reads the decisions of the package at `path`, in the order of the log.
pub(super) fn read(path: &Path) -> Result<Vec<Decided>, Failure> {
    let bytes = files::read_limited(path, MAX_PACKAGE_BYTES, "evidence package")?;
    if UNUSABLE.contains(&verify(&bytes, None).exit_code()) {
        return Err(Failure::malformed(format!(
            "{} does not hold together as an evidence package; tabellion verify says why",
            path.display()
        )));
    }
    let unusable = |error: &dyn std::fmt::Display| Failure::malformed(format!("{}: {error}", path.display()));
    let zip = ZipArchive::parse(&bytes).map_err(|error| unusable(&error))?;
    let manifest = zip.get("manifest.json").map(|file| file.content).unwrap_or_default();
    let mut index = Manifest::parse(manifest).map_err(|error| unusable(&error))?.first;
    let shown = shown(&zip).map_err(|error| unusable(&error))?;
    let (mut decisions, mut systems) = (Vec::new(), BTreeMap::new());
    for file in zip.files().iter().filter(|file| file.name.starts_with("entries/")) {
        for entry in BundleReader::new(file.content) {
            let entry =
                Entry::parse(entry.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
            if let Some(header) = entry.header() {
                let fields = shown.get(&index).cloned().unwrap_or_default();
                note(index, header, fields, &mut systems, &mut decisions);
            }
            index += 1;
        }
    }
    Ok(decisions)
}

/// The disclosures of the package: the verification has bound each to its entry.
fn shown(zip: &ZipArchive<'_>) -> Result<Shown, String> {
    let mut all = Shown::new();
    for file in zip.files().iter().filter(|file| file.name.starts_with("disclosures/")) {
        let lines = file.content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for line in lines {
            let line: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
            let index = line.get("index").and_then(Value::as_u64).ok_or("a disclosure without its entry")?;
            let disclosures = line.get("disclosures").and_then(Value::as_array).into_iter().flatten();
            for encoded in disclosures.filter_map(Value::as_str) {
                let one = Disclosure::parse(encoded).map_err(|error| error.to_string())?;
                all.entry(index).or_default().insert(one.name().to_owned(), one.value().clone());
            }
        }
    }
    Ok(all)
}

/// Takes in one entry.
fn note(
    index: u64,
    header: &Header,
    fields: Map<String, Value>,
    systems: &mut BTreeMap<SystemId, KnownSystem>,
    decisions: &mut Vec<Decided>,
) {
    let system = header.system.as_ref().map(|(system, _)| *system);
    match header.record_type.as_str() {
        SystemRegistered::TYPE => {
            let described = SystemRegistered::read(fields).ok();
            if let Some(system) = system {
                // What is not shown any more replaces what was said before: it was true until here alone.
                match described {
                    Some(body) => {
                        systems.insert(system, KnownSystem { name: body.name, purposes: body.purposes });
                    }
                    None => drop(systems.remove(&system)),
                }
            }
        }
        // A probe is decided by a rule of its own, not by those that are tried here.
        CallAuthorised::TYPE | CallDenied::TYPE if !is_probe(header) => {
            let decision = decided(index, header, fields);
            let described = system.and_then(|system| systems.get(&system).cloned());
            decisions.push((decision, described));
        }
        _ => {}
    }
}

fn decided(index: u64, header: &Header, fields: Map<String, Value>) -> RecordedDecision {
    let name = format!("entry {index}");
    if header.record_type.as_str() == CallAuthorised::TYPE {
        return RecordedDecision::of_authorised(name, header, CallAuthorised::read(fields).ok());
    }
    RecordedDecision::of_denied(name, header, CallDenied::read(fields).ok())
}
