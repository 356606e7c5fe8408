//! Recording what happened elsewhere: files and events, by their digest alone or whole.
//!
//! Promises: by digest, the content never comes here; whole, it is kept in the vault under its digest; records of one request are made together or not at
//! all, and answered with the proof of their place. Must never: let anybody record what only this program's own parts may say.

mod content;
mod prompt;

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tabellion_ledger::{Ack, Draft, SubjectFields};
use tabellion_model::body::{BODY_TYPES, SystemStage};
use tabellion_model::catalogue::Reference;
use tabellion_model::registry::Kind;
use tabellion_model::{RecordType, SystemId};
use tabellion_views::gate::GateSystem;

use self::content::Content;
pub(super) use self::content::check_digest;
use super::acknowledging::{Acknowledgement, Wanted};
use super::forms::{DigestForm, IdForm, Line, Recorded};
use super::systems::stage_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Largest file that is kept whole, in bytes: as base64 it fits into one record with room for the other fields.
pub const MAX_CONTENT_BYTES: usize = (tabellion_ledger::MAX_DRAFT_BYTES - 8192) / 4 * 3;

/// What kinds of record have a name of their own, with the type that each is recorded as. A further kind is a further row.
pub const KINDS: [(&str, &str); 6] = [
    ("impact_assessment", "impact_assessment.captured"),
    ("technical_document", "technical_document.captured"),
    ("event_log", "event_log.captured"),
    ("audit_report", "audit_report.captured"),
    ("document", "document.captured"),
    ("event", "event.captured"),
];

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    /// Its name.
    pub name: Line,
    /// Its media type.
    #[serde(default)]
    pub media_type: Option<Line>,
    /// SHA-256 of its bytes; needed when the content is not sent, and checked when it is.
    #[serde(default)]
    #[schemars(with = "Option<DigestForm>")]
    pub sha256: Option<String>,
    /// Its size in bytes; needed when the content is not sent.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub size_bytes: Option<u64>,
    /// Its bytes, base64, to be kept; absent: the digest alone is recorded.
    #[serde(default)]
    #[schemars(length(max = 1_400_000))]
    pub content: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// What happened, in a few words.
    pub name: Line,
    /// SHA-256 of the event as its source keeps it; needed when no fields are sent.
    #[serde(default)]
    #[schemars(with = "Option<DigestForm>")]
    pub sha256: Option<String>,
    /// What is to be kept of it: names `[a-z][a-z0-9_]*`, whole numbers, no fractions; absent: the digest alone is recorded.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 100))]
    pub fields: Option<Map<String, Value>>,
}

/// What is to be recorded: exactly one of `file` and `event`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecord {
    /// What it is.
    #[schemars(extend("enum" = ["impact_assessment", "technical_document", "event_log", "audit_report", "document", "event"]))]
    pub kind: String,
    /// The system it is about; absent: the key's own, or none.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// The person it is about, as you name them (an account number, say): kept so that it is erased with everything else about them. Only a
    /// keyed tag of this is stored.
    #[serde(default)]
    pub subject: Option<Line>,
    /// A file.
    #[serde(default)]
    pub file: Option<NewFile>,
    /// An event.
    #[serde(default)]
    pub event: Option<NewEvent>,
    /// How far the record has to have come before it is answered. It is recorded either way: the answer says what was reached.
    #[serde(default)]
    pub acknowledge: Option<Wanted>,
}

/// A record that was made.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeRecord {
    /// The type it was recorded as.
    #[serde(rename = "type")]
    pub record_type: String,
    /// The system it is about.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// SHA-256 of what was recorded; null for an event that was recorded by its fields alone.
    #[schemars(with = "Option<DigestForm>")]
    pub sha256: Option<String>,
    /// Whether content was kept.
    pub content_kept: bool,
    /// Where it was recorded.
    pub recorded: Recorded,
    /// How far it has come.
    pub acknowledged: Acknowledgement,
    /// That it is in the log.
    pub proof: Proof,
}

/// That an entry is in the log: what C2SP tlog-proof says, in JSON. `/api/v1/entries/{index}/proof` gives the same as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Leaf hash of the entry (RFC 9162): SHA-256 of a zero byte and the entry's bytes, which `/api/v1/entries/{index}` has.
    #[schemars(with = "DigestForm")]
    pub leaf: String,
    /// Hashes from the leaf's sibling to the root's child, each in base64.
    pub path: Vec<String>,
    /// The signed checkpoint that the path leads to; null where one stands for several records.
    pub checkpoint: Option<String>,
}

/// What a file is kept for, in the words of whoever keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// The clause or control that it shows something about.
    pub(crate) serves: Option<String>,
    /// What it shows, and where the file is.
    pub(crate) note: Option<String>,
}

/// Longest note, in characters: a few sentences.
const MAX_NOTE_CHARS: usize = 2000;

