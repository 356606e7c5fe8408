//! One request of an authenticated caller, from its body to its end.
//!
//! Owned by a task of its own, so that it comes to its recorded end also when the client's connection is gone. The order is the product:
//! decide, record, only then send; record the end, only then release.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Response};
use sha2::{Digest as _, Sha256};
use tabellion_ledger::Ack;
use tabellion_mask::Scope;
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_model::Micros;
use tabellion_model::body::{CallAuthorised, CallDenied, Capture, Guarded, Masked, Outcome};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::answer::{stream, whole};
use crate::authenticate::Caller;
use crate::body::AnswerBody;
use crate::budget::{Charge, Hold, bound};
use crate::code::Code;
use crate::config::span;
use crate::decide::{self, Asked, InForce, Permission, Refusal};
use crate::dialect::Dialect;
use crate::dialect::headers::retry_count;
use crate::dialect::sent_on::SentOn;
use crate::ending::{Authorised, End, Facts, Kept};
use crate::evidence::{self, EvidenceError, Room};
use crate::forward::{self, NoAnswer, Outbound};
use crate::guards::AnswerGuards;
use crate::guards::config::Side;
use crate::guards::suite::{Prompt, refusal};
use crate::race::{Interrupt, Watch};
use crate::route::{Route, Target};
use crate::stopwatch::{Phase, Stopwatch};
use crate::surface::request::{Changes, Outgoing, Request};
use crate::surface::{Surface, models};
use crate::words::{self, UNRECOGNISED, hex_of};
use crate::worker::Worker;

/// Header that claims a purpose.
const PURPOSE: &str = "tabellion-purpose";

/// A request's body, as far as it was taken in.
pub(crate) enum Received {
    /// All of it.
    Whole(Bytes),
    /// More than the limit: its size as far as it is known, and the digest of what was read.
    TooLarge { bytes: u64, sha256: [u8; 32] },
}

/// The request.
pub(crate) struct Call {
    pub(crate) worker: Arc<Worker>,
    pub(crate) caller: Caller,
    pub(crate) target: Target,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Received,
    pub(crate) at: Micros,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) watch: Watch,
    pub(crate) reply: oneshot::Sender<Response<AnswerBody>>,
}

/// What was decided, ready to be sent.
struct Ready {
    model: String,
    stream: bool,
    usage_wanted: bool,
    permission: Permission,
    bytes: Bytes,
    masked: Vec<Masked>,
    scope: Scope,
    sent_on: SentOn,
    guards: Vec<Guarded>,
    charge: Charge,
}

/// What is promised to a call before it is let through: room for its end record, and what it reserved of budgets.
struct Promised {
    room: Room,
    hold: Option<Box<Hold>>,
}

/// What is left of a call once it is decided.
pub(crate) struct Running {
    pub(crate) worker: Arc<Worker>,
    pub(crate) authorised: Authorised,
    /// What looks at the answer.
    pub(crate) guards: Option<Box<AnswerGuards>>,
    pub(crate) dialect: Dialect,
    pub(crate) watch: Watch,
    pub(crate) reply: oneshot::Sender<Response<AnswerBody>>,
}

