//! Connections of HTTP/2, on which many requests go side by side: what gRPC needs.
//!
//! Promises: the same addresses, names and certificates count as for others; a peer can neither push nor keep much in memory here.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{ConnectError, Endpoint};
use crate::upstream::tls;

/// A connection that requests can be sent on; its copies are the same connection.
pub(crate) type SharedSender = SendRequest<Full<Bytes>>;

/// What TLS calls the protocol.
const PROTOCOL: &[u8] = b"h2";
/// Largest head of an answer: gRPC's are far smaller.
const MAX_HEAD_BYTES: u32 = 64 << 10;
/// What may be on its way here of one answer, and of all on one connection.
const WINDOW_BYTES: u32 = 64 << 10;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 20;

/// The same trust, for those who speak HTTP/2.
pub(super) fn config(trust: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(trust);
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Arc::new(config)
}

impl Endpoint {
    /// The same place, spoken to by HTTP/2 alone.
    pub(crate) fn over_http2(mut self) -> Self {
        self.tls = self.tls.map(|(trust, name)| (config(&trust), name));
        self
    }

    /// Opens a connection of HTTP/2. The caller limits the time. Runs inside a runtime, which owns the connection's task.
    pub(crate) async fn connect_http2(&self) -> Result<SharedSender, ConnectError> {
        let stream = self.reach.connect(&self.host, self.port).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => handshake(stream).await,
            Some((config, name)) => handshake(secured(config, name, stream).await?).await,
        }
    }
}

async fn secured<S: AsyncRead + AsyncWrite + Unpin>(
    config: &Arc<ClientConfig>,
    name: &ServerName<'static>,
    stream: S,
) -> Result<tokio_rustls::client::TlsStream<S>, ConnectError> {
    let connector = TlsConnector::from(Arc::clone(config));
    connector.connect(name.clone(), stream).await.map_err(|error| tls::why(&error))
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SharedSender, ConnectError> {
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .max_header_list_size(MAX_HEAD_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| ConnectError::Unreachable)?;
    // Ends when its senders and the bodies of its answers are dropped; what goes wrong is told to them.
    drop(tokio::spawn(async move { drop(connection.await) }));
    Ok(sender)
}
