//! What is kept about one person, for that person: their content, a page to read, and a receipt for each record (`docs/erasure.md`, *What is kept about somebody*).
//!
//! Promises: the same content that an erasure of them would take and that is still there; each record with a receipt that shows theirs alone, which every verifier checks; what
//! was erased is counted and what is masked stays masked; every name that was looked for is said, and which of them found something. Must never: show content of another unit of the same record, or hold more than its limits.

use std::collections::BTreeSet;

use askama::Template;
use serde_json::{Map, Value, json};
use tabellion_ledger::{AboutSubject, LedgerError, Reader, SoughtName, UnitContent};
use tabellion_model::UnitId;
use tabellion_model::body::AccessGiven;
use tabellion_model::zip::{ZipWriteError, ZipWriter};
use tabellion_tlog::{Hash, sha256};

use crate::captured::is_original;
use crate::export::VERIFY_HTML;
use crate::printable::{visible, visible_value};

/// Most records in one file: a page that a browser opens. Whoever has more gets several files.
pub const MAX_ACCESS_RECORDS: usize = 2_000;
/// Most bytes of receipts in one file: it is made in memory. One record is always in it, whatever its size; its receipt is at most 4 MiB.
pub const MAX_ACCESS_BYTES: usize = 64 << 20;
/// Characters of a value on the page; `about.json` has all of it.
const SHOWN_CHARS: usize = 4_000;
const FORMAT: &str = "tabellion.access/1";
/// How others are treated, in the words of the file.
const OTHERS: &str = "Of a record that also concerns others, or the business, only what is kept about this person is shown; how many other parts of content it has is said. Free text about this person \
may mention others; it is theirs to see as it was recorded. What was masked before it was recorded stays masked, and what a placeholder stands for is not in this file.";
/// What the file is no proof of.
const SCOPE: &str = "Each receipt proves that its record stands in the log and what it says of this person. That nothing else is kept about them is what the log's operator says; it is not proved. Records of \
which nothing but headers is kept, which name nobody, are not in it.";

/// What was looked for, in the words of the file.
const NAMES: &str = "Content about somebody is found by the name that it was recorded under, letter by letter; each name that was looked for is listed. What was recorded under another writing, or another name, of the same person is not in this \
file; and what is recorded under one of these names is, whoever else goes by it.";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest<'a> {
    /// The data subject, as whoever asked named them.
    pub subject: &'a str,
    /// The person of the console who goes by that name or address, where one alone does: the id that they are recorded under, which was looked for as well.
    pub person: Option<&'a str>,
    /// What is kept about them, from the log.
    pub about: &'a AboutSubject,
    /// First entry to be shown; 0, or where the file before this one ended.
    pub from: u64,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessFile {
    /// The ZIP file.
    pub bytes: Vec<u8>,
    /// Its SHA-256.
    pub sha256: Hash,
    /// Records in it.
    pub records: u64,
    /// Records whose content about this person was erased.
    pub erased: u64,
    /// Log size that it is of.
    pub size: u64,
    /// First entry that it holds, or would.
    pub from: u64,
    /// Where the next file begins; absent: there is no more.
    pub next: Option<u64>,
    /// The name that the record of it stands under, of those under which something is kept; absent: nothing is in it, and nobody is named again.
    pub subject: Option<String>,
}

impl AccessFile {
    /// What the record says that it was given, for `reason`. Somebody of whom nothing is left is not named again.
    pub fn on_record(&self, reason: &str) -> AccessGiven {
        AccessGiven {
            sha256: self.sha256.to_hex(),
            records: self.records,
            erased: self.erased,
            size: self.size,
            from: self.from,
            next: self.next,
            reason: reason.to_owned(),
            subject: self.subject.clone(),
        }
    }

