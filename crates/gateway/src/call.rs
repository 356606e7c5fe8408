//! One request of an authenticated caller, from its body to its end.
//!
//! Owned by a task of its own, so that it comes to its recorded end also when the client's connection is gone. The order is the product:
//! decide, record, only then send; record the end, only then release.

use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Response};
use tabellion_ledger::{Ack, ContentKeys, OfCall, SubjectFields};
use tabellion_mask::Classes;
use tabellion_model::Micros;
use tabellion_model::body::{AwaitedLook, CallAuthorised, CallDenied, Capture, Outcome};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::answer::masked::AnswerMasker;
use crate::attempts::{self, Again, Plan as Attempts};
use crate::authenticate::Caller;
use crate::body::AnswerBody;
use crate::budget::Hold;
use crate::code::Code;
use crate::config::span;
use crate::decide::{self, Refusal, declared};
use crate::dialect::Dialect;
use crate::dialect::headers::retry_count;
use crate::ending::{Authorised, End, Facts, Kept};
use crate::enrich::Pending as Enriched;
use crate::evidence::{self, EvidenceError, Kin, Room, Terms};
use crate::forward::NoAnswer;
use crate::guards::AnswerGuards;
use crate::guards::after::Pending;
use crate::guards::asking::Stopped;
use crate::guards::config::Side;
use crate::guards::outside::About;
use crate::opaque;
use crate::prepare::Ready;
use crate::presidio;
use crate::race::{Interrupt, Watch};
use crate::references::References;
use crate::route::{Route, Target};
use crate::salt::{Commitment, Salt};
use crate::stops::{self, Going};
use crate::stopwatch::{Phase, Stopwatch};
use crate::surface::{Surface, models};
use crate::words::{UNRECOGNISED, hex_of};
use crate::worker::Worker;

/// A request's body, as far as it was taken in.
pub(crate) enum Received {
    /// All of it.
    Whole(Bytes),
    /// More than the limit: its size as far as it is known, and the digest of what was read, under the call's salt.
    TooLarge { bytes: u64, read: Commitment },
    /// Nothing of it: there was no room.
    NoRoom,
}

/// The request.
pub(crate) struct Call {
    pub(crate) worker: Arc<Worker>,
    pub(crate) caller: Caller,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Received,
    /// Of its digests on record; the caller alone is given it.
    pub(crate) salt: Salt,
    pub(crate) at: Micros,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) watch: Watch,
    pub(crate) reply: oneshot::Sender<Response<AnswerBody>>,
    /// Its connection, once an answer has made a socket of it; none: it cannot become one.
    pub(crate) switch: Option<OnUpgrade>,
    /// Which attempt it is, where it is not the first.
    pub(crate) again: Option<Box<Again>>,
}

/// What is promised to a call before it is let through: room for its end record, what it reserved of budgets, and who will look at it when it is over.
struct Promised {
    room: Room,
    hold: Option<Box<Hold>>,
    after: Option<Pending>,
    /// Whose keys what is kept of it is under.
    alone: Option<OfCall>,
}

/// What is left of a call once it is decided.
pub(crate) struct Running {
    pub(crate) worker: Arc<Worker>,
    /// By itself, for it goes from hand to hand.
    pub(crate) authorised: Box<Authorised>,
    /// What looks at the answer.
    pub(crate) guards: Option<Box<AnswerGuards>>,
    /// What is masked in what is kept of the answer.
    pub(crate) classes: Classes,
    /// What masks in it what the model brings up itself; none: that goes on.
    pub(crate) masker: Option<Box<AnswerMasker>>,
    pub(crate) dialect: Dialect,
    pub(crate) watch: Watch,
    pub(crate) reply: oneshot::Sender<Response<AnswerBody>>,
}

