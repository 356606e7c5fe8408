//! What is said over an open socket, both ways, and how it ends.
//!
//! Promises: there is one end record, and what closes the conversation in order goes to the client after it. Must never: hold more than a piece of each direction.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tabellion_ledger::{Entropy as _, OsEntropy};
use tabellion_model::OpeningId;
use tabellion_model::body::{Capture, Conversed, Delivered, Outcome};
use tabellion_model::charge::Reserved;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep, timeout};

use super::super::is_open;
use super::super::prepare::Prepared;
use super::key::{Passing, Tells};
use super::reader::{Reader, Sender, closing};
use super::tally::Tally;
use crate::call::why;
use crate::code::Code;
use crate::config::span;
use crate::ending::{Authorised, End, Facts, Kept};
use crate::forward::NoAnswer;
use crate::race::{Interrupt, Watch};
use crate::salt::{Commitment, Committing};
use crate::stopwatch::Phase;
use crate::upstream::told::KeySearch;
use crate::worker::{Shared, Worker};

/// Bytes read from one side at a time.
const PIECE_BYTES: usize = 16 << 10;
/// How long the provider has to agree to an end that the client wished.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// How long a last frame may take to be written: whoever does not take it is told nothing.
const LAST_WITHIN: Duration = Duration::from_secs(5);
/// Codes of a frame that closes (RFC 6455, 7.4.1): we go away; what was done is against a rule.
const GOING_AWAY: u16 = 1001;
const AGAINST_RULES: u16 = 1008;

type Reading = ReadHalf<TokioIo<Upgraded>>;
type Writing = WriteHalf<TokioIo<Upgraded>>;

/// A conversation.
pub(super) struct Conversation {
    worker: Arc<Worker>,
    authorised: Box<Authorised>,
    watch: Watch,
    opening: OpeningId,
    reserved: Reserved,
    /// What looks for the key that the provider was asked with.
    key: Option<KeySearch>,
}

/// Why nothing more is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The provider closed it, or agreed to what the client closed, or the client closed and it said nothing more.
    InOrder,
    /// Something else ended it.
    Cut(NoAnswer),
}

/// What both directions look at.
struct Standing<'a> {
    shared: &'a Shared,
    caller: &'a crate::authenticate::Caller,
    opening: OpeningId,
    begun: Instant,
    /// When something came last: milliseconds after it had begun.
    last_ms: AtomicU64,
    /// Whether the client closed it.
    closing: AtomicBool,
}

impl Standing<'_> {
    /// How long nothing has come.
    fn silent(&self) -> Duration {
        self.begun.elapsed().saturating_sub(span(self.last_ms.load(Ordering::Relaxed)))
    }

    /// Whether more may pass.
    fn goes_on(&self) -> Result<(), NoAnswer> {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
        if let Some(code) = self.shared.withdrawn(self.caller) {
            return Err(NoAnswer::Withdrawn(code));
        }
        if !is_open(self.shared, self.opening) {
            return Err(NoAnswer::Withdrawn(Code::OpaqueNotEnabled));
        }
        Ok(())
    }
}

/// From the client to the provider.
struct Up {
    reader: Reader,
    sent: Committing,
    sent_bytes: u64,
}

/// From the provider to the client.
struct Down {
    reader: Reader,
    /// What looks for the provider's key.
    passing: Passing,
    /// Whether the client has whole frames alone, so that one could be put behind them.
    is_between_frames: bool,
    tally: Tally,
    /// What was given to the client.
    given: Committing,
    given_bytes: u64,
    /// What the conversation may take.
    reserved: Reserved,
}

impl Conversation {
    pub(super) fn new(
        worker: Arc<Worker>,
        authorised: Box<Authorised>,
        watch: Watch,
        prepared: &Prepared,
    ) -> Self {
        let reserved = prepared.charge.reserved;
        let key = prepared.permission.target.upstream.endpoint.key_search();
        Self { worker, authorised, watch, opening: prepared.opening, reserved, key }
    }

