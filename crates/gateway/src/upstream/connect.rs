//! One provider's address, key and connections.
//!
//! Promises: the key is read once, at the start, and leaves only in the credential of requests to this provider; not a byte of a request
//! leaves before the provider's certificate is found good. Must never: follow a redirect, or print a key.

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
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::authenticate::API_KEY;
use crate::config::{Api, StartError, UpstreamConfig};
use crate::upstream::tls::{self, SystemTls};

/// Largest file of a key: keys are a line.
const MAX_KEY_BYTES: u64 = 16 << 10;
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
}

impl From<std::io::Error> for ConnectError {
    fn from(_: std::io::Error) -> Self {
        Self::Unreachable
    }
}

/// Where a provider listens and how to speak to it.
pub(crate) struct Endpoint {
    host: String,
    port: u16,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// Value of `Host`.
    pub(crate) authority: HeaderValue,
    /// Path of the base URL, without a slash at its end.
    path: String,
    /// The header that holds its key, and its value, marked sensitive, when there is a key.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
}

impl Endpoint {
    /// Reads `config`, and the key and authorities that it refers to.
    pub(crate) fn new(config: &UpstreamConfig, system: &mut SystemTls) -> Result<Self, StartError> {
        let refused = |why: &str| {
            StartError::Setting(format!(
                "upstream {:?}: base_url {:?} {why}; it has the form https://host/v1",
                config.name, config.base_url
            ))
        };
        let url: Uri = config.base_url.parse().map_err(|_| refused("is no URL"))?;
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
        let tls = if secure {
            let name = ServerName::try_from(host.clone()).map_err(|_| refused("names no host"))?;
            Some((tls::config(config, system)?, name))
        } else if config.ca_file.is_some() {
            return Err(refused("is not https, so ca_file would protect nothing"));
        } else {
            None
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| refused("names no host"))?,
            path: url.path().trim_end_matches('/').to_owned(),
            credential: credential(config)?,
            host,
            tls,
        })
    }

    /// The request target of `route` (`/chat/completions`) there.
    pub(crate) fn target(&self, route: &str) -> Option<Uri> {
        format!("{}{route}", self.path).parse().ok()
    }

    /// Opens a connection. The caller limits the time. Runs inside a runtime, which owns the connection's task.
    pub(crate) async fn connect(&self) -> Result<Sender, ConnectError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // Else small events wait for the acknowledgement of the one before: 40 ms each.
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(handshake(stream).await?),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream =
                    connector.connect(name.clone(), stream).await.map_err(|error| tls::why(&error))?;
                Ok(handshake(stream).await?)
            }
        }
    }
}

async fn handshake(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> std::io::Result<Sender> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(std::io::Error::other)?;
    // Ends when its sender and the body of its last answer are dropped; what goes wrong is told to them.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(sender)
}

fn credential(config: &UpstreamConfig) -> Result<Option<(HeaderName, HeaderValue)>, StartError> {
    let refused = |why: String| {
        StartError::Setting(format!("upstream {:?}: {why}. Set it, or remove the setting", config.name))
    };
    let (key, place) = match (&config.key_env, &config.key_file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(refused("key_env and key_file are both set; one is enough".to_owned()));
        }
        (Some(name), None) => {
            let key = std::env::var(name)
                .map_err(|_| refused(format!("key_env names {name}, which is not set or not text")))?;
            (Zeroizing::new(key), name.clone())
        }
        (None, Some(path)) => {
            let key = read_key(path)
                .map_err(|error| refused(format!("key_file {} cannot be read: {error}", path.display())))?;
            (key, path.display().to_string())
        }
    };
    let key = key.lines().next().unwrap_or_default().trim();
    if key.is_empty() {
        return Err(refused(format!("{place} holds no key")));
    }
    let (name, line) = match config.api {
        Api::OpenAi => (AUTHORIZATION, Zeroizing::new(format!("Bearer {key}"))),
        Api::Anthropic => (API_KEY, Zeroizing::new(key.to_owned())),
    };
    let mut value = HeaderValue::from_str(&line)
        .map_err(|_| refused(format!("the key in {place} has characters that no header may have")))?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

fn read_key(path: &Path) -> std::io::Result<Zeroizing<String>> {
    use std::io::Read as _;
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?.take(MAX_KEY_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
