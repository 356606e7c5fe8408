//! What stands in for every provider while a guard is probed: it answers in this process, over the same HTTP.
//!
//! Promises: what reaches it is kept until the next canary is awaited, whole and as it came. Must never: be reachable from outside, or by a call of anybody's.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::answers::{self, Wanted};
use crate::surface::Surface;
use crate::upstream::connect::Within;

/// Most bytes of a canary's request: some times what one is filled up to.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// What it is to do, and what it saw.
#[derive(Default)]
struct State {
    wanted: Wanted,
    received: Vec<Bytes>,
}

/// The stand-in of every provider.
#[derive(Default)]
pub(super) struct StandIn(Arc<Mutex<State>>);

impl StandIn {
    /// From here on it answers so, and has received nothing.
    pub(super) fn expect(&self, wanted: Wanted) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State { wanted, received: Vec::new() };
    }

    /// The bodies that came since.
    pub(super) fn received(&self) -> Vec<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }
}

impl Within for StandIn {
    fn accept(&self) -> std::io::Result<UnixStream> {
        let (near, far) = UnixStream::pair()?;
        let state = Arc::clone(&self.0);
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(answer(request, &state).await) }
        });
        // Ends with the connection, whose other end is the call's.
        drop(tokio::spawn(async move {
            drop(http1::Builder::new().serve_connection(TokioIo::new(near), service).await);
        }));
        Ok(far)
    }
}

async fn answer(request: Request<Incoming>, state: &Mutex<State>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    // A request that cannot be read to its end has arrived all the same.
    let body = Limited::new(request.into_body(), MAX_REQUEST_BYTES).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let wanted = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.received.push(body);
        state.wanted.clone()
    };
    let surface = Surface::ALL.into_iter().find(|surface| surface.path() == path);
    let text = surface.map(|surface| answers::answer(surface, &wanted)).unwrap_or_default();
    let kind = if wanted.stream { "text/event-stream" } else { "application/json" };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
