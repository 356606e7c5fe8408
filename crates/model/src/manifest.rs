//! The manifest of a package (formats §11.1): what the range holds, counted, and a digest of every other file.
//!
//! Promises one byte form per manifest. It never decides whether a manifest is true: a verifier recomputes [`RangeSummary`]
//! from the entries and compares.

mod sources;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use tabellion_tlog::Hash;

use crate::form::{FormFault, Members};
use crate::header::Env;
use crate::id::ProducerId;
use crate::jcs::{JcsError, parse_jcs, to_jcs};
use crate::origin::Origin;
use crate::source::SourceRow;
use crate::time::Micros;
use crate::zip::check_name;

/// The format name in every manifest.
pub const MANIFEST_FORMAT: &str = "tabellion.package/1";

/// What a package shows and what it does not: fixed text of formats §12 (requirement A21).
pub const PACKAGE_SCOPE: &str = "This package shows that the listed records existed in this log in this form and order when \
the checkpoint was signed, and who signed them. It does not show that what they say is true, that anything outside the log did \
not happen, or that a management system conforms to any standard. Tabellion is not a certification body.";

/// Longest framework label and software name, in bytes: one line on a report.
const MAX_LABEL_BYTES: usize = 128;

/// Why bytes are not a manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not canonical JSON.
    #[error("manifest.json: {0}")]
    Jcs(#[from] JcsError),
    /// Canonical JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
}

/// What the exporter chose to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisclosurePolicy {
    /// Every unit that still exists.
    All,
    /// Units without a data subject.
    Business,
    /// Nothing but headers.
    None,
}

impl DisclosurePolicy {
    /// The word in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Business => "business",
            Self::None => "none",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::All, Self::Business, Self::None].into_iter().find(|policy| policy.as_str() == name)
    }
}

/// Half-open span of commit times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First time inside.
    pub from: Micros,
    /// First time after.
    pub to: Micros,
}

/// Counts over the range; `units` = `shown` + `erased` + `withheld`, `entries` = `records` + `statements` + `seals`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries in the range.
    pub entries: u64,
    /// Unsigned sealed records.
    pub records: u64,
    /// Sealed records signed by their actor.
    pub statements: u64,
    /// Seals, one per batch.
    pub seals: u64,
    /// Units in all headers.
    pub units: u64,
    /// Units whose every digest has its disclosure.
    pub shown: u64,
    /// Units with a proved tombstone.
    pub erased: u64,
    /// All other units.
    pub withheld: u64,
}

impl Totals {
    /// Adds the counts of another part of the range.
    pub(crate) fn add(&mut self, part: &Self) {
        self.entries += part.entries;
        self.records += part.records;
        self.statements += part.statements;
        self.seals += part.seals;
        self.units += part.units;
        self.shown += part.shown;
        self.erased += part.erased;
        self.withheld += part.withheld;
    }
}

/// One (producer, epoch) as seen in the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// Who counts.
    pub producer: ProducerId,
    /// Which life of the producer.
    pub epoch: u64,
    /// Smallest number seen.
    pub first_seq: u64,
    /// Largest number seen.
    pub last_seq: u64,
    /// How many records were seen.
    pub count: u64,
    /// `last_seq` − `first_seq` + 1 − `count`.
    pub missing: u64,
    /// Whether the range holds its opening.
    pub opened: bool,
    /// Whether the range holds its close; without it: unknown after `last_seq`.
    pub closed: bool,
}

/// One file of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its name.
    pub path: String,
    /// SHA-256 of its content.
    pub sha256: Hash,
    /// Its length in bytes.
    pub size: u64,
}

/// Everything in a manifest that a verifier recomputes from the entries alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSummary {
    /// Counts.
    pub totals: Totals,
    /// Number of records and statements of each type.
    pub types: BTreeMap<String, u64>,
    /// Every (producer, epoch), sorted.
    pub epochs: Vec<EpochRow>,
    /// Every life of an outside source, sorted.
    pub sources: Vec<SourceRow>,
}

