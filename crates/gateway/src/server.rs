//! One thread's share of the clients: accepts, reads requests, starts calls.
//!
//! Promises: a connection has a limit for each thing it can be slow with; a call outlives the connection that asked for it; at a stop what has
//! begun is finished within the time given and the rest is cut, each with its record. Must never: read the body of a request without a key.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Instant;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::authenticate::{Caller, Known, NoCaller, authenticate, settle};
use crate::body::{AnswerBody, apart};
use crate::call::{Call, Received};
use crate::code::Code;
use crate::config::span;
use crate::dialect::Dialect;
use crate::identity::TokenFault;
use crate::identity::certificate::Certificates;
use crate::noise::Kind;
use crate::opaque;
use crate::presidio::credentials;
use crate::race::Watch;
use crate::route::Target;
use crate::salt::{Committing, Salt};
use crate::stops::Orders;
use crate::stopwatch::Stopwatch;
use crate::worker::Worker;

/// Most headers of a request; libraries send about twenty.
const MAX_HEADERS: usize = 100;
/// Most bytes read from a connection ahead of what is made of them.
const READ_BUFFER_BYTES: usize = 128 << 10;
/// After an error of accepting (no file descriptors left, mostly): long enough not to spin, short enough not to be noticed.
const ACCEPT_PAUSE_MS: u64 = 50;
/// Of a body above the limit so much more is read and thrown away that its client reads our answer: one that is still writing when the
/// connection closes may see nothing but a reset.
const DISCARD_FACTOR: usize = 4;
/// To whoever signs with keys of AWS, as its libraries do by themselves.
const SIGNED: &str = "the request is signed with keys of AWS, which say nothing here. Send a key of your system in its place: boto3 and the AWS CLI do so when AWS_BEARER_TOKEN_BEDROCK holds it (docs/coarse-routes.md)";

/// What serving needs besides the worker.
pub(crate) struct Serving {
    pub(crate) worker: Arc<Worker>,
    pub(crate) connections: Arc<Semaphore>,
    /// `true`: accept no more.
    pub(crate) drain: watch::Receiver<bool>,
    /// Held by everything that must end before the thread does.
    pub(crate) busy: mpsc::Sender<()>,
}

/// Accepts until the gateway stops.
pub(crate) async fn accept(listener: TcpListener, serving: Serving) {
    let serving = Arc::new(serving);
    let mut drain = serving.drain.clone();
    let mut draining = pin!(drain.wait_for(|drain| *drain));
    loop {
        let mut next = pin!(next(&listener, &serving.connections));
        let accepted = poll_fn(|context| {
            if draining.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            next.as_mut().poll(context).map(Some)
        })
        .await;
        match accepted {
            None => return,
            Some(Ok((stream, peer, permit))) => {
                let serving = Arc::clone(&serving);
                // Its owner is the runtime of this thread, which ends when `busy` has no holder left or its time is over.
                drop(tokio::spawn(async move { connection(stream, peer, &serving, permit).await }));
            }
            Some(Err(_)) => sleep(span(ACCEPT_PAUSE_MS)).await,
        }
    }
}

async fn next(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // Whoever comes above the limit waits in the system's queue.
    let permit = Arc::clone(connections).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    serving: &Arc<Serving>,
    permit: OwnedSemaphorePermit,
) {
    let busy = serving.busy.clone();
    let shared = &serving.worker.shared;
    shared.metrics.connections(1);
    // Else small events wait for the acknowledgement of the one before: 40 ms each.
    if stream.set_nodelay(true).is_ok() {
        match &shared.doorway {
            None => converse(stream, peer, None, serving).await,
            Some(doorway) => {
                let accepted = timeout(span(shared.limits.head_ms), doorway.accept(stream)).await;
                if let Some((stream, certificates)) = accepted.ok().flatten() {
                    Box::pin(converse(stream, peer, certificates.as_ref(), serving)).await;
                } else {
                    shared.noise.count(Kind::Malformed);
                    shared.metrics.noise();
                }
            }
        }
    }
    shared.metrics.connections(-1);
    drop((busy, permit));
}

