//! Entries of the log as a reader may see them, with their receipts and proofs.
//!
//! Promises: what lies outside the reader's reach looks as if it were not there; a receipt carries only the disclosures that its reader may see
//! and proves the entry all the same. Must never: show a captured prompt or a field about a data subject without the permission for it.

use memchr::memmem::Finder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tabellion_ledger::{EntryView, LedgerError, Reader, UnitContent, UnitView};
use tabellion_model::{Disclosure, Entry, Purpose, Receipt, RecordId, SystemId, sd_jwt};
use tabellion_tlog::leaf_hash;

use super::forms::{DigestForm, IdForm, Time};
use super::{Actor, Desk};
use crate::captured::{is_captured, is_original, names_person};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Entries on one page, when nobody says otherwise.
const PAGE: u64 = 50;
/// Most entries that one page looks at when all are wanted.
const MAX_READ: u64 = 4096;
/// Most entries that one page looks at for those of a type or system: only what may be one of them is parsed and decrypted.
const MAX_SCANNED: u64 = 32_768;
/// Up to so many entries for each one that is wanted are read in one go.
const DENSE: u64 = 4;
/// Entries that are looked at in one go.
const STRETCH: u64 = 2048;
/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryQuery {
    /// Of this system.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// Of this record type.
    #[serde(default, rename = "type")]
    #[schemars(length(min = 1, max = 64))]
    pub record_type: Option<String>,
    /// Below this index: `next` of the page before.
    #[serde(default)]
    pub before: Option<u64>,
    /// At most this many.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u64>,
}

/// One page of entries.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// Newest first.
    pub entries: Vec<EntryForm>,
    /// `before` of the next page; null: there are no more. A page may be short, or empty, and not be the last.
    pub next: Option<u64>,
}

/// What is left of a unit, and what of it may be seen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitForm {
    /// The unit.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// `shown`, `withheld` (the reader may not see it, or not all of it), `erased` (its key was destroyed), `missing` (it was never given here).
    #[schemars(extend("enum" = ["shown", "withheld", "erased", "missing"]))]
    pub state: String,
    /// Whether it is about a data subject.
    pub personal: bool,
    /// The fields that are shown.
    pub fields: Map<String, Value>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryForm {
    /// Its index.
    pub index: u64,
    /// What it is.
    #[schemars(extend("enum" = ["record", "statement", "seal"]))]
    pub kind: String,
    /// Leaf hash: SHA-256 of a zero byte and the entry's bytes.
    #[schemars(with = "DigestForm")]
    pub leaf_hash: String,
    /// Record type; null for a seal.
    #[serde(rename = "type")]
    pub record_type: Option<String>,
    /// Record id; null for a seal.
    #[schemars(with = "Option<IdForm>")]
    pub record_id: Option<String>,
    /// The sealer's clock for a record, the commit time for a seal.
    pub at: Time,
    /// Who spoke.
    #[schemars(with = "Option<IdForm>")]
    pub actor: Option<String>,
    /// The system it is about.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// The stream it changed.
    pub stream: Option<String>,
    /// The version that it gave the stream.
    pub stream_version: Option<u64>,
    /// Structural facts, open to every reader.
    pub clear: Map<String, Value>,
    /// Its units.
    pub units: Vec<UnitForm>,
}

/// What a reader may see of content.
#[derive(Debug, Clone, Copy)]
struct Sight {
    personal: bool,
    captured: bool,
}

impl Sight {
    fn of(self, view: &EntryView, unit: &UnitView, disclosure: &Disclosure) -> bool {
        (self.personal || !(unit.personal || names_person(view, disclosure)))
            && (self.captured || !is_captured(view, disclosure.name()))
            && !is_original(view, disclosure.name())
    }
}

impl Desk {
    /// One entry.
    pub fn entry(&self, actor: &Actor, index: u64) -> Result<EntryForm, Refusal> {
        let view = self.reach_entry(actor, index)?;
        Ok(form(&view, self.sight(actor, &view)?))
    }

    /// One page of the entries within reach.
    pub fn entries(&self, actor: &Actor, query: &EntryQuery) -> Result<Entries, Refusal> {
        let reader = self.ledger.reader();
        let limit = usize::try_from(query.limit.unwrap_or(PAGE)).unwrap_or(usize::MAX);
        let words = words(query);
        let (most, stretch) = if words.is_empty() { (MAX_READ, PAGE) } else { (MAX_SCANNED, STRETCH) };
        let mut end = query.before.unwrap_or(u64::MAX).min(reader.size());
        let stop = end.saturating_sub(most);
        let mut found = Vec::new();
        while end > stop && found.len() < limit {
            let from = end.saturating_sub(stretch).max(stop);
            let mut some = Vec::new();
            reader.raw_entries(from, end, |raw| {
                if words.iter().all(|word| word.find(raw.bytes).is_some()) {
                    some.push(raw.index);
                }
                Ok(())
            })?;
            // Those that the page has no room for are the next page's.
            let surplus = some.len().saturating_sub(limit - found.len());
            end = if surplus == 0 { from } else { some.get(surplus).copied().unwrap_or(from) };
            for view in self.views_of(some.get(surplus..).unwrap_or_default())?.into_iter().rev() {
                if asked(query, &view) && self.may(actor, Permission::ReadEntries, system_of(&view))? {
                    found.push(form(&view, self.sight(actor, &view)?));
                }
            }
        }
        Ok(Entries { entries: found, next: (end > 0).then_some(end) })
    }