impl RangeSummary {
    /// Adds the records per type of another part of the range.
    pub(crate) fn add_types(&mut self, part: BTreeMap<String, u64>) {
        for (name, count) in part {
            *self.types.entry(name).or_default() += count;
        }
    }
}

/// The manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Origin of the log.
    pub log: Origin,
    /// Environment of the log.
    pub env: Env,
    /// Tenant of the log.
    pub tenant: String,
    /// Leaf hash of entry 0.
    pub genesis: Hash,
    /// Size of the tree that the checkpoint names.
    pub size: u64,
    /// Index of the first entry of the range.
    pub first: u64,
    /// Number of entries in the range.
    pub count: u64,
    /// The period asked for, if any.
    pub period: Option<Period>,
    /// The framework label asked for, if any.
    pub framework: Option<String>,
    /// What the exporter chose to show.
    pub disclosure: DisclosurePolicy,
    /// Number of key records in the whole tree.
    pub keys: u64,
    /// What the range holds.
    pub summary: RangeSummary,
    /// Every file but `manifest.json` and `manifest.cose`, by path.
    pub files: Vec<FileRow>,
    /// Name and version of the writer.
    pub software: String,
}

impl Manifest {
    /// The bytes of `manifest.json`.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Json| members.insert(name.to_owned(), value);
        put("format", json!(MANIFEST_FORMAT));
        put("log", json!(self.log.as_str()));
        put("env", json!(self.env.as_str()));
        put("tenant", json!(self.tenant));
        put("genesis", json!(self.genesis.to_hex()));
        put("size", json!(self.size));
        put("first", json!(self.first));
        put("count", json!(self.count));
        if let Some(period) = self.period {
            put("period", json!({"from": period.from.0, "to": period.to.0}));
        }
        if let Some(framework) = &self.framework {
            put("framework", json!(framework));
        }
        put("disclosure", json!(self.disclosure.as_str()));
        put("keys", json!(self.keys));
        put("totals", totals_json(&self.summary.totals));
        put("types", json!(self.summary.types));
        put("epochs", self.summary.epochs.iter().map(epoch_json).collect());
        if !self.summary.sources.is_empty() {
            put("sources", self.summary.sources.iter().map(sources::to_json).collect());
        }
        put("files", self.files.iter().map(file_json).collect());
        put("scope", json!(PACKAGE_SCOPE));
        put("software", json!(self.software));
        Ok(to_jcs(&Json::Object(members))?)
    }

    /// Reads `manifest.json`; refuses another form, unknown members and lists out of order.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut members = Members::of("manifest.json", parse_jcs(bytes)?)?;
        members.fixed("format", MANIFEST_FORMAT)?;
        members.fixed("scope", PACKAGE_SCOPE)?;
        let manifest = Self {
            log: Origin::new(&members.text("log")?).map_err(|_| members.fault("log", "is not an origin"))?,
            env: Env::parse(&members.text("env")?)
                .ok_or_else(|| members.fault("env", "is not an environment"))?,
            tenant: members.text("tenant")?,
            genesis: members.hash("genesis")?,
            size: members.number("size")?,
            first: members.number("first")?,
            count: members.number("count")?,
            period: period_from(&mut members)?,
            framework: match members.optional("framework") {
                None => None,
                Some(Json::String(label)) => Some(label),
                Some(_) => return Err(members.fault("framework", "is not a string").into()),
            },
            disclosure: DisclosurePolicy::from_name(&members.text("disclosure")?)
                .ok_or_else(|| members.fault("disclosure", "is not all, business or none"))?,
            keys: members.number("keys")?,
            summary: summary_from(&mut members)?,
            files: files_from(&mut members)?,
            software: members.text("software")?,
        };
        members.finish()?;
        let end = manifest.first.checked_add(manifest.count);
        if end.is_none_or(|end| end > manifest.size) {
            return Err(FormFault::new("manifest.json", "the range ends after the tree").into());
        }
        Ok(manifest)
    }

    /// Index after the last entry of the range. [`Manifest::parse`] has checked that it is at most `size`.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }
}

