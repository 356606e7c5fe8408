//! A call that was authorised, up to its one end record.
//!
//! Promises: exactly one end record for each call, whatever fails in between; one that cannot be made durable is tried again until the
//! gateway ends, after which the next start records the call as broken; of a call that was erased meanwhile, or whose person or system was, it says that and how
//! it ended, and nothing else. Must never: let a release pass before it.

use std::time::Duration;

use tabellion_ledger::{Ack, Draft, OfCall};
use tabellion_model::body::{
    Answered, CallCompleted, Capture, Conversed, Delivered, Guarded, Masked, Outcome,
};
use tabellion_model::charge::Spent;
use tabellion_views::query::Reference;
use tokio::time::sleep;

use crate::answer::parts::Tokens as Counted;
use crate::attempts::Again;
use crate::authenticate::Caller;
use crate::budget::Hold;
use crate::code::Code;
use crate::enrich::Pending;
use crate::evidence::{self, EvidenceError, Kin, Room, Terms};
use crate::guards::after::Pending as Assessed;
use crate::names::OfAnswer;
use crate::race::Watch;
use crate::salt::{Commitment, Committing, Salt};
use crate::stopwatch::{Phase, Stopwatch, micros};
use crate::worker::{Shared, Worker};

/// How long to wait before an end record is tried again. The ledger refuses when the disk is full: a person has to make room.
const AGAIN: Duration = Duration::from_secs(1);

/// What is found out while a call runs.
pub(crate) struct Facts {
    pub(crate) upstream_status: Option<u16>,
    pub(crate) answered: Answered,
    /// What guards said of the answer.
    pub(crate) guards: Vec<Guarded>,
    pub(crate) first_byte: Option<Duration>,
    /// Whether the request may have reached the provider.
    pub(crate) sent: bool,
    /// What the provider counted.
    pub(crate) counted: Counted,
    /// All of an answer is there, also where a guard then stops it.
    pub(crate) is_whole: bool,
    /// Emergency stops that cut it.
    pub(crate) stopped_by: Vec<Reference>,
    /// What was said over a socket.
    pub(crate) conversed: Option<Conversed>,
    received_bytes: u64,
    received: Committing,
}

impl Facts {
    /// Nothing yet, of a call with this salt.
    pub(crate) fn of(salt: &Salt) -> Self {
        Self {
            upstream_status: None,
            answered: Answered::default(),
            guards: Vec::new(),
            first_byte: None,
            sent: false,
            counted: Counted::default(),
            is_whole: false,
            stopped_by: Vec::new(),
            conversed: None,
            received_bytes: 0,
            received: salt.begin(),
        }
    }

    /// Bytes came from the provider.
    pub(crate) fn received(&mut self, bytes: &[u8]) {
        self.received_bytes += bytes.len() as u64;
        self.received.update(bytes);
    }

    /// How many did so far.
    pub(crate) fn received_bytes(&self) -> u64 {
        self.received_bytes
    }
}

/// How a call ends.
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<Code>,
    /// HTTP status given to the client.
    pub(crate) status: u16,
    pub(crate) delivered: Delivered,
    /// Digest of what is released.
    pub(crate) released: Commitment,
    /// Personal data that the model brought up.
    pub(crate) masked: Vec<Masked>,
    /// The answer as it may be kept, or why not.
    pub(crate) answer: Kept,
}

/// Content of a record.
pub(crate) enum Kept {
    /// It, masked.
    Text(String),
    /// Nothing, and why.
    Withheld(&'static str),
}

/// The system keeps no content.
pub(crate) const CAPTURE_OFF: &str = "capture_off";
/// The content is larger than a record takes.
pub(crate) const TOO_LARGE: &str = "too_large";
/// There is no answer that was given to anybody.
const NO_ANSWER: &str = "no_answer";
/// The call, its person or its system was erased before it ended.
const ERASED: &str = "erased";
/// The disk has room for the record without it alone.
const NO_ROOM: &str = "no_room";

impl Kept {
    /// What may be kept of the prompt `text` under `capture`.
    pub(crate) fn of_prompt(capture: Capture, limit: usize, text: impl FnOnce() -> Option<String>) -> Self {
        Self::where_kept(capture.keeps_prompts(), limit, text)
    }

    /// What may be kept of the answer `text` under `capture`.
    pub(crate) fn of_answer(capture: Capture, limit: usize, text: impl FnOnce() -> Option<String>) -> Self {
        Self::where_kept(capture.keeps_answers(), limit, text)
    }

    fn where_kept(is_kept: bool, limit: usize, text: impl FnOnce() -> Option<String>) -> Self {
        if !is_kept {
            return Self::Withheld(CAPTURE_OFF);
        }
        match text().filter(|text| text.len() <= limit) {
            Some(text) => Self::Text(text),
            None => Self::Withheld(TOO_LARGE),
        }
    }

