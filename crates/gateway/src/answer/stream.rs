//! An answer as a stream: forwarded as its events come, its end held until the record of the end is durable.
//!
//! Promises: `data: [DONE]` and the token counts never pass before `call.completed`; when that cannot be recorded the client gets an error in
//! the stream instead. Whatever ends the stream, there is one end record, which says what the client got.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use tabellion_mask::Scope;
use tabellion_model::body::{Delivered, Outcome};

use crate::answer::relay::{Flow, Relay};
use crate::answer::whole::{drained, is_plain};
use crate::body::{self, Pieces, apart};
use crate::call::{Running, why};
use crate::code::Code;
use crate::config::span;
use crate::dialect::Dialect;
use crate::dialect::headers::return_headers;
use crate::ending::{Authorised, End, Kept};
use crate::forward::{Inbound, NoAnswer};
use crate::guards::after::Tape;
use crate::guards::asking::Waiting;
use crate::guards::config::Side;
use crate::race::{Interrupt, Watch};
use crate::salt::{Commitment, Committing, Salt};
use crate::sse::{event_of, is_remarks, named_event};
use crate::stopwatch::Phase;
use crate::surface::Surface;
use crate::translate::Translation;
use crate::upstream::connect::Sender;
use crate::worker::Worker;

/// Events that came together go on together, up to this: a burst that has no end must not keep its beginning from the client.
const MERGED_BYTES: usize = 16 << 10;

/// And of so many chunks at most, also when nothing of them goes on: in between it is seen whether the client is still there.
const MERGED_CHUNKS: usize = 64;

/// The code of a stream that ends in the provider's own error.
const REFUSED: Option<Code> = Some(Code::UpstreamRefused);

/// Whether the provider answers with a stream of events.
pub(crate) fn is_stream(head: &Response<Incoming>) -> bool {
    let kind = head.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    head.status() == 200 && kind.eq_ignore_ascii_case("text/event-stream") && is_plain(head.headers())
}

/// What was given to the client's connection.
pub(crate) struct Released {
    taken: Committing,
    pub(crate) bytes: u64,
    /// Pieces given to the body that the connection may not have taken yet.
    waiting: VecDeque<Bytes>,
    pub(crate) given: usize,
    /// Whether any of it was more than a remark that keeps a connection alive.
    says: bool,
}

impl Released {
    /// Nothing yet, of a call with this salt.
    pub(crate) fn new(salt: &Salt) -> Self {
        Self { taken: salt.begin(), bytes: 0, waiting: VecDeque::new(), given: 0, says: false }
    }

    pub(crate) fn give(&mut self, piece: Bytes, pieces: &Pieces) {
        self.says |= !is_remarks(&piece);
        self.waiting.push_back(apart(piece));
        self.given += 1;
        self.settle(pieces.taken());
    }

    /// Counts the pieces that the connection has taken by now.
    fn settle(&mut self, taken: usize) {
        while self.given - self.waiting.len() < taken {
            let Some(piece) = self.waiting.pop_front() else { return };
            self.bytes += piece.len() as u64;
            self.taken.update(&piece);
        }
    }

    /// Digest of what was taken, and of everything given with `more`.
    pub(crate) fn digests(&mut self, pieces: &Pieces, more: &[Bytes]) -> (Commitment, Commitment) {
        self.settle(pieces.taken());
        let mut all = self.taken.clone();
        for piece in self.waiting.iter().chain(more) {
            all.update(piece);
        }
        (self.taken.commitment(), all.commitment())
    }
}

/// How a stream came to its end.
enum Fate {
    /// All of it is there.
    Whole,
    /// The provider's own error is its last event.
    Refused,
    /// The same, and a guard for which all of it waited has not looked at what came before.
    RefusedUnseen,
    /// Something went wrong.
    Broken(NoAnswer),
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) surface: Surface,
    /// Token counts in the stream.
    pub(crate) usage_wanted: bool,
    /// How the provider's stream becomes one of the surface, where it has another interface.
    pub(crate) translation: Option<Translation>,
}

/// A stream on its way.
struct Streaming {
    worker: Arc<Worker>,
    authorised: Box<Authorised>,
    dialect: Dialect,
    watch: Watch,
    pieces: Pieces,
    relay: Relay,
    released: Released,
}

