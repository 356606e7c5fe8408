//! What a caller asks to have recorded, before it is sealed.
//!
//! A draft is plain data (its JSON is the body of the socket's and later the API's `append`). Its canonical JSON is the request that exact
//! idempotency compares.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tabellion_model::body::{
    Body as _, ErasureConfirmed, ErasureDeclined, ErasureRequested, ErasureRuleSet, RetentionClockConfirmed,
    RetentionClockDoubted, RetentionRulesSet,
};
use tabellion_model::registry::Kind;
use tabellion_model::{
    Assurance, CredentialId, Env, Header, Micros, Origin, Parent, ProducerId, RecordId, RecordType,
    StreamName, SystemId, registry, to_jcs,
};
use tabellion_tlog::Hash;

use crate::error::{LedgerError, RejectCode};
use crate::vault::RetentionClass;

/// Largest JSON of one draft: bodies above it belong into files of their own, recorded by digest.
pub const MAX_DRAFT_BYTES: usize = 1 << 20;
/// Longest idempotency key, subject reference or parent role list: they are names, not content.
const MAX_NAME_BYTES: usize = 512;
/// Retention class of drafts that name none.
pub(crate) const DEFAULT_RETENTION: &str = "standard";

/// The stream a record changes, and the version the caller believes it has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftStream {
    /// Name: ids only, never personal data.
    pub name: String,
    /// Compare-and-swap: the append is refused unless the stream is at this version (0 = does not exist). Absent: whatever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
}

/// A record that this one follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftParent {
    /// Leaf hash of the parent's entry, hex.
    pub hash: String,
    /// The parent's record id, hex.
    pub record_id: String,
    /// What the parent is to this record.
    pub role: String,
}

/// Body fields about one data subject: one unit, erased together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectFields {
    /// The subject as the caller knows it (account number, e-mail …). Never stored: only its keyed tag is.
    pub subject: String,
    /// The fields.
    pub fields: Map<String, Value>,
}

/// A record to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Record type, `family.event`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Version of the type.
    #[serde(default = "one")]
    pub type_version: u32,
    /// Credential that speaks, hex; absent: the log's own writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// `claimed`, `observed` or `corroborated`; absent: `claimed`. Only statements are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<String>,
    /// Microseconds; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<u64>,
    /// System id, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The stream this record changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<DraftStream>,
    /// Records it follows from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<DraftParent>,
    /// Log size that a decision saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<u64>,
    /// Same key and same request: the original receipt. Same key and another request: refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// How many records the request made together whose first one this is: not recorded, and a part of what an idempotency key stands for, so that the same key
    /// with more or fewer records is another request. Absent: it stands for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<u32>,
    /// Structural facts open to every reader, where the type has any.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub clear: Map<String, Value>,
    /// Fields without a data subject.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub body: Map<String, Value>,
    /// Fields about data subjects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<SubjectFields>,
    /// Retention class, `[a-z][a-z0-9-]{0,29}`; absent: `standard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// Give this record keys of its own, so that it can be erased alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erasable_alone: bool,
    /// Give this record the keys of the call that it belongs to, so that all of the call is erased together and nothing else is. For what this process makes
    /// itself; nobody writes it into a draft.
    #[serde(skip)]
    pub call: Option<OfCall>,
}

/// Which call's a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfCall {
    /// It begins one.
    First,
    /// It belongs to the one that this record began.
    Of(RecordId),
}

fn one() -> u32 {
    1
}

impl Draft {
    /// A draft of `record_type` version 1 with nothing else set.
    pub fn new(record_type: &str) -> Self {
        Self {
            record_type: record_type.to_owned(),
            type_version: 1,
            actor: None,
            assurance: None,
            observed_at: None,
            system: None,
            stream: None,
            parents: Vec::new(),
            basis: None,
            idempotency_key: None,
            together: None,
            clear: Map::new(),
            body: Map::new(),
            subjects: Vec::new(),
            retention: None,
            erasable_alone: false,
            call: None,
        }
    }

    /// Sets a body field without a data subject.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a body field about `subject`.
    #[must_use]
    pub fn about(mut self, subject: &str, name: &str, value: impl Into<Value>) -> Self {
        let position = self.subjects.iter().position(|unit| unit.subject == subject);
        match position.and_then(|at| self.subjects.get_mut(at)) {
            Some(unit) => {
                unit.fields.insert(name.to_owned(), value.into());
            }
            None => self.subjects.push(SubjectFields {
                subject: subject.to_owned(),
                fields: Map::from_iter([(name.to_owned(), value.into())]),
            }),
        }
        self
    }

    /// Refuses a draft that is too large, before anything is spent on it.
    pub(crate) fn check_size(&self) -> Result<(), LedgerError> {
        let fields = self.subjects.iter().map(|subject| &subject.fields).chain([&self.body, &self.clear]);
        let size: usize = fields.flatten().map(|(name, value)| name.len() + weight(value)).sum();
        if size <= MAX_DRAFT_BYTES {
            return Ok(());
        }
        Err(too_large(size))
    }

    /// The canonical JSON of the draft: what idempotency compares. Refuses what cannot be written canonically or is too large.
    pub(crate) fn request(&self) -> Result<Vec<u8>, LedgerError> {
        let json = serde_json::to_value(self)
            .map_err(|error| malformed(format!("the draft is not plain JSON: {error}")))?;
        let bytes =
            to_jcs(&json).map_err(|error| malformed(format!("the draft cannot be recorded: {error}")))?;
        if bytes.len() > MAX_DRAFT_BYTES {
            return Err(too_large(bytes.len()));
        }
        Ok(bytes)
    }

