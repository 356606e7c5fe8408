//! Erasures that take two people: one asks, another confirms, and only then is anything destroyed.
//!
//! The deletion of a system after a time of grace goes the same way: what is confirmed is that its content goes when the grace is over.
//!
//! Promises: a request changes nothing; the confirmation and the order are in one batch, so that neither is there without the other; who asked does not
//! confirm; a legal hold is asked about again when it is confirmed; that it takes two is a record, which outlives any configuration. Must never: keep a data
//! subject's name longer than what is kept about them.

use serde_json::{Map, Value};
use tabellion_model::body::{Body as _, ErasureConfirmed, ErasureDeclined, ErasureRequested, ErasureRuleSet};
use tabellion_model::registry::Facts;
use tabellion_model::{
    CredentialId, ErasureRequestId, Header, Micros, ProducerId, Purpose, RecordId, SystemId,
};

use super::{Erasure, ErasureTarget};
use crate::commit::Ack;
use crate::draft::{Draft, DraftParent, DraftStream, SubjectFields, malformed};
use crate::error::{LedgerError, RejectCode};
use crate::ledger::Ledger;
use crate::own_records::random_id;
use crate::reader::{EntryView, Reader, UnitContent};
use crate::vault::EVIDENCE_CLASS;

/// Before the request's id in the name of its stream.
const STREAM: &str = "erasure-request/";
/// What a request says that is about a call.
const CALL: &str = "call";
/// The field that names the data subject.
const SUBJECT: &str = "subject";

/// Longest time of grace: ten years.
pub const MAX_GRACE_SECONDS: u64 = 10 * 366 * 86_400;
/// Longest name of an account of the operating system: `LOGIN_NAME_MAX` of Linux.
const MAX_ACCOUNT_BYTES: usize = 256;
const MICROS_PER_SECOND: u64 = 1_000_000;
/// How often a request is made that the same request was made beside: the second time it is found.
const ASK_LIMIT: u32 = 2;

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct WantedErasure<'a> {
    /// What is to go.
    pub target: &'a ErasureTarget,
    /// For a system that is to be deleted: seconds of grace from the confirmation; appends that name it are refused from then on. `None`: the content
    /// goes when it is confirmed.
    pub grace_seconds: Option<u64>,
    /// Why.
    pub reason: &'a str,
    /// Makes a retry find the first request again.
    pub idempotency_key: Option<&'a str>,
}

/// Who does one of the steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    /// Their credential; `None`: the operator, who speaks as the log's own writer.
    pub credential: Option<CredentialId>,
    /// What the record follows from: the session they do it in.
    pub parents: Vec<DraftParent>,
    /// Of the operator: the account of the operating system that they gave the command under, for records that say it.
    pub account: Option<String>,
}

impl By {
    /// The operator, at the machine.
    pub fn at_the_machine(account: Option<&str>) -> Self {
        Self { account: account.map(str::to_owned), ..Self::default() }
    }

    /// The account, as a record says it. Errors: one that no operating system has.
    pub(crate) fn account_said(&self) -> Result<Option<String>, LedgerError> {
        match &self.account {
            Some(account) if account.is_empty() || account.len() > MAX_ACCOUNT_BYTES => {
                Err(malformed(format!("the name of an account has 1 to {MAX_ACCOUNT_BYTES} bytes")))
            }
            account => Ok(account.clone()),
        }
    }
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
    /// Who asked, as the record says: for the operator the log's own writer.
    pub actor: CredentialId,
    /// The sessions that its record follows from.
    pub sessions: Vec<RecordId>,
    /// What is to go; `None`: the request cannot be read any more, because what it names is erased.
    pub target: Option<ErasureTarget>,
    /// For the deletion of a system: seconds from the confirmation until its content goes.
    pub grace_seconds: Option<u64>,
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

impl Reader {
    /// Whether it is on record that an erasure takes two people.
    pub fn erases_by_two(&self) -> bool {
        self.state().erase_by_two
    }
}

impl Ledger {
    /// Whether an erasure of what a person names takes two people here: it is on record, or this process was opened so.
    pub fn erases_by_two(&self) -> bool {
        self.shared.configured_by_two || self.state().erase_by_two
    }

