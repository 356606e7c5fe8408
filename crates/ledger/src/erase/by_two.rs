//! Erasures that take two people: one asks, another confirms, and only then is anything destroyed.
//!
//! Promises: a request changes nothing; the confirmation and the order are in one batch, so that neither is there without the other; who asked does not
//! confirm; a legal hold is asked about again when it is confirmed. Must never: keep a data subject's name longer than what is kept about them.

use serde_json::{Map, Value};
use tabellion_model::body::{Body as _, ErasureConfirmed, ErasureDeclined, ErasureRequested};
use tabellion_model::{CredentialId, ErasureRequestId, Header, Purpose, RecordId, SystemId};

use super::{Erasure, ErasureTarget};
use crate::commit::Ack;
use crate::draft::{Draft, DraftParent, DraftStream, SubjectFields, malformed};
use crate::error::{LedgerError, RejectCode};
use crate::ledger::Ledger;
use crate::own_records::random_id;
use crate::reader::UnitContent;

/// Before the request's id in the name of its stream.
const STREAM: &str = "erasure-request/";
/// The field that names the data subject.
const SUBJECT: &str = "subject";

/// Who does one of the steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    /// Their credential; `None`: the operator, who speaks as the log's own writer.
    pub credential: Option<CredentialId>,
    /// What the record follows from: the session they do it in.
    pub parents: Vec<DraftParent>,
}

/// A request that nobody has decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingErasure {
    /// Names it.
    pub request: ErasureRequestId,
    /// Index of its record.
    pub index: u64,
    /// Who asked; `None`: the operator.
    pub by: Option<CredentialId>,
    /// The sessions that its record follows from.
    pub sessions: Vec<RecordId>,
    /// What is to go; `None`: the request cannot be read any more, because what it names is erased.
    pub target: Option<ErasureTarget>,
    /// Why; `None`: it cannot be read any more.
    pub reason: Option<String>,
}

/// The confirmation on its way into the log.
pub(super) struct Confirmed {
    pub(super) request: ErasureRequestId,
    pub(super) draft: Draft,
}

/// The stream of a request.
pub(super) fn stream(request: &ErasureRequestId) -> String {
    format!("{STREAM}{request}")
}

/// The request that a record is about, by its stream.
pub(crate) fn request_of(header: &Header) -> Option<ErasureRequestId> {
    let (stream, _) = header.stream.as_ref()?;
    ErasureRequestId::from_hex(stream.as_str().strip_prefix(STREAM)?)
}

impl Ledger {
    /// Asks for the erasure of `target`. Nothing is erased; refused while a legal hold applies, and when there is nothing to erase.
    pub fn request_erasure(
        &self,
        target: &ErasureTarget,
        reason: &str,
        by: &By,
    ) -> Result<(ErasureRequestId, Ack), LedgerError> {
        if reason.trim().is_empty() {
            return Err(malformed("give a reason: whoever confirms reads it, and it is recorded".to_owned()));
        }
        let keys = self.keys_of(target)?;
        if keys.is_empty() {
            return Err(super::nothing_to_erase());
        }
        crate::holds::check(&self.state(), &self.shared.vault(), &keys)?;
        let mut body = ErasureRequested {
            scope: target.scope().as_str().to_owned(),
            record: None,
            system: None,
            reason: reason.to_owned(),
        };
        let mut subjects = Vec::new();
        match target {
            ErasureTarget::Subject(subject) => {
                let fields = Map::from_iter([(SUBJECT.to_owned(), Value::from(subject.as_str()))]);
                subjects.push(SubjectFields { subject: subject.clone(), fields });
            }
            ErasureTarget::Record(index) => body.record = Some(*index),
            // Not in the header: the request is no content of the system.
            ErasureTarget::System(system) => body.system = Some(system.to_hex()),
            ErasureTarget::Retention { .. } => {
                return Err(malformed(
                    "what expires by rule needs nobody to confirm it; run tabellion retain".to_owned(),
                ));
            }
        }
        let request = ErasureRequestId::from_bytes(random_id(self.shared.entropy.as_ref())?);
        let mut draft = step(ErasureRequested::TYPE, &request, by, 0);
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        draft.subjects = subjects;
        Ok((request, self.append_one_own(&draft)?))
    }