    /// Passes what is said, and records how it ended. No `client`: it was gone before its socket was there.
    pub(super) async fn run(mut self, client: Option<Upgraded>, provider: Upgraded) {
        let limits = self.worker.shared.limits;
        let reader = |sender| Reader::new(sender, limits.session_message_bytes);
        let salt = self.authorised.salt.clone();
        let mut up = Up { reader: reader(Sender::Client), sent: salt.begin(), sent_bytes: 0 };
        let mut down = Down {
            reader: reader(Sender::Provider),
            passing: Passing::new(self.key.take()),
            is_between_frames: true,
            tally: Tally::default(),
            given: salt.begin(),
            given_bytes: 0,
            reserved: self.reserved,
        };
        let (mut from_provider, mut to_provider) = tokio::io::split(TokioIo::new(provider));
        let Some(client) = client else {
            let gone = Over::Cut(NoAnswer::Interrupted(Interrupt::ClientGone));
            self.record(gone, &up, &mut down, &[]).await;
            return;
        };
        let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
        self.authorised.stopwatch.enter(Phase::Upstream);
        let over = {
            let Self { worker, authorised, watch, opening, .. } = &mut self;
            let Authorised { facts, caller, .. } = authorised.as_mut();
            let standing = Standing {
                shared: &worker.shared,
                caller,
                opening: *opening,
                begun: Instant::now(),
                last_ms: AtomicU64::new(0),
                closing: AtomicBool::new(false),
            };
            let asks = up.pass(&standing, &mut from_client, &mut to_provider);
            let answers = down.pass(&standing, facts, &mut from_provider, &mut to_client);
            let said = async {
                let Err(over) = tokio::select! {
                    biased;
                    ended = answers => ended,
                    ended = asks => ended,
                };
                over
            };
            listen(watch, said, &standing, span(limits.session_idle_ms)).await
        };
        self.authorised.stopwatch.enter(Phase::Own);
        // A stop that comes from here on is too late for it.
        let stopped_by = match over {
            Over::InOrder => Vec::new(),
            Over::Cut(none) => self.watch.orders().take(none),
        };
        self.authorised.facts.stopped_by = stopped_by;
        self.watch.orders().heed_none();
        let last = last_of(over, &down);
        if self.record(over, &up, &mut down, &last).await {
            let told = async {
                to_client.write_all(&last).await?;
                to_client.shutdown().await
            };
            // Who does not take it has what came before, and the record.
            drop(timeout(LAST_WITHIN, told).await);
        }
        let closed = async {
            if up.reader.closed().is_none() && up.reader.is_between_frames() {
                let mut mask = [0; 4];
                drop(OsEntropy.fill(&mut mask));
                to_provider.write_all(&closing(GOING_AWAY, "", Some(mask))).await?;
            }
            to_provider.shutdown().await
        };
        drop(timeout(LAST_WITHIN, closed).await);
    }

    /// Records the end; says whether it could be.
    async fn record(&mut self, over: Over, up: &Up, down: &mut Down, last: &[u8]) -> bool {
        let facts = &mut self.authorised.facts;
        facts.counted = down.tally.tokens();
        facts.answered.usage = facts.counted.usage();
        facts.is_whole = down.tally.is_settled();
        facts.conversed = Some(conversed(up, down));
        let mut given = down.given.clone();
        given.update(last);
        let (outcome, code, delivered) = match over {
            Over::InOrder => (Outcome::Answered, None, Delivered::Whole),
            Over::Cut(none) => {
                let (outcome, code) = why(none);
                let nothing = down.given_bytes == 0;
                (outcome, Some(code), if nothing { Delivered::Nothing } else { Delivered::Partial })
            }
        };
        let released =
            if outcome == Outcome::Abandoned { down.given.commitment() } else { given.commitment() };
        let end = ending(outcome, code, delivered, released);
        if self.authorised.complete(&self.worker, &end).await.is_ok() {
            self.worker.shared.metrics.released(down.given_bytes + last.len() as u64);
            return true;
        }
        let delivered = if down.given_bytes == 0 { Delivered::Nothing } else { Delivered::Partial };
        let end = ending(Outcome::Cut, Some(Code::EvidenceUnavailable), delivered, down.given.commitment());
        self.authorised.still_owe(&self.worker, &end, &self.watch).await;
        false
    }
}

/// Waits for the end of what is said, while the call may be cut and nothing may come for `idle`.
async fn listen(
    watch: &mut Watch,
    said: impl Future<Output = Over>,
    standing: &Standing<'_>,
    idle: Duration,
) -> Over {
    let mut said = pin!(said);
    loop {
        let left = idle.saturating_sub(standing.silent());
        match watch.race(left, said.as_mut()).await {
            Ok(over) => return over,
            Err(Interrupt::Late) if standing.silent() < idle => {}
            Err(Interrupt::Late) => return Over::Cut(NoAnswer::Failed(Code::UpstreamTimeout)),
            Err(interrupt) => return Over::Cut(NoAnswer::Interrupted(interrupt)),
        }
    }
}

