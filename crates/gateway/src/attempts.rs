//! From a permission to its provider's answer, and to another attempt where the first gives none.
//!
//! Promises: each attempt is a call of its own: decided anew with everything that is in force by then, reserved, recorded, and only then sent; it is linked to the
//! first in the header. The one before has its end on record before the next is permitted. Must never: begin one after a byte of an answer was released, send a
//! request a second time for which the provider may do something itself unless it certainly did not get it, or go on for a caller who may not any more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, Method, StatusCode};
use tabellion_ledger::{Ack, ContentKeys};
use tabellion_model::Micros;
use tabellion_model::body::{Attempt, Capture, Delivered, Outcome};
use tokio::time::sleep;

use crate::answer::{stream, whole};
use crate::budget::Hold;
use crate::call::{Call, Received, Rest, Running};
use crate::circuit::Health;
use crate::code::Code;
use crate::config::span;
use crate::decide::Refusal;
use crate::ending::{Authorised, End, Kept};
use crate::evidence::{self, EvidenceError, Terms};
use crate::forward::{self, Inbound, NoAnswer, Outbound};
use crate::prepare::Ready;
use crate::race::Interrupt;
use crate::route::Target;
use crate::salt::Commitment;
use crate::stopwatch::Phase;
use crate::surface::Surface;
use crate::translate::Translation;

/// Before a provider that was not reached is tried again: long enough for a listener that restarts, short beside any answer.
const UNREACHED_PAUSE: Duration = Duration::from_millis(250);
/// Beyond what is waited for by far, and from where no date of a `retry-after` is looked at.
const MAX_RETRY_AFTER_S: u64 = 86_400;

/// Which attempt of a call it is, where it is not the first.
#[derive(Debug, Clone)]
pub(crate) struct Again {
    /// The first permission.
    pub(crate) first: Ack,
    /// The keys that the permission before this one is kept under: where the call was erased since, no other is recorded.
    pub(crate) keys: ContentKeys,
    number: u64,
    because: Code,
    /// The model to ask now.
    pub(crate) model: String,
    /// The model that the caller asked for.
    pub(crate) instead_of: String,
}

impl Again {
    /// As records have it.
    pub(crate) fn attempt(&self) -> Attempt {
        Attempt { of: self.first.record_id, number: self.number, because: self.because.as_str().to_owned() }
    }
}

/// Why an attempt gave no answer, where another may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failure {
    code: Code,
    outcome: Outcome,
    /// HTTP status of its answer to the client, had there been no other attempt.
    status: u16,
    /// Certainly nothing of it reached the provider.
    is_unsent: bool,
    /// After what time the provider itself wants to be asked again.
    retry_after: Option<Duration>,
}

impl Failure {
    /// What stands in the way of an answer; `None`: nothing that another attempt would mend.
    fn of(sent: &Result<Inbound, NoAnswer>) -> Option<Self> {
        let code = match sent {
            Ok(inbound) => return Self::by_status(inbound),
            Err(NoAnswer::Untrusted(_)) => Code::UpstreamUntrusted,
            Err(NoAnswer::Failed(code)) => *code,
            Err(NoAnswer::Withdrawn(_) | NoAnswer::Interrupted(_)) => return None,
        };
        let is_unsent = sent.as_ref().is_err_and(|none| none.is_unsent());
        let status = code.status();
        Some(Self { code, outcome: Outcome::Failed, status, is_unsent, retry_after: None })
    }

    /// A provider that has too much to do, or is broken. What it says of the request itself another one would say as well.
    fn by_status(inbound: &Inbound) -> Option<Self> {
        let status = inbound.head.status();
        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
            return None;
        }
        let asks_to_wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Some(Self {
            code: Code::UpstreamRefused,
            outcome: Outcome::Refused,
            status: status.as_u16(),
            is_unsent: false,
            retry_after: retry_after(inbound.head.headers()).filter(|_| asks_to_wait),
        })
    }

    /// The end of an attempt that another one follows: nothing of it goes to the client.
    fn end(&self, capture: Capture) -> End {
        End {
            outcome: self.outcome,
            code: Some(self.code),
            status: self.status,
            delivered: Delivered::Nothing,
            released: Commitment::OfNothing,
            masked: Vec::new(),
            answer: Kept::nothing(capture),
        }
    }
}

/// Whole seconds of a `retry-after`; a date is not read, so that no clock but ours counts.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    (seconds <= MAX_RETRY_AFTER_S).then(|| Duration::from_secs(seconds))
}