    /// The entries with these indexes, which ascend.
    fn views_of(&self, indexes: &[u64]) -> Result<Vec<EntryView>, Refusal> {
        let reader = self.ledger.reader();
        let (Some(first), Some(last)) = (indexes.first(), indexes.last()) else { return Ok(Vec::new()) };
        if last - first > DENSE * indexes.len() as u64 {
            return Ok(indexes.iter().map(|index| reader.entry(*index)).collect::<Result<_, _>>()?);
        }
        // Close to each other: each commit is read once.
        let mut views = Vec::new();
        reader.entries(*first, last + 1, |view| {
            if indexes.binary_search(&view.index).is_ok() {
                views.push(view);
            }
            Ok(())
        })?;
        Ok(views)
    }

    /// The receipt of an entry (docs/formats.md §9), with the disclosures that `actor` may see.
    pub fn receipt(&self, actor: &Actor, index: u64) -> Result<Vec<u8>, Refusal> {
        self.receipt_seen_by(actor, index, Reader::receipt)
    }

    /// The same under the newest checkpoint that witnesses have cosigned.
    pub fn cosigned_receipt(&self, actor: &Actor, index: u64) -> Result<Vec<u8>, Refusal> {
        self.receipt_seen_by(actor, index, Reader::witnessed_receipt)
    }

    /// The same under a checkpoint that anchors have confirmed, with their evidence.
    pub fn anchored_receipt(&self, actor: &Actor, index: u64) -> Result<Vec<u8>, Refusal> {
        self.receipt_seen_by(actor, index, Reader::anchored_receipt)
    }

    fn receipt_seen_by(
        &self,
        actor: &Actor,
        index: u64,
        make: impl Fn(&Reader, u64) -> Result<Receipt, LedgerError>,
    ) -> Result<Vec<u8>, Refusal> {
        let view = self.reach_entry(actor, index)?;
        let sight = self.sight(actor, &view)?;
        let visible: std::collections::BTreeSet<String> = shown(&view)
            .filter(|(unit, disclosure)| sight.of(&view, unit, disclosure))
            .map(|(_, disclosure)| disclosure.encode())
            .collect();
        let mut receipt = make(self.ledger.reader(), index)?;
        receipt.disclosures.retain(|encoded| visible.contains(encoded));
        receipt.to_bytes().map_err(|error| {
            Refusal::new(Code::Broken, format!("the receipt of entry {index} cannot be written: {error}"))
        })
    }

    /// The record of an entry as an SD-JWT, with those of `fields` that `actor` may see; `None`: with all that they may see.
    pub fn sd_jwt(&self, actor: &Actor, index: u64, fields: Option<&str>) -> Result<String, Refusal> {
        let view = self.reach_entry(actor, index)?;
        let sight = self.sight(actor, &view)?;
        let header = view.entry.header().ok_or_else(|| Refusal::not_found("record"))?;
        let names: Option<Vec<&str>> =
            fields.map(|names| names.split(',').filter(|name| !name.is_empty()).collect());
        let chosen: Vec<Disclosure> = shown(&view)
            .filter(|(unit, disclosure)| sight.of(&view, unit, disclosure))
            .filter(|(_, disclosure)| names.as_ref().is_none_or(|names| names.contains(&disclosure.name())))
            .map(|(_, disclosure)| disclosure.clone())
            .collect();
        let is_there = |name: &&str| chosen.iter().any(|disclosure| disclosure.name() == *name);
        if let Some(missing) = names.iter().flatten().find(|name| !is_there(name)) {
            return Err(Refusal::new(
                Code::NotFound,
                format!("the record has no field {missing:?} that may be shown to you"),
            ));
        }
        let reader = self.ledger.reader();
        let keys = reader.keys();
        let key = keys.in_force(Purpose::Package, reader.size()).ok_or_else(|| {
            Refusal::new(Code::Unavailable, "no package key is in force; the operator creates one")
        })?;
        let unusable = |error: &dyn std::fmt::Display| Refusal::new(Code::Unavailable, error.to_string());
        let pair = self.ledger.key_pair(Purpose::Package, &key.key_id).map_err(|error| unusable(&error))?;
        sd_jwt::issue(header, (index, &view.bytes), &chosen, self.now(), pair.key.as_ref()).map_err(|error| {
            match error {
                sd_jwt::SdJwtError::Reserved { .. } => Refusal::new(Code::NotFound, error.to_string()),
                error => unusable(&error),
            }
        })
    }

