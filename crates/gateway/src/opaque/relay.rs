//! An answer that nothing looks into, passed on as it comes: its last piece waits for the record of the end.
//!
//! Promises: however it ends there is one end record, with sizes and digests of what came and of what was passed on; an answer that is not whole breaks off, and
//! is never taken for one that is. Must never: hold more of it than its newest piece, what could be the
//! beginning of the provider's key, and of answers of a batch their newest line.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Response, StatusCode};
use tabellion_model::OpeningId;
use tabellion_model::body::{
    BatchRequests, Body, Capture, Delivered, FileKept, ObjectKept, Outcome, RouteClass,
};
use tabellion_views::gate::{Begun, GateFile, OfBatch};

use super::about_batch::{AboutBatch, Unreadable};
use super::batch::Asks;
use super::meter::{EVENT_STREAM, Meter};
use super::own::Own;
use super::prepare::Prepared;
use super::settle::{AnswersOf, Settlement, Unsettled};
use super::{is_open, own};
use crate::answer::stream::Released;
use crate::answer::whole::{drained, is_plain};
use crate::body::{self, Pieces};
use crate::call::{Running, why};
use crate::code::Code;
use crate::config::span;
use crate::declared::{Declared, Found, is_id};
use crate::dialect::headers::return_headers;
use crate::ending::{Authorised, End, Kept};
use crate::evidence;
use crate::forward::{Inbound, NoAnswer};
use crate::race::{Interrupt, Watch};
use crate::salt::Commitment;
use crate::stopwatch::Phase;
use crate::upstream::told::{KeySieve, Told};
use crate::worker::Worker;

/// How a path ends whose answers come in frames.
const IN_FRAMES: &str = "/converse-stream";

/// An answer on its way.
struct Passing {
    worker: Arc<Worker>,
    authorised: Box<Authorised>,
    watch: Watch,
    pieces: Pieces,
    released: Released,
    meter: Meter,
    /// What looks for the provider's key.
    sieve: KeySieve,
    /// The newest piece: it waits for what comes after it, or for the record of the end.
    held: Option<Bytes>,
    opening: OpeningId,
    declared: &'static Declared,
    /// The provider, by its name.
    provider: String,
    /// What a batch's file asks for, where one was sent.
    batch: Option<Asks>,
    /// What the requests of a batch may take that was begun.
    begun: Option<BatchRequests>,
    /// The batch of which this is the file with its answers, where nobody knows yet what it took.
    answers: Option<AnswersOf>,
    /// The answer itself, where it is about a batch and is read whole before anything of it goes on.
    about: Option<AboutBatch>,
    status: StatusCode,
}

/// Passes the answer on to its end.
pub(super) async fn relay(running: Running, inbound: Inbound, found: &Found, prepared: Prepared) {
    let status = inbound.head.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        // It is the gateway's key that the provider refused. Passed on, it would read as if the client's own were wrong.
        return running.fail_as(Outcome::Refused, Code::UpstreamRefused).await;
    }
    let is_final = status.is_success() || status.is_client_error() || status.is_server_error();
    if !is_plain(inbound.head.headers()) || !is_final || lacks_frames(found, &inbound.head) {
        return running.fail_as(Outcome::Failed, Code::UpstreamMalformed).await;
    }
    let Running { worker, authorised, dialect, watch, reply, .. } = running;
    let Inbound { head, sender } = inbound;
    let (head, mut body) = head.into_parts();
    let kind = kind_of(&head.headers);
    let upstream = &prepared.permission.target.upstream;
    let limits = worker.shared.limits;
    let meter = Meter::new(found.declared.counts, kind, limits.event_bytes, found.declared.names_own());
    let (pieces, answer) = body::stream();
    let mut answer = Response::new(answer);
    *answer.status_mut() = status;
    return_headers(&head.headers, answer.headers_mut());
    dialect.refer(answer.headers_mut(), &authorised.ack);
    drop(reply.send(answer));
    let unsettled = Unsettled::of_answers(&worker.shared, found, &upstream.name);
    let mut passing = Passing {
        worker: Arc::clone(&worker),
        released: Released::new(&authorised.salt),
        authorised,
        watch,
        pieces,
        meter,
        sieve: KeySieve::new(worker.shared.catalogue.key_search(upstream.number)),
        held: None,
        opening: prepared.opening,
        declared: found.declared,
        provider: upstream.name.clone(),
        batch: prepared.batch,
        begun: prepared.begun,
        // A part of the file tells a part of what it took.
        answers: unsettled
            .filter(|_| status == StatusCode::OK)
            .map(|unsettled| AnswersOf::new(unsettled, found.declared.api)),
        about: AboutBatch::of(found.declared).filter(|_| status.is_success()),
        status,
    };
    match passing.forward(&mut body).await {
        Ok(()) => {
            let number = upstream.number;
            let (pool, releasing) = (&worker.pool, Box::pin(passing.release()));
            let ((), read_to_end) = drained(releasing, &mut body).await;
            if read_to_end {
                pool.put(number, sender);
            }
        }
        Err(none) => {
            // The provider need not go on with what nobody will get.
            drop((body, sender));
            passing.cut(none).await;
        }
    }
}