    /// What to call it.
    pub fn name(&self) -> String {
        format!("access-{}-{}.zip", self.size, self.from)
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The log could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A receipt or a page could not be made.
    #[error("{what} could not be made: {why}")]
    Page {
        /// Which file.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The ZIP file would be too large.
    #[error(transparent)]
    Zip(#[from] ZipWriteError),
}

#[derive(Template)]
#[template(path = "access.html")]
struct Page<'a> {
    subject: String,
    origin: String,
    size: u64,
    looked_for: Vec<LookedFor>,
    names: &'static str,
    records: &'a [Shown],
    erased: &'a [u64],
    next: Option<u64>,
    others: &'static str,
    scope: &'static str,
}

#[derive(Template)]
#[template(path = "ACCESS.txt")]
struct ReadMe {
    origin: String,
    size: u64,
    count: usize,
    next: Option<u64>,
    scope: &'static str,
}

/// A name that was looked for, as the page shows it.
struct LookedFor {
    name: String,
    is_person: bool,
    kept: bool,
    erased: bool,
}

impl LookedFor {
    fn of(sought: &SoughtName, person: Option<&str>) -> Self {
        Self {
            name: visible(&sought.name, SHOWN_CHARS),
            is_person: person == Some(sought.name.as_str()),
            kept: sought.kept,
            erased: sought.erased,
        }
    }

    fn to_json(sought: &SoughtName) -> Value {
        json!({ "erased": sought.erased, "kept": sought.kept, "name": sought.name })
    }
}

/// The names by which somebody is asked for, to tell of people of the console who goes by one of them: letter case and spaces aside.
#[derive(Debug, Clone)]
pub struct AskedNames(BTreeSet<String>);

impl AskedNames {
    /// Of the names that are looked for.
    pub fn new(names: &BTreeSet<String>) -> Self {
        Self(names.iter().map(|name| folded(name)).filter(|name| !name.is_empty()).collect())
    }

    /// Whether somebody of this name or address is asked for.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(&folded(name))
    }
}

/// What is kept about somebody, and the person of the console that it is about.
pub type Sought = (Option<AboutSubject>, Option<String>);

/// What is kept about whoever goes by `names`. Where nothing is, and nothing was erased, `called` is asked for the id of the person of the console who goes by one of them, and that is looked
/// for as well and added to `names`: a customer who is called as somebody who works here is given nothing of theirs.
pub fn sought<E: From<LedgerError>>(
    reader: &Reader,
    names: &mut BTreeSet<String>,
    called: impl FnOnce(&AskedNames) -> Result<Option<String>, E>,
) -> Result<Sought, E> {
    if let Some(about) = reader.about_subject(names)? {
        return Ok((Some(about), None));
    }
    let Some(person) = called(&AskedNames::new(names))? else { return Ok((None, None)) };
    names.insert(person.clone());
    Ok((reader.about_subject(names)?, Some(person)))
}

fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// One record of the file.
struct Shown {
    index: u64,
    record_id: String,
    record_type: String,
    observed_at: String,
    system: Option<String>,
    receipt: String,
    fields: Map<String, Value>,
    masked: Vec<String>,
    others: usize,
}

impl Shown {
    fn lines(&self) -> Vec<(String, String)> {
        let line = |(name, value): (&String, &Value)| (name.clone(), visible_value(value, SHOWN_CHARS));
        self.fields.iter().map(line).collect()
    }

