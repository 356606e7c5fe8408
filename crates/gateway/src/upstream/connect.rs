//! One provider's address, key and connections; and those of a guard that others run.
//!
//! Promises: the key is read once, at the start, and leaves only in the credential of requests to this provider (keys of AWS, which do not leave, are in
//! `aws/`); not a byte of a request leaves before the provider's certificate is found good. Must never: follow a redirect, or print a key.

pub(crate) mod http2;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::authenticate::{API_KEY, GOOGLE_KEY};
use crate::config::{Api, Auth, StartError, UpstreamConfig};
use crate::upstream::key::{self, Held, Place};
use crate::upstream::reach::Reach;
use crate::upstream::tls::{self, SystemTls};

/// Where Azure expects a key.
const AZURE_KEY: HeaderName = HeaderName::from_static("api-key");
/// Largest head of an answer.
const MAX_HEAD_BYTES: usize = 256 << 10;

/// A connection that requests can be sent on.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectError {
    /// Nobody is there, or speaks what we speak.
    Unreachable,
    /// Somebody is there who cannot show to be the provider: what is wrong and what to do, in one line.
    Untrusted(&'static str),
    /// Its name leads to no address at which it may be.
    OutOfReach,
}

impl From<std::io::Error> for ConnectError {
    fn from(_: std::io::Error) -> Self {
        Self::Unreachable
    }
}

/// A service as its configuration names it.
pub(crate) struct Address<'a> {
    /// What errors call it: `upstream "own"`, `[guard.own]`.
    pub(crate) who: String,
    /// Its URL, the setting that holds it, and what that looks like.
    pub(crate) url: &'a str,
    pub(crate) setting: &'static str,
    pub(crate) form: &'static str,
    /// Where its key is, and how it wants it: a bearer's, unless it is another's.
    pub(crate) key_env: Option<&'a str>,
    pub(crate) key_file: Option<&'a Path>,
    pub(crate) key_in: KeyIn,
    pub(crate) ca_file: Option<&'a Path>,
    /// At what addresses it may be.
    pub(crate) reach: Reach,
}

/// Which header holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyIn {
    /// `Authorization: Bearer`.
    Bearer,
    /// `x-api-key`.
    Plain,
    /// `x-goog-api-key`.
    Google,
    /// `api-key`.
    Azure,
}

impl<'a> From<&'a UpstreamConfig> for Address<'a> {
    fn from(config: &'a UpstreamConfig) -> Self {
        Self {
            who: format!("upstream {:?}", config.name),
            url: &config.base_url,
            setting: "base_url",
            form: match config.api {
                Api::OpenAi | Api::Anthropic => "https://host/v1",
                Api::Gemini | Api::Vertex | Api::Bedrock => "https://host",
            },
            key_env: config.key_env.as_deref(),
            key_file: config.key_file.as_deref(),
            key_in: match (config.auth, config.api) {
                (Auth::AzureApiKey, _) => KeyIn::Azure,
                (_, Api::OpenAi | Api::Vertex | Api::Bedrock) => KeyIn::Bearer,
                (_, Api::Anthropic) => KeyIn::Plain,
                (_, Api::Gemini) => KeyIn::Google,
            },
            ca_file: config.ca_file.as_deref(),
            reach: Reach::Named,
        }
    }
}

/// Takes connections in this process.
pub(crate) trait Within: Send + Sync {
    /// One more connection: its far end. Runs inside a runtime, which owns what answers.
    fn accept(&self) -> std::io::Result<UnixStream>;
}

/// Where a provider listens and how to speak to it.
pub(crate) struct Endpoint {
    host: String,
    port: u16,
    reach: Reach,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Somebody in this process who answers in its place.
    within: Option<Arc<dyn Within>>,
    /// Value of `Host`.
    pub(crate) authority: HeaderValue,
    /// Path of the base URL, without a slash at its end.
    path: String,
    /// What stands in the query of every request, if anything does.
    query: Option<String>,
    /// The header that holds its key, and its value, marked sensitive, when there is a key.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
}