    /// Confirms a request, as somebody else than who asked, and erases.
    pub fn confirm_erasure(
        &self,
        request: &ErasureRequestId,
        reason: &str,
        by: &By,
    ) -> Result<Erasure, LedgerError> {
        let pending = self.pending_erasure(request)?;
        if pending.by == by.credential {
            return Err(LedgerError::rejected(
                RejectCode::SecondPerson,
                format!(
                    "whoever asked for the erasure {request} does not confirm it: somebody else has to. Nothing was destroyed"
                ),
            ));
        }
        let unreadable = || {
            LedgerError::rejected(
                RejectCode::NotFound,
                format!(
                    "what the request {request} names is erased already, and its name with it; decline the request"
                ),
            )
        };
        let target = pending.target.ok_or_else(unreadable)?;
        let mut draft = step(ErasureConfirmed::TYPE, request, by, 1);
        let body = ErasureConfirmed { reason: reason.to_owned() };
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        let confirmed = Confirmed { request: *request, draft };
        self.erase_now(&target, &pending.reason.unwrap_or_default(), Some(confirmed))
    }

    /// Declines a request, or takes an own one back. Nothing is erased.
    pub fn decline_erasure(
        &self,
        request: &ErasureRequestId,
        reason: &str,
        by: &By,
    ) -> Result<Ack, LedgerError> {
        self.pending_erasure(request)?;
        let mut draft = step(ErasureDeclined::TYPE, request, by, 1);
        let body = ErasureDeclined { reason: reason.to_owned() };
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        self.append_one_own(&draft)
    }

    /// The requests that nobody has decided on, the oldest first.
    pub fn pending_erasures(&self) -> Result<Vec<PendingErasure>, LedgerError> {
        let mut requests: Vec<_> =
            self.state().requests.iter().map(|(request, requested)| (*request, requested.index)).collect();
        requests.sort_unstable_by_key(|(_, index)| *index);
        requests.iter().map(|(request, _)| self.pending_erasure(request)).collect()
    }

    /// One of them.
    pub fn pending_erasure(&self, request: &ErasureRequestId) -> Result<PendingErasure, LedgerError> {
        let (requested, is_operator) = {
            let state = self.state();
            let requested = state.requests.get(request).copied().ok_or_else(|| {
                LedgerError::rejected(
                    RejectCode::NotFound,
                    format!("no erasure {request} waits for a second person: it is decided, or was never asked for"),
                )
            })?;
            let own = |grant: &tabellion_model::KeyGrant| {
                grant.purpose == Purpose::Writer && grant.credential == requested.by
            };
            (requested, state.keys.grants().any(own))
        };
        let view = self.reader().entry(requested.index)?;
        let mut fields = Map::new();
        for unit in view.units {
            if let UnitContent::Shown(disclosures) = unit.content {
                let shown = disclosures.iter().map(|shown| (shown.name().to_owned(), shown.value().clone()));
                fields.extend(shown);
            }
        }
        let header = view.entry.header();
        let parents = header.into_iter().flat_map(|header| &header.parents);
        Ok(PendingErasure {
            request: *request,
            index: requested.index,
            by: (!is_operator).then_some(requested.by),
            sessions: parents.map(|parent| parent.record_id).collect(),
            target: target_of(&fields),
            reason: fields.get("reason").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

/// One record of a request's stream.
fn step(record_type: &str, request: &ErasureRequestId, by: &By, expected: u64) -> Draft {
    let mut draft = Draft::new(record_type);
    draft.actor = by.credential.map(|credential| credential.to_hex());
    draft.assurance = Some("observed".to_owned());
    draft.parents.clone_from(&by.parents);
    draft.stream = Some(DraftStream { name: stream(request), expected: Some(expected) });
    draft
}

fn target_of(fields: &Map<String, Value>) -> Option<ErasureTarget> {
    match fields.get("scope")?.as_str()? {
        "subject" => Some(ErasureTarget::Subject(fields.get(SUBJECT)?.as_str()?.to_owned())),
        "record" => Some(ErasureTarget::Record(fields.get("record")?.as_u64()?)),
        "system" => SystemId::from_hex(fields.get("system")?.as_str()?).map(ErasureTarget::System),
        _ => None,
    }
}