    /// The plain proof of an entry, C2SP tlog-proof.
    pub fn proof(&self, actor: &Actor, index: u64) -> Result<String, Refusal> {
        self.reach_entry(actor, index)?;
        Ok(self.ledger.reader().proof(index)?.to_string())
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> String {
        self.ledger.reader().checkpoint_with_cosignatures()
    }

    /// The newest checkpoint that enough witnesses have cosigned, with their lines.
    pub fn cosigned_checkpoint(&self) -> Result<String, Refusal> {
        let cosigned = self.ledger.reader().cosigned();
        let cosigned = cosigned.ok_or_else(|| {
            Refusal::new(Code::NotFound, "no checkpoint has been cosigned by enough witnesses yet")
        })?;
        Ok(cosigned.bytes.clone())
    }

    /// An entry that the actor may read.
    pub(crate) fn reach_entry(&self, actor: &Actor, index: u64) -> Result<EntryView, Refusal> {
        if index >= self.ledger.reader().size() {
            return Err(Refusal::not_found("entry"));
        }
        let view = self.ledger.reader().entry(index)?;
        if self.may(actor, Permission::ReadEntries, system_of(&view))? {
            return Ok(view);
        }
        Err(Refusal::not_found("entry"))
    }

    fn sight(&self, actor: &Actor, view: &EntryView) -> Result<Sight, Refusal> {
        let system = system_of(view);
        Ok(Sight {
            personal: self.may(actor, Permission::ReadPersonal, system)?,
            captured: self.may(actor, Permission::ReadCaptured, system)?
                && match call_of(view) {
                    Some(call) => self.has_reason(actor, call)?,
                    None => true,
                },
        })
    }
}

fn system_of(view: &EntryView) -> Option<SystemId> {
    view.entry.header().and_then(|header| header.system).map(|(system, _)| system)
}

/// The record that decided the call, when this entry holds what was captured of it.
fn call_of(view: &EntryView) -> Option<RecordId> {
    let is_captured = shown(view).any(|(_, disclosure)| is_captured(view, disclosure.name()));
    let header = view.entry.header().filter(|_| is_captured)?;
    let decided = header.parents.iter().find(|parent| parent.role == "authorised");
    Some(decided.map_or(header.record_id, |parent| parent.record_id))
}

fn type_of(view: &EntryView) -> String {
    view.entry.header().map(|header| header.record_type.as_str().to_owned()).unwrap_or_default()
}

/// What stands in the bytes of every entry that `query` asks for: an entry has one form (docs/formats.md §3), so that a member is always written alike.
fn words(query: &EntryQuery) -> Vec<Finder<'static>> {
    let record_type = query.record_type.as_ref().map(|word| format!("\"{word}\""));
    let system = query.system.map(|system| format!("\"{system}\""));
    record_type.into_iter().chain(system).map(|word| Finder::new(&word).into_owned()).collect()
}

fn asked(query: &EntryQuery, view: &EntryView) -> bool {
    query.system.is_none_or(|system| system_of(view) == Some(system))
        && query.record_type.as_deref().is_none_or(|wanted| type_of(view) == wanted)
}

fn shown(view: &EntryView) -> impl Iterator<Item = (&UnitView, &Disclosure)> {
    view.units.iter().flat_map(|unit| {
        let disclosures = match &unit.content {
            UnitContent::Shown(disclosures) => disclosures.as_slice(),
            UnitContent::Erased | UnitContent::Missing => &[],
        };
        disclosures.iter().map(move |disclosure| (unit, disclosure))
    })
}

fn form(view: &EntryView, sight: Sight) -> EntryForm {
    let header = view.entry.header();
    let (kind, at) = match &view.entry {
        Entry::Record(record) => ("record", record.header.observed_at),
        Entry::Statement(statement) => ("statement", statement.record.header.observed_at),
        Entry::Seal(seal) => ("seal", seal.seal.committed_at),
    };
    EntryForm {
        index: view.index,
        kind: kind.to_owned(),
        leaf_hash: leaf_hash(&view.bytes).to_hex(),
        record_type: header.map(|_| type_of(view)),
        record_id: header.map(|header| header.record_id.to_hex()),
        at: Time(at),
        actor: header.map(|header| header.actor.to_hex()),
        system: system_of(view).map(|system| system.to_hex()),
        stream: header.and_then(|header| header.stream.as_ref()).map(|(name, _)| name.to_string()),
        stream_version: header.and_then(|header| header.stream.as_ref()).map(|(_, version)| *version),
        clear: header.and_then(|header| header.clear.clone()).unwrap_or_default(),
        units: view.units.iter().map(|unit| unit_form(view, unit, sight)).collect(),
    }
}

fn unit_form(view: &EntryView, unit: &UnitView, sight: Sight) -> UnitForm {
    let (state, fields) = match &unit.content {
        UnitContent::Erased => ("erased", Map::new()),
        UnitContent::Missing => ("missing", Map::new()),
        UnitContent::Shown(disclosures) => {
            let visible: Map<String, Value> = disclosures
                .iter()
                .filter(|disclosure| sight.of(view, unit, disclosure))
                .map(|disclosure| (disclosure.name().to_owned(), disclosure.value().clone()))
                .collect();
            (if visible.len() == disclosures.len() { "shown" } else { "withheld" }, visible)
        }
    };
    UnitForm { id: unit.id.to_hex(), state: state.to_owned(), personal: unit.personal, fields }
}