impl Purpose {
    fn fields(&self) -> Result<Map<String, Value>, Refusal> {
        let mut fields = Map::new();
        if let Some(text) = &self.serves {
            let reference = Reference::parse(text)
                .map_err(|error| Refusal::at(Code::UnknownReference, "/serves", error.to_string()))?;
            fields.insert("serves".to_owned(), Value::from(reference.as_str()));
        }
        if let Some(note) = &self.note {
            let length = note.chars().count();
            if length > MAX_NOTE_CHARS {
                let text = format!("the note has {length} characters, at most {MAX_NOTE_CHARS} are kept");
                return Err(Refusal::at(Code::Malformed, "/note", text));
            }
            fields.insert("note".to_owned(), Value::from(note.as_str()));
        }
        Ok(fields)
    }
}

/// Most records of one request: more than clients gather, and few enough to be sealed between two others.
pub const MAX_RECORDS: usize = 256;

/// Records to be made by one request: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecords {
    /// The records, in the order in which they get their places.
    #[schemars(length(min = 1, max = MAX_RECORDS))]
    pub records: Vec<NewRecord>,
}

/// Records that were made by one request.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeRecords {
    /// The records, in the order of the request.
    pub records: Vec<MadeRecord>,
    /// The signed checkpoint that covers them all, to which the path of each leads.
    pub checkpoint: String,
}

/// What is to be appended, and what will be answered besides its place.
struct Planned {
    drafts: Vec<Draft>,
    facts: Vec<Facts>,
}

/// What is answered about one record whatever its place.
struct Facts {
    record_type: &'static str,
    system: Option<SystemId>,
    sha256: Option<String>,
    kept: bool,
    wanted: Wanted,
}

/// What idempotency keys of one record and of several are told apart by.
const ONE: &str = "record";
const SEVERAL: &str = "records";

impl Desk {
    /// Records a file or an event.
    pub fn record(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewRecord,
    ) -> Result<(MadeRecord, Written), Refusal> {
        self.record_for(actor, given, new, &Purpose::default())
    }

    /// The same, with what it is kept for.
    pub(crate) fn record_for(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewRecord,
        purpose: &Purpose,
    ) -> Result<(MadeRecord, Written), Refusal> {
        let planned = self.planned_one(actor, new, &purpose.fields()?)?;
        let acks = self.once_each(actor, ONE, given, &planned.drafts)?;
        self.made_one(planned, &acks)
    }

    /// Records several files and events together, or none of them.
    pub fn record_all(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewRecords,
    ) -> Result<(MadeRecords, Written), Refusal> {
        let planned = self.planned_all(actor, new)?;
        let acks = self.once_each(actor, SEVERAL, given, &planned.drafts)?;
        self.made_all(planned, &acks)
    }

    /// Checks `new` and drafts it with what it is kept for; nothing is recorded.
    fn planned_one(
        &self,
        actor: &Actor,
        new: &NewRecord,
        purpose: &Map<String, Value>,
    ) -> Result<Planned, Refusal> {
        let system = match (new.system, actor) {
            (None, Actor::Key { system, .. }) => Some(*system),
            (system, _) => system,
        };
        self.check_target(actor, system)?;
        let (record_type, draft, content) = draft_of(new, purpose)?;
        let draft = Draft { system: system.map(|system| system.to_hex()), ..draft };
        let (sha256, kept, wanted) = (content.sha256, content.kept, new.acknowledge.unwrap_or_default());
        Ok(Planned { drafts: vec![draft], facts: vec![Facts { record_type, system, sha256, kept, wanted }] })
    }

    /// The same for several; a refusal says which of them is at fault.
    fn planned_all(&self, actor: &Actor, new: &NewRecords) -> Result<Planned, Refusal> {
        let mut all = Planned { drafts: Vec::new(), facts: Vec::new() };
        for (number, new) in new.records.iter().enumerate() {
            let one = self.planned_one(actor, new, &Map::new());
            let one = one.map_err(|refusal| refusal.within(&format!("/records/{number}")))?;
            all.drafts.extend(one.drafts);
            all.facts.extend(one.facts);
        }
        // Of the request that idempotency compares, whoever comes first: another number of records is another request.
        let count = u32::try_from(all.drafts.len()).ok();
        if let Some(first) = all.drafts.first_mut() {
            first.together = count;
        }
        Ok(all)
    }

    /// What is answered once the one record of `planned` stands where `acks` say.
    fn made_one(&self, planned: Planned, acks: &[Ack]) -> Result<(MadeRecord, Written), Refusal> {
        let (mut records, checkpoint, written) = self.made(planned, acks)?;
        let mut made = records.pop().ok_or_else(unplaced)?;
        made.proof.checkpoint = Some(checkpoint);
        Ok((made, written))
    }