/// Whether a text is written as a framework label or a software name: 1 to 128 printable ASCII characters. Readers take any string.
pub fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_LABEL_BYTES && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

fn totals_json(totals: &Totals) -> Json {
    json!({
        "entries": totals.entries, "erased": totals.erased, "records": totals.records, "seals": totals.seals,
        "shown": totals.shown, "statements": totals.statements, "units": totals.units, "withheld": totals.withheld,
    })
}

fn epoch_json(row: &EpochRow) -> Json {
    json!({
        "closed": row.closed, "count": row.count, "epoch": row.epoch, "first_seq": row.first_seq,
        "last_seq": row.last_seq, "missing": row.missing, "opened": row.opened, "producer": row.producer.to_string(),
    })
}

fn file_json(row: &FileRow) -> Json {
    json!({"path": row.path, "sha256": row.sha256.to_hex(), "size": row.size})
}

fn period_from(members: &mut Members) -> Result<Option<Period>, FormFault> {
    let Some(value) = members.optional("period") else { return Ok(None) };
    let mut inner = Members::of("manifest.json: `period`", value)?;
    let period = Period { from: Micros(inner.number("from")?), to: Micros(inner.number("to")?) };
    inner.finish()?;
    if period.from >= period.to {
        return Err(members.fault("period", "ends before it begins"));
    }
    Ok(Some(period))
}

fn summary_from(members: &mut Members) -> Result<RangeSummary, FormFault> {
    let mut inner = members.object("totals")?;
    let totals = Totals {
        entries: inner.number("entries")?,
        records: inner.number("records")?,
        statements: inner.number("statements")?,
        seals: inner.number("seals")?,
        units: inner.number("units")?,
        shown: inner.number("shown")?,
        erased: inner.number("erased")?,
        withheld: inner.number("withheld")?,
    };
    inner.finish()?;
    let Json::Object(raw_types) = members.any("types")? else {
        return Err(members.fault("types", "is not an object"));
    };
    let mut types = BTreeMap::new();
    for (name, number) in raw_types {
        let number =
            number.as_u64().ok_or_else(|| members.fault("types", "holds something that is not a count"))?;
        types.insert(name, number);
    }
    let rows = members.list("epochs")?;
    let epochs = rows.into_iter().map(epoch_from).collect::<Result<Vec<_>, _>>()?;
    if !epochs.is_sorted_by(|a, b| (a.producer, a.epoch) < (b.producer, b.epoch)) {
        return Err(members.fault("epochs", "is out of order or names an epoch twice"));
    }
    let sources = sources::read(members)?;
    Ok(RangeSummary { totals, types, epochs, sources })
}

fn epoch_from(value: Json) -> Result<EpochRow, FormFault> {
    let mut members = Members::of("manifest.json: `epochs`", value)?;
    let row = EpochRow {
        producer: ProducerId::from_hex(&members.text("producer")?)
            .ok_or_else(|| members.fault("producer", "is not an id"))?,
        epoch: members.number("epoch")?,
        first_seq: members.number("first_seq")?,
        last_seq: members.number("last_seq")?,
        count: members.number("count")?,
        missing: members.number("missing")?,
        opened: members.flag("opened")?,
        closed: members.flag("closed")?,
    };
    members.finish()?;
    Ok(row)
}

fn files_from(members: &mut Members) -> Result<Vec<FileRow>, FormFault> {
    let rows = members.list("files")?;
    let mut files: Vec<FileRow> = Vec::new();
    for value in rows {
        let mut inner = Members::of("manifest.json: `files`", value)?;
        let row =
            FileRow { path: inner.text("path")?, sha256: inner.hash("sha256")?, size: inner.number("size")? };
        inner.finish()?;
        if let Err(fault) = check_name(row.path.as_bytes()) {
            let path: String = row.path.chars().take(80).collect();
            return Err(members.fault("files", &format!("names a file {path:?} whose name {fault}")));
        }
        if files.last().is_some_and(|last| last.path.as_bytes() >= row.path.as_bytes()) {
            return Err(members.fault("files", "is out of order or names a file twice"));
        }
        files.push(row);
    }
    Ok(files)
}