/// What is left of a call that was let through: to ask and to pass the answer on, or to end it.
pub(crate) type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Call {
    /// Runs the call to its end, or until it is let through: then what is left to do is given back.
    pub(crate) async fn run(self) -> Option<Rest> {
        if self.worker.shared.fresh().is_err() {
            let reason = "what is in force cannot be seen now: the views stand behind the log, so nothing is let through; try again later";
            self.deny(&Refusal::new(Code::EvidenceUnavailable, reason), None).await;
            return None;
        }
        if let Err(refusal) = stops::check(&self.caller, None) {
            self.deny(&refusal, None).await;
            return None;
        }
        let body = match &self.body {
            Received::Whole(body) => body.clone(),
            Received::TooLarge { .. } => {
                let limit = opaque::body_limit(&self.target, &self.caller, &self.worker.shared.limits);
                let reason = format!("the request body is larger than {limit} bytes; send less");
                self.deny(&Refusal::new(Code::BodyTooLarge, reason), None).await;
                return None;
            }
            Received::NoRoom => {
                self.deny(&opaque::no_room(), None).await;
                return None;
            }
        };
        match &self.target.route {
            Route::Ask(_) | Route::Models | Route::Model(_) | Route::Declared(_) | Route::Presidio(_)
                if self.target.has_query =>
            {
                let reason = "this route takes no query, and none is sent on; leave out what follows the ? of the address";
                self.deny(&Refusal::new(Code::UnexpectedQuery, reason), None).await;
            }
            Route::Ask(surface) => {
                let surface = *surface;
                return self.ask(surface, body).await;
            }
            Route::Declared(found) => {
                let found = found.clone();
                Box::pin(opaque::run(self, found, body)).await;
            }
            Route::Realtime => {
                let code = Code::RealtimeNotGoverned;
                self.deny(&Refusal::new(code, code.explain()), None).await;
            }
            Route::Presidio(tool) => {
                let tool = *tool;
                Box::pin(presidio::run(self, tool, body)).await;
            }
            Route::Models => models::list(self, None).await,
            Route::Model(model) => {
                let model = model.clone();
                models::list(self, Some(model)).await;
            }
            Route::Unknown if self.target.dialect == Dialect::Presidio => {
                self.deny(&Refusal::new(Code::UnknownRoute, presidio::KNOWN_ROUTES), None).await;
            }
            Route::Unknown => {
                let asked: Vec<&str> = Surface::ALL.into_iter().map(Surface::path).collect();
                let reason = format!(
                    "the gateway governs POST below /v1 on {}, GET /v1/models and GET /v1/models/{{model}}; use one of these",
                    asked.join(", ")
                );
                self.deny(&Refusal::new(Code::UnknownRoute, reason), None).await;
            }
        }
        None
    }

    async fn ask(mut self, surface: Surface, body: Bytes) -> Option<Rest> {
        let (refusal, model) = match self.admitted(surface, &body).await {
            Ok((ready, hold)) => {
                let plan = Attempts::of(&self, surface, &body, &ready);
                let running = self.let_through(&ready, hold, &body).await?;
                return Some(Box::pin(attempts::run(running, ready, surface, plan)));
            }
            Err(denied) => denied,
        };
        self.deny(&refusal, model).await;
        None
    }

    /// Everything that must hold before anything is sent; else why not, and the model where it is known.
    async fn admitted(
        &mut self,
        surface: Surface,
        body: &Bytes,
    ) -> Result<(Ready, Hold), (Refusal, Option<String>)> {
        let rules =
            self.worker.shared.rules.of(&self.caller.gate).await.map_err(|refusal| (refusal, None))?;
        let ready = self.ready(surface, body, &rules).await?;
        match self.reserve(&ready, None) {
            Ok(hold) => Ok((ready, hold)),
            Err(refusal) => Err((refusal, Some(ready.model))),
        }
    }

    /// From here on the call is held against every stop for where it goes.
    pub(crate) fn heed(&mut self, ready: &Ready) {
        let target = &ready.permission.target;
        let given = target.model.as_deref().unwrap_or(&ready.model);
        let instead_of = self.again.as_ref().map(|again| again.instead_of.as_str());
        let provider = &target.upstream.name;
        let going = Going { asked: &ready.model, instead_of, given, provider };
        self.watch.orders().heed(&self.caller, going);
    }

    /// Records the permission, from which on the call heeds every stop for where it goes. `None`: it could not be, and the client was told.
    pub(crate) async fn let_through(mut self, ready: &Ready, hold: Hold, body: &Bytes) -> Option<Running> {
        let record = self.authorisation(ready, &hold, body);
        self.heed(ready);
        let kept = ready.pseudonyms.as_ref().map(|settled| settled.originals.as_slice()).unwrap_or_default();
        let capture = ready.permission.capture;
        let mut running = self.authorise((&record, kept), capture, Some(Box::new(hold))).await?;
        running.attend(ready);
        Some(running)
    }

    pub(crate) fn authorisation(&self, ready: &Ready, hold: &Hold, body: &Bytes) -> CallAuthorised {
        let limit = self.worker.shared.limits.capture_bytes;
        let kept = Kept::of_prompt(ready.permission.capture, limit, || {
            let bytes = ready.treated.kept.as_ref().unwrap_or(&ready.treated.bytes);
            std::str::from_utf8(bytes).ok().filter(|text| text.len() <= limit).map(str::to_owned)
        });
        let (prompt, prompt_withheld) = kept.members();
        let (received_sha256, received_salted_sha256) = self.salt.commit(body).members();
        let (forwarded_sha256, forwarded_salted_sha256) = self.salt.commit(&ready.sent).members();
        let permission = &ready.permission;
        let mut caller = self.caller.shown();
        let input =
            permission.input.as_ref().map(|given| Box::new(given.permitted(&self.salt, caller.as_mut())));
        CallAuthorised {
            caller,
            surface: self.target.route.surface().to_owned(),
            model: ready.model.clone(),
            upstream: ready.permission.target.upstream.name.clone(),
            upstream_model: ready.permission.target.model.clone().filter(|model| *model != ready.model),
            terms: declared(&ready.permission.target.upstream.terms),
            attempt: self.again.as_ref().map(|again| again.attempt()),
            translated: ready.translation.map(|translation| translation.word().to_owned()),
            budgets: hold.names().to_vec(),
            purpose: ready.permission.purpose.clone(),
            stream: ready.stream,
            received_bytes: body.len() as u64,
            received_sha256,
            received_salted_sha256,
            forwarded_sha256,
            forwarded_salted_sha256,
            forwarded_headers_sha256: Some(hex_of(ready.sent_on.sha256())),
            masked: ready.treated.masked.clone(),
            passed: ready.treated.passed.clone(),
            masking: ready.treated.rules.clone(),
            pseudonyms: ready.pseudonyms.as_ref().map(|settled| Box::new(settled.said.clone())),
            policies: decide::policy_digests(&self.caller.gate),
            rules: permission.rules.clone(),
            input,
            guards: ready.guards.clone(),
            guards_after: self.awaited(&ready.permission.purpose),
            observed: ready.permission.observed.clone(),
            references: References::of(&self.headers).to_record(),
            opened: None,
            retry: retry_count(&self.headers),
            prompt,
            prompt_withheld,
        }
    }

    /// The looks that guards will take when the call is over. Nobody looks at a canary then: it would stop nothing.
    pub(crate) fn awaited(&self, purpose: &str) -> Vec<AwaitedLook> {
        if self.caller.is_probe() {
            return Vec::new();
        }
        self.worker.shared.after.awaited(self.caller.system_id, purpose, self.target.route.surface())
    }

    /// Makes the permission durable, with what is kept of its placeholders and room for its end. `None`: it could not be, and the client was told. `hold` is what
    /// it reserved, where anything is sent.
    pub(crate) async fn authorise(
        mut self,
        (record, kept): (&CallAuthorised, &[SubjectFields]),
        capture: Capture,
        hold: Option<Box<Hold>>,
    ) -> Option<Running> {
        let evidence = &self.worker.shared.evidence;
        let is_kept = capture.keeps_prompts() || capture.keeps_answers() || !kept.is_empty();
        let is_looked_at = self.is_looked_at(&record.purpose) || !record.guards_after.is_empty();
        let alone = evidence::alone(is_kept || is_looked_at, self.again.as_deref());
        let sealed = evidence.reserve().and_then(|room| {
            let attempt = (self.again.as_deref(), alone);
            let charge = hold.as_ref().map(|hold| hold.clear());
            evidence::authorised((record, kept), &self.caller, attempt, charge).map(|draft| (room, draft))
        });
        let (room, draft) = match sealed {
            Ok(sealed) => sealed,
            Err(error) => return self.unavailable(&error),
        };
        let after = Pending::of(&record.guards_after);
        self.stopwatch.enter(Phase::Sync);
        let worker = Arc::clone(&self.worker);
        let before = self.again.as_ref().map(|again| again.keys.clone());
        let terms = Terms { room: None, only_while: before.as_ref() };
        let mut append = pin!(worker.shared.evidence.append_under(&draft, terms));
        let in_time = timeout(span(worker.shared.limits.record_ms), append.as_mut()).await;
        self.stopwatch.enter(Phase::Own);
        match in_time {
            Ok(Ok(recorded)) => Some(self.running(recorded, Promised { room, hold, after, alone }, capture)),
            Ok(Err(error)) => self.unavailable(&error),
            Err(_) => {
                // Rare, and as large as all that a call takes otherwise.
                Box::pin(self.refuse_late(append, Promised { room, hold, after, alone }, capture)).await;
                None
            }
        }
    }

    /// Whether detectors look at it when it is over.
    fn is_looked_at(&self, purpose: &str) -> bool {
        let enrichments = &self.worker.shared.enrichments;
        !self.caller.is_probe() && !enrichments.that_apply(self.caller.system_id, purpose).is_empty()
    }

    fn running(self, (ack, keys): (Ack, ContentKeys), promised: Promised, capture: Capture) -> Running {
        let Promised { room, mut hold, after, alone } = promised;
        if let Some(hold) = &mut hold {
            hold.recorded(ack.index, self.worker.shared.now());
        }
        self.worker.shared.metrics.opened();
        let Self { worker, caller, target, salt, stopwatch, watch, reply, again, .. } = self;
        let facts = Facts::of(&salt);
        let classes = worker.shared.classes;
        let (room, kin) = (Some(room), Kin { keys, alone });
        let authorised = Box::new(Authorised {
            ack,
            kin,
            caller,
            salt,
            capture,
            room,
            hold,
            again,
            stopwatch,
            facts,
            pending: None,
            after,
        });
        let dialect = target.dialect;
        Running { worker, authorised, guards: None, classes, masker: None, dialect, watch, reply }
    }

    /// The record took too long: the client is told now. Should it become durable after all, the call gets its end, as one of which nothing was
    /// sent.
    async fn refuse_late(
        mut self,
        append: impl Future<Output = Result<(Ack, ContentKeys), EvidenceError>>,
        promised: Promised,
        capture: Capture,
    ) {
        let code = Code::EvidenceUnavailable;
        let dialect = self.target.dialect;
        let error = dialect.error_body(code, code.explain(), None);
        self.worker.shared.metrics.denied(code);
        let (nobody, _) = oneshot::channel();
        drop(std::mem::replace(&mut self.reply, nobody).send(dialect.error(code, code.explain(), None)));
        let Ok(recorded) = append.await else { return };
        let running = self.running(recorded, promised, capture);
        let end = End::without_answer(Outcome::Cut, code, running.authorised.salt.commit(&error), capture);
        running.authorised.owe(&running.worker, end, &running.watch).await;
    }

    /// What is on record of a denial.
    pub(crate) fn denial(&self, refusal: &Refusal, model: Option<String>) -> CallDenied {
        let (received_bytes, received) = match &self.body {
            Received::Whole(body) => (body.len() as u64, self.salt.commit(body)),
            Received::TooLarge { bytes, read } => (*bytes, *read),
            Received::NoRoom => (0, Commitment::OfNothing),
        };
        // Of a text that was handed over to be looked at nothing is on record that it could be held against.
        let received =
            if self.target.dialect == Dialect::Presidio { Commitment::OfNothing } else { received };
        let (received_sha256, received_salted_sha256) = received.members();
        // Where it would have gone, so that other rules can be asked about it later. A model that is not known leads nowhere.
        let known = model.as_deref().filter(|_| refusal.code != Code::UnknownModel);
        let target = known.and_then(|model| self.worker.shared.catalogue.resolve(model));
        let given = target.as_ref().and_then(|target| target.model.clone());
        let mut caller = self.caller.shown();
        let (observed, input) =
            refusal.asked.as_deref().cloned().map(|asked| (asked.observed, asked.input)).unwrap_or_default();
        let input = input.map(|given| Box::new(given.denied(&self.salt, caller.as_mut())));
        CallDenied {
            caller,
            upstream_model: given.filter(|given| known != Some(given.as_str())),
            code: refusal.code.as_str().to_owned(),
            reason: refusal.reason.to_string(),
            status: refusal.code.status().into(),
            surface: self.target.route.surface().to_owned(),
            model,
            upstream: target.as_ref().map(|target| target.upstream.name.clone()),
            terms: target.as_ref().and_then(|target| declared(&target.upstream.terms)),
            attempt: self.again.as_ref().map(|again| again.attempt()),
            purpose: self
                .purpose()
                .map_or_else(|_| Some(UNRECOGNISED.to_owned()), |claimed| claimed.map(str::to_owned)),
            received_bytes,
            received_sha256,
            received_salted_sha256,
            policies: decide::policy_digests(&self.caller.gate),
            rules: refusal.rules.clone(),
            input,
            guards: refusal.guards.clone(),
            observed,
            retry: retry_count(&self.headers),
        }
    }

    /// Records a denial and tells the client.
    pub(crate) async fn deny(mut self, refusal: &Refusal, model: Option<String>) {
        let record = self.denial(refusal, model);
        self.stopwatch.enter(Phase::Sync);
        let stops = refusal.stopped_by.as_deref().map(|stops| stops.0.as_slice()).unwrap_or_default();
        let appended = match evidence::denied(&record, &self.caller, None, stops) {
            Ok(draft) => self.worker.shared.evidence.append(&draft).await,
            Err(error) => Err(error),
        };
        match appended {
            Ok(ack) => {
                self.worker.shared.metrics.denied(refusal.code);
                let mut answer = self.target.dialect.error(refusal.code, &refusal.reason, Some(&ack));
                if let Some(seconds) = refusal.retry_after_s {
                    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
                }
                self.answer(answer);
            }
            Err(error) => drop(self.unavailable::<()>(&error)),
        }
    }

    /// Tells the client that nothing could be recorded, so nothing was done. Why is for the operator ([`crate::Gateway::trouble`]).
    fn unavailable<T>(self, error: &EvidenceError) -> Option<T> {
        let code = error.code();
        self.worker.shared.metrics.denied(code);
        let answer = self.target.dialect.error(code, code.explain(), None);
        self.answer(answer);
        None
    }

    fn answer(self, answer: Response<AnswerBody>) {
        // A client that is gone by now reads its answer nowhere.
        drop(self.reply.send(answer));
    }
}