    fn to_json(&self) -> Value {
        json!({
            "fields": self.fields, "index": self.index, "masked": self.masked, "observed_at": self.observed_at, "other_parts": self.others,
            "receipt": self.receipt, "record_id": self.record_id, "system": self.system, "type": self.record_type,
        })
    }
}

/// Makes the file that `request` asks for, as of the log's size when it was looked at.
pub fn access(reader: &Reader, request: &AccessRequest<'_>) -> Result<AccessFile, AccessError> {
    let AccessRequest { subject, person, about, from } = request;
    let (mut records, mut receipts, mut bytes, mut next) = (Vec::new(), Vec::new(), 0, None);
    for (index, units) in about.entries.iter().filter(|(index, _)| index >= from) {
        if records.len() >= MAX_ACCESS_RECORDS || bytes >= MAX_ACCESS_BYTES {
            next = Some(*index);
            break;
        }
        // An erasure while this is made takes its content out, and the record with it.
        let Some(shown) = shown(reader, *index, units)? else { continue };
        let receipt = reader.receipt_of_units(*index, units)?;
        let receipt = receipt.to_bytes().map_err(|error| page("a receipt", error))?;
        bytes += receipt.len();
        receipts.push((shown.receipt.clone(), receipt));
        records.push(shown);
    }
    let origin = reader.origin().to_string();
    let all = json!({
        "erased": about.erased, "format": FORMAT, "from": from, "log": origin, "env": reader.env().as_str(), "looked_for": about.names.iter().map(LookedFor::to_json).collect::<Vec<_>>(),
        "names": NAMES, "next": next, "others": OTHERS, "person": person,
        "records": records.iter().map(Shown::to_json).collect::<Vec<_>>(), "scope": SCOPE, "size": about.size, "subject": subject,
    });
    let html = Page {
        subject: visible(subject, SHOWN_CHARS),
        origin: origin.clone(),
        size: about.size,
        looked_for: about.names.iter().map(|sought| LookedFor::of(sought, *person)).collect(),
        names: NAMES,
        records: &records,
        erased: &about.erased,
        next,
        others: OTHERS,
        scope: SCOPE,
    };
    let html = html.render().map_err(|error| page("about.html", error))?;
    let read_me = ReadMe { origin, size: about.size, count: records.len(), next, scope: SCOPE };
    let read_me = read_me.render().map_err(|error| page("READ-ME.txt", error))?;
    let all = serde_json::to_vec_pretty(&all).map_err(|error| page("about.json", error))?;
    let mut zip = ZipWriter::new(Vec::new());
    zip.add("READ-ME.txt", read_me.as_bytes())?;
    zip.add("about.html", html.as_bytes())?;
    zip.add("about.json", &all)?;
    for (name, receipt) in &receipts {
        zip.add(name, receipt)?;
    }
    zip.add("verify.html", VERIFY_HTML)?;
    let bytes = zip.finish()?;
    Ok(AccessFile {
        sha256: sha256(&bytes),
        bytes,
        records: records.len() as u64,
        erased: about.erased.len() as u64,
        size: about.size,
        from: *from,
        next,
        subject: about.kept_as(subject).filter(|_| !records.is_empty()).map(str::to_owned),
    })
}

/// What entry `index` shows of `units`; `None`: nothing of them is there any more.
fn shown(reader: &Reader, index: u64, units: &BTreeSet<UnitId>) -> Result<Option<Shown>, AccessError> {
    let view = reader.entry(index)?;
    let Some(header) = view.entry.header() else { return Ok(None) };
    let (mut fields, mut masked, mut found) = (Map::new(), Vec::new(), 0);
    for unit in view.units.iter().filter(|unit| units.contains(&unit.id)) {
        let UnitContent::Shown(disclosures) = &unit.content else { continue };
        found += 1;
        for disclosure in disclosures {
            if is_original(&view, disclosure.name()) {
                masked.push(disclosure.name().to_owned());
            } else {
                fields.insert(disclosure.name().to_owned(), disclosure.value().clone());
            }
        }
    }
    if found == 0 {
        return Ok(None);
    }
    Ok(Some(Shown {
        index,
        record_id: header.record_id.to_hex(),
        record_type: header.record_type.to_string(),
        observed_at: header.observed_at.to_string(),
        system: header.system.map(|(system, _)| system.to_hex()),
        receipt: format!("receipts/{index:012}.receipt"),
        fields,
        masked,
        others: header.units.len().saturating_sub(found),
    }))
}

fn page(what: &'static str, why: impl std::fmt::Display) -> AccessError {
    AccessError::Page { what, why: why.to_string() }
}