/// Forwards the stream to its end. The answer is begun at once; what it took to begin and what it takes to end have no memory while it goes on.
pub(crate) fn relay(
    running: Running,
    inbound: Inbound,
    upstream: usize,
    scope: Scope,
    asked: Asked,
) -> impl Future<Output = ()> + Send {
    let Running { worker, authorised, guards, classes, masker, dialect, watch, reply } = running;
    let Inbound { head, sender } = inbound;
    let (head, mut body) = head.into_parts();
    let (pieces, answer) = body::stream();
    let mut answer = Response::new(answer);
    return_headers(&head.headers, answer.headers_mut());
    // Whatever stands between may neither keep a stream nor wait for its end.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    dialect.refer(answer.headers_mut(), &authorised.ack);
    Translation::name_in(asked.translation, answer.headers_mut());
    drop(reply.send(answer));
    let tape = authorised.after.as_ref().filter(|after| after.wants_answer()).map(|_| Tape::default());
    let relay = Relay::new(&worker.shared.limits, classes, scope, asked, (guards, masker), tape);
    let relay = relay.without_key(worker.shared.catalogue.key_search(upstream));
    let released = Released::new(&authorised.salt);
    let mut streaming = Box::new(Streaming { worker, authorised, dialect, watch, pieces, relay, released });
    async move {
        let fate = streaming.forward(&mut body).await;
        Box::pin(streaming.end(fate, body, sender, upstream)).await;
    }
}

impl Streaming {
    async fn forward(&mut self, body: &mut Incoming) -> Fate {
        let limits = self.worker.shared.limits;
        loop {
            self.authorised.stopwatch.enter(Phase::Upstream);
            let frame = self.watch.race(span(limits.idle_ms), body.frame()).await;
            self.authorised.stopwatch.enter(Phase::Own);
            let mut out = Vec::new();
            let mut flow = match frame {
                Ok(frame) => self.take(frame, &mut out),
                Err(Interrupt::Late) => Err(NoAnswer::Failed(Code::UpstreamTimeout)),
                Err(interrupt) => Err(NoAnswer::Interrupted(interrupt)),
            };
            for _ in 1..MERGED_CHUNKS {
                if !matches!(flow, Ok(Flow::Goes))
                    || out.iter().map(Bytes::len).sum::<usize>() >= MERGED_BYTES
                {
                    break;
                }
                let Poll::Ready(frame) = at_hand(body).await else { break };
                flow = self.take(frame, &mut out);
            }
            if let Err(interrupt) = self.give(out).await {
                return Fate::Broken(NoAnswer::Interrupted(interrupt));
            }
            match flow {
                Ok(Flow::Goes) => {}
                Ok(Flow::Whole) => return Fate::Whole,
                Ok(Flow::Refused) => return Fate::Refused,
                Err(none) => return Fate::Broken(none),
            }
        }
    }

    /// Takes in what came from the provider; `out` gets what of it may go on.
    fn take(
        &mut self,
        frame: Option<hyper::Result<Frame<Bytes>>>,
        out: &mut Vec<Bytes>,
    ) -> Result<Flow, NoAnswer> {
        let Some(frame) = frame else { return self.relay.finish(out).map_err(NoAnswer::Failed) };
        let frame = frame.map_err(|_| NoAnswer::Failed(Code::UpstreamBrokeOff))?;
        let Ok(data) = frame.into_data() else { return Ok(Flow::Goes) };
        if let Some(code) = self.worker.shared.withdrawn(&self.authorised.caller) {
            return Err(NoAnswer::Withdrawn(code));
        }
        // A provider that always has something to say is never waited for.
        if self.watch.orders().is_stopped() {
            return Err(NoAnswer::Interrupted(Interrupt::Stopped));
        }
        let facts = &mut self.authorised.facts;
        facts.received(&data);
        if facts.received_bytes() > self.worker.shared.limits.answer_bytes as u64 {
            return Err(NoAnswer::Failed(Code::UpstreamTooLarge));
        }
        self.relay.push(&data, out).map_err(NoAnswer::Failed)
    }

