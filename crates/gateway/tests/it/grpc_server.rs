//! A real server of gRPC for guards, on a thread of its own, that answers as it is told, wrongly too.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// `verdict: VERDICT_PASS`.
pub(crate) const PASS: &[u8] = b"\x08\x01";
/// `verdict: VERDICT_BLOCK, reason_code: "off-topic"`.
pub(crate) const BLOCK: &[u8] = b"\x08\x03\x12\x09off-topic";
/// A verdict that there is none of.
pub(crate) const JUNK: &[u8] = b"\x08\x09";

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Prefix and message.
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// How it answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With this head, body and, where there are any, trailers.
    With {
        status: u16,
        headers: Vec<(&'static str, &'static str)>,
        body: Vec<u8>,
        trailers: Option<Vec<(&'static str, &'static str)>>,
    },
    /// Takes the question and says nothing.
    Silence,
    /// Begins and then resets the stream.
    Reset,
}

impl Reply {
    /// As it should be: this message, and that it went well.
    pub(crate) fn message(message: &[u8]) -> Self {
        Self::With {
            status: 200,
            headers: vec![GRPC],
            body: framed(message),
            trailers: Some(vec![("grpc-status", "0")]),
        }
    }

    /// The same with another status behind it.
    pub(crate) fn status(status: &'static str) -> Self {
        Self::With {
            status: 200,
            headers: vec![GRPC],
            body: framed(PASS),
            trailers: Some(vec![("grpc-status", status)]),
        }
    }
}

/// What an answer's kind is.
pub(crate) const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// A message behind its prefix.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&[0], length.to_be_bytes().as_slice(), message].concat()
}

type Replies = dyn Fn(&Asked) -> Reply + Send + Sync;
type Answer = BoxBody<Bytes, std::io::Error>;

/// What the connections of one server share.
struct State {
    replies: Box<Replies>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
}

/// The server; gone with this.
pub(crate) struct GrpcServer {
    address: SocketAddr,
    state: Arc<State>,
    _until: oneshot::Sender<()>,
}

impl GrpcServer {
    pub(crate) fn start(replies: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), None, replies)
    }

    /// At this address, with this certificate and its key, where there is one.
    pub(crate) fn at(
        address: SocketAddr,
        identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
        replies: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            replies: Box::new(replies),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let tls = identity.map(|identity| TlsAcceptor::from(Arc::new(tls(identity))));
        let (until, ended) = oneshot::channel();
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    _ = ended => {}
                    () = accept(&listener, tls.as_ref(), &serving) => {}
                }
            });
        });
        Self { address, state, _until: until }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

fn tls((certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>)) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("usual versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate with its key");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

async fn accept(listener: &TcpListener, tls: Option<&TlsAcceptor>, state: &Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, state) = (tls.cloned(), Arc::clone(state));
        drop(tokio::spawn(async move {
            match tls {
                None => serve(stream, state).await,
                Some(tls) => {
                    // Who does not believe the certificate is nobody to serve.
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, state).await;
                    }
                }
            }
        }));
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(request, &state).await) }
    });
    let served = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    // The gateway may go as it likes.
    drop(served.await);
}

async fn answer(request: Request<Incoming>, state: &State) -> Response<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let asked = Asked { path: head.uri.path().to_owned(), headers: head.headers, body };
    let reply = (state.replies)(&asked);
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    match reply {
        Reply::Silence => std::future::pending().await,
        Reply::Reset => {
            let mut answer = Response::new(Cut(Some(Bytes::from_static(b"\0\0"))).boxed());
            answer.headers_mut().extend(map(&[GRPC]));
            answer
        }
        Reply::With { status, headers, body, trailers } => {
            let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
            let body = match trailers {
                Some(trailers) => body.with_trailers(std::future::ready(Some(Ok(map(&trailers))))).boxed(),
                None => body.boxed(),
            };
            let mut answer = Response::new(body);
            *answer.status_mut() = status.try_into().expect("a status");
            *answer.headers_mut() = map(&headers);
            answer
        }
    }
}

fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().expect("a value"));
    }
    map
}

/// A body that fails after its first piece, so that its stream is reset.
struct Cut(Option<Bytes>);

impl Body for Cut {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(piece) => Ok(Frame::data(piece)),
            None => Err(std::io::Error::other("as the test has it")),
        }))
    }
}