    /// That there is no answer to keep.
    pub(crate) fn nothing(capture: Capture) -> Self {
        Self::Withheld(if capture.keeps_answers() { NO_ANSWER } else { CAPTURE_OFF })
    }

    /// As the two members of a record.
    pub(crate) fn members(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Text(text) => (Some(text.clone()), None),
            Self::Withheld(why) => (None, Some((*why).to_owned())),
        }
    }
}

impl End {
    /// An end after which the client has nothing of the provider's answer.
    pub(crate) fn without_answer(
        outcome: Outcome,
        code: Code,
        released: Commitment,
        capture: Capture,
    ) -> Self {
        Self {
            outcome,
            code: Some(code),
            status: code.status(),
            delivered: Delivered::Nothing,
            released,
            masked: Vec::new(),
            answer: Kept::nothing(capture),
        }
    }
}

/// What a call that ends so is charged. The provider's word holds where it answered whole and counted all of it; where nothing was sent, or it refused what was
/// asked, nothing; else nobody knows, and what was reserved stands.
fn spent(end: &End, facts: &Facts) -> Spent {
    // Also where a guard kept the refusal back.
    let refused = facts.upstream_status.is_some_and(|status| (400..500).contains(&status));
    if !facts.sent || refused {
        return Spent::Nothing;
    }
    let counted = facts.counted.charged().filter(|_| end.outcome == Outcome::Answered || facts.is_whole);
    counted.map_or(Spent::Reserve, Spent::Counted)
}

/// An authorised call.
pub(crate) struct Authorised {
    pub(crate) ack: Ack,
    /// What its records have in common.
    pub(crate) kin: Kin,
    pub(crate) caller: Caller,
    /// Of the digests in its end record.
    pub(crate) salt: Salt,
    pub(crate) capture: Capture,
    /// Promised to the end record; given back once it is durable.
    pub(crate) room: Option<Room>,
    /// What it reserved of budgets; none: nothing is sent for it.
    pub(crate) hold: Option<Box<Hold>>,
    /// Which attempt of a call it is, where it is not the first.
    pub(crate) again: Option<Box<Again>>,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) facts: Facts,
    /// What detectors will look at when it is over; none: none is for it, or it is over.
    pub(crate) pending: Option<Box<Pending>>,
    /// What guards will look at then; none: its permission names none, or it is over.
    pub(crate) after: Option<Assessed>,
}

impl Authorised {
    /// By which names `provider` keeps what it answered. What a stand-in keeps for canaries is nothing.
    pub(crate) fn named(&mut self, names: &OfAnswer, provider: &str) {
        if !self.caller.is_probe() {
            self.facts.answered.kept = names.digests(provider);
        }
    }

    /// Makes the end record durable.
    pub(crate) async fn complete(&mut self, worker: &Worker, end: &End) -> Result<(), EvidenceError> {
        let before = self.stopwatch.enter(Phase::Own);
        let result = self.append(worker, end).await;
        if let Ok(ack) = &result {
            self.room = None;
            if let Some(hold) = &mut self.hold {
                hold.settle(ack.index, spent(end, &self.facts));
            }
            worker.shared.metrics.ended(end.outcome, self.stopwatch.spent());
            self.enrich(worker, end.outcome);
            self.assess(worker, end.outcome);
        }
        self.stopwatch.enter(before);
        result.map(drop)
    }

    /// Hands over what detectors look at; nothing waits for them.
    fn enrich(&mut self, worker: &Worker, outcome: Outcome) {
        let Some(mut pending) = self.pending.take() else { return };
        pending.ended(outcome);
        if !worker.shared.enriching.push(pending, self.caller.clone(), (self.ack.clone(), self.kin.clone())) {
            worker.shared.metrics.not_enriched();
        }
    }

    /// The same of what guards look at.
    fn assess(&mut self, worker: &Worker, outcome: Outcome) {
        let Some(mut after) = self.after.take() else { return };
        after.ended(outcome, self.facts.received_bytes());
        let Shared { assessing, metrics, .. } = worker.shared.as_ref();
        if assessing.push(after, self.caller.clone(), (self.ack.clone(), self.kin.clone())) {
            metrics.after_waits(1);
        } else {
            metrics.not_assessed();
        }
    }

