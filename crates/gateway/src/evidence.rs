//! From what happened to a durable record: drafts are sealed on the calling thread, appended, and awaited.
//!
//! Promises: whoever gets an acknowledgement may act on it; room for a call's end record is promised before the call is authorised, so that
//! a disk that fills up meanwhile cannot leave a call without its end. Must never: acknowledge before the ledger did, or repeat an append
//! that may have happened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value as Json};
use tabellion_ledger::{
    Ack, Clock, ContentKeys, Draft, DraftParent, DraftStream, Ledger, LedgerError, OfCall, Prepared,
    RejectCode, Reservation, SubjectFields,
};
use tabellion_model::Micros;
use tabellion_model::body::{
    BatchSettled, Body, CallAssessed, CallAuthorised, CallCompleted, CallDenied, CallEnriched, GuardMeasured,
    GuardProbed, NoiseCounted, set_apart,
};
use tabellion_model::charge::Spent;
use tabellion_model::probe;
use tabellion_views::gate::Begun;
use tabellion_views::query::Reference;
use tokio::sync::oneshot;

use crate::attempts::Again;
use crate::authenticate::Caller;
use crate::code::Code;

/// Room promised for a `call.completed` without the answer's text and what guards and rules of masking say: its seventeen fields take about 3 KiB sealed and encrypted, the
/// names of called tools at most 2 KiB more, the stops that cut it at most 2 KiB, 64 digests of names at most 3 KiB; the rest is for what is around them.
const END_BYTES: u64 = 13 << 10;
/// What a guard says of an answer, at most: a name of 64 bytes, a version with three words of 32, four labels of 64, how many edits were put in, and the members around them.
const OF_GUARD_BYTES: u64 = 576;
/// The same of a rule of masking that stops an answer.
const OF_MASKING_RULE_BYTES: u64 = 448;
/// How often a record is sealed again because an erasure destroyed its key meanwhile. Two in a row are already unlikely.
const RESEAL_LIMIT: u32 = 4;
/// How long a refused append counts against readiness, in microseconds. A gateway that is not ready gets no calls, so none could show that the
/// disk has space again.
const TROUBLE_FOR_US: u64 = 30 * 1_000_000;
/// What the parent of an end record is to it.
const PARENT_ROLE: &str = "authorised";
/// What an emergency stop is to the record of a call that it refused or cut: by it the stop's report counts.
const STOP_PARENT_ROLE: &str = "stop";
/// What a call's first permission is to the records of its further attempts.
pub(crate) const ATTEMPT_OF: &str = "attempt_of";
/// What the opening of a circuit is to its closing.
const OPENED: &str = "opened";
/// Where what came of probing the guards stands.
const PROBES_STREAM: &str = "probes";
/// How long that is kept: as long as what people decided.
const GOVERNANCE_RETENTION: &str = "governance";
/// The gateway saw the calls itself.
const ASSURANCE: &str = "observed";

/// Why there is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EvidenceError {
    /// Nothing was recorded; trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// Nothing more is recorded for the caller's system: it is deleted, or being deleted.
    #[error("{0}")]
    SystemGone(String),
    /// What the record belongs to was erased, so it is not recorded as it is.
    #[error("what the record belongs to was erased")]
    Erased,
    /// Nothing more will be recorded by this process.
    #[error("{0}")]
    Fatal(String),
}

impl EvidenceError {
    /// What a caller is told.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Erased | Self::Fatal(_) => Code::EvidenceUnavailable,
            Self::SystemGone(_) => Code::SystemGone,
        }
    }
}

impl From<LedgerError> for EvidenceError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Fatal(text) => Self::Fatal(text),
            LedgerError::Rejected { code: RejectCode::SystemGone, detail } => Self::SystemGone(detail),
            // A record of ours that is refused (a body too large) is not recorded either, and nothing may leave.
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Told once, from any thread, why nothing more can be recorded; the process has to end.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// Where records go.
enum Book {
    Log(Arc<Ledger>),
    /// Nowhere: a call that is tried is none. What its records would have said can be looked at, as long as it is tried.
    Sandbox(Mutex<Vec<Draft>>),
}

