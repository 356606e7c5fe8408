//! One change: planned on what the views say, appended, and waited for.
//!
//! Promises: the same idempotency key and request give the first record again, whatever has happened since; a change that lost a race is
//! planned anew on what is true now, unless the caller named the version it meant; what a person does names the session that they did it in. Must never: acknowledge what is not durable, or what the
//! views have not passed.

use serde_json::{Map, Value};
use tabellion_ledger::{Ack, Draft, DraftStream, LedgerError, RejectCode, UnitContent};
use tabellion_model::body::Body;
use tabellion_model::{Header, Id, ProducerId, RecordId};

use super::sessions::session_of;
use super::{Actor, Desk};
use crate::refusal::{Code, Refusal};

/// How often a change that lost a race is planned again: each loss means somebody else won.
const PLAN_LIMIT: u32 = 16;
/// Longest idempotency key that a client may send, in bytes; the ledger takes 512 with our prefix.
pub(crate) const MAX_IDEMPOTENCY_KEY_BYTES: usize = 200;

/// What a caller says about a change besides its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Makes a retry safe.
    pub idempotency_key: Option<String>,
    /// The version of the stream that the caller decided on.
    pub version: Option<u64>,
}

/// Where a change was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Index of the entry.
    pub index: u64,
    /// Its record.
    pub record_id: RecordId,
    /// Log size of the checkpoint that covers it.
    pub size: u64,
    /// Whether an earlier request with the same idempotency key had recorded it.
    pub repeated: bool,
}

impl From<&Ack> for Written {
    fn from(ack: &Ack) -> Self {
        Self { index: ack.index, record_id: ack.record_id, size: ack.size, repeated: ack.duplicate }
    }
}

/// What an earlier request with the same idempotency key recorded: whatever was drawn at random then is taken from here.
pub(crate) struct Earlier {
    pub(crate) header: Header,
    pub(crate) fields: Map<String, Value>,
    /// The second record of the same request, when there were several.
    pub(crate) second: Option<Box<Earlier>>,
}

impl Earlier {
    /// The text of one field.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.fields.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// The version that its stream had before.
    pub(crate) fn version_before(&self) -> Option<u64> {
        self.header.stream.as_ref().map(|(_, version)| version.saturating_sub(1))
    }

    /// The id that was drawn for it: the one in the stream's name.
    pub(crate) fn drawn_id<K>(&self) -> Result<Id<K>, Refusal> {
        let name = self.header.stream.as_ref().map(|(name, _)| name.as_str());
        let id = name.and_then(|name| name.rsplit_once('/')).and_then(|(_, id)| Id::from_hex(id));
        id.ok_or_else(foreign)
    }
}

/// The record under the idempotency key was not made by this operation.
pub(crate) fn foreign() -> Refusal {
    Refusal::new(Code::IdempotencyConflict, "the idempotency key belongs to a record of another form")
}

impl Given {
    /// The version that a stream must have for the change to be appended: the one that the caller names, else the one that the same request
    /// was recorded on, else the one that the rules were checked against.
    pub(crate) fn expected(&self, earlier: Option<&Earlier>, current: u64) -> u64 {
        self.version.or_else(|| earlier.and_then(Earlier::version_before)).unwrap_or(current)
    }
}

/// Retention class of what governs: systems, keys, policies, people. Were it of the class of calls, the expiry of old calls would also take away who
/// may call, and everything would be denied.
pub(crate) const GOVERNANCE_RETENTION: &str = "governance";

/// A draft of `body`'s type in `stream`, which has to be at version `expected`.
pub(crate) fn draft_of<B: Body>(body: &B, stream: String, expected: u64) -> Result<Draft, Refusal> {
    let mut draft = Draft::new(B::TYPE);
    draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
    draft.body = body.fields().map_err(|fault| Refusal::new(Code::Malformed, fault.to_string()))?;
    draft.stream = Some(DraftStream { name: stream, expected: Some(expected) });
    Ok(draft)
}

/// What a change does to what somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authority {
    /// Whatever it may be.
    Any,
    /// It only takes away.
    Taken,
    /// It begins the session in which others are done.
    Entering,
}