/// What a call needs for a further attempt, and which are left.
pub(crate) struct Plan {
    surface: Surface,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
    at: Micros,
    acts: bool,
    /// How often the same model may be asked again.
    retries: u32,
    /// Models to ask in its place, in order.
    others: VecDeque<String>,
    /// The newest attempt's number.
    number: u64,
    first: Option<Ack>,
    /// The model that the caller asked for.
    asked: String,
}

/// What comes of a failure.
enum Next {
    /// Another attempt is permitted.
    Goes(Box<(Running, Ready)>),
    /// None is: the failure is the answer.
    Stays(Box<Running>),
    /// The client has its answer: something could not be recorded.
    Over,
}

impl Plan {
    /// The plan of a call that is about to be let through; `None`: nothing but one attempt is configured for its model.
    pub(crate) fn of(call: &Call, surface: Surface, body: &Bytes, ready: &Ready) -> Option<Box<Self>> {
        let others: VecDeque<String> = ready.permission.target.fallback().iter().cloned().collect();
        let retries = call.worker.shared.retry.times;
        if others.is_empty() && retries == 0 {
            return None;
        }
        Some(Box::new(Self {
            surface,
            target: call.target.clone(),
            headers: call.headers.clone(),
            body: body.clone(),
            at: call.at,
            acts: ready.acts,
            retries,
            others,
            number: 1,
            first: None,
            asked: ready.model.clone(),
        }))
    }

    /// The model to ask now that `model` failed, after the wait that it takes.
    async fn next_model(&mut self, running: &mut Running, model: &str, failure: &Failure) -> Option<String> {
        if self.acts && !failure.is_unsent {
            return None;
        }
        let limit = span(running.worker.shared.retry.wait_ms);
        let wait = match failure.code {
            // Nobody is asked while the circuit is open, whoever asks again.
            Code::UpstreamCircuitOpen | Code::UpstreamUntrusted => None,
            _ if failure.is_unsent => Some(UNREACHED_PAUSE),
            _ => failure.retry_after,
        };
        if let Some(wait) = wait.filter(|wait| self.retries > 0 && *wait <= limit) {
            self.retries -= 1;
            // The limit is never the shorter one: only the client, the stop and the call's own time end this wait.
            let waited = running.watch.race(wait.saturating_add(limit), sleep(wait)).await;
            return waited.is_ok().then(|| model.to_owned());
        }
        self.others.pop_front()
    }

    /// Decides what follows `failure` of `model`.
    async fn next(&mut self, mut running: Running, model: &str, failure: &Failure) -> Next {
        let mut model = model.to_owned();
        let mut failure = *failure;
        let cause = failure;
        loop {
            let Some(next) = self.next_model(&mut running, &model, &failure).await else {
                return Next::Stays(Box::new(running));
            };
            // The permission of another attempt would say once more what was erased with the call, its person or its system.
            let is_erased = running.worker.shared.evidence.is_erased(&running.authorised.kin.keys);
            if is_erased
                || running.interrupted().is_some()
                || running.worker.shared.withdrawn(&running.authorised.caller).is_some()
            {
                return Next::Stays(Box::new(running));
            }
            self.number += 1;
            let first = self.first.get_or_insert_with(|| running.authorised.ack.clone()).clone();
            let instead_of = self.asked.clone();
            let (number, because) = (self.number, cause.code);
            let keys = running.authorised.kin.keys.clone();
            let again = Again { first, keys, number, because, model: next.clone(), instead_of };
            let (mut call, authorised) = self.call(running, again);
            match call.permitted(self.surface, &self.body, authorised.hold.as_deref()).await {
                Ok((ready, hold)) => return go_on(call, authorised, &cause, (ready, hold), &self.body).await,
                Err(refused) => {
                    // What holds for where it was to go does not hold for the answer that there is.
                    call.watch.orders().heed_none();
                    let recorded = call.record_denial(&refused, &next).await;
                    running = back(call, authorised);
                    if recorded.is_err() {
                        return Next::Stays(Box::new(running));
                    }
                }
            }
            // Whoever may not ask one model again may still ask another.
            self.retries = 0;
            (model, failure) = (next, Failure { retry_after: None, ..cause });
        }
    }