fn kind_of(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default()
}

/// Whether an answer that is to come in frames, each with its checksums, comes as something else.
fn lacks_frames(found: &Found, head: &Response<Incoming>) -> bool {
    let kind = kind_of(head.headers()).split(';').next().unwrap_or_default().trim();
    found.declared.path.ends_with(IN_FRAMES)
        && head.status().is_success()
        && !kind.eq_ignore_ascii_case(EVENT_STREAM)
}

impl Passing {
    async fn forward(&mut self, body: &mut Incoming) -> Result<(), NoAnswer> {
        let limits = self.worker.shared.limits;
        loop {
            self.authorised.stopwatch.enter(Phase::Upstream);
            let frame = self.watch.race(span(limits.idle_ms), body.frame()).await;
            self.authorised.stopwatch.enter(Phase::Own);
            let frame = match frame {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(Interrupt::Late) => return Err(NoAnswer::Failed(Code::UpstreamTimeout)),
                Err(interrupt) => return Err(NoAnswer::Interrupted(interrupt)),
            };
            let pieces = self.take(frame)?;
            self.hold(pieces).await?;
        }
        self.authorised.facts.counted =
            self.meter.finish().map_err(|_| NoAnswer::Failed(Code::UpstreamMalformed))?;
        self.authorised.facts.answered.usage = self.authorised.facts.counted.usage();
        self.authorised.facts.is_whole = self.status.is_success() && !self.meter.has_failed;
        if let Some(about) = self.about.take() {
            let whole = about.finish().map_err(|Unreadable| NoAnswer::Failed(Code::UpstreamMalformed))?;
            let pieces = self.sieved(vec![whole])?;
            self.hold(pieces).await?;
        }
        let rest = self.sieve.rest().into_iter().collect();
        self.hold(rest).await?;
        // The held piece is an answer too: what ended while nothing came holds for it.
        self.goes_on()
    }

    /// Whether the answer may still be given.
    fn goes_on(&mut self) -> Result<(), NoAnswer> {
        let shared = &self.worker.shared;
        if let Some(code) = shared.withdrawn(&self.authorised.caller) {
            return Err(NoAnswer::Withdrawn(code));
        }
        if !is_open(shared, self.opening) {
            return Err(NoAnswer::Withdrawn(Code::OpaqueNotEnabled));
        }
        // A provider that always has something to say is never waited for.
        if self.watch.orders().is_stopped() {
            return Err(NoAnswer::Interrupted(Interrupt::Stopped));
        }
        Ok(())
    }

    /// Takes in what came from the provider; gives what of it may go on.
    fn take(&mut self, frame: hyper::Result<Frame<Bytes>>) -> Result<Vec<Bytes>, NoAnswer> {
        let frame = frame.map_err(|_| NoAnswer::Failed(Code::UpstreamBrokeOff))?;
        let Ok(data) = frame.into_data() else { return Ok(Vec::new()) };
        self.goes_on()?;
        let facts = &mut self.authorised.facts;
        facts.received(&data);
        if facts.received_bytes() > self.worker.shared.limits.opaque_answer_bytes {
            return Err(NoAnswer::Failed(Code::UpstreamTooLarge));
        }
        if let Some(answers) = &mut self.answers {
            answers.push(&data);
        }
        let malformed = NoAnswer::Failed(Code::UpstreamMalformed);
        if let Some(about) = &mut self.about {
            about.push(&data).map_err(|Unreadable| malformed)?;
        }
        let mut read = Vec::new();
        self.meter.push(data, &mut read).map_err(|_| malformed)?;
        // What is read whole first waits there.
        if self.about.is_some() { Ok(Vec::new()) } else { self.sieved(read) }
    }