    async fn append(&mut self, worker: &Worker, end: &End) -> Result<Ack, EvidenceError> {
        let spent = self.hold.as_ref().map(|_| spent(end, &self.facts));
        match self.append_whole(worker, end, spent).await {
            Err(EvidenceError::Erased) => {
                // Under keys that it shares with others: there is nothing of the call in it that could be erased.
                let draft = self.draft(&self.bare(end), spent, None)?;
                let terms = Terms { room: self.room.as_ref(), only_while: None };
                worker.shared.evidence.append_under(&draft, terms).await.map(|(ack, _)| ack)
            }
            result => {
                if let Ok(ack) = &result {
                    let Shared { gate, names, .. } = worker.shared.as_ref();
                    let kept = &self.facts.answered.kept;
                    names.add(ack.index, kept, self.caller.system_id, || gate.load().position);
                }
                result
            }
        }
    }

    /// The end with all that is known of it; [`EvidenceError::Erased`] where none of that may be recorded any more.
    async fn append_whole(
        &mut self,
        worker: &Worker,
        end: &End,
        spent: Option<Spent>,
    ) -> Result<Ack, EvidenceError> {
        let evidence = &worker.shared.evidence;
        let mut body = self.body(end);
        let only_while = Some(&self.kin.keys);
        if body.answer.is_some() {
            // Content may be larger than the room that was promised: on a full disk the end is recorded without it.
            let draft = self.draft(&body, spent, self.kin.alone)?;
            self.stopwatch.enter(Phase::Sync);
            match evidence.append_under(&draft, Terms { room: None, only_while }).await {
                Ok((ack, _)) => return Ok(ack),
                Err(EvidenceError::Unavailable(_)) => {
                    body.answer = None;
                    body.answer_withheld = Some(NO_ROOM.to_owned());
                }
                Err(error) => return Err(error),
            }
        }
        let draft = self.draft(&body, spent, self.kin.alone)?;
        self.stopwatch.enter(Phase::Sync);
        // INVARIANT: the room stays promised until the end is on record; a refused attempt must not give it to others.
        let terms = Terms { room: self.room.as_ref(), only_while };
        evidence.append_under(&draft, terms).await.map(|(ack, _)| ack)
    }

    fn draft(
        &self,
        body: &CallCompleted,
        spent: Option<Spent>,
        alone: Option<OfCall>,
    ) -> Result<Draft, EvidenceError> {
        let stops = &self.facts.stopped_by;
        let attempt = (self.again.as_deref(), alone);
        evidence::completed(body, &self.caller, &self.ack, attempt, spent, stops)
    }

    /// Goes on trying to record `end` after the client was told that it could not be recorded. Ends when it is, when the ledger is lost, or
    /// when the gateway ends.
    pub(crate) async fn owe(mut self: Box<Self>, worker: &Worker, end: End, watch: &Watch) {
        self.still_owe(worker, &end, watch).await;
    }

    /// The same of a call whose last words are still to come.
    pub(crate) async fn still_owe(&mut self, worker: &Worker, end: &End, watch: &Watch) {
        worker.shared.metrics.owed(1);
        while worker.shared.evidence.fatal().is_none() {
            if self.complete(worker, end).await.is_ok() {
                worker.shared.metrics.owed(-1);
                return;
            }
            if watch.stopping() {
                return;
            }
            sleep(AGAIN).await;
        }
    }

    /// The end of a call of which nothing is kept any more: that it ended, and how. No digest, label or name in it tells what was said.
    fn bare(&self, end: &End) -> CallCompleted {
        CallCompleted {
            answered: Answered::default(),
            received_sha256: None,
            received_salted_sha256: None,
            released_sha256: None,
            released_salted_sha256: None,
            masked: Vec::new(),
            guards: Vec::new(),
            answer: None,
            answer_withheld: Some(ERASED.to_owned()),
            conversed: self.facts.conversed.clone().map(|said| Conversed {
                sent_sha256: None,
                sent_salted_sha256: None,
                ..said
            }),
            ..self.body(end)
        }
    }

    fn body(&self, end: &End) -> CallCompleted {
        let (answer, answer_withheld) = end.answer.members();
        let (received_sha256, received_salted_sha256) = self.facts.received.commitment().members();
        let (released_sha256, released_salted_sha256) = end.released.members();
        CallCompleted {
            outcome: end.outcome,
            status: end.status.into(),
            upstream_status: self.facts.upstream_status.map(u64::from),
            code: end.code.map(|code| code.as_str().to_owned()),
            delivered: end.delivered,
            answered: self.facts.answered.clone(),
            received_bytes: self.facts.received_bytes,
            received_sha256,
            received_salted_sha256,
            released_sha256,
            released_salted_sha256,
            masked: end.masked.clone(),
            guards: self.facts.guards.clone(),
            conversed: self.facts.conversed.clone(),
            duration_us: micros(self.stopwatch.elapsed()),
            first_byte_us: self.facts.first_byte.map(micros),
            answer,
            answer_withheld,
        }
    }
}
