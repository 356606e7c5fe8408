//! Plain requests to a service of somebody else's: the network edge of anchors.
//!
//! Promises: every request ends within [`REQUEST_SECONDS`]; answers have a limit; the same trust in certificates as towards providers; no redirect is
//! followed and no proxy asked. Must never: be used by the data path, since it waits.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use tabellion_ledger::anchor::{Answer, Exchange, Method as Asked, Outgoing};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::config::{StartError, UpstreamConfig};
use crate::upstream::connect::{Address, ConnectError, Endpoint};
use crate::upstream::tls::SystemTls;

/// Longest that one request may take, connecting included: a time-stamp takes a second, a stalled service must not hold the others up.
const REQUEST_SECONDS: u64 = 20;
/// Largest answer: a hundred transactions of a block with room; everything else is far smaller.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// One service.
pub struct Outbound {
    endpoint: Endpoint,
    host: String,
    /// `Authorization`, where the service asks for it; never printed.
    authorization: Option<HeaderValue>,
}

impl Outbound {
    /// Of the service at `url` (scheme, host, path), which is called `name` in errors. `ca_file`: the authorities (PEM) that alone may vouch for it;
    /// absent: the system's.
    pub fn new(name: &str, url: &str, ca_file: Option<&Path>) -> Result<Self, StartError> {
        let config =
            UpstreamConfig { ca_file: ca_file.map(Path::to_owned), ..UpstreamConfig::new(name, url) };
        let endpoint = Endpoint::new(&Address::from(&config), &mut SystemTls::default())?;
        let host = endpoint.authority.to_str().unwrap_or_default().to_owned();
        Ok(Self { endpoint, host, authorization: None })
    }

    /// The same, sending this token with each request; `None` when no header can carry it.
    #[must_use]
    pub fn with_bearer(mut self, token: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Some(self)
    }

    fn request(&self, asked: &Outgoing<'_>) -> Option<Request<Full<Bytes>>> {
        let target = self.endpoint.target(asked.path).or_else(|| "/".parse().ok())?;
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(asked.body)));
        *request.uri_mut() = target;
        *request.method_mut() = match asked.method {
            Asked::Get => Method::GET,
            Asked::Post => Method::POST,
        };
        let headers = request.headers_mut();
        headers.insert(HOST, self.endpoint.authority.clone());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // Some services refuse requests without one.
        headers.insert(USER_AGENT, HeaderValue::from_static("tabellion"));
        if let Some(value) = &self.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        for (name, value) in [(CONTENT_TYPE, asked.content_type), (ACCEPT, asked.accept)] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).ok()?);
            }
        }
        Some(request)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let broke_off = |error: &dyn std::fmt::Display| format!("{} broke off: {error}", self.host);
        let mut sender = self.endpoint.connect().await.map_err(|error| match error {
            ConnectError::Unreachable | ConnectError::OutOfReach => {
                format!("{} cannot be reached", self.host)
            }
            ConnectError::Untrusted(why) => format!("{}: {why}", self.host),
        })?;
        let answer = sender.send_request(request).await.map_err(|error| broke_off(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| broke_off(error.as_ref()))?.to_bytes();
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
        Ok(Answer {
            status: head.status.as_u16(),
            content_type: content_type.trim().to_ascii_lowercase(),
            body: body.to_vec(),
        })
    }
}

impl Exchange for Outbound {
    fn send(&self, asked: &Outgoing<'_>) -> Result<Answer, String> {
        let request = self.request(asked).ok_or_else(|| format!("{} has no such path", self.host))?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no room for a request to {}: {error}", self.host))?;
        let limit = Duration::from_secs(REQUEST_SECONDS);
        let answer = runtime.block_on(async { timeout(limit, self.exchange(request)).await });
        // A name that is still being looked up does not keep anybody waiting.
        runtime.shutdown_background();
        answer.unwrap_or_else(|_| Err(format!("{} did not answer within {REQUEST_SECONDS} s", self.host)))
    }
}
