//! A witness's two routes over HTTP/1.1, with the statuses of C2SP tlog-witness. TLS is a proxy's in front.
//!
//! Promises: heads, bodies, connections and the time for each have limits; a stop answers what was read. Must never: answer anything about a
//! log but its newest cosigned checkpoint.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tabellion_tlog::{MAX_ADD_CHECKPOINT_BYTES, Refused, SIZE_MEDIA_TYPE};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::judge::{Judge, Verdict};

/// Most connections at a time: logs ask once a second at most, and keep theirs open.
const MAX_CONNECTIONS: usize = 256;
/// How long a connection may take for the head of its next request.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long a stop waits for requests that were read.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// Largest head of a request.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// How long accepting pauses when the system is out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
const TEXT: &str = "text/plain; charset=utf-8";

type Answer = Response<Full<Bytes>>;

/// Serves until `stop` says so, or until the witness can no longer remember.
pub(crate) async fn serve(
    listener: TcpListener,
    judge: Arc<Judge>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    while !judge.has_failed() {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = converse(stream, Arc::clone(&judge), stop.clone());
                connections.spawn(async move {
                    let _permit = permit;
                    connection.await;
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    let all = async { while connections.join_next().await.is_some() {} };
    // Who is not done by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(STOP_WITHIN, all).await;
    Ok(())
}

async fn converse(stream: tokio::net::TcpStream, judge: Arc<Judge>, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let judge = Arc::clone(&judge);
        async move { Ok::<_, Infallible>(answer(request, judge).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A connection that breaks is its peer's affair.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, judge: Arc<Judge>) -> Answer {
    let path = request.uri().path().to_owned();
    let log = path.strip_prefix('/').and_then(|path| path.strip_suffix("/checkpoint"));
    match (request.method(), path.as_str(), log) {
        (&Method::POST, "/add-checkpoint", _) => add_checkpoint(request, judge).await,
        (_, "/add-checkpoint", _) => say(StatusCode::METHOD_NOT_ALLOWED, "send a POST\n"),
        (&Method::GET, _, Some(log)) => match judge.newest(log) {
            Some(note) => say(StatusCode::OK, note),
            None => say(StatusCode::NOT_FOUND, "no checkpoint of this log was cosigned here\n"),
        },
        _ => say(
            StatusCode::NOT_FOUND,
            "a witness has POST /add-checkpoint and GET /<SHA-256 of the origin>/checkpoint\n",
        ),
    }
}

async fn add_checkpoint(request: Request<Incoming>, judge: Arc<Judge>) -> Answer {
    let body = Limited::new(request.into_body(), MAX_ADD_CHECKPOINT_BYTES).collect();
    let body = match tokio::time::timeout(BODY_WITHIN, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => {
            return say(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body was cut off, or has more bytes than any request\n",
            );
        }
        Err(_) => return say(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    };
    // It waits for the disk.
    match tokio::task::spawn_blocking(move || judge.add_checkpoint(&body)).await {
        Ok(verdict) => said(&verdict),
        Err(_) => say(StatusCode::INTERNAL_SERVER_ERROR, "the witness stopped\n"),
    }
}

/// The answer that the specification gives to each verdict.
fn said(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Cosigned(lines) => say(StatusCode::OK, lines.clone()),
        Verdict::Malformed(error) => say(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Verdict::UnknownLog(origin) => {
            say(StatusCode::NOT_FOUND, format!("this witness does not know the log {origin}\n"))
        }
        Verdict::NotSigned(why) => say(StatusCode::FORBIDDEN, format!("{why}\n")),
        Verdict::Refused(Refused::OtherSize { latest }) => {
            let mut answer = say(StatusCode::CONFLICT, format!("{latest}\n"));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SIZE_MEDIA_TYPE));
            answer
        }
        Verdict::Refused(refused @ Refused::Sizes { .. }) => {
            say(StatusCode::BAD_REQUEST, format!("{refused}\n"))
        }
        Verdict::Refused(refused @ (Refused::EmptyRoot | Refused::Inconsistent(_))) => {
            say(StatusCode::UNPROCESSABLE_ENTITY, format!("{refused}\n"))
        }
        Verdict::Failed(why) => {
            say(StatusCode::INTERNAL_SERVER_ERROR, format!("nothing was cosigned: {why}\n"))
        }
    }
}

fn say(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    answer
}