    /// Gives events to the client's connection, as one piece.
    async fn give(&mut self, out: Vec<Bytes>) -> Result<(), Interrupt> {
        let Some(piece) = joined(out) else { return Ok(()) };
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

    async fn end(mut self: Box<Self>, fate: Fate, body: Incoming, sender: Sender, upstream: usize) {
        self.authorised.facts.answered = self.relay.answered();
        self.authorised.named(self.relay.names(), self.worker.shared.catalogue.name(upstream));
        self.authorised.facts.counted = self.relay.counted();
        self.worker.shared.metrics.held(self.relay.held_bytes());
        // A stream that broke off is on record as that: nothing of what waited was let go. A stop that comes from here on is too late for it.
        let is_whole = !matches!(fate, Fate::Broken(_));
        self.authorised.facts.is_whole = matches!(fate, Fate::Whole);
        self.authorised.facts.guards = self.relay.judged(is_whole);
        let fate = if is_whole { self.judge(fate).await } else { fate };
        self.authorised.facts.guards.extend(self.relay.stopped());
        let fate = match fate {
            Fate::Whole | Fate::Refused | Fate::RefusedUnseen if self.watch.orders().is_stopped() => {
                Fate::Broken(NoAnswer::Interrupted(Interrupt::Stopped))
            }
            // Its error repeats what it was asked with. Nobody but the provider may see that.
            Fate::Refused | Fate::RefusedUnseen if self.tells_key(upstream) => {
                Fate::Broken(NoAnswer::Failed(Code::UpstreamRefused))
            }
            fate => fate,
        };
        self.watch.orders().heed_none();
        match fate {
            Fate::Whole => {
                let held = self.relay.take_held();
                self.release((Outcome::Answered, None, Delivered::Whole), held, body, sender, upstream).await;
            }
            Fate::Refused => {
                let held = self.relay.take_held();
                self.release((Outcome::Refused, REFUSED, Delivered::Partial), held, body, sender, upstream)
                    .await;
            }
            Fate::RefusedUnseen => {
                let error = self.relay.take_error();
                // Of the answer: the error is none of it.
                let delivered = if self.released.says { Delivered::Partial } else { Delivered::Nothing };
                self.release((Outcome::Refused, REFUSED, delivered), error, body, sender, upstream).await;
            }
            Fate::Broken(none) => {
                // The provider need not go on with what nobody will get.
                drop((body, sender));
                self.cut(none).await;
            }
        }
    }

    /// Whether what was held for the end holds the provider's key.
    fn tells_key(&self, upstream: usize) -> bool {
        let catalogue = &self.worker.shared.catalogue;
        self.relay.held().iter().any(|held| catalogue.is_key_in(upstream, held))
    }

    /// What becomes of a whole stream by what the guards say of it, those among them that others run.
    async fn judge(&mut self, fate: Fate) -> Fate {
        let Authorised { facts, stopwatch, .. } = self.authorised.as_mut();
        let waiting = Waiting { worker: &self.worker, watch: &mut self.watch, stopwatch };
        let is_unseen = match Box::pin(self.relay.ask(&mut facts.guards, waiting)).await {
            Ok(proposals) => {
                // Asked before the stream is read once more, which no guard sees.
                let is_unseen = self.relay.is_unseen(&facts.guards);
                if let Err(code) = self.relay.edit(&proposals, &mut facts.guards) {
                    return Fate::Broken(NoAnswer::Failed(code));
                }
                is_unseen
            }
            Err(interrupt) => return Fate::Broken(NoAnswer::Interrupted(interrupt)),
        };
        match self.worker.shared.guards.stop(&facts.guards, Side::Answer) {
            Some(stop) => Fate::Broken(NoAnswer::Failed(stop.code)),
            None if !matches!(fate, Fate::Refused) || !is_unseen => fate,
            // An error that is an answer as well is one that no guard looked at.
            None if self.relay.error_has_text() => Fate::Broken(NoAnswer::Failed(Code::GuardErrored)),
            None => Fate::RefusedUnseen,
        }
    }

    /// Records the end, then releases what was held for it.
    async fn release(
        mut self: Box<Self>,
        (outcome, code, delivered): (Outcome, Option<Code>, Delivered),
        held: Vec<Bytes>,
        mut body: Incoming,
        sender: Sender,
        upstream: usize,
    ) {
        let (_, all) = self.released.digests(&self.pieces, &held);
        let end = self.ending(outcome, code, delivered, all);
        let (completed, read_to_end) = drained(self.authorised.complete(&self.worker, &end), &mut body).await;
        if read_to_end {
            self.worker.pool.put(upstream, sender);
        }
        if completed.is_err() {
            return Box::pin(self.without_end()).await;
        }
        let bytes: usize = held.iter().map(Bytes::len).sum();
        self.worker.shared.metrics.released(self.released.bytes + bytes as u64);
        // From here on the record says that it is released; a client that goes away now does so with it on its way.
        let _ = self.give(held).await;
    }

    /// Records that the stream was cut, then says so in it.
    async fn cut(mut self: Box<Self>, none: NoAnswer) {
        self.authorised.facts.stopped_by = self.watch.orders().take(none);
        let (outcome, code) = why(none);
        let error = self.error_event(code);
        let (taken, all) = self.released.digests(&self.pieces, std::slice::from_ref(&error));
        let gone = outcome == Outcome::Abandoned;
        let delivered = if !self.released.says || (gone && self.released.bytes == 0) {
            Delivered::Nothing
        } else {
            Delivered::Partial
        };
        let end = self.ending(outcome, Some(code), delivered, if gone { taken } else { all });
        if self.authorised.complete(&self.worker, &end).await.is_err() {
            return Box::pin(self.without_end()).await;
        }
        self.worker.shared.metrics.released(self.released.bytes);
        if !gone {
            let _ = self.give(vec![error]).await;
        }
    }

    /// The end could not be recorded: the client gets an error in place of what was held.
    async fn without_end(mut self: Box<Self>) {
        let code = Code::EvidenceUnavailable;
        let error = self.error_event(code);
        let _ = self.give(vec![error]).await;
        let (_, all) = self.released.digests(&self.pieces, &[]);
        let end = self.ending(Outcome::Cut, Some(code), Delivered::Partial, all);
        let Self { worker, authorised, watch, pieces, .. } = *self;
        // The client's stream ends here, while its record is still owed.
        drop(pieces);
        authorised.owe(&worker, end, &watch).await;
    }

    /// An error in the stream, as the caller's library raises one.
    fn error_event(&self, code: Code) -> Bytes {
        let body = self.dialect.error_body(code, code.explain(), Some(&self.authorised.ack));
        match self.dialect {
            Dialect::OpenAi | Dialect::Presidio | Dialect::Amazon => event_of(&body),
            Dialect::Anthropic => named_event("error", &body),
        }
    }

    fn ending(
        &mut self,
        outcome: Outcome,
        code: Option<Code>,
        delivered: Delivered,
        released: Commitment,
    ) -> End {
        let limit = self.worker.shared.limits.capture_bytes;
        let relay = &mut self.relay;
        let masked = relay.found();
        if let Some(pending) = &mut self.authorised.pending {
            pending.said(relay.said());
        }
        if let (Some(after), Some(tape)) = (&mut self.authorised.after, relay.take_tape()) {
            after.answered(tape);
        }
        let answer = Kept::of_answer(self.authorised.capture, limit, || relay.transcript());
        End { outcome, code, status: 200, delivered, released, masked, answer }
    }
}

/// The provider's next chunk, when it has been received already: the task of its connection hands over one at a time, and gets one turn to hand over
/// another. Without this each event of a burst would be written to the client by itself, which costs more than all else that is done with it.
async fn at_hand(body: &mut Incoming) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
    let mut had_turn = false;
    poll_fn(|context| match Pin::new(&mut *body).poll_frame(context) {
        Poll::Ready(frame) => Poll::Ready(Poll::Ready(frame)),
        Poll::Pending if had_turn => Poll::Ready(Poll::Pending),
        Poll::Pending => {
            had_turn = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// Several events as one piece.
fn joined(mut out: Vec<Bytes>) -> Option<Bytes> {
    if out.len() < 2 {
        return out.pop();
    }
    let mut piece = BytesMut::with_capacity(out.iter().map(Bytes::len).sum());
    for bytes in &out {
        piece.extend_from_slice(bytes);
    }
    Some(piece.freeze())
}