impl Up {
    /// Passes what the client says until it ends; never ends well, since the provider has the last word.
    async fn pass(
        &mut self,
        standing: &Standing<'_>,
        from: &mut Reading,
        to: &mut Writing,
    ) -> Result<Infallible, Over> {
        let mut buffer = vec![0; PIECE_BYTES];
        let gone = || Over::Cut(NoAnswer::Interrupted(Interrupt::ClientGone));
        let left = || Over::Cut(NoAnswer::Failed(Code::UpstreamBrokeOff));
        loop {
            let read = from.read(&mut buffer).await.map_err(|_| gone())?;
            let data = buffer.get(..read).unwrap_or_default();
            if data.is_empty() {
                return Err(gone());
            }
            standing.goes_on().map_err(Over::Cut)?;
            let passed =
                self.reader.push(data).map_err(|_| Over::Cut(NoAnswer::Withdrawn(Code::MalformedBody)))?;
            let piece = data.get(..passed.bytes).unwrap_or_default();
            let close = self.reader.closed().unwrap_or_default();
            for bytes in [piece, close] {
                self.sent.update(bytes);
                self.sent_bytes += bytes.len() as u64;
                to.write_all(bytes).await.map_err(|_| left())?;
            }
            to.flush().await.map_err(|_| left())?;
            if !close.is_empty() {
                standing.closing.store(true, Ordering::Relaxed);
                // The provider has something to say to that, and then it is over.
                sleep(CLOSE_WITHIN).await;
                return Err(Over::InOrder);
            }
        }
    }
}

impl Down {
    /// Passes what the provider says until it ends.
    async fn pass(
        &mut self,
        standing: &Standing<'_>,
        facts: &mut Facts,
        from: &mut Reading,
        to: &mut Writing,
    ) -> Result<Infallible, Over> {
        let mut buffer = vec![0; PIECE_BYTES];
        let ended = || {
            let broke_off = Over::Cut(NoAnswer::Failed(Code::UpstreamBrokeOff));
            if standing.closing.load(Ordering::Relaxed) { Over::InOrder } else { broke_off }
        };
        loop {
            let read = from.read(&mut buffer).await.map_err(|_| ended())?;
            let data = buffer.get(..read).unwrap_or_default();
            if data.is_empty() {
                return Err(ended());
            }
            standing.goes_on().map_err(Over::Cut)?;
            facts.received(data);
            if facts.received_bytes() > standing.shared.limits.opaque_answer_bytes {
                return Err(Over::Cut(NoAnswer::Failed(Code::UpstreamTooLarge)));
            }
            let passed =
                self.reader.push(data).map_err(|_| Over::Cut(NoAnswer::Failed(Code::UpstreamMalformed)))?;
            for text in &passed.texts {
                self.tally.take(text);
            }
            let piece = data.get(..passed.bytes).unwrap_or_default();
            // Nobody but the provider may see what it was asked with.
            let told = |Tells| Over::Cut(NoAnswer::Failed(Code::UpstreamMalformed));
            let mut goes = self.passing.push(piece, &passed).map_err(told)?;
            if let Some(close) = self.reader.closed() {
                if self.passing.is_in(close) {
                    return Err(told(Tells));
                }
                goes.to_mut().extend(self.passing.rest());
            }
            self.is_between_frames = false;
            if to.write_all(&goes).await.is_err() || to.flush().await.is_err() {
                // What it says last is read by nobody; that it is gone is seen where it is listened to.
                return pending().await;
            }
            self.is_between_frames = self.reader.is_between_frames() && !self.passing.waits();
            self.given.update(&goes);
            self.given_bytes += goes.len() as u64;
            if self.reader.closed().is_some() {
                return Err(Over::InOrder);
            }
            if self.tally.exceeds(self.reserved.input, self.reserved.output) {
                return Err(Over::Cut(NoAnswer::Withdrawn(Code::BudgetExceeded)));
            }
        }
    }
}

/// The last frame that the client is given.
fn last_of(over: Over, down: &Down) -> Vec<u8> {
    match over {
        // It closed without a word from the provider: an empty close agrees to that.
        Over::InOrder => down.reader.closed().map_or_else(|| vec![0x88, 0], <[u8]>::to_vec),
        Over::Cut(NoAnswer::Interrupted(Interrupt::ClientGone)) => Vec::new(),
        // Into the middle of a frame no other can be put: the connection breaks off.
        Over::Cut(_) if !down.is_between_frames => Vec::new(),
        Over::Cut(none) => closing(AGAINST_RULES, why(none).1.as_str(), None),
    }
}

fn conversed(up: &Up, down: &Down) -> Conversed {
    let (sent_sha256, sent_salted_sha256) = up.sent.commitment().members();
    Conversed {
        sent_bytes: up.sent_bytes,
        sent_sha256,
        sent_salted_sha256,
        sent_messages: up.reader.messages,
        received_messages: down.reader.messages,
        responses: down.tally.responses,
        unfinished: down.tally.unfinished(),
    }
}

fn ending(outcome: Outcome, code: Option<Code>, delivered: Delivered, released: Commitment) -> End {
    End {
        outcome,
        code,
        status: StatusCode::SWITCHING_PROTOCOLS.as_u16(),
        delivered,
        released,
        masked: Vec::new(),
        answer: Kept::nothing(Capture::None),
    }
}