impl Running {
    /// From here on the answer is looked at, and kept, as one of this attempt.
    pub(crate) fn attend(&mut self, ready: &Ready) {
        self.guards = self.guards_for(ready);
        let of_answers = ready.treated.of_answers.as_deref();
        // What a caller is not given is not kept either.
        let masked = of_answers.map_or(Classes::NONE, |rules| rules.plan.looked_for());
        self.classes = ready.treated.classes.and(masked);
        self.masker = of_answers.map(|rules| Box::new(AnswerMasker::new(rules.clone())));
        let enrichments = &self.worker.shared.enrichments;
        self.authorised.pending = Enriched::of(enrichments, &self.authorised.caller, ready);
        if let Some(after) = &mut self.authorised.after {
            after.attend(&self.worker.shared.after, &self.authorised.caller, ready);
        }
    }

    /// What will look at the answer of this call.
    fn guards_for(&self, ready: &Ready) -> Option<Box<AnswerGuards>> {
        let (model, purpose) = (&ready.model, &ready.permission.purpose);
        let guards = &self.worker.shared.guards;
        let caller = &self.authorised.caller;
        let system = caller.system_id;
        let numbers = guards.that_apply(Side::Answer, caller.stands_for, purpose, ready.surface.name());
        let about = || About::new(model, purpose, system);
        AnswerGuards::over(guards, numbers, about, ready.wanted.as_ref(), ready.treated.classes).map(Box::new)
    }