/// The ledger as the data path uses it.
pub(crate) struct Evidence {
    book: Book,
    clock: Arc<dyn Clock>,
    fatal: OnceLock<String>,
    on_fatal: OnFatal,
    /// Room promised for the end of each call.
    end_bytes: u64,
    /// Why the newest append was refused, and when, until one succeeds.
    trouble: Mutex<Option<(Micros, String)>>,
    is_troubled: AtomicBool,
}

/// Room for one end record.
pub(crate) struct Room(Option<Reservation>);

/// What a record is appended under.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms<'a> {
    /// Room that was promised, and that stays promised when the append is refused. A draft that outgrew it is appended without it.
    pub(crate) room: Option<&'a Room>,
    /// Keys of the call that it belongs to: once any of them is destroyed it is [`EvidenceError::Erased`], and not recorded.
    pub(crate) only_while: Option<&'a ContentKeys>,
}

/// What the records of one call have in common.
#[derive(Debug, Clone)]
pub(crate) struct Kin {
    /// The keys that its permission is kept under; once one is destroyed, the call, its person or its system was erased.
    pub(crate) keys: ContentKeys,
    /// What was kept of the call, in its first record and after it, can be erased without any other; none: nothing is kept of it.
    pub(crate) alone: Option<OfCall>,
}

