//! An answer that is no stream: read to its end, recorded, then released.
//!
//! Promises: not one byte of it goes back before `call.completed` is durable. What is not an answer of this interface is never passed on as one.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_mask::{Edits, Scope, restore_string};
use tabellion_model::body::{Delivered, Outcome};

use crate::answer::masked::Extent;
use crate::answer::parts::{Parts, Stage};
use crate::answer::transcript::Transcript;
use crate::body::AnswerBody;
use crate::call::{Rest, Running};
use crate::code::Code;
use crate::config::{Limits, span};
use crate::dialect::headers::return_headers;
use crate::ending::{Authorised, End, Kept};
use crate::forward::{Inbound, NoAnswer};
use crate::guards::after::Tape;
use crate::guards::asking::{Stopped, Waiting};
use crate::guards::config::Side;
use crate::guards::edits::Wanted;
use crate::guards::edits::places::{Of, rewritten};
use crate::names::OfAnswer;
use crate::race::{Interrupt, alongside};
use crate::stopwatch::Phase;
use crate::surface::Surface;
use crate::translate::Translation;

/// Deepest nesting of an answer: deeper than of a request, since tool schemas may come back, and less deep than what guards read it with can (127).
const DEPTH: usize = 120;

/// How answers are walked.
pub(crate) fn json_limits(limits: &Limits) -> JsonLimits {
    JsonLimits { max_bytes: limits.answer_bytes, max_depth: DEPTH }
}

/// Whether the body is sent as it is, not compressed against our asking.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) surface: Surface,
    /// The provider, by its number.
    pub(crate) upstream: usize,
    /// A stream, so that only an error may come whole.
    pub(crate) streamed: bool,
    /// How the provider's answer becomes one of the surface, where it has another interface.
    pub(crate) translation: Option<Translation>,
}

/// Takes the answer in and gives it back.
pub(crate) async fn answer(
    mut running: Running,
    inbound: Inbound,
    upstream: usize,
    scope: Scope,
    asked: Asked,
) {
    let Inbound { head, sender } = inbound;
    let (head, body) = head.into_parts();
    running.authorised.stopwatch.enter(Phase::Upstream);
    let read = read(&mut running, body).await;
    running.authorised.stopwatch.enter(Phase::Own);
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(none) => return running.fail(none).await,
    };
    running.worker.pool.put(upstream, sender);
    if running.watch.orders().is_stopped() {
        return running.fail(NoAnswer::Interrupted(Interrupt::Stopped)).await;
    }
    if matches!(head.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        // It is the gateway's key that the provider refused. Passed on, it would read as if the client's own were wrong.
        return running.fail_as(Outcome::Refused, Code::UpstreamRefused).await;
    }
    if running.worker.shared.catalogue.is_key_in(upstream, &bytes) {
        // It repeats what it was asked with. Nobody but the provider may see that.
        let is_error = head.status.is_client_error() || head.status.is_server_error();
        let code = if is_error { Code::UpstreamRefused } else { Code::UpstreamMalformed };
        let outcome = if is_error { Outcome::Refused } else { Outcome::Failed };
        return running.fail_as(outcome, code).await;
    }
    let limits = running.worker.shared.limits;
    // From here on it is what the caller will get: guards, values of placeholders and counts are of that. What cannot be translated is nothing.
    let bytes = match asked.translation {
        None => bytes,
        Some(translation) => {
            let translated = translation.answer(&bytes, head.status.as_u16(), &json_limits(&limits));
            translated.unwrap_or_default()
        }
    };
    let parts =
        Parts::read(asked.surface, &bytes, &json_limits(&limits)).ok().filter(|parts| parts.is_object);
    let parts = parts.filter(|_| is_plain(&head.headers));
    match parts {
        Some(parts)
            if head.status == StatusCode::OK
                && parts.is_answer
                && parts.stage != Stage::Refused
                && !asked.streamed =>
        {
            Box::pin(release(running, &head, &bytes, &parts, (scope, asked))).await;
        }
        Some(parts)
            if parts.stage == Stage::Refused
                && (head.status.is_client_error() || head.status.is_server_error()) =>
        {
            Box::pin(refused(running, &head, bytes.clone(), (&parts, scope, asked))).await;
        }
        _ => running.fail_as(Outcome::Failed, Code::UpstreamMalformed).await,
    }
}

