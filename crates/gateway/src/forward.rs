//! Sending a permitted request to its provider.
//!
//! Promises: nothing of the client's but the named headers and the prepared body leaves; the provider's own key is put in, or the request is signed with it as it leaves; a request is sent
//! again only when it certainly was not sent before. Every wait has an end.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use tabellion_model::Micros;

use crate::code::Code;
use crate::config::{Limits, span};
use crate::dialect::sent_on::SentOn;
use crate::race::{Interrupt, Watch};
use crate::upstream::catalogue::Upstream;
use crate::upstream::connect::{ConnectError, Sender};
use crate::upstream::pool::Pool;

/// What is sent.
pub(crate) struct Outbound<'a> {
    pub(crate) upstream: &'a Upstream,
    /// Path below its base URL.
    pub(crate) route: &'a str,
    pub(crate) method: Method,
    pub(crate) sent_on: &'a SentOn,
    pub(crate) body: Bytes,
    /// What the body is; none: there is none.
    pub(crate) content_type: Option<HeaderValue>,
    /// What is wanted back.
    pub(crate) accept: HeaderValue,
    /// When it leaves, by the gateway's clock.
    pub(crate) at: Micros,
}

/// An answer's head, its body to come, and the connection it comes on.
pub(crate) struct Inbound {
    pub(crate) head: Response<Incoming>,
    pub(crate) sender: Sender,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The provider's side failed.
    Failed(Code),
    /// The provider's certificate is not one to be trusted: what is wrong and what to do, in one line.
    Untrusted(&'static str),
    /// Whoever calls may not any more: the key ended, or its system is not live.
    Withdrawn(Code),
    /// Something else ended the wait.
    Interrupted(Interrupt),
}

impl NoAnswer {
    /// Whether certainly nothing of the request was sent.
    pub(crate) fn is_unsent(self) -> bool {
        matches!(
            self,
            Self::Failed(Code::UpstreamUnreachable | Code::UpstreamCircuitOpen)
                | Self::Untrusted(_)
                | Self::Withdrawn(_)
        )
    }
}

/// Sends and waits for the head of the answer. The body is taken out of what is to be sent, so that it is in memory until it left and no longer.
pub(crate) async fn send(
    out: &mut Outbound<'_>,
    pool: &Pool,
    watch: &mut Watch,
    limits: &Limits,
) -> Result<Inbound, NoAnswer> {
    let mut request = request(out)?;
    loop {
        let (mut sender, reused) = match pool.take(out.upstream.number) {
            Some(sender) => (sender, true),
            // Most requests find a connection, and none of them has room for making one.
            None => (Box::pin(connect(out.upstream, watch, limits)).await?, false),
        };
        let answer = watch.race(span(limits.first_byte_ms), sender.try_send_request(request)).await;
        match answer {
            Ok(Ok(mut head)) => {
                out.upstream.endpoint.take_key_from(head.headers_mut());
                return Ok(Inbound { head, sender });
            }
            Ok(Err(mut error)) => match error.take_message() {
                // The provider had closed the idle connection; nothing of the request left.
                Some(unsent) if reused => request = unsent,
                Some(_) => return Err(NoAnswer::Failed(Code::UpstreamUnreachable)),
                None if error.error().is_parse() => return Err(NoAnswer::Failed(Code::UpstreamMalformed)),
                None => return Err(NoAnswer::Failed(Code::UpstreamBrokeOff)),
            },
            Err(Interrupt::Late) => return Err(NoAnswer::Failed(Code::UpstreamTimeout)),
            Err(interrupt) => return Err(NoAnswer::Interrupted(interrupt)),
        }
    }
}

async fn connect(upstream: &Upstream, watch: &mut Watch, limits: &Limits) -> Result<Sender, NoAnswer> {
    match watch.race(span(limits.connect_ms), upstream.endpoint.connect()).await {
        Ok(Ok(sender)) => Ok(sender),
        Ok(Err(ConnectError::Untrusted(why))) => Err(NoAnswer::Untrusted(why)),
        Ok(Err(ConnectError::Unreachable | ConnectError::OutOfReach)) | Err(Interrupt::Late) => {
            Err(NoAnswer::Failed(Code::UpstreamUnreachable))
        }
        Err(interrupt) => Err(NoAnswer::Interrupted(interrupt)),
    }
}

fn request(out: &mut Outbound<'_>) -> Result<Request<Full<Bytes>>, NoAnswer> {
    let endpoint = &out.upstream.endpoint;
    let body = std::mem::take(&mut out.body);
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = out.method.clone();
    // A base URL that is one has a path that routes can be appended to.
    *request.uri_mut() = endpoint.target(out.route).ok_or(NoAnswer::Failed(Code::UpstreamUnreachable))?;
    let headers = request.headers_mut();
    out.sent_on.put_into(headers);
    headers.insert(HOST, endpoint.authority.clone());
    if let Some(content_type) = &out.content_type {
        headers.insert(CONTENT_TYPE, content_type.clone());
    }
    headers.insert(ACCEPT, out.accept.clone());
    // What comes back must be readable here: placeholders are given their values, tokens are counted.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some((name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    // INVARIANT: nothing is changed of it any more.
    if let Some(signer) = &out.upstream.signer {
        let signed = signer.sign(&mut request, &body, out.at);
        signed.ok_or(NoAnswer::Failed(Code::UpstreamUnreachable))?;
    }
    Ok(request)
}
