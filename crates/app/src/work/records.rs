//! Recording what happened elsewhere: files and events, by their digest alone or whole.
//!
//! Promises: by digest, the content never comes here; whole, it is kept in the vault under its digest. Must never: let anybody record what only
//! this program's own parts may say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tabellion_ledger::{Draft, SubjectFields};
use tabellion_model::body::{BODY_TYPES, SystemStage};
use tabellion_model::catalogue::Reference;
use tabellion_model::registry::Kind;
use tabellion_model::{RecordType, SystemId};
use tabellion_tlog::{Hash, sha256};

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

/// The body of a record to be.
struct Content {
    fields: Map<String, Value>,
    sha256: Option<String>,
    kept: bool,
}

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
        let record_type = record_type(&new.kind)?;
        let system = match (new.system, actor) {
            (None, Actor::Key { system, .. }) => Some(*system),
            (system, _) => system,
        };
        self.check_target(actor, system)?;
        let mut content = match (&new.file, &new.event) {
            (Some(file), None) => file_content(file)?,
            (None, Some(event)) => event_content(event)?,
            _ => {
                return Err(Refusal::at(
                    Code::Malformed,
                    "",
                    "exactly one of file and event is to be recorded",
                ));
            }
        };
        content.fields.extend(purpose.fields()?);
        let mut draft = Draft::new(record_type);
        draft.system = system.map(|system| system.to_hex());
        match &new.subject {
            None => draft.body = content.fields,
            Some(subject) => {
                draft.subjects =
                    vec![SubjectFields { subject: subject.as_str().to_owned(), fields: content.fields }];
            }
        }
        let written = self.once(actor, "record", given, |_| Ok(vec![draft.clone()]))?;
        let made = MadeRecord {
            record_type: record_type.to_owned(),
            system: system.map(|system| system.to_hex()),
            sha256: content.sha256,
            content_kept: content.kept,
            recorded: Recorded::from(&written),
            acknowledged: self.acknowledged(written.index, &new.acknowledge.unwrap_or_default()),
        };
        Ok((made, written))
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
}

/// The type that a kind is recorded as: never one that only this program's own parts may say.
fn record_type(kind: &str) -> Result<&'static str, Refusal> {
    let known = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, record_type)| *record_type);
    known
        .filter(|name| !BODY_TYPES.contains(name))
        .filter(|name| RecordType::new(name).is_ok_and(|name| Kind::of(&name).is_none()))
        .ok_or_else(|| Refusal::at(Code::Malformed, "/kind", "there is no such kind of record"))
}

fn file_content(file: &NewFile) -> Result<Content, Refusal> {
    let mut fields = Map::from_iter([("name".to_owned(), Value::from(file.name.as_str()))]);
    if let Some(media_type) = &file.media_type {
        fields.insert("media_type".to_owned(), Value::from(media_type.as_str()));
    }
    let (sha256, size) = match (&file.content, &file.sha256, file.size_bytes) {
        (Some(content), digest, size) => {
            let facts = checked_content(content, digest.as_deref(), size)?;
            fields.insert("content".to_owned(), Value::from(content.as_str()));
            facts
        }
        (None, Some(digest), Some(size)) => (digest.clone(), size),
        (None, _, _) => {
            return Err(Refusal::at(
                Code::Malformed,
                "/file",
                "without content, sha256 and size_bytes say which file it is",
            ));
        }
    };
    check_digest(&sha256, "/file/sha256")?;
    fields.insert("sha256".to_owned(), Value::from(sha256.as_str()));
    fields.insert("size".to_owned(), Value::from(size));
    Ok(Content { fields, sha256: Some(sha256), kept: file.content.is_some() })
}

fn checked_content(content: &str, digest: Option<&str>, size: Option<u64>) -> Result<(String, u64), Refusal> {
    let bytes = STANDARD.decode(content).map_err(|error| {
        Refusal::at(Code::Malformed, "/file/content", format!("this is not base64 (RFC 4648 §4): {error}"))
    })?;
    if bytes.len() > MAX_CONTENT_BYTES {
        return Err(Refusal::at(
            Code::TooLarge,
            "/file/content",
            format!("the file has {} bytes, at most {MAX_CONTENT_BYTES} are kept", bytes.len()),
        ));
    }
    let (computed, length) = (Hash::to_hex(&sha256(&bytes)), bytes.len() as u64);
    if digest.is_some_and(|digest| digest != computed) || size.is_some_and(|size| size != length) {
        return Err(Refusal::at(
            Code::DigestMismatch,
            "/file",
            format!("the content has SHA-256 {computed} and {length} bytes, the request says otherwise"),
        ));
    }
    Ok((computed, length))
}

fn event_content(event: &NewEvent) -> Result<Content, Refusal> {
    let mut fields = Map::from_iter([("name".to_owned(), Value::from(event.name.as_str()))]);
    if let Some(digest) = &event.sha256 {
        check_digest(digest, "/event/sha256")?;
        fields.insert("sha256".to_owned(), Value::from(digest.as_str()));
    }
    match &event.fields {
        Some(given) => {
            // One level down, so that no field of the event can pass for one of ours.
            fields.insert("event".to_owned(), Value::Object(given.clone()));
        }
        None if event.sha256.is_none() => {
            return Err(Refusal::at(
                Code::Malformed,
                "/event",
                "without fields, sha256 says which event it is",
            ));
        }
        None => {}
    }
    Ok(Content { fields, sha256: event.sha256.clone(), kept: event.fields.is_some() })
}

fn check_digest(digest: &str, pointer: &str) -> Result<(), Refusal> {
    match Hash::from_hex(digest) {
        Some(_) if !digest.bytes().any(|byte| byte.is_ascii_uppercase()) => Ok(()),
        _ => Err(Refusal::at(Code::Malformed, pointer, "a SHA-256 is 64 lower-case hex digits")),
    }
}