    /// What of these pieces may go on: nothing that has the provider's key.
    fn sieved(&mut self, pieces: Vec<Bytes>) -> Result<Vec<Bytes>, NoAnswer> {
        let mut out = Vec::new();
        for piece in pieces {
            self.sieve.push(piece, &mut out).map_err(|Told| NoAnswer::Failed(self.of_key()))?;
        }
        Ok(out)
    }

    /// Gives these pieces but for the last one, which is held, and what was held before.
    async fn hold(&mut self, pieces: Vec<Bytes>) -> Result<(), NoAnswer> {
        for piece in pieces {
            if let Some(earlier) = self.held.replace(piece) {
                self.give(earlier).await.map_err(NoAnswer::Interrupted)?;
            }
        }
        Ok(())
    }

    /// What an answer comes to that repeats the key which it was asked with. Nobody but the provider may see that.
    fn of_key(&self) -> Code {
        if self.status.is_success() { Code::UpstreamMalformed } else { Code::UpstreamRefused }
    }

    /// Gives a piece to the client's connection.
    async fn give(&mut self, piece: Bytes) -> Result<(), Interrupt> {
        let limit = span(self.worker.shared.limits.client_stall_ms);
        self.authorised.stopwatch.enter(Phase::Client);
        let sent = self.watch.race(limit, self.pieces.sender.send(piece.clone())).await;
        self.authorised.stopwatch.enter(Phase::Own);
        match sent {
            Ok(Ok(())) => {
                self.released.give(piece, &self.pieces);
                Ok(())
            }
            // A client that takes nothing for so long is as good as gone.
            Ok(Err(_)) | Err(Interrupt::Late) => Err(Interrupt::ClientGone),
            Err(interrupt) => Err(interrupt),
        }
    }

    /// Records the end, then gives the piece that waited for it.
    async fn release(mut self) {
        // A stop that comes from here on is too late for it.
        self.watch.orders().heed_none();
        let held: Vec<Bytes> = self.held.take().into_iter().collect();
        let (_, all) = self.released.digests(&self.pieces, &held);
        let (outcome, code) = if self.status.is_success() && !self.meter.has_failed {
            (Outcome::Answered, None)
        } else {
            (Outcome::Refused, Some(Code::UpstreamRefused))
        };
        let end = self.ending(outcome, code, Delivered::Whole, all);
        if self.authorised.complete(&self.worker, &end).await.is_err() {
            return self.without_end().await;
        }
        self.keep_named().await;
        self.settle().await;
        let bytes: usize = held.iter().map(Bytes::len).sum();
        self.worker.shared.metrics.released(self.released.bytes + bytes as u64);
        // From here on the record says that it is released; a client that goes away now does so with it on its way.
        for piece in held {
            let _ = self.give(piece).await;
        }
    }

    /// Records what is the system's at the provider from now on. Where it cannot be, it is nobody's, and the answer is what it is.
    async fn keep_named(&self) {
        if !self.status.is_success() {
            return;
        }
        // Requests that were begun are in no file.
        if let (Some(asks), None) = (&self.batch, &self.begun) {
            if let Some(file) = self.meter.named.id.as_ref().filter(|id| is_id(id)) {
                self.keep_file(file, asks).await;
            }
            return;
        }
        for own in own::of_answer(self.declared, &self.meter.named) {
            self.keep_object(own).await;
        }
    }

    /// Records what a batch took, where this answer told it: from then on that is charged, and not what was reserved.
    async fn settle(&mut self) {
        let told = match self.answers.take() {
            Some(answers) => answers.settled(),
            None if self.status == StatusCode::OK && self.declared.class == RouteClass::Batches => {
                Unsettled::of_batch(&self.worker.shared, &self.meter.named, &self.provider)
                    .and_then(|unsettled| unsettled.told(&self.meter.named))
            }
            None => None,
        };
        let Some(settlement) = told else { return };
        let (caller, ack) = (&self.authorised.caller, &self.authorised.ack);
        let Settlement { unsettled, spent, .. } = &settlement;
        let body = settlement.body(ack.record_id);
        let Ok(draft) = evidence::settled(&body, caller, &unsettled.begun, *spent) else { return };
        let shared = &self.worker.shared;
        // Where it cannot be recorded, what was reserved stands until somebody looks again.
        if shared.evidence.append(&draft).await.is_ok() {
            shared.opaque.kept.keep(settlement.unsettled.into_settled());
        }
    }