    /// The retention class that applies.
    pub(crate) fn retention_class(&self) -> Result<RetentionClass, LedgerError> {
        let name = self.retention.as_deref().unwrap_or(DEFAULT_RETENTION);
        RetentionClass::new(name).map_err(|error| malformed(format!("retention: {error}")))
    }
}

fn too_large(size: usize) -> LedgerError {
    LedgerError::rejected(
        RejectCode::TooLarge,
        format!(
            "the draft has {size} bytes, at most {MAX_DRAFT_BYTES} fit; record the content as a file by its digest"
        ),
    )
}

/// About the bytes of a value in JSON.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value) + 4).sum(),
    }
}

/// Refuses the types that the ledger itself acts on: whoever could append `erasure.ordered` as a plain record could destroy keys.
pub(crate) fn check_open_type(record_type: &str) -> Result<(), LedgerError> {
    let kind = RecordType::new(record_type).ok().and_then(|record_type| Kind::of(&record_type));
    let own = [
        ErasureRequested::TYPE,
        ErasureConfirmed::TYPE,
        ErasureDeclined::TYPE,
        ErasureRuleSet::TYPE,
        RetentionRulesSet::TYPE,
        RetentionClockDoubted::TYPE,
        RetentionClockConfirmed::TYPE,
    ];
    if own.contains(&record_type) {
        return Err(malformed(format!(
            "a {record_type} record comes about only through the operation of that name, not by appending it"
        )));
    }
    match kind {
        None
        | Some(
            Kind::PackageExported
            | Kind::RecordRead
            | Kind::StatementRegistered
            | Kind::EnvelopeImported
            | Kind::SourceHeartbeat
            | Kind::SourceKeySet
            | Kind::GapDeclared
            | Kind::GapFound
            | Kind::GapFilled
            | Kind::ShardRegistered
            | Kind::ShardKeyRotated
            | Kind::ShardCheckpointRecorded
            | Kind::ShardConflictFound,
        ) => Ok(()),
        Some(kind) => Err(malformed(format!(
            "a {} record comes about only through the operation of that name, not by appending it",
            kind.name()
        ))),
    }
}

/// What the ledger adds to a draft's header.
pub(crate) struct HeaderContext<'a> {
    pub(crate) log: &'a Origin,
    pub(crate) env: Env,
    pub(crate) record_id: RecordId,
    pub(crate) now: Micros,
    pub(crate) writer: CredentialId,
    pub(crate) producer: ProducerId,
    pub(crate) idem: Option<Hash>,
}

/// The header that a draft gets, with numbers (epoch, seq, versions) still at their placeholders and no units.
pub(crate) fn header_of(draft: &Draft, context: &HeaderContext<'_>) -> Result<Header, LedgerError> {
    let record_type = RecordType::new(&draft.record_type)
        .map_err(|error| malformed(format!("type {:?}: {error}", draft.record_type)))?;
    let clear = (!draft.clear.is_empty()).then(|| draft.clear.clone());
    let actor = match &draft.actor {
        None => context.writer,
        Some(hex) => CredentialId::from_hex(hex).ok_or_else(|| malformed(id_text("actor", hex)))?,
    };
    let assurance = match draft.assurance.as_deref() {
        None => Assurance::Claimed,
        Some(name) => Assurance::parse(name).ok_or_else(|| {
            malformed(format!("assurance {name:?} is not one of claimed, observed, corroborated"))
        })?,
    };
    if assurance == Assurance::Signed {
        return Err(malformed(
            "only a statement is signed; record this as claimed, observed or corroborated".to_owned(),
        ));
    }
    let system = match &draft.system {
        None => None,
        Some(hex) => Some((SystemId::from_hex(hex).ok_or_else(|| malformed(id_text("system", hex)))?, 1)),
    };
    let stream = match &draft.stream {
        None => None,
        Some(stream) => {
            Some((StreamName::new(&stream.name).map_err(|error| malformed(format!("stream: {error}")))?, 1))
        }
    };
    let header = Header {
        critical: registry::is_critical(&record_type),
        record_type,
        type_version: draft.type_version,
        log: context.log.clone(),
        env: context.env,
        record_id: context.record_id,
        observed_at: draft.observed_at.map_or(context.now, Micros),
        actor,
        assurance,
        producer: context.producer,
        epoch: 1,
        seq: 1,
        system,
        stream,
        parents: draft.parents.iter().map(parent_of).collect::<Result<_, _>>()?,
        basis: draft.basis,
        idem: context.idem,
        clear,
        units: Vec::new(),
    };
    Ok(header)
}

fn parent_of(parent: &DraftParent) -> Result<Parent, LedgerError> {
    let hash = Hash::from_hex(&parent.hash)
        .ok_or_else(|| malformed("a parent's hash is not 64 hex digits".to_owned()))?;
    let record_id = RecordId::from_hex(&parent.record_id)
        .ok_or_else(|| malformed(id_text("parent", &parent.record_id)))?;
    Ok(Parent { hash, record_id, role: parent.role.clone() })
}

fn id_text(what: &str, hex: &str) -> String {
    let shown: String = hex.chars().take(40).collect();
    format!("{what} {shown:?} is not an id of 32 lower-case hex digits")
}

/// A name (idempotency key, subject) that is short enough and not empty.
pub(crate) fn checked_name<'a>(what: &str, name: &'a str) -> Result<&'a str, LedgerError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(malformed(format!(
            "the {what} has {} bytes; 1 to {MAX_NAME_BYTES} are possible",
            name.len()
        )));
    }
    Ok(name)
}

pub(crate) fn malformed(detail: String) -> LedgerError {
    LedgerError::rejected(RejectCode::Malformed, detail)
}