impl Desk {
    /// Has `operation` recorded once, on what is true now. `plan` gives the drafts; it is asked again after a lost race. With an earlier request of the same
    /// idempotency key it must not apply rules, and must give the same drafts from what was recorded then.
    pub(crate) fn once(
        &self,
        actor: &Actor,
        operation: &str,
        given: &Given,
        plan: impl FnMut(Option<&Earlier>) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Written, Refusal> {
        let key = key_of(actor, operation, given)?;
        let acks = self.recorded(actor, key.as_deref(), given, Authority::Any, plan)?;
        self.passed(&acks)
    }

    /// The same for drafts that depend on nothing that was recorded before; gives the place of each.
    pub(crate) fn once_each(
        &self,
        actor: &Actor,
        operation: &str,
        given: &Given,
        drafts: &[Draft],
    ) -> Result<Vec<Ack>, Refusal> {
        let key = key_of(actor, operation, given)?;
        let acks = self.recorded(actor, key.as_deref(), given, Authority::Any, |_| Ok(drafts.to_vec()))?;
        self.passed(&acks)?;
        Ok(acks)
    }

    /// The same for what is recorded once whoever does it: `name` takes the place of an idempotency key.
    pub(crate) fn once_for_all(
        &self,
        actor: &Actor,
        name: &str,
        given: &Given,
        plan: impl FnMut(Option<&Earlier>) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Written, Refusal> {
        let acks = self.recorded(actor, Some(name), given, Authority::Any, plan)?;
        self.passed(&acks)
    }

    /// The same for a change that takes authority away. It is recorded also when the views stand still: on the rows that they have, and then without
    /// comparing versions that they cannot know, unless the caller named one.
    pub(crate) fn once_taking(
        &self,
        actor: &Actor,
        operation: &str,
        given: &Given,
        plan: impl FnMut(Option<&Earlier>) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Written, Refusal> {
        let key = key_of(actor, operation, given)?;
        let acks = self.recorded(actor, key.as_deref(), given, Authority::Taken, plan)?;
        self.passed(&acks)
    }

    /// The same for what begins `actor`'s session.
    pub(crate) fn once_entering(
        &self,
        actor: &Actor,
        plan: impl FnMut(Option<&Earlier>) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Written, Refusal> {
        let acks = self.recorded(actor, None, &Given::default(), Authority::Entering, plan)?;
        self.passed(&acks)
    }

    fn recorded(
        &self,
        actor: &Actor,
        key: Option<&str>,
        given: &Given,
        authority: Authority,
        mut plan: impl FnMut(Option<&Earlier>) -> Result<Vec<Draft>, Refusal>,
    ) -> Result<Vec<Ack>, Refusal> {
        self.check_present()?;
        for _ in 0..PLAN_LIMIT {
            let behind = match authority {
                Authority::Any | Authority::Entering => self.refresh().map(|()| false)?,
                Authority::Taken => !self.refresh_for_taking(),
            };
            let earlier = self.earlier(key, true)?;
            let mut drafts = plan(earlier.as_ref())?;
            if behind && earlier.is_none() && given.version.is_none() {
                for stream in drafts.iter_mut().filter_map(|draft| draft.stream.as_mut()) {
                    stream.expected = None;
                }
            }
            let session = match authority {
                Authority::Entering => Vec::new(),
                Authority::Any | Authority::Taken => self.in_session(actor, earlier.as_ref())?,
            };
            for draft in &mut drafts {
                draft.parents.extend(session.iter().map(|session| session_of(&draft.record_type, session)));
            }
            sign(&mut drafts, actor, key);
            let appended = self.ledger.append_all(&drafts);
            self.note(appended.as_ref().map(drop));
            match appended {
                Ok(acks) => return Ok(acks),
                Err(LedgerError::Rejected { code: RejectCode::StreamConflict, detail }) => {
                    if given.version.is_some() {
                        return Err(Refusal::new(Code::Stale, detail));
                    }
                }
                // The same request was being recorded at the same time; now it can be looked up.
                Err(LedgerError::Rejected { code: RejectCode::IdempotencyConflict, .. })
                    if earlier.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::new(Code::Conflict, "others changed it faster than this change could be decided"))
    }

    pub(super) fn earlier(&self, key: Option<&str>, with_second: bool) -> Result<Option<Earlier>, Refusal> {
        let Some(key) = key else { return Ok(None) };
        let producer = ProducerId::of_log(&self.ledger.reader().genesis());
        let Some(index) = self.ledger.idempotency_tag(&producer, key)?.index else { return Ok(None) };
        let view = self.ledger.reader().entry(index)?;
        let Some(header) = view.entry.header().cloned() else { return Ok(None) };
        let shown = view.units.iter().filter_map(|unit| match &unit.content {
            UnitContent::Shown(disclosures) => Some(disclosures),
            UnitContent::Erased | UnitContent::Missing => None,
        });
        let fields = shown
            .flatten()
            .map(|disclosure| (disclosure.name().to_owned(), disclosure.value().clone()))
            .collect();
        let second = if with_second { self.earlier(Some(&numbered(key, 1)), false)? } else { None };
        Ok(Some(Earlier { header, fields, second: second.map(Box::new) }))
    }

    pub(crate) fn passed(&self, acks: &[Ack]) -> Result<Written, Refusal> {
        let first = acks
            .first()
            .ok_or_else(|| Refusal::new(Code::Broken, "an append was answered without its place"))?;
        let position = acks.iter().map(|ack| ack.index + 1).max().unwrap_or(0);
        self.wait_for(position).map_err(|error| {
            Refusal::new(Code::ViewBehind, format!("recorded as entry {}; {error}", first.index))
        })?;
        Ok(first.into())
    }
}

/// Says in each draft who had it recorded, as whose request.
pub(super) fn sign(drafts: &mut [Draft], actor: &Actor, key: Option<&str>) {
    for (number, draft) in drafts.iter_mut().enumerate() {
        draft.actor = actor.credential().map(|id| id.to_hex());
        draft.assurance = Some("observed".to_owned());
        draft.idempotency_key = key.map(|key| match number {
            0 => key.to_owned(),
            more => numbered(key, more),
        });
    }
}

/// The key of the record after `number` others of one request: with a space, which no client's key has, so that none of theirs is taken for it.
fn numbered(key: &str, number: usize) -> String {
    format!("{key} {number}")
}

/// The idempotency key of a request, as the log knows it.
pub(super) fn key_of(actor: &Actor, operation: &str, given: &Given) -> Result<Option<String>, Refusal> {
    given.idempotency_key.as_deref().map(|key| scoped(actor, operation, key)).transpose()
}

/// Keys of different callers and operations never meet.
pub(super) fn scoped(actor: &Actor, operation: &str, key: &str) -> Result<String, Refusal> {
    let fits = !key.is_empty()
        && key.len() <= MAX_IDEMPOTENCY_KEY_BYTES
        && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        return Err(Refusal::new(
            Code::Malformed,
            format!(
                "Idempotency-Key has to be 1 to {MAX_IDEMPOTENCY_KEY_BYTES} printable ASCII characters without spaces"
            ),
        ));
    }
    Ok(format!("api/{}/{operation}/{key}", actor.name()))
}