    /// The call of the next attempt, with what only one of them can hold, and the attempt that failed.
    fn call(&self, running: Running, again: Again) -> (Call, Box<Authorised>) {
        let Running { worker, authorised, watch, reply, .. } = running;
        let mut caller = authorised.caller.clone();
        caller.gate = worker.shared.gate.load();
        let call = Call {
            worker,
            caller,
            target: self.target.clone(),
            headers: self.headers.clone(),
            body: Received::Whole(self.body.clone()),
            // The caller has one answer, and so one salt for the records of all attempts.
            salt: authorised.salt.clone(),
            at: self.at,
            stopwatch: authorised.stopwatch,
            watch,
            reply,
            switch: None,
            again: Some(Box::new(again)),
        };
        (call, authorised)
    }
}

/// Gives the attempt that failed back what the next one would have needed.
fn back(call: Call, authorised: Box<Authorised>) -> Running {
    let Call { worker, target, watch, reply, .. } = call;
    let classes = worker.shared.classes;
    let dialect = target.dialect;
    Running { worker, authorised, guards: None, classes, masker: None, dialect, watch, reply }
}

/// Ends the attempt that failed, then records the permission of the next.
async fn go_on(
    call: Call,
    mut authorised: Box<Authorised>,
    failure: &Failure,
    (ready, hold): (Ready, Hold),
    body: &Bytes,
) -> Next {
    let worker = Arc::clone(&call.worker);
    let end = failure.end(authorised.capture);
    if authorised.complete(&worker, &end).await.is_err() {
        // Nothing follows an attempt of which nobody can read how it ended; what was reserved for the next is given back.
        drop(hold);
        back(call, authorised).without_end(end).await;
        return Next::Over;
    }
    drop(authorised);
    worker.shared.metrics.tried_again();
    let running = call.let_through(&ready, hold, body).await;
    running.map_or(Next::Over, |running| Next::Goes(Box::new((running, ready))))
}

impl Call {
    /// Everything that must hold for an attempt, in the newest snapshot: rules with the terms of its own provider, key, interface, masking, guards, budgets.
    async fn permitted(
        &mut self,
        surface: Surface,
        body: &Bytes,
        instead_of: Option<&Hold>,
    ) -> Result<(Ready, Hold), Box<Refusal>> {
        let shared = &self.worker.shared;
        if shared.fresh().is_err() {
            let reason = "what is in force cannot be seen now: the views stand behind the log, so nothing is let through; try again later";
            return Err(Box::new(Refusal::new(Code::EvidenceUnavailable, reason)));
        }
        let rules = shared.rules.of(&self.caller.gate).await.map_err(Box::new)?;
        let ready = self.ready(surface, body, &rules).await.map_err(|(refusal, _)| Box::new(refusal))?;
        let hold = self.reserve(&ready, instead_of).map_err(Box::new)?;
        Ok((ready, hold))
    }

    /// Records that an attempt was not let through. The client hears of the failure that it was to mend, not of this.
    async fn record_denial(&self, refusal: &Refusal, model: &str) -> Result<(), EvidenceError> {
        let record = self.denial(refusal, Some(model.to_owned()));
        let stops = refusal.stopped_by.as_deref().map(|stops| stops.0.as_slice()).unwrap_or_default();
        let draft = evidence::denied(&record, &self.caller, self.again.as_deref(), stops)?;
        let only_while = self.again.as_ref().map(|again| &again.keys);
        self.worker.shared.evidence.append_under(&draft, Terms { room: None, only_while }).await?;
        self.worker.shared.metrics.denied(refusal.code);
        Ok(())
    }
}

/// An attempt that was answered.
struct Answered {
    running: Running,
    ready: Ready,
    inbound: Inbound,
}

/// Sends what was permitted, and where it comes to nothing whatever is permitted next; then passes the answer on. Each has its memory for
/// as long as it takes, and a stream none of what sending took.
pub(crate) fn run(
    running: Running,
    ready: Ready,
    surface: Surface,
    plan: Option<Box<Plan>>,
) -> impl Future<Output = ()> + Send {
    let sending = Box::pin(answered(running, ready, surface, plan));
    async move {
        let found = sending.await;
        if let Some(answered) = found {
            give(*answered, surface).await;
        }
    }
}