/// Serves the requests of one connection, in the order in which they come.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    certificates: Option<&Certificates>,
    serving: &Arc<Serving>,
) {
    let shared = &serving.worker.shared;
    let served = AtomicBool::new(false);
    let service = service_fn(|request| {
        served.store(true, Ordering::Relaxed);
        serve(request, peer, certificates, serving)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(span(shared.limits.head_ms))
            .max_buf_size(READ_BUFFER_BYTES)
            .max_header_size(shared.limits.head_bytes)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mut drain = serving.drain.clone();
    let mut draining = pin!(drain.wait_for(|drain| *drain));
    let mut graceful = false;
    let result = poll_fn(|context| {
        if !graceful && draining.as_mut().poll(context).is_ready() {
            graceful = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await;
    // An idle connection that is closed in time is nobody's fault; one that never was a request is noise.
    let silent = !served.load(Ordering::Relaxed);
    if result.is_err_and(|error| error.is_parse() || (error.is_timeout() && silent)) {
        shared.noise.count(Kind::Malformed);
        shared.metrics.noise();
    }
}

async fn serve(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    certificates: Option<&Certificates>,
    serving: &Arc<Serving>,
) -> Result<Response<AnswerBody>, Infallible> {
    let shared = &serving.worker.shared;
    let target = Target::of(request.method(), request.uri(), request.headers());
    let dialect = target.dialect;
    if dialect == Dialect::Presidio {
        credentials::unpack(request.headers_mut());
    }
    settle(request.headers(), &shared.identities).await;
    let known = Known { identities: &shared.identities, doorway: shared.doorway.as_ref(), certificates };
    let early = match authenticate(request.headers(), shared.gate.load(), &known, shared.now()) {
        Ok(early) => early,
        Err(none) => return Ok(nobody(none, dialect, peer, serving)),
    };
    // A wish to switch protocols on a request without a body is all that such a request is for.
    let switches = request.method() == Method::GET && request.headers().contains_key(UPGRADE);
    let switch = switches.then(|| hyper::upgrade::on(&mut request));
    let target = if switches { target.switching() } else { target };
    let (head, body) = request.into_parts();
    // A call without a salt would have digests on record that can be guessed, so there is none.
    let Some(salt) = Salt::fresh() else {
        return Ok(dialect.error(Code::EvidenceUnavailable, Code::EvidenceUnavailable.explain(), None));
    };
    let reading = opaque::Reading::of(&target, &early, shared);
    let Some(body) = receive(body, &head.headers, (reading, &salt), serving).await else {
        return Ok(dialect.error(
            Code::MalformedBody,
            "the body was not received whole in time; send it again",
            None,
        ));
    };
    // A body may take its time. Whoever calls is judged by what is in force when the call is complete.
    let caller = match authenticate(&head.headers, shared.gate.load(), &known, shared.now()) {
        Ok(caller) => Caller { asks_no_model: target.route.asks_no_model(), ..caller },
        Err(none) => return Ok(nobody(none, dialect, peer, serving)),
    };
    let taken = Taken { body, salt, switch };
    Ok(start(caller, target, head.headers, taken, serving).await)
}

/// Answers a request that nobody stands behind.
fn nobody(none: NoCaller, dialect: Dialect, peer: SocketAddr, serving: &Serving) -> Response<AnswerBody> {
    let shared = &serving.worker.shared;
    shared.metrics.noise();
    let (kind, code) = if shared.noise.admit(peer.ip(), Instant::now()) {
        match none {
            NoCaller::Missing | NoCaller::Signed => (Kind::Unauthenticated, Code::InvalidApiKey),
            NoCaller::BadToken(TokenFault::Unavailable) => (Kind::BadKey, Code::IdentityUnavailable),
            NoCaller::BadKey | NoCaller::BadToken(_) => (Kind::BadKey, Code::InvalidApiKey),
        }
    } else {
        (Kind::RateLimited, Code::RateLimited)
    };
    shared.noise.count(kind);
    let text = match none {
        NoCaller::BadToken(fault) if kind == Kind::BadKey => fault.explain(),
        NoCaller::Signed if kind == Kind::Unauthenticated => SIGNED,
        _ => code.explain(),
    };
    dialect.error(code, text, None)
}

/// Reads a body under the limits of size and time. `None`: its client went away or took too long.
async fn receive(
    body: Incoming,
    headers: &HeaderMap,
    (reading, salt): (opaque::Reading<'_>, &Salt),
    serving: &Serving,
) -> Option<Received> {
    let limits = &serving.worker.shared.limits;
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let limit = reading.limit();
    let read =
        async { timeout(span(limits.body_ms), read(body, declared, limit, salt)).await.ok().flatten() };
    reading.within(read).await
}

async fn read(mut body: Incoming, declared: Option<u64>, limit: usize, salt: &Salt) -> Option<Received> {
    let mut pieces = BytesMut::new();
    let (mut beyond, mut hash): (usize, Option<Committing>) = (0, None);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        if hash.is_none()
            && pieces.is_empty()
            && hyper::body::Body::is_end_stream(&body)
            && data.len() <= limit
        {
            return Some(Received::Whole(apart(data)));
        }
        if let Some(hash) = &mut hash {
            hash.update(&data);
            beyond += data.len();
        } else if pieces.len() + data.len() <= limit {
            pieces.extend_from_slice(&data);
        } else {
            let mut started = salt.begin();
            started.update(&pieces);
            started.update(&data);
            beyond = pieces.len() + data.len();
            pieces.clear();
            hash = Some(started);
        }
        if beyond > limit.saturating_mul(DISCARD_FACTOR) {
            break;
        }
    }
    Some(match hash {
        None => Received::Whole(pieces.freeze()),
        Some(hash) => {
            let bytes = declared.unwrap_or(0).max(beyond as u64);
            Received::TooLarge { bytes, read: hash.commitment() }
        }
    })
}

/// What of a request is the call's alone.
pub(crate) struct Taken {
    pub(crate) body: Received,
    pub(crate) salt: Salt,
    /// Its connection, where it asked to make a socket of it.
    pub(crate) switch: Option<OnUpgrade>,
}

/// Starts the call in a task of its own and waits for its answer.
pub(crate) async fn start(
    caller: Caller,
    target: Target,
    headers: HeaderMap,
    Taken { body, salt, switch }: Taken,
    serving: &Serving,
) -> Response<AnswerBody> {
    let (worker, dialect) = (&serving.worker, target.dialect);
    let stopwatch = Stopwatch::start();
    let orders = Orders::new(worker.shared.stops.clone());
    let (watch, alive) = Watch::new(worker.cut.clone(), orders, span(worker.shared.limits.total_ms));
    let (reply, answer) = oneshot::channel();
    let at = worker.shared.now();
    let call = Call {
        worker: Arc::clone(worker),
        caller,
        target,
        headers,
        body,
        salt: salt.clone(),
        at,
        stopwatch,
        watch,
        reply,
        switch,
        again: None,
    };
    let busy = serving.busy.clone();
    drop(tokio::spawn(async move {
        // What deciding took is given back before an answer is waited for: a thousand streams stand open at once.
        if let Some(rest) = Box::pin(call.run()).await {
            rest.await;
        }
        drop(busy);
    }));
    match answer.await {
        Ok(mut answer) => {
            answer.body_mut().keep(alive);
            // Where no record is named as well: should one become durable late, its caller can open it.
            if dialect != Dialect::Presidio {
                salt.give(answer.headers_mut());
            }
            answer
        }
        // The task ended without an answer: it was cut off with the runtime.
        Err(_) => dialect.error(Code::Stopping, Code::Stopping.explain(), None),
    }
}