    /// Records that a batch's file is at its provider.
    async fn keep_file(&self, file: &str, asks: &Asks) {
        let (file, provider) = (file.to_owned(), self.provider.clone());
        let body = FileKept {
            file: file.clone(),
            provider: provider.clone(),
            call: self.authorised.ack.record_id,
            lines: asks.lines,
            models: Some(asks.models.clone()),
        };
        let asked = serde_json::to_string(&asks.models).ok();
        let system = self.authorised.caller.system_id;
        let class = RouteClass::Files;
        self.keep(&body, GateFile { system, class, provider, file, asked, of_batch: None }).await;
    }

    /// Records that a file or batch is the system's. What is known by its name already is whose it was, unless the provider made it just now: results of a batch are
    /// named each time that somebody looks.
    async fn keep_object(&self, own: Own) {
        let Own { class, id, is_new, batch } = own;
        let shared = &self.worker.shared;
        let system = self.authorised.caller.system_id;
        let known = shared.opaque.kept.find(&shared.gate.load(), &self.provider, class, &id);
        if known.is_some_and(|known| !is_new || known.system == system) {
            return;
        }
        let provider = self.provider.clone();
        let (call, hash) = (self.authorised.ack.record_id, self.authorised.ack.leaf);
        let requests = self.begun.filter(|_| is_new && class == RouteClass::Batches);
        let begun = requests.map(|requests| Begun { call, hash, requests, is_settled: false });
        let of_batch = begun.map(OfBatch::Begun).or(batch.clone().map(OfBatch::Answers));
        let body =
            ObjectKept { object: id.clone(), class, provider: provider.clone(), call, requests, batch };
        self.keep(&body, GateFile { system, class, provider, file: id, asked: None, of_batch }).await;
    }

    async fn keep<B: Body>(&self, body: &B, kept: GateFile) {
        let (caller, ack) = (&self.authorised.caller, &self.authorised.ack);
        let Ok(draft) = evidence::kept_there(body, caller, ack) else { return };
        let shared = &self.worker.shared;
        if shared.evidence.append(&draft).await.is_ok() {
            shared.opaque.kept.keep(kept);
        }
    }

    /// Records that the answer was cut, and breaks it off.
    async fn cut(mut self, none: NoAnswer) {
        self.authorised.facts.stopped_by = self.watch.orders().take(none);
        let (outcome, code) = why(none);
        let (taken, all) = self.released.digests(&self.pieces, &[]);
        let gone = outcome == Outcome::Abandoned;
        let nothing = self.released.given == 0 || (gone && self.released.bytes == 0);
        let delivered = if nothing { Delivered::Nothing } else { Delivered::Partial };
        let end = self.ending(outcome, Some(code), delivered, if gone { taken } else { all });
        if self.authorised.complete(&self.worker, &end).await.is_err() {
            return self.without_end().await;
        }
        self.worker.shared.metrics.released(self.released.bytes);
        self.pieces.break_off();
    }

    /// The end could not be recorded: the piece that waited for it is not given.
    async fn without_end(mut self) {
        let (_, all) = self.released.digests(&self.pieces, &[]);
        let delivered = if self.released.given == 0 { Delivered::Nothing } else { Delivered::Partial };
        let end = self.ending(Outcome::Cut, Some(Code::EvidenceUnavailable), delivered, all);
        let Self { worker, authorised, watch, pieces, .. } = self;
        pieces.break_off();
        authorised.owe(&worker, end, &watch).await;
    }

    fn ending(
        &self,
        outcome: Outcome,
        code: Option<Code>,
        delivered: Delivered,
        released: Commitment,
    ) -> End {
        End {
            outcome,
            code,
            status: self.status.as_u16(),
            delivered,
            released,
            masked: Vec::new(),
            answer: Kept::nothing(Capture::None),
        }
    }
}