impl Call {
    /// Runs the call to its end.
    pub(crate) async fn run(self) {
        if self.worker.shared.fresh().is_err() {
            let reason = "what is in force cannot be seen now: the views stand behind the log, so nothing is let through; try again later";
            return self.deny(&Refusal::new(Code::EvidenceUnavailable, reason), None).await;
        }
        let body = match &self.body {
            Received::Whole(body) => body.clone(),
            Received::TooLarge { .. } => {
                let limit = self.worker.shared.limits.body_bytes;
                let reason = format!("the request body is larger than {limit} bytes; send less");
                return self.deny(&Refusal::new(Code::BodyTooLarge, reason), None).await;
            }
        };
        match &self.target.route {
            Route::Ask(_) | Route::Models | Route::Model(_) if self.target.has_query => {
                let reason = "this route takes no query, and none is sent on; leave out what follows the ? of the address";
                self.deny(&Refusal::new(Code::UnexpectedQuery, reason), None).await;
            }
            Route::Ask(surface) => {
                let surface = *surface;
                self.ask(surface, body).await;
            }
            Route::Models => models::list(self, None).await,
            Route::Model(model) => {
                let model = model.clone();
                models::list(self, Some(model)).await;
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
    }

    async fn ask(self, surface: Surface, body: Bytes) {
        let rules = match self.worker.shared.rules.of(&self.caller.gate).await {
            Ok(rules) => rules,
            Err(refusal) => return self.deny(&refusal, None).await,
        };
        let ready = match self.prepare(surface, &body, &rules) {
            Ok(ready) => ready,
            Err((refusal, model)) => return self.deny(&refusal, model).await,
        };
        let hold = match self.reserve(ready.charge) {
            Ok(hold) => hold,
            Err(refusal) => {
                let refusal = Refusal { guards: ready.guards, ..refusal };
                return self.deny(&refusal, Some(ready.model)).await;
            }
        };
        let record = self.authorisation(&ready, &hold, &body);
        let Some(mut running) = self.authorise(&record, ready.permission.capture, Some(Box::new(hold))).await
        else {
            return;
        };
        if let Some(interrupt) = running.interrupted() {
            return running.fail(NoAnswer::Interrupted(interrupt)).await;
        }
        if let Some(code) = running.worker.shared.withdrawn(&running.authorised.caller) {
            return running.fail(NoAnswer::Withdrawn(code)).await;
        }
        running.guards = running.guards_for(&ready.permission.purpose);
        let outbound = Outbound {
            upstream: &ready.permission.target.upstream,
            route: surface.path(),
            sent_on: &ready.sent_on,
            body: ready.bytes,
            stream: ready.stream,
        };
        let worker = Arc::clone(&running.worker);
        running.authorised.facts.sent = true;
        running.authorised.stopwatch.enter(Phase::Upstream);
        let sent = forward::send(&outbound, &worker.pool, &mut running.watch, &worker.shared.limits).await;
        running.authorised.stopwatch.enter(Phase::Own);
        let inbound = match sent {
            Ok(inbound) => inbound,
            Err(none) => {
                running.authorised.facts.sent = !none.is_unsent();
                return running.fail(none).await;
            }
        };
        let facts = &mut running.authorised.facts;
        facts.first_byte = Some(running.authorised.stopwatch.elapsed());
        facts.upstream_status = Some(inbound.head.status().as_u16());
        let upstream = outbound.upstream.number;
        if ready.stream && stream::is_stream(&inbound.head) {
            let asked = stream::Asked { surface, usage_wanted: ready.usage_wanted };
            Box::pin(stream::relay(running, inbound, upstream, ready.scope, asked)).await;
        } else {
            let asked = whole::Asked { surface, streamed: ready.stream };
            whole::answer(running, inbound, upstream, ready.scope, asked).await;
        }
    }

    /// Reads, decides and masks. A refusal comes with the model asked for, when it could be read.
    fn prepare(
        &self,
        surface: Surface,
        body: &Bytes,
        rules: &InForce,
    ) -> Result<Ready, (Refusal, Option<String>)> {
        decide::live(&self.caller).map_err(|refusal| (refusal, None))?;
        let limits = &self.worker.shared.limits;
        let limits = JsonLimits { max_bytes: limits.body_bytes, max_depth: limits.depth };
        let request = Request::read(surface.form(), body, &limits)
            .map_err(|why| (Refusal::new(Code::MalformedBody, why), None))?;
        if !self.worker.shared.catalogue.is_named(&request.model) && !words::is_model(&request.model) {
            let reason = "model is neither a configured name nor of letters, digits and . _ : / -, at most 128; GET /v1/models lists those that are";
            return Err((Refusal::new(Code::UnknownModel, reason), Some(UNRECOGNISED.to_owned())));
        }
        let refused = |refusal| (refusal, Some(request.model.clone()));
        let purpose = self.purpose().map_err(refused)?;
        let asked = Asked {
            action: surface.action(),
            surface: surface.name(),
            model: &request.model,
            purpose,
            stream: request.stream,
            received_bytes: body.len() as u64,
            tools: &request.tools,
            at: self.at,
        };
        let shared = &self.worker.shared;
        let permission = decide::decide(&self.caller, &asked, &shared.catalogue, rules).map_err(refused)?;
        if permission.target.upstream.api != surface.api() {
            let reason = "the provider of this model does not have this interface; ask on a route of its own, or for another model";
            return Err(refused(Refusal::new(Code::UnknownModel, reason)));
        }
        let sent_on = SentOn::of(&self.headers, surface.api());
        let mut scope = shared.scope(self.caller.system_id);
        let changes = Changes {
            model: permission.target.model.as_deref(),
            ask_usage: permission.target.upstream.usage_in_streams,
        };
        let outgoing = request
            .outgoing(&changes, shared.classes, &mut scope)
            .map_err(|why| refused(Refusal::new(Code::MalformedBody, why)))?;
        let guards = self.guarded(&request, &outgoing, &permission).map_err(refused)?;
        let upstream = &permission.target.upstream.name;
        let given = permission.target.model.as_deref().unwrap_or(&request.model);
        let price = bound::price(&self.caller.gate.prices, upstream, given, shared.now());
        let reserved = bound::reserve(surface, &request.asks, outgoing.bytes.len(), price);
        Ok(Ready {
            guards,
            charge: Charge::new(reserved, price),
            stream: request.stream,
            usage_wanted: request.usage_wanted,
            bytes: outgoing.bytes,
            masked: outgoing.masked,
            model: request.model.clone(),
            permission,
            scope,
            sent_on,
        })
    }

    /// What the guards say of what is about to be sent; refused where one stops it.
    fn guarded(
        &self,
        request: &Request<'_>,
        outgoing: &Outgoing,
        permission: &Permission,
    ) -> Result<Vec<Guarded>, Refusal> {
        let guards = &self.worker.shared.guards;
        let numbers = guards.that_apply(Side::Prompt, self.caller.system_id, &permission.purpose);
        let bytes = outgoing.bytes.len() as u64;
        let prompt = Prompt { texts: request.texts(), masked: &outgoing.masked, bytes };
        let results = guards.prompt(&numbers, prompt);
        let Some(reason) = refusal(&results) else { return Ok(results) };
        // Rules had permitted it, so none is named, and nothing is said of what observed ones would have done.
        Err(Refusal { guards: results, ..Refusal::new(Code::GuardBlocked, reason) })
    }

    /// Reserves what the call may take of every budget that holds for it.
    fn reserve(&self, charge: Charge) -> Result<Hold, Refusal> {
        let shared = &self.worker.shared;
        let Caller { system_id, key_id, .. } = self.caller;
        shared.budgets.reserve(&shared.gate, system_id, key_id, charge, shared.now())
    }

    /// The purpose that the request claims.
    pub(crate) fn purpose(&self) -> Result<Option<&str>, Refusal> {
        let mut values = self.headers.get_all(PURPOSE).iter();
        let (first, second) = (values.next(), values.next());
        let unreadable = Refusal::new(
            Code::PurposeNotPermitted,
            "the header tabellion-purpose is there twice or is no purpose (a-z, 0-9 and -, at most 63); send one purpose",
        );
        match (first.map(|value| value.to_str()), second) {
            (None, _) => Ok(None),
            (Some(Ok(purpose)), None) if words::is_purpose(purpose) => Ok(Some(purpose)),
            _ => Err(unreadable),
        }
    }

    fn authorisation(&self, ready: &Ready, hold: &Hold, body: &Bytes) -> CallAuthorised {
        let limit = self.worker.shared.limits.capture_bytes;
        let kept = Kept::of(ready.permission.capture, limit, || {
            std::str::from_utf8(&ready.bytes).ok().filter(|text| text.len() <= limit).map(str::to_owned)
        });
        let (prompt, prompt_withheld) = kept.members();
        CallAuthorised {
            surface: self.target.route.surface().to_owned(),
            model: ready.model.clone(),
            upstream: ready.permission.target.upstream.name.clone(),
            upstream_model: ready.permission.target.model.clone().filter(|model| *model != ready.model),
            budgets: hold.names.clone(),
            purpose: ready.permission.purpose.clone(),
            stream: ready.stream,
            received_bytes: body.len() as u64,
            received_sha256: hex_of(Sha256::digest(body).into()),
            forwarded_sha256: hex_of(Sha256::digest(&ready.bytes).into()),
            forwarded_headers_sha256: Some(hex_of(ready.sent_on.sha256())),
            masked: ready.masked.clone(),
            policies: decide::policy_digests(&self.caller.gate),
            rules: ready.permission.rules.clone(),
            guards: ready.guards.clone(),
            observed: ready.permission.observed.clone(),
            retry: retry_count(&self.headers),
            prompt,
            prompt_withheld,
        }
    }

    /// Makes the permission durable, with room for its end. `None`: it could not be, and the client was told. `hold` is what it reserved, where anything is sent.
    pub(crate) async fn authorise(
        mut self,
        record: &CallAuthorised,
        capture: Capture,
        hold: Option<Box<Hold>>,
    ) -> Option<Running> {
        let reserved = hold.as_ref().map(|hold| hold.charge.reserved);
        let evidence = &self.worker.shared.evidence;
        let sealed = evidence
            .reserve()
            .and_then(|room| evidence::authorised(record, &self.caller, reserved).map(|draft| (room, draft)));
        let (room, draft) = match sealed {
            Ok(sealed) => sealed,
            Err(error) => return self.unavailable(&error),
        };
        self.stopwatch.enter(Phase::Sync);
        let worker = Arc::clone(&self.worker);
        let mut append = pin!(worker.shared.evidence.append(&draft));
        let in_time = timeout(span(worker.shared.limits.record_ms), append.as_mut()).await;
        self.stopwatch.enter(Phase::Own);
        match in_time {
            Ok(Ok(ack)) => Some(self.running(ack, Promised { room, hold }, capture)),
            Ok(Err(error)) => self.unavailable(&error),
            Err(_) => {
                self.refuse_late(append, Promised { room, hold }, capture).await;
                None
            }
        }
    }

    fn running(self, ack: Ack, promised: Promised, capture: Capture) -> Running {
        let Promised { room, mut hold } = promised;
        if let Some(hold) = &mut hold {
            hold.recorded(ack.index, self.worker.shared.now());
        }
        self.worker.shared.metrics.opened();
        let Self { worker, caller, target, stopwatch, watch, reply, .. } = self;
        let facts = Facts::default();
        let authorised = Authorised { ack, caller, capture, room: Some(room), hold, stopwatch, facts };
        Running { worker, authorised, guards: None, dialect: target.dialect, watch, reply }
    }

    /// The record took too long: the client is told now. Should it become durable after all, the call gets its end, as one of which nothing was
    /// sent.
    async fn refuse_late(
        mut self,
        append: impl Future<Output = Result<Ack, EvidenceError>>,
        promised: Promised,
        capture: Capture,
    ) {
        let code = Code::EvidenceUnavailable;
        let dialect = self.target.dialect;
        let error = dialect.error_body(code, code.explain(), None);
        self.worker.shared.metrics.denied(code);
        let (nobody, _) = oneshot::channel();
        drop(std::mem::replace(&mut self.reply, nobody).send(dialect.error(code, code.explain(), None)));
        let Ok(ack) = append.await else { return };
        let running = self.running(ack, promised, capture);
        let end = End::without_answer(Outcome::Cut, code, &error, capture);
        running.authorised.owe(&running.worker, end, &running.watch).await;
    }

    /// Records a denial and tells the client.
    pub(crate) async fn deny(mut self, refusal: &Refusal, model: Option<String>) {
        let (received_bytes, digest) = match &self.body {
            Received::Whole(body) => (body.len() as u64, Sha256::digest(body).into()),
            Received::TooLarge { bytes, sha256 } => (*bytes, *sha256),
        };
        // Where it would have gone, so that other rules can be asked about it later. A model that is not known leads nowhere.
        let known = model.as_deref().filter(|_| refusal.code != Code::UnknownModel);
        let target = known.and_then(|model| self.worker.shared.catalogue.resolve(model));
        let record = CallDenied {
            upstream: target.as_ref().map(|target| target.upstream.name.clone()),
            upstream_model: target
                .and_then(|target| target.model)
                .filter(|given| known != Some(given.as_str())),
            code: refusal.code.as_str().to_owned(),
            reason: refusal.reason.clone(),
            status: refusal.code.status().into(),
            surface: self.target.route.surface().to_owned(),
            model,
            purpose: self
                .purpose()
                .map_or_else(|_| Some(UNRECOGNISED.to_owned()), |claimed| claimed.map(str::to_owned)),
            received_bytes,
            received_sha256: hex_of(digest),
            policies: decide::policy_digests(&self.caller.gate),
            rules: refusal.rules.clone(),
            guards: refusal.guards.clone(),
            observed: refusal.observed.as_deref().cloned(),
            retry: retry_count(&self.headers),
        };
        self.stopwatch.enter(Phase::Sync);
        let appended = match evidence::denied(&record, &self.caller) {
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
    /// What will look at the answer of a call for this purpose.
    fn guards_for(&self, purpose: &str) -> Option<Box<AnswerGuards>> {
        let guards = &self.worker.shared.guards;
        let system = self.authorised.caller.system_id;
        AnswerGuards::over(guards, guards.that_apply(Side::Answer, system, purpose)).map(Box::new)
    }

    /// What would end the call before anything is sent.
    fn interrupted(&mut self) -> Option<Interrupt> {
        if self.watch.stopping() {
            return Some(Interrupt::Stopping);
        }
        self.watch.client_gone().then_some(Interrupt::ClientGone)
    }

    /// Ends a call of which the client has got nothing: records it, then says why.
    pub(crate) async fn fail(self, none: NoAnswer) {
        let (outcome, code) = why(none);
        let text = if let NoAnswer::Untrusted(text) = none { text } else { code.explain() };
        self.fail_with(outcome, code, text).await;
    }

    /// A guard stopped the answer: `text` says which, without a word of it.
    pub(crate) async fn stop_for_guard(self, text: &str) {
        self.fail_with(Outcome::Cut, Code::GuardBlocked, text).await;
    }

    /// The same with the outcome given.
    pub(crate) async fn fail_as(self, outcome: Outcome, code: Code) {
        self.fail_with(outcome, code, code.explain()).await;
    }

    async fn fail_with(mut self, outcome: Outcome, code: Code, text: &str) {
        let error = self.dialect.error_body(code, text, Some(&self.authorised.ack));
        let end = End::without_answer(outcome, code, &error, self.authorised.capture);
        match self.authorised.complete(&self.worker, &end).await {
            Ok(()) => {
                let answer = self.dialect.error(code, text, Some(&self.authorised.ack));
                drop(self.reply.send(answer));
            }
            Err(_) => self.without_end(end).await,
        }
    }

    /// The end could not be recorded, so nothing is released; goes on trying to record what became of the call instead.
    pub(crate) async fn without_end(self, mut end: End) {
        let code = Code::EvidenceUnavailable;
        let error = self.dialect.error_body(code, code.explain(), Some(&self.authorised.ack));
        drop(self.reply.send(self.dialect.error(code, code.explain(), Some(&self.authorised.ack))));
        if end.outcome == Outcome::Answered || end.outcome == Outcome::Refused {
            end = End::without_answer(Outcome::Cut, code, &error, self.authorised.capture);
        }
        self.authorised.owe(&self.worker, end, &self.watch).await;
    }
}

/// How a call ends for which there is no answer.
pub(crate) fn why(none: NoAnswer) -> (Outcome, Code) {
    match none {
        NoAnswer::Failed(Code::GuardBlocked) => (Outcome::Cut, Code::GuardBlocked),
        NoAnswer::Failed(code) => (Outcome::Failed, code),
        NoAnswer::Untrusted(_) => (Outcome::Failed, Code::UpstreamUntrusted),
        NoAnswer::Withdrawn(code) => (Outcome::Cut, code),
        NoAnswer::Interrupted(Interrupt::ClientGone) => (Outcome::Abandoned, Code::ClientGone),
        NoAnswer::Interrupted(Interrupt::Stopping) => (Outcome::Cut, Code::Stopping),
        NoAnswer::Interrupted(Interrupt::Late) => (Outcome::Failed, Code::UpstreamTimeout),
        NoAnswer::Interrupted(Interrupt::Overdue) => (Outcome::Cut, Code::UpstreamTimeout),
    }
}
