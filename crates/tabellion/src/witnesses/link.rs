//! A connection to one witness: HTTP/1.1, over TLS where its address says https.
//!
//! Promises: heads and bodies have limits; a connection is used again while it is open; certificates are always checked, by the system's
//! authorities. Must never: follow a redirect. The caller limits the time.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::policy::WitnessPolicy;
use crate::failure::Failure;

/// Largest body of an answer: a checkpoint with its signature lines, of which each is at most 4 KiB.
const MAX_BODY_BYTES: usize = 512 << 10;
/// Largest head of an answer.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// Whom https witnesses are believed to be by.
#[derive(Clone)]
pub(crate) struct Trusting(Option<Arc<ClientConfig>>);

impl Trusting {
    /// The system's authorities, read when a witness needs them.
    pub(crate) fn system(policy: &WitnessPolicy) -> Result<Self, Failure> {
        if !policy.peers.iter().any(|peer| peer.url.starts_with("https:")) {
            return Ok(Self(None));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Failure::failed(
                "no certificate authorities were found on this system, so no https witness can be trusted: install ca-certificates, or name a \
                 file in SSL_CERT_FILE",
            ));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::failed(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Some(Arc::new(config))))
    }
}

/// What a witness answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media_type: String,
    pub(crate) body: Bytes,
}

/// The way to one witness.
pub(crate) struct Link {
    url: Uri,
    trusting: Trusting,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Link {
    /// A way to the witness at `url`, which was checked; nothing is opened yet.
    pub(crate) fn new(url: &str, trusting: Trusting) -> Self {
        Self { url: url.parse().unwrap_or_default(), trusting, open: None }
    }

    /// Sends a body to `route` below the witness's address.
    pub(crate) async fn post(&mut self, route: &str, body: String) -> Result<Answer, String> {
        self.send(Method::POST, route, Bytes::from(body)).await
    }

    /// Asks for `route` below the witness's address.
    pub(crate) async fn get(&mut self, route: &str) -> Result<Answer, String> {
        self.send(Method::GET, route, Bytes::new()).await
    }

    async fn send(&mut self, method: Method, route: &str, body: Bytes) -> Result<Answer, String> {
        let authority = self.url.authority().map_or("", |authority| authority.as_str());
        let host = HeaderValue::from_str(authority).map_err(|_| "its address names no host".to_owned())?;
        let path = format!("{}{route}", self.url.path().trim_end_matches('/'));
        let request = || {
            Request::builder()
                .method(&method)
                .uri(&path)
                .header(HOST, &host)
                .header(CONTENT_TYPE, "text/plain; charset=utf-8")
                .body(Full::new(body.clone()))
                .map_err(|error| error.to_string())
        };
        // A connection that was kept may just have been closed; what was asked is asked again on a new one, because asking twice is harmless.
        if let Some(mut open) = self.open.take().filter(|open| !open.is_closed())
            && open.ready().await.is_ok()
            && let Ok(answer) = open.send_request(request()?).await
        {
            return self.read(open, answer).await;
        }
        let mut open = self.connect().await?;
        let answer = open.send_request(request()?).await.map_err(|error| format!("no answer: {error}"))?;
        self.read(open, answer).await
    }

    async fn read(
        &mut self,
        open: SendRequest<Full<Bytes>>,
        answer: hyper::Response<hyper::body::Incoming>,
    ) -> Result<Answer, String> {
        let status = answer.status();
        let media_type =
            answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let body = Limited::new(answer.into_body(), MAX_BODY_BYTES).collect().await;
        let body =
            body.map_err(|error| format!("its answer was cut off or is too large: {error}"))?.to_bytes();
        self.open = Some(open);
        Ok(Answer { status, media_type, body })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let secure = self.url.scheme_str() == Some("https");
        let host = self.url.host().unwrap_or("").trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = self.url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|error| format!("not reachable: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        if !secure {
            return handshake(stream).await;
        }
        let config = self.trusting.0.clone().ok_or("TLS was not set up")?;
        let name = ServerName::try_from(host).map_err(|_| "its address names no host".to_owned())?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        handshake(stream.map_err(|error| format!("no trusted connection: {error}"))?).await
    }
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, String> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("it speaks no HTTP: {error}"))?;
    // Ends when its sender and the body of its last answer are dropped; what goes wrong is told to them.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(sender)
}