/// Sends until a provider answers. `None`: none did, and the client was told.
async fn answered(
    mut running: Running,
    mut ready: Ready,
    surface: Surface,
    mut plan: Option<Box<Plan>>,
) -> Option<Box<Answered>> {
    loop {
        if let Some(interrupt) = running.interrupted() {
            running.fail(NoAnswer::Interrupted(interrupt)).await;
            return None;
        }
        if let Some(code) = running.worker.shared.withdrawn(&running.authorised.caller) {
            running.fail(NoAnswer::Withdrawn(code)).await;
            return None;
        }
        let sent = send(&mut running, &ready, surface).await;
        let failure = Failure::of(&sent);
        let sent = match (failure, &mut plan) {
            (Some(failure), Some(plan)) => {
                match Box::pin(plan.next(running, &ready.model, &failure)).await {
                    Next::Goes(next) => {
                        // The provider need not go on with what nobody will read.
                        drop(sent);
                        (running, ready) = *next;
                        continue;
                    }
                    Next::Stays(same) => {
                        running = *same;
                        running.attend(&ready);
                        // While the next attempt was looked for, the client may have gone.
                        if let Some(interrupt) = running.interrupted() {
                            running.fail(NoAnswer::Interrupted(interrupt)).await;
                            return None;
                        }
                    }
                    Next::Over => return None,
                }
                sent
            }
            _ => sent,
        };
        return match sent {
            Ok(inbound) => Some(Box::new(Answered { running, ready, inbound })),
            Err(none) => {
                running.fail(none).await;
                None
            }
        };
    }
}

/// Sends one attempt, unless the circuit to its provider is open.
async fn send(running: &mut Running, ready: &Ready, surface: Surface) -> Result<Inbound, NoAnswer> {
    let worker = Arc::clone(&running.worker);
    let shared = &worker.shared;
    let upstream = &ready.permission.target.upstream;
    let Some(pass) = shared.circuits.admit(upstream.number, shared.now()) else {
        return Err(NoAnswer::Failed(Code::UpstreamCircuitOpen));
    };
    let mut outbound = Outbound {
        upstream,
        route: ready.translation.map_or(surface.path(), Translation::path),
        method: Method::POST,
        sent_on: &ready.sent_on,
        body: ready.sent.clone(),
        content_type: Some(HeaderValue::from_static("application/json")),
        accept: HeaderValue::from_static(if ready.stream { "text/event-stream" } else { "application/json" }),
        at: shared.clock.now(),
    };
    let authorised = &mut running.authorised;
    authorised.facts.sent = true;
    authorised.stopwatch.enter(Phase::Upstream);
    let sent = forward::send(&mut outbound, &worker.pool, &mut running.watch, &shared.limits).await;
    authorised.stopwatch.enter(Phase::Own);
    match &sent {
        Ok(inbound) => {
            authorised.facts.first_byte = Some(authorised.stopwatch.elapsed());
            authorised.facts.upstream_status = Some(inbound.head.status().as_u16());
        }
        Err(none) => authorised.facts.sent = !none.is_unsent(),
    }
    let report = shared.circuits.report(&shared.evidence, upstream.number, pass, health(&sent), shared.now());
    Box::pin(report).await;
    sent
}

/// What an attempt says of its provider. That it takes no more requests just now, or not this one, is an answer.
pub(crate) fn health(sent: &Result<Inbound, NoAnswer>) -> Health {
    match sent {
        Ok(inbound) if inbound.head.status().is_server_error() => Health::Failed(Code::UpstreamRefused),
        Ok(_) => Health::Answered,
        Err(NoAnswer::Failed(code)) => Health::Failed(*code),
        Err(NoAnswer::Untrusted(_)) => Health::Failed(Code::UpstreamUntrusted),
        Err(NoAnswer::Interrupted(Interrupt::Late)) => Health::Failed(Code::UpstreamTimeout),
        Err(NoAnswer::Withdrawn(_) | NoAnswer::Interrupted(_)) => Health::Unknown,
    }
}

/// Passes an answer on.
fn give(answered: Answered, surface: Surface) -> Rest {
    let Answered { running, ready, inbound } = answered;
    let upstream = ready.permission.target.upstream.number;
    let translation = ready.translation;
    if ready.stream && stream::is_stream(&inbound.head) {
        let asked = stream::Asked { surface, usage_wanted: ready.usage_wanted, translation };
        Box::pin(stream::relay(running, inbound, upstream, ready.scope, asked))
    } else {
        let asked = whole::Asked { surface, upstream, streamed: ready.stream, translation };
        Box::pin(whole::answer(running, inbound, upstream, ready.scope, asked))
    }
}