impl Endpoint {
    /// Reads the key and authorities that `at` refers to.
    pub(crate) fn new(at: &Address<'_>, system: &mut SystemTls) -> Result<Self, StartError> {
        let refused = |why: &str| {
            let Address { who, setting, url, form, .. } = at;
            StartError::Setting(format!("{who}: {setting} {url:?} {why}; it has the form {form}"))
        };
        let url: Uri = at.url.parse().map_err(|_| refused("is no URL"))?;
        let authority = url.authority().ok_or_else(|| refused("names no host"))?;
        if authority.as_str().contains('@') || url.query().is_some() {
            return Err(refused("holds more than host and path"));
        }
        let secure = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused("is neither http nor https")),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.parse().is_ok_and(|address| !at.reach.allows(address)) {
            return Err(refused(if at.reach == Reach::Named {
                "is at an address of a link, where clouds hand out the keys of their machines and no provider is"
            } else {
                "is at an address where it may not be: one of a private network needs private_network = true, and those of links, groups and tests are never asked"
            }));
        }
        if !secure && at.reach == Reach::Public {
            return Err(refused(
                "would send texts over the public network for everybody to read: use https, or set private_network = true where it is in a private network",
            ));
        }
        let tls = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| refused("names no host"))?;
            Some((tls::config(at, system)?, name))
        } else if at.ca_file.is_some() {
            return Err(refused("is not https, so ca_file would protect nothing"));
        } else {
            None
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| refused("names no host"))?,
            path: url.path().trim_end_matches('/').to_owned(),
            query: None,
            credential: credential(at)?,
            reach: at.reach,
            host,
            tls,
            within: None,
        })
    }

    /// A place in this process, at which requests are answered as they would be over the network.
    pub(crate) fn within(within: Arc<dyn Within>) -> Self {
        Self {
            host: String::new(),
            port: 0,
            reach: Reach::Named,
            tls: None,
            authority: HeaderValue::from_static("probes.invalid"),
            path: String::new(),
            query: None,
            credential: None,
            within: Some(within),
        }
    }

    /// The same, with `query` in every request.
    pub(crate) fn with_query(self, query: Option<String>) -> Self {
        Self { query, ..self }
    }

    /// The request target of `route` (`/chat/completions`) there.
    pub(crate) fn target(&self, route: &str) -> Option<Uri> {
        let path = &self.path;
        match &self.query {
            None => format!("{path}{route}"),
            Some(query) if route.contains('?') => format!("{path}{route}&{query}"),
            Some(query) => format!("{path}{route}?{query}"),
        }
        .parse()
        .ok()
    }

    /// Opens a connection. The caller limits the time. Runs inside a runtime, which owns the connection's task.
    pub(crate) async fn connect(&self) -> Result<Sender, ConnectError> {
        self.connected(Use::Requests).await
    }

    /// The same, of which an answer may make a socket.
    pub(crate) async fn connect_to_switch(&self) -> Result<Sender, ConnectError> {
        self.connected(Use::Switch).await
    }

    async fn connected(&self, for_what: Use) -> Result<Sender, ConnectError> {
        if let Some(within) = &self.within {
            return Ok(handshake(within.accept()?, for_what).await?);
        }
        let stream = self.reach.connect(&self.host, self.port).await?;
        // Else small events wait for the acknowledgement of the one before: 40 ms each.
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(handshake(stream, for_what).await?),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream =
                    connector.connect(name.clone(), stream).await.map_err(|error| tls::why(&error))?;
                Ok(handshake(stream, for_what).await?)
            }
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Requests, one after another.
    Requests,
    /// One request, which may switch it to another protocol.
    Switch,
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    for_what: Use,
) -> std::io::Result<Sender> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    // Ends when its sender and the body of its last answer are dropped; what goes wrong is told to them.
    match for_what {
        Use::Requests => drop(tokio::spawn(async move { drop(connection.await) })),
        Use::Switch => drop(tokio::spawn(async move { drop(connection.with_upgrades().await) })),
    }
    Ok(sender)
}

fn credential(at: &Address<'_>) -> Result<Option<(HeaderName, HeaderValue)>, StartError> {
    let refused =
        |why: String| StartError::Setting(format!("{}: {why}. Set it, or remove the setting", at.who));
    let place = Place {
        setting: "key",
        env: at.key_env,
        file: at.key_file,
        then: "have the provider give you another key",
    };
    let Some(Held { text: key, place }) = place.first_line().map_err(refused)? else { return Ok(None) };
    let key = key.as_str();
    if let Some(why) = key::weakness(key) {
        return Err(refused(format!(
            "the key in {place} {why}, so it keeps nobody out; use one that the provider gave you, or none where it asks for none"
        )));
    }
    let (name, line) = match at.key_in {
        KeyIn::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {key}"))),
        KeyIn::Plain => (API_KEY, Zeroizing::new(key.to_owned())),
        KeyIn::Google => (GOOGLE_KEY, Zeroizing::new(key.to_owned())),
        KeyIn::Azure => (AZURE_KEY, Zeroizing::new(key.to_owned())),
    };
    let mut value = HeaderValue::from_str(&line)
        .map_err(|_| refused(format!("the key in {place} has characters that no header may have")))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