    /// Puts on record that erasures take two people, where this process was opened so and it is not on record yet. A log that cannot record now holds to
    /// it all the same, and records it the next time.
    pub(crate) fn record_rule(&self) -> Result<(), LedgerError> {
        let missing = {
            let state = self.state();
            self.shared.configured_by_two && !state.erase_by_two && state.conflict.is_none()
        };
        if !missing {
            return Ok(());
        }
        let mut draft = Draft::new(ErasureRuleSet::TYPE);
        draft.assurance = Some("observed".to_owned());
        draft.retention = Some(EVIDENCE_CLASS.to_owned());
        let body = ErasureRuleSet { second_person: "required".to_owned() };
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        match self.append_one_own(&draft) {
            Ok(_) | Err(LedgerError::Unavailable(_) | LedgerError::Full(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks for the erasure of `target`. Nothing is erased; refused while a legal hold applies, and when there is nothing to erase.
    pub fn request_erasure(
        &self,
        target: &ErasureTarget,
        reason: &str,
        by: &By,
    ) -> Result<(ErasureRequestId, Ack), LedgerError> {
        self.ask_for_erasure(
            &WantedErasure { target, grace_seconds: None, reason, idempotency_key: None },
            by,
        )
    }

    /// Asks for the deletion of a system, `grace_seconds` after somebody else has confirmed it. Nothing changes before that.
    pub fn request_deletion_by_two(
        &self,
        system: &SystemId,
        grace_seconds: u64,
        reason: &str,
        by: &By,
    ) -> Result<(ErasureRequestId, Ack), LedgerError> {
        let target = &ErasureTarget::System(*system);
        let grace_seconds = Some(grace_seconds);
        self.ask_for_erasure(&WantedErasure { target, grace_seconds, reason, idempotency_key: None }, by)
    }

    /// The same for either, once for each idempotency key: a retry gives the first request again, whatever became of it.
    pub fn ask_for_erasure(
        &self,
        wanted: &WantedErasure<'_>,
        by: &By,
    ) -> Result<(ErasureRequestId, Ack), LedgerError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let earlier = self.asked_before(wanted.idempotency_key)?;
            let request = if let Some(request) = earlier {
                request
            } else {
                self.check_wanted(wanted)?;
                ErasureRequestId::from_bytes(random_id(self.shared.entropy.as_ref())?)
            };
            match self.append_one_own(&requested(&request, wanted, by)?) {
                // The same request was recorded beside this one; now it can be looked up.
                Err(error)
                    if error.code() == Some(RejectCode::IdempotencyConflict)
                        && earlier.is_none()
                        && attempt < ASK_LIMIT => {}
                result => return Ok((request, result?)),
            }
        }
    }

    /// The request that was recorded under this idempotency key.
    fn asked_before(&self, key: Option<&str>) -> Result<Option<ErasureRequestId>, LedgerError> {
        let Some(key) = key else { return Ok(None) };
        let producer = ProducerId::of_log(&self.reader().genesis());
        let Some(index) = self.idempotency_tag(&producer, key)?.index else { return Ok(None) };
        let view = self.reader().entry(index)?;
        let request = view.entry.header().and_then(request_of);
        request.map(Some).ok_or_else(|| {
            LedgerError::rejected(
                RejectCode::IdempotencyConflict,
                format!("the idempotency key belongs to entry {index}, which asks for no erasure"),
            )
        })
    }

    fn check_wanted(&self, wanted: &WantedErasure<'_>) -> Result<(), LedgerError> {
        if wanted.reason.trim().is_empty() {
            return Err(malformed("give a reason: whoever confirms reads it, and it is recorded".to_owned()));
        }
        if wanted.grace_seconds.is_some_and(|grace| grace > MAX_GRACE_SECONDS) {
            return Err(malformed("a time of grace is ten years at most".to_owned()));
        }
        if let (Some(_), ErasureTarget::System(system)) = (wanted.grace_seconds, wanted.target) {
            self.check_not_purged(system)?;
        }
        let keys = self.keys_of(wanted.target)?;
        // A system under which nothing was recorded can be deleted all the same: from then on nothing can be.
        if keys.is_empty() && wanted.grace_seconds.is_none() {
            return Err(super::nothing_to_erase(wanted.target));
        }
        crate::holds::check(&self.state(), &self.shared.vault(), &keys)
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
        let target = pending.target.clone().ok_or_else(unreadable)?;
        let mut draft = step(ErasureConfirmed::TYPE, request, by, 1);
        let body = ErasureConfirmed { reason: reason.to_owned() };
        draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
        let confirmed = Confirmed { request: *request, draft };
        let asked_for = pending.reason.unwrap_or_default();
        match (pending.grace_seconds, &target) {
            (Some(grace), ErasureTarget::System(system)) => {
                self.begin_deletion(system, grace, &asked_for, &confirmed)
            }
            _ => self.erase_now(&target, &asked_for, Some(confirmed)),
        }
    }

    /// Records the confirmation and the deletion together; the content goes when its grace is over.
    fn begin_deletion(
        &self,
        system: &SystemId,
        grace_seconds: u64,
        reason: &str,
        confirmed: &Confirmed,
    ) -> Result<Erasure, LedgerError> {
        self.check_not_purged(system)?;
        let keys = self.keys_of(&ErasureTarget::System(*system))?;
        crate::holds::check(&self.state(), &self.shared.vault(), &keys)?;
        let due = Micros(self.shared.clock.now().0.saturating_add(grace_seconds * MICROS_PER_SECOND));
        let mut draft = super::about_system(&Facts::DeletionRequested(due), system, reason);
        draft.stream = Some(DraftStream { name: stream(&confirmed.request), expected: None });
        let acks = self.append_own(&[confirmed.draft.clone(), draft])?;
        let orders = acks.into_iter().skip(1).collect();
        Ok(Erasure { orders, due: Some(due), ..Erasure::of_nothing() })
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
            self.state().requests.iter().map(|(request, index)| (*request, *index)).collect();
        requests.sort_unstable_by_key(|(_, index)| *index);
        requests.iter().map(|(request, _)| self.pending_erasure(request)).collect()
    }

    /// One of them.
    pub fn pending_erasure(&self, request: &ErasureRequestId) -> Result<PendingErasure, LedgerError> {
        let index = self.state().requests.get(request).copied();
        let index = index.ok_or_else(|| {
            LedgerError::rejected(
                RejectCode::NotFound,
                format!(
                    "no erasure {request} waits for a second person: it is decided, or was never asked for"
                ),
            )
        })?;
        self.erasure_request(index)
    }

    /// The request that the entry at `index` records, whatever became of it.
    pub fn erasure_request(&self, index: u64) -> Result<PendingErasure, LedgerError> {
        let view = self.reader().entry(index)?;
        let named = view.entry.header().and_then(|header| Some((header, request_of(header)?)));
        let Some((header, request)) = named else {
            return Err(LedgerError::rejected(
                RejectCode::NotFound,
                format!("entry {index} asks for no erasure"),
            ));
        };
        let fields = shown_fields(&view);
        Ok(PendingErasure {
            request,
            index,
            by: (!self.is_operator(&header.actor)).then_some(header.actor),
            actor: header.actor,
            sessions: header.parents.iter().map(|parent| parent.record_id).collect(),
            target: target_of(&fields),
            grace_seconds: fields.get("grace_seconds").and_then(Value::as_u64),
            reason: fields.get("reason").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Whether `actor` is the log's own writer, as which the operator acts.
    pub fn is_operator(&self, actor: &CredentialId) -> bool {
        let state = self.state();
        state.keys.grants().any(|grant| grant.purpose == Purpose::Writer && grant.credential == *actor)
    }
}

/// What an entry discloses here, whichever unit it stands in.
pub(super) fn shown_fields(view: &EntryView) -> Map<String, Value> {
    let mut fields = Map::new();
    for unit in &view.units {
        if let UnitContent::Shown(disclosures) = &unit.content {
            let shown = disclosures.iter().map(|shown| (shown.name().to_owned(), shown.value().clone()));
            fields.extend(shown);
        }
    }
    fields
}

/// The refusal of what takes two people here.
pub(super) fn by_two_only(what: &str) -> LedgerError {
    LedgerError::rejected(
        RejectCode::SecondPerson,
        format!(
            "this log takes two people for {what}: one asks for it, another confirms. Nothing was destroyed"
        ),
    )
}

fn requested(request: &ErasureRequestId, wanted: &WantedErasure<'_>, by: &By) -> Result<Draft, LedgerError> {
    let mut body = ErasureRequested {
        scope: wanted.target.scope().as_str().to_owned(),
        record: None,
        call: None,
        system: None,
        grace_seconds: wanted.grace_seconds,
        reason: wanted.reason.to_owned(),
    };
    let mut subjects = Vec::new();
    match wanted.target {
        ErasureTarget::Subject(subject) => {
            let fields = Map::from_iter([(SUBJECT.to_owned(), Value::from(subject.as_str()))]);
            subjects.push(SubjectFields { subject: subject.clone(), fields });
        }
        ErasureTarget::Record(index) => body.record = Some(*index),
        ErasureTarget::Call(call) => {
            CALL.clone_into(&mut body.scope);
            body.call = Some(call.to_hex());
        }
        // Not in the header: the request is no content of the system.
        ErasureTarget::System(system) => body.system = Some(system.to_hex()),
        ErasureTarget::Retention { .. } => {
            return Err(malformed(
                "what expires by rule needs nobody to confirm it; run tabellion retain".to_owned(),
            ));
        }
    }
    if body.grace_seconds.is_some() && body.system.is_none() {
        return Err(malformed("only the deletion of a system has a time of grace".to_owned()));
    }
    let mut draft = step(ErasureRequested::TYPE, request, by, 0);
    draft.body = body.fields().map_err(|fault| malformed(fault.to_string()))?;
    draft.subjects = subjects;
    draft.idempotency_key = wanted.idempotency_key.map(str::to_owned);
    Ok(draft)
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
        CALL => RecordId::from_hex(fields.get("call")?.as_str()?).map(ErasureTarget::Call),
        "system" => SystemId::from_hex(fields.get("system")?.as_str()?).map(ErasureTarget::System),
        _ => None,
    }
}