    /// The same for several.
    fn made_all(&self, planned: Planned, acks: &[Ack]) -> Result<(MadeRecords, Written), Refusal> {
        let (records, checkpoint, written) = self.made(planned, acks)?;
        Ok((MadeRecords { records, checkpoint }, written))
    }

    /// The records, the checkpoint that covers them all, and the place of the first.
    fn made(&self, planned: Planned, acks: &[Ack]) -> Result<(Vec<MadeRecord>, String, Written), Refusal> {
        let written = Written::from(acks.first().ok_or_else(unplaced)?);
        let size = acks.iter().map(|ack| ack.size).max().unwrap_or_default();
        let (mut records, mut checkpoint, began) =
            (Vec::with_capacity(acks.len()), String::new(), Instant::now());
        for (facts, ack) in planned.facts.into_iter().zip(acks) {
            let proof = self.ledger.reader().logged_proof(ack.index, size)?;
            records.push(MadeRecord {
                record_type: facts.record_type.to_owned(),
                system: facts.system.map(|system| system.to_hex()),
                sha256: facts.sha256,
                content_kept: facts.kept,
                recorded: Recorded::from(&Written::from(ack)),
                acknowledged: self.acknowledged(ack, &facts.wanted, began),
                proof: Proof {
                    leaf: ack.leaf.to_hex(),
                    path: proof.path.iter().map(|hash| STANDARD.encode(hash.as_bytes())).collect(),
                    checkpoint: None,
                },
            });
            checkpoint = proof.checkpoint;
        }
        Ok((records, checkpoint, written))
    }

    pub(super) fn check_target(&self, actor: &Actor, system: Option<SystemId>) -> Result<(), Refusal> {
        let Some(id) = system else {
            if self.may(actor, Permission::Record, None)? {
                return Ok(());
            }
            return Err(Refusal::at(
                Code::NotPermitted,
                "/system",
                "your role permits this for systems that you answer for; name one of them",
            ));
        };
        if self.is_own_and_open(actor, id) {
            return Ok(());
        }
        let gone = |refusal: Refusal| match refusal.code {
            Code::NotFound => Refusal::at(Code::UnknownReference, "/system", "there is no system of this id"),
            _ => refusal,
        };
        let row = self.reach_system(actor, Permission::Record, id).map_err(gone)?;
        if stage_of(&row) == SystemStage::Retired {
            return Err(Refusal::new(
                Code::StageImpossible,
                "the system is retired; nothing more is recorded for it",
            ));
        }
        Ok(())
    }

    /// Whether what `new` is about can be judged from memory; else a row has to be looked up, which may wait for the disk.
    pub fn knows_target(&self, actor: &Actor, new: &NewRecord) -> bool {
        match (actor, new.system) {
            (Actor::Key { system, .. }, None) => self.is_own_and_open(actor, *system),
            (_, Some(system)) => self.is_own_and_open(actor, system),
            (_, None) => false,
        }
    }

    /// Whether a key records for its own system, which the gateway's snapshot knows and which is not retired: the usual case, and nothing has to be looked up.
    fn is_own_and_open(&self, actor: &Actor, id: SystemId) -> bool {
        let is_own = matches!(actor, Actor::Key { system, .. } if *system == id);
        let open = |system: &GateSystem| system.stage != SystemStage::Retired;
        is_own && self.then.is_none() && self.views.gate_now().systems.get(&id).is_some_and(open)
    }
}

impl NewRecord {
    /// As it is recorded, without its system.
    pub(crate) fn to_draft(&self) -> Result<Draft, Refusal> {
        draft_of(self, &Map::new()).map(|(_, draft, _)| draft)
    }
}

/// What is to be recorded, with what it is kept for and without its system: its type, its draft, and what is left of the content, whose fields the draft has.
fn draft_of(
    new: &NewRecord,
    purpose: &Map<String, Value>,
) -> Result<(&'static str, Draft, Content), Refusal> {
    let record_type = record_type(&new.kind)?;
    let mut content = content::of(new)?;
    let mut fields = std::mem::take(&mut content.fields);
    fields.extend(purpose.clone());
    let mut draft = Draft::new(record_type);
    match &new.subject {
        None => draft.body = fields,
        Some(subject) => {
            draft.subjects = vec![SubjectFields { subject: subject.as_str().to_owned(), fields }];
        }
    }
    Ok((record_type, draft, content))
}

fn unplaced() -> Refusal {
    Refusal::new(Code::Broken, "an append was answered without its place")
}

/// The type that a kind is recorded as: never one that only this program's own parts may say.
fn record_type(kind: &str) -> Result<&'static str, Refusal> {
    let known = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, record_type)| *record_type);
    known
        .filter(|name| !BODY_TYPES.contains(name))
        .filter(|name| RecordType::new(name).is_ok_and(|name| Kind::of(&name).is_none()))
        .ok_or_else(|| Refusal::at(Code::Malformed, "/kind", "there is no such kind of record"))
}