impl Evidence {
    /// Over `ledger`, for calls of which so many guards and rules of masking may say something at their end. A log keeps room for so many calls at once (half a
    /// segment), so no call is promised what could never be said of it.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
        on_fatal: OnFatal,
        (guards, rules): (usize, usize),
    ) -> Self {
        let said = |count: usize, bytes: u64| u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(bytes);
        let of_guards = said(guards, OF_GUARD_BYTES);
        let end_bytes =
            END_BYTES.saturating_add(of_guards).saturating_add(said(rules, OF_MASKING_RULE_BYTES));
        Self { end_bytes, ..Self::over(Book::Log(ledger), clock, on_fatal) }
    }

    /// One that records nothing, and lets everything go on as if it had.
    pub(crate) fn sandbox(clock: Arc<dyn Clock>) -> Self {
        Self::over(Book::Sandbox(Mutex::default()), clock, Arc::new(|_| {}))
    }

    /// What a sandbox was told, in order.
    pub(crate) fn told(&self) -> Vec<Draft> {
        match &self.book {
            Book::Log(_) => Vec::new(),
            Book::Sandbox(drafts) => drafts.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn over(book: Book, clock: Arc<dyn Clock>, on_fatal: OnFatal) -> Self {
        Self {
            book,
            clock,
            on_fatal,
            end_bytes: END_BYTES,
            fatal: OnceLock::new(),
            trouble: Mutex::default(),
            is_troubled: AtomicBool::new(false),
        }
    }

    /// Why records are refused at present; for the operator, not for callers.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock_trouble().as_ref().map(|(_, why)| why.clone())
    }

    /// The same, when it is not so long ago that only another attempt could tell how it stands.
    pub(crate) fn fresh_trouble(&self) -> Option<String> {
        let fresh = |at: &Micros| self.clock.now().since(*at) < TROUBLE_FOR_US;
        self.lock_trouble().as_ref().filter(|(at, _)| fresh(at)).map(|(_, why)| why.clone())
    }

    /// Why the next append would be refused for want of room.
    pub(crate) fn no_room(&self) -> Option<String> {
        match &self.book {
            Book::Log(ledger) => ledger.check_room().err().map(|error| error.to_string()),
            Book::Sandbox(_) => None,
        }
    }

    fn lock_trouble(&self) -> MutexGuard<'_, Option<(Micros, String)>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trouble(&self, trouble: Option<String>) {
        self.is_troubled.store(trouble.is_some(), Ordering::Release);
        *self.lock_trouble() = trouble.map(|why| (self.clock.now(), why));
    }

    /// Why nothing more can be recorded, once that is so.
    pub(crate) fn fatal(&self) -> Option<&str> {
        self.fatal.get().map(String::as_str)
    }

    /// Promises room for the end record of a call.
    pub(crate) fn reserve(&self) -> Result<Room, EvidenceError> {
        let Book::Log(ledger) = &self.book else { return Ok(Room(None)) };
        ledger.reserve(self.end_bytes).map(|room| Room(Some(room))).map_err(|error| self.note(error))
    }

    /// Seals and appends `draft`; returns when it is durable.
    pub(crate) async fn append(&self, draft: &Draft) -> Result<Ack, EvidenceError> {
        self.append_under(draft, Terms::default()).await.map(|(ack, _)| ack)
    }

    /// The same under these terms, with the keys that it is kept under.
    pub(crate) async fn append_under(
        &self,
        draft: &Draft,
        terms: Terms<'_>,
    ) -> Result<(Ack, ContentKeys), EvidenceError> {
        let ledger = match &self.book {
            Book::Log(ledger) => ledger,
            Book::Sandbox(drafts) => {
                drafts.lock().unwrap_or_else(PoisonError::into_inner).push(draft.clone());
                return Ok((Ack::nowhere(), ContentKeys::none()));
            }
        };
        let mut attempt = 0;
        loop {
            if terms.only_while.is_some_and(|keys| self.is_erased(keys)) {
                return Err(EvidenceError::Erased);
            }
            let mut prepared = ledger.prepare(draft).map_err(|error| self.note(error))?;
            let keys = prepared.content_keys();
            if let Some(others) = terms.only_while {
                prepared = prepared.only_while(others);
            }
            attempt += 1;
            match submit(ledger, prepared, terms.room.and_then(|room| room.0.clone())).await {
                // A key was destroyed between sealing and committing: the next seal takes a new one.
                Err(LedgerError::SealAgain) if attempt < RESEAL_LIMIT => {}
                Err(error) => return Err(self.note(error)),
                Ok(acks) => {
                    if self.is_troubled.load(Ordering::Acquire) {
                        self.set_trouble(None);
                    }
                    let ack = acks.into_iter().next().ok_or_else(|| {
                        EvidenceError::Fatal("an append was answered without a result".to_owned())
                    })?;
                    return Ok((ack, keys));
                }
            }
        }
    }

    /// Whether any of what is kept under these was erased.
    pub(crate) fn is_erased(&self, keys: &ContentKeys) -> bool {
        match &self.book {
            Book::Log(ledger) => ledger.is_erased(keys),
            Book::Sandbox(_) => false,
        }
    }

    fn note(&self, error: LedgerError) -> EvidenceError {
        let error = EvidenceError::from(error);
        // One system that goes is no trouble of the others, who would find the gateway not ready.
        if !matches!(error, EvidenceError::SystemGone(_)) {
            self.set_trouble(Some(error.to_string()));
        }
        if let EvidenceError::Fatal(text) = &error {
            // Only the first says why; those after it follow from it.
            if self.fatal.set(text.clone()).is_ok() {
                (self.on_fatal)(text);
            }
        }
        error
    }
}

async fn submit(
    ledger: &Ledger,
    prepared: Prepared,
    room: Option<Reservation>,
) -> Result<Vec<Ack>, LedgerError> {
    let (answer, wait) = oneshot::channel();
    let done = Box::new(move |result| drop(answer.send(result)));
    match room {
        None => ledger.submit(vec![prepared], done),
        Some(room) => ledger.submit_reserved(vec![prepared], room, done),
    }
    wait.await.unwrap_or_else(|_| Err(LedgerError::Fatal("the committer's thread ended".to_owned())))
}

/// Why a draft could not even be written down: a body of ours that is not plain JSON. It never is; if it were, nothing may leave.
fn draft_of<B: Body>(body: &B, caller: &Caller) -> Result<Draft, EvidenceError> {
    let mut draft = Draft::new(B::TYPE);
    draft.body = body.fields().map_err(|error| EvidenceError::Unavailable(error.to_string()))?;
    draft.actor = Some(caller.key_id.to_hex());
    draft.system = Some(caller.system_id.to_hex());
    draft.assurance = Some(ASSURANCE.to_owned());
    Ok(draft)
}

