//! One entry as a person reads it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use tabellion_ledger::{EntryView, Reader, UnitContent, UnitView};
use tabellion_model::body::is_original;
use tabellion_model::{Entry, Header, Receipt};

use crate::failure::Failure;
use crate::terminal::{self, printable};

/// Longest value that is printed whole in text; more is for --json.
const MAX_SHOWN_CHARS: usize = 400;

/// Prints entry `index`.
pub(super) fn run(reader: &Reader, index: u64, as_json: bool) -> Result<(), Failure> {
    let view = reader.entry(index)?;
    let facts = describe(reader, &view)?;
    let units: Vec<Value> = view.units.iter().map(|unit| describe_unit(&view, unit)).collect();
    if as_json {
        let mut members: Map<String, Value> = facts.into_iter().collect();
        members.insert("units".to_owned(), Value::Array(units));
        return terminal::json(&Value::Object(members));
    }
    let mut text = String::new();
    for (name, member) in &facts {
        render(&mut text, name, member)?;
    }
    for unit in &units {
        render_unit(&mut text, unit)?;
    }
    terminal::data(&text)
}

/// Names and values, in the order in which they are read.
type Facts = Vec<(String, Value)>;

fn put(facts: &mut Facts, name: &str, value: impl Into<Value>) {
    facts.push((name.to_owned(), value.into()));
}

fn describe(reader: &Reader, view: &EntryView) -> Result<Facts, Failure> {
    let mut facts = Facts::new();
    put(&mut facts, "entry", view.index);
    match &view.entry {
        Entry::Record(_) => put(&mut facts, "kind", "record"),
        Entry::Statement(statement) => {
            put(&mut facts, "kind", "statement");
            put(&mut facts, "signed_by", statement.kid.to_hex());
        }
        Entry::Seal(_) => put(&mut facts, "kind", "seal"),
    }
    match &view.entry {
        Entry::Seal(seal) => {
            let seal = &seal.seal;
            put(&mut facts, "committed_at", seal.committed_at.to_string());
            put(&mut facts, "first", seal.first);
            put(&mut facts, "count", seal.count);
            put(&mut facts, "root", seal.root.to_hex());
            put(&mut facts, "keys", seal.keys);
        }
        Entry::Record(_) | Entry::Statement(_) => {
            if let Some(header) = view.entry.header() {
                describe_header(&mut facts, header);
            }
            put(&mut facts, "committed_at", sealed_at(&reader.receipt(view.index)?)?);
        }
    }
    put(&mut facts, "leaf", tabellion_tlog::leaf_hash(&view.bytes).to_hex());
    Ok(facts)
}

/// When the entry was committed, as its seal says.
fn sealed_at(receipt: &Receipt) -> Result<String, Failure> {
    let seal = receipt.seal.as_ref().and_then(|seal| match Entry::parse(&seal.placed.entry) {
        Ok(Entry::Seal(seal)) => Some(seal.seal.committed_at.to_string()),
        _ => None,
    });
    seal.ok_or_else(|| {
        Failure::failed(format!("entry {} has no readable seal; run tabellion fsck", receipt.index))
    })
}

fn describe_header(facts: &mut Facts, header: &Header) {
    put(facts, "type", header.record_type.as_str());
    put(facts, "type_version", header.type_version);
    put(facts, "critical", header.critical);
    put(facts, "record_id", header.record_id.to_hex());
    put(facts, "actor", header.actor.to_hex());
    put(facts, "assurance", header.assurance.as_str());
    put(facts, "producer", header.producer.to_hex());
    put(facts, "number", format!("{} of epoch {}", header.seq, header.epoch));
    if let Some((system, number)) = &header.system {
        put(facts, "system", format!("{system} (number {number})"));
    }
    if let Some((stream, version)) = &header.stream {
        put(facts, "stream", format!("{stream} version {version}"));
    }
    if let Some(basis) = header.basis {
        put(facts, "basis", basis);
    }
    for (number, parent) in header.parents.iter().enumerate() {
        put(
            facts,
            &format!("parent_{}", number + 1),
            format!("{} {} (leaf {})", parent.role, parent.record_id, parent.hash),
        );
    }
    if let Some(clear) = &header.clear {
        put(facts, "clear", Value::Object(clear.clone()));
    }
    put(facts, "observed_at", header.observed_at.to_string());
}

/// The content of a unit that is here and not printed.
const KEPT: &str = "kept";

/// What a placeholder of a call stands for is not printed: it is shown to a person who said why, over the API or in the console.
fn describe_unit(view: &EntryView, unit: &UnitView) -> Value {
    let record_type = view.entry.header().map(|header| header.record_type.as_str()).unwrap_or_default();
    let (content, fields) = match &unit.content {
        UnitContent::Shown(disclosures)
            if disclosures.iter().any(|shown| is_original(record_type, shown.name())) =>
        {
            (KEPT, json!({}))
        }
        UnitContent::Shown(disclosures) => {
            let fields: Map<String, Value> =
                disclosures.iter().map(|shown| (shown.name().to_owned(), shown.value().clone())).collect();
            ("shown", Value::Object(fields))
        }
        UnitContent::Erased => ("erased", json!({})),
        UnitContent::Missing => ("withheld", json!({})),
    };
    json!({ "content": content, "fields": fields, "personal": unit.personal, "unit": unit.id.to_hex() })
}

fn render(text: &mut String, name: &str, value: &Value) -> Result<(), Failure> {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut shown = printable(&shown);
    if shown.chars().count() > MAX_SHOWN_CHARS {
        shown = shown.chars().take(MAX_SHOWN_CHARS).collect::<String>() + " … (whole with --json)";
    }
    writeln!(text, "{name:<12} {shown}").map_err(|error| Failure::failed(error.to_string()))
}

fn render_unit(text: &mut String, unit: &Value) -> Result<(), Failure> {
    let word = |name: &str| unit.get(name).and_then(Value::as_str).unwrap_or_default();
    let about = if unit.get("personal").and_then(Value::as_bool) == Some(true) {
        ", about a data subject"
    } else {
        ""
    };
    let why = match word("content") {
        "erased" => ": its key was destroyed, nothing about it can be read or guessed",
        KEPT => ": kept; shown by unmasking alone",
        "withheld" => ": not kept here",
        _ => "",
    };
    writeln!(text, "\nunit {} ({}{about}){why}", word("unit"), word("content"))
        .map_err(|error| Failure::failed(error.to_string()))?;
    let fields = unit.get("fields").and_then(Value::as_object);
    fields.into_iter().flatten().try_for_each(|(name, value)| render(text, &format!("  {name}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: G17. What is kept is said to be kept, and who is shown it; what is not here is not.
    #[test]
    fn what_is_kept_is_not_said_to_be_elsewhere() {
        for (content, says, does_not_say) in [
            (KEPT, "kept; shown by unmasking alone", "not kept here"),
            ("withheld", "not kept here", "unmasking"),
        ] {
            let unit = json!({ "content": content, "fields": {}, "personal": true, "unit": "00" });
            let mut text = String::new();
            assert!(render_unit(&mut text, &unit).is_ok(), "{content}");
            assert!(text.contains(says) && !text.contains(does_not_say), "{text}");
        }
    }
}