    /// What would end the call before anything is sent.
    pub(crate) fn interrupted(&mut self) -> Option<Interrupt> {
        if self.watch.stopping() {
            return Some(Interrupt::Stopping);
        }
        if self.watch.orders().is_stopped() {
            return Some(Interrupt::Stopped);
        }
        self.watch.client_gone().then_some(Interrupt::ClientGone)
    }

    /// Ends a call of which the client has got nothing: records it, then says why. This and every other end of a call that was not answered has memory of its
    /// own, so that a call that is answered has no room for it.
    pub(crate) fn fail(mut self, none: NoAnswer) -> Rest {
        self.authorised.facts.stopped_by = self.watch.orders().take(none);
        let (outcome, code) = why(none);
        let text = if let NoAnswer::Untrusted(text) = none { text } else { code.explain() };
        Box::pin(self.fail_with(outcome, code, text))
    }

    /// A guard stopped the answer, or the wait for one ended.
    pub(crate) fn stop_for(self, stopped: Stopped) -> Rest {
        match stopped {
            Stopped::ByGuard(stop) => {
                Box::pin(async move { self.fail_with(Outcome::Cut, stop.code, &stop.text).await })
            }
            Stopped::Interrupted(interrupt) => self.fail(NoAnswer::Interrupted(interrupt)),
        }
    }