/// What stands in clear of a call: its `charge`, or that it is a probe, which is charged to nobody, or that it asks no model.
fn clear_of(caller: &Caller, charge: Option<Map<String, Json>>) -> Map<String, Json> {
    match charge {
        _ if caller.is_probe() => probe::mark(),
        None if caller.asks_no_model => probe::no_model(),
        charge => charge.unwrap_or_default(),
    }
}

/// Puts the person behind a call into a unit about them: who reads nothing about people is not shown it, and erasing them takes it from every call.
fn with_person_apart(mut draft: Draft) -> Draft {
    let Some((person, fields)) = set_apart(&mut draft.body) else { return draft };
    fields.into_iter().fold(draft, |draft, (name, value)| draft.about(&person, &name, value))
}

/// Whose keys what is kept of a call is under, where anything `is_kept`: its own, those of the first attempt, so that all of it can be erased alone.
pub(crate) fn alone(is_kept: bool, again: Option<&Again>) -> Option<OfCall> {
    is_kept.then(|| again.map_or(OfCall::First, |again| OfCall::Of(again.first.record_id)))
}

/// The draft of a permission, decided at the caller's snapshot; `charge` is what stands in the clear of what it reserved. With what is `kept` of its
/// placeholders: each in a unit about the person whose value it may be. `alone`: whose keys it is kept under.
pub(crate) fn authorised(
    (body, kept): (&CallAuthorised, &[SubjectFields]),
    caller: &Caller,
    (again, alone): (Option<&Again>, Option<OfCall>),
    charge: Option<Map<String, Json>>,
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.parents = of_attempt(again);
    draft.clear = clear_of(caller, charge);
    draft.subjects = kept.to_vec();
    draft.call = alone;
    draft.basis = Some(caller.gate.position);
    Ok(with_person_apart(draft))
}

/// The draft of a denial, decided at the caller's snapshot; `stops` are those in force for it.
pub(crate) fn denied(
    body: &CallDenied,
    caller: &Caller,
    again: Option<&Again>,
    stops: &[Reference],
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.clear = clear_of(caller, None);
    draft.parents = of_attempt(again);
    draft.basis = Some(caller.gate.position);
    draft.parents.extend(stops.iter().map(stop_parent));
    Ok(with_person_apart(draft))
}

/// An emergency stop as the parent of the record of a call that it refused or cut.
fn stop_parent(stop: &Reference) -> DraftParent {
    DraftParent {
        hash: stop.hash.to_hex(),
        record_id: stop.record_id.to_hex(),
        role: STOP_PARENT_ROLE.to_owned(),
    }
}

/// The draft of a call's end; `stops` are those that cut it.
pub(crate) fn completed(
    body: &CallCompleted,
    caller: &Caller,
    authorised: &Ack,
    (again, alone): (Option<&Again>, Option<OfCall>),
    spent: Option<Spent>,
    stops: &[Reference],
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.call = of_first(alone, authorised);
    draft.clear = clear_of(caller, spent.map(Spent::to_clear));
    draft.parents = vec![parent(authorised, PARENT_ROLE)];
    draft.parents.extend(of_attempt(again));
    draft.parents.extend(stops.iter().map(stop_parent));
    Ok(draft)
}

/// The same as [`alone`], said by a record that comes after the permission.
fn of_first(alone: Option<OfCall>, authorised: &Ack) -> Option<OfCall> {
    alone.map(|alone| match alone {
        OfCall::First => OfCall::Of(authorised.record_id),
        of @ OfCall::Of(_) => of,
    })
}

/// The edge of a further attempt's records to the call, in the header: a call is counted once also after its content was erased.
fn of_attempt(again: Option<&Again>) -> Vec<DraftParent> {
    again.map(|again| parent(&again.first, ATTEMPT_OF)).into_iter().collect()
}