async fn read(running: &mut Running, mut body: Incoming) -> Result<Bytes, NoAnswer> {
    let limits = running.worker.shared.limits;
    let mut pieces = BytesMut::new();
    let mut first: Option<Bytes> = None;
    loop {
        let frame = match running.watch.race(span(limits.idle_ms), body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(NoAnswer::Failed(Code::UpstreamBrokeOff)),
            Ok(None) => break,
            Err(Interrupt::Late) => return Err(NoAnswer::Failed(Code::UpstreamTimeout)),
            Err(interrupt) => return Err(NoAnswer::Interrupted(interrupt)),
        };
        let Ok(data) = frame.into_data() else { continue };
        let facts = &mut running.authorised.facts;
        facts.received(&data);
        if facts.received_bytes() > limits.answer_bytes as u64 {
            return Err(NoAnswer::Failed(Code::UpstreamTooLarge));
        }
        // Most answers come in one piece, which then need not be copied.
        match first.take() {
            None if pieces.is_empty() => first = Some(data),
            earlier => {
                pieces.extend_from_slice(&earlier.unwrap_or_default());
                pieces.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| pieces.freeze()))
}

/// Records and releases a good answer.
async fn release(
    mut running: Running,
    head: &hyper::http::response::Parts,
    bytes: &Bytes,
    parts: &Parts<'_>,
    (scope, asked): (Scope, Asked),
) {
    let answered = &mut running.authorised.facts.answered;
    answered.model.clone_from(&parts.model);
    answered.finish_reason.clone_from(&parts.reason);
    answered.tools.clone_from(&parts.tools);
    answered.usage = parts.tokens.usage();
    let mut names = OfAnswer::default();
    names.take(&parts.kept);
    running.authorised.named(&names, running.worker.shared.catalogue.name(asked.upstream));
    running.authorised.facts.counted = parts.tokens;
    running.authorised.facts.is_whole = true;
    let guarded = Box::pin(guarded(&mut running, asked.surface, bytes, parts, Some(&scope))).await;
    let edited = match guarded {
        Ok(Some(edited)) => edited,
        Ok(None) => return Box::pin(give(running, head, bytes, parts, (scope, asked))).await,
        Err(stopped) => return running.stop_for(stopped).await,
    };
    match Parts::read(asked.surface, &edited, &json_limits(&running.worker.shared.limits)) {
        Ok(parts) => Box::pin(give(running, head, &edited, &parts, (scope, asked))).await,
        // Only what strings say was changed.
        Err(_) => running.fail_as(Outcome::Failed, Code::GuardErrored).await,
    }
}

/// Masks an answer that no guard stops, gives its values back to it, records it and releases it.
async fn give(
    mut running: Running,
    head: &hyper::http::response::Parts,
    bytes: &Bytes,
    parts: &Parts<'_>,
    (mut scope, asked): (Scope, Asked),
) {
    let (limits, classes) = (running.worker.shared.limits, running.classes);
    // What is counted and kept is what the model said.
    let mut transcript = Transcript::new(limits.capture_bytes, classes);
    for text in &parts.texts {
        transcript.push(text);
    }
    if let Some(pending) = &mut running.authorised.pending {
        pending.said(&transcript);
    }
    keep(&mut running, bytes);
    let without = match masked(&mut running, asked.surface, bytes, &mut scope) {
        Ok(without) => without,
        Err(code) => return stop_masked(running, code).await,
    };
    let restored = match &without {
        None => restored(bytes, parts, &scope),
        Some(bytes) => {
            let parts = Parts::read(asked.surface, bytes, &json_limits(&limits));
            parts.ok().and_then(|parts| restored(bytes, &parts, &scope))
        }
    };
    let Some(restored) = restored else {
        return running.fail_as(Outcome::Failed, Code::UpstreamMalformed).await;
    };
    let found = transcript.found();
    let end = End {
        outcome: Outcome::Answered,
        code: None,
        status: head.status.as_u16(),
        delivered: Delivered::Whole,
        released: running.authorised.salt.commit(&restored),
        masked: match &running.masker {
            Some(masker) => masker.told(found),
            None => found,
        },
        // Its texts alone: whatever else is in it, such as the tokens one by one or members of the request again, could hold a value too.
        answer: Kept::of_answer(running.authorised.capture, limits.capture_bytes, || {
            transcript.masked(&mut scope)
        }),
    };
    finish(running, end, (head, asked.translation), restored).await;
}

/// The answer with its values; none: they cannot be put in.
fn restored(bytes: &Bytes, parts: &Parts<'_>, scope: &Scope) -> Option<Bytes> {
    let mut edits = Edits::new();
    let texts = parts.texts.iter().map(|text| &text.place);
    for place in texts.chain(&parts.repeated).chain(&parts.echoed) {
        restore_string(*place, scope, &mut edits).ok()?;
    }
    Some(if edits.is_empty() { bytes.clone() } else { Bytes::from(edits.apply(bytes)) })
}

/// An answer without what the rules of masking take out of it; none: it stays as it came.
fn masked(
    running: &mut Running,
    surface: Surface,
    bytes: &Bytes,
    scope: &mut Scope,
) -> Result<Option<Bytes>, Code> {
    let limits = json_limits(&running.worker.shared.limits);
    let Some(masker) = &mut running.masker else { return Ok(None) };
    masker.body((surface, Extent::Answer), bytes, &limits, scope)
}

/// Ends a call whose answer masking keeps back, as one that a guard stops.
fn stop_masked(mut running: Running, code: Code) -> Rest {
    let said = running.masker.as_ref().map(|masker| masker.stopped()).unwrap_or_default();
    running.authorised.facts.guards.extend(said);
    let facts = &running.authorised.facts;
    let stop = running.worker.shared.guards.stop(&facts.guards, Side::Answer);
    match stop.filter(|stop| stop.code == code) {
        Some(stop) => running.stop_for(Stopped::ByGuard(stop)),
        None => running.fail(NoAnswer::Failed(code)),
    }
}

/// Keeps an answer for guards that look when the call is over.
fn keep(running: &mut Running, answer: &Bytes) {
    if let Some(after) = running.authorised.after.as_mut().filter(|after| after.wants_answer()) {
        after.answered(Tape::of(answer));
    }
}

/// Lets the guards look, those of others last, and gives the answer back with what those want changed, where they do; the error is what stops the answer. With
/// `scope` it is one that gets its values back.
async fn guarded(
    running: &mut Running,
    surface: Surface,
    json: &Bytes,
    parts: &Parts<'_>,
    scope: Option<&Scope>,
) -> Result<Option<Bytes>, Stopped> {
    let Some(mut guards) = running.guards.take() else { return Ok(None) };
    let limits = json_limits(&running.worker.shared.limits);
    guards.look(json, parts, &limits, true);
    guards.close_all();
    if let Some(scope) = scope {
        guards.settle(scope);
    }
    let Authorised { facts, stopwatch, .. } = running.authorised.as_mut();
    facts.guards = guards.results(true, facts.received_bytes());
    let waiting = Waiting { worker: &running.worker, watch: &mut running.watch, stopwatch };
    let proposals = guards.ask(&mut facts.guards, waiting).await.map_err(Stopped::Interrupted)?;
    let apply = |wanted: &Wanted| rewritten(json, Of::Answer(surface), &limits, wanted);
    let edited = guards.put_in(&proposals, &mut facts.guards, apply);
    match running.worker.shared.guards.stop(&facts.guards, Side::Answer) {
        Some(stop) => Err(Stopped::ByGuard(stop)),
        None => Ok(edited.map(|edited| edited.bytes)),
    }
}

/// Records and passes on the provider's own error.
async fn refused(
    mut running: Running,
    head: &hyper::http::response::Parts,
    bytes: Bytes,
    (parts, mut scope, asked): (&Parts<'_>, Scope, Asked),
) {
    // What an error says is not changed; what an answer beside it says may be.
    let guarded = Box::pin(guarded(&mut running, asked.surface, &bytes, parts, None)).await;
    let bytes = match guarded {
        Ok(edited) => edited.unwrap_or(bytes),
        Err(stopped) => return running.stop_for(stopped).await,
    };
    keep(&mut running, &bytes);
    let bytes = match masked(&mut running, asked.surface, &bytes, &mut scope) {
        Ok(without) => without.unwrap_or(bytes),
        Err(code) => return stop_masked(running, code).await,
    };
    let end = End {
        outcome: Outcome::Refused,
        code: Some(Code::UpstreamRefused),
        status: head.status.as_u16(),
        delivered: Delivered::Whole,
        released: running.authorised.salt.commit(&bytes),
        masked: running.masker.as_ref().map(|masker| masker.told(Vec::new())).unwrap_or_default(),
        answer: Kept::nothing(running.authorised.capture),
    };
    finish(running, end, (head, asked.translation), bytes).await;
}

async fn finish(
    mut running: Running,
    end: End,
    (head, translation): (&hyper::http::response::Parts, Option<Translation>),
    bytes: Bytes,
) {
    if running.authorised.complete(&running.worker, &end).await.is_err() {
        return running.without_end(end).await;
    }
    running.worker.shared.metrics.released(bytes.len() as u64);
    let mut answer = Response::new(AnswerBody::from(bytes));
    *answer.status_mut() = head.status;
    return_headers(&head.headers, answer.headers_mut());
    answer.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    running.dialect.refer(answer.headers_mut(), &running.authorised.ack);
    Translation::name_in(translation, answer.headers_mut());
    drop(running.reply.send(answer));
}

/// Reads what follows an answer's end while `main` goes on: a connection that was read to its end can be used again.
pub(crate) async fn drained<T>(main: impl Future<Output = T>, body: &mut Incoming) -> (T, bool) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    alongside(main, rest).await
}