    /// The same with the outcome given.
    pub(crate) fn fail_as(self, outcome: Outcome, code: Code) -> Rest {
        Box::pin(self.fail_with(outcome, code, code.explain()))
    }

    async fn fail_with(mut self, outcome: Outcome, code: Code, text: &str) {
        let error = self.dialect.error_body(code, text, Some(&self.authorised.ack));
        let released = self.authorised.salt.commit(&error);
        let end = End::without_answer(outcome, code, released, self.authorised.capture);
        match self.authorised.complete(&self.worker, &end).await {
            Ok(()) => {
                let answer = self.dialect.error(code, text, Some(&self.authorised.ack));
                drop(self.reply.send(answer));
            }
            Err(_) => self.without_end(end).await,
        }
    }

    /// The end could not be recorded, so nothing is released; goes on trying to record what became of the call instead.
    pub(crate) fn without_end(self, end: End) -> Rest {
        Box::pin(self.told_without_end(end))
    }

    async fn told_without_end(self, mut end: End) {
        let code = Code::EvidenceUnavailable;
        let error = self.dialect.error_body(code, code.explain(), Some(&self.authorised.ack));
        drop(self.reply.send(self.dialect.error(code, code.explain(), Some(&self.authorised.ack))));
        if end.outcome == Outcome::Answered || end.outcome == Outcome::Refused {
            let released = self.authorised.salt.commit(&error);
            end = End::without_answer(Outcome::Cut, code, released, self.authorised.capture);
        }
        self.authorised.owe(&self.worker, end, &self.watch).await;
    }
}

/// How a call ends for which there is no answer.
pub(crate) fn why(none: NoAnswer) -> (Outcome, Code) {
    match none {
        NoAnswer::Failed(code @ (Code::GuardBlocked | Code::GuardErrored)) | NoAnswer::Withdrawn(code) => {
            (Outcome::Cut, code)
        }
        // An error of its own that may not go on.
        NoAnswer::Failed(code @ Code::UpstreamRefused) => (Outcome::Refused, code),
        NoAnswer::Failed(code) => (Outcome::Failed, code),
        NoAnswer::Untrusted(_) => (Outcome::Failed, Code::UpstreamUntrusted),
        NoAnswer::Interrupted(Interrupt::ClientGone) => (Outcome::Abandoned, Code::ClientGone),
        NoAnswer::Interrupted(Interrupt::Stopping) => (Outcome::Cut, Code::Stopping),
        NoAnswer::Interrupted(Interrupt::Stopped) => (Outcome::Cut, Code::Stopped),
        NoAnswer::Interrupted(Interrupt::Late) => (Outcome::Failed, Code::UpstreamTimeout),
        NoAnswer::Interrupted(Interrupt::Overdue) => (Outcome::Cut, Code::UpstreamTimeout),
    }
}