fn parent(of: &Ack, role: &str) -> DraftParent {
    DraftParent { hash: of.leaf.to_hex(), record_id: of.record_id.to_hex(), role: role.to_owned() }
}

/// The draft of what stays at a provider of a call: a batch's file, or something else that is the system's from then on.
pub(crate) fn kept_there<B: Body>(
    body: &B,
    caller: &Caller,
    authorised: &Ack,
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.parents = vec![parent(authorised, PARENT_ROLE)];
    Ok(draft)
}

/// The draft of what a batch took, with the call that began it.
pub(crate) fn settled(
    body: &BatchSettled,
    caller: &Caller,
    begun: &Begun,
    spent: Spent,
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.clear = spent.to_clear();
    let role = PARENT_ROLE.to_owned();
    draft.parents = vec![DraftParent { hash: begun.hash.to_hex(), record_id: begun.call.to_hex(), role }];
    Ok(draft)
}

/// The draft of what detectors said of a call that ended; `authorised`: its permission.
pub(crate) fn enriched(
    body: &CallEnriched,
    caller: &Caller,
    authorised: &Ack,
    alone: Option<OfCall>,
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.call = of_first(alone, authorised);
    draft.parents = vec![parent(authorised, PARENT_ROLE)];
    Ok(draft)
}

/// The draft of what guards said of a call when it was over; `authorised`: its permission.
pub(crate) fn assessed(
    body: &CallAssessed,
    caller: &Caller,
    authorised: &Ack,
    alone: Option<OfCall>,
) -> Result<Draft, EvidenceError> {
    let mut draft = draft_of(body, caller)?;
    draft.call = of_first(alone, authorised);
    draft.parents = vec![parent(authorised, PARENT_ROLE)];
    Ok(draft)
}

/// The draft of a circuit that opened or closed; `opened`: the record of its opening.
pub(crate) fn circuit<B: Body>(body: &B, opened: Option<&Ack>) -> Result<Draft, EvidenceError> {
    let mut draft = Draft::new(B::TYPE);
    draft.body = body.fields().map_err(|error| EvidenceError::Unavailable(error.to_string()))?;
    draft.assurance = Some(ASSURANCE.to_owned());
    draft.parents = opened.map(|opened| parent(opened, OPENED)).into_iter().collect();
    Ok(draft)
}

/// The draft of what came of probing the guards; the calls are named in it: parents are few.
pub(crate) fn probed(body: &GuardProbed) -> Result<Draft, EvidenceError> {
    let mut draft = Draft::new(GuardProbed::TYPE);
    draft.body = body.fields().map_err(|error| EvidenceError::Unavailable(error.to_string()))?;
    draft.clear = body.counts().to_clear();
    draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
    draft.stream = Some(DraftStream { name: PROBES_STREAM.to_owned(), expected: None });
    draft.assurance = Some(ASSURANCE.to_owned());
    Ok(draft)
}

/// The draft of what came of measuring the guards.
pub(crate) fn measured(body: &GuardMeasured) -> Result<Draft, EvidenceError> {
    let mut draft = Draft::new(GuardMeasured::TYPE);
    draft.body = body.fields().map_err(|error| EvidenceError::Unavailable(error.to_string()))?;
    draft.clear = body.counts().to_clear();
    draft.retention = Some(GOVERNANCE_RETENTION.to_owned());
    draft.stream = Some(DraftStream { name: PROBES_STREAM.to_owned(), expected: None });
    draft.assurance = Some(ASSURANCE.to_owned());
    Ok(draft)
}

/// The draft of a minute's noise.
pub(crate) fn noise(body: &NoiseCounted) -> Result<Draft, EvidenceError> {
    let mut draft = Draft::new(NoiseCounted::TYPE);
    draft.body = body.fields().map_err(|error| EvidenceError::Unavailable(error.to_string()))?;
    draft.assurance = Some(ASSURANCE.to_owned());
    Ok(draft)
}
