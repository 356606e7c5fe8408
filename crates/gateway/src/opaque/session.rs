//! A conversation in real time: a socket to a provider, whose bytes pass both ways until one side ends it (docs/coarse-routes.md).
//!
//! Promises: nothing is asked of the provider before the record that permits it; the frame that closes the conversation waits for the record of its end, which has sizes and
//! digests of both directions; stops, withdrawn keys and openings cut it; it ends when it has taken what it reserved. Must never: agree to an extension, under which frames
//! could not be told apart, or open more sockets at once than are named here.

mod handshake;
mod key;
mod reader;
mod relay;
mod tally;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderMap};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Method, Request, Response, StatusCode};
use tabellion_model::body::Outcome;

use super::prepare::Prepared;
use super::room::{Place, Places};
use crate::attempts::health;
use crate::body::AnswerBody;
use crate::call::{Call, Running};
use crate::code::Code;
use crate::config::span;
use crate::decide::Refusal;
use crate::declared::Found;
use crate::forward::{Inbound, NoAnswer};
use crate::race::Interrupt;
use crate::stopwatch::Phase;
use crate::upstream::connect::ConnectError;
use handshake::{Agreed, Asking, Wish};

/// Conversations at once. Each holds two connections and, while it is spoken, some hundred KiB; as many as the calls of a busy desk.
pub(super) const SESSIONS_AT_ONCE: usize = 256;

/// A socket that a client wishes, and its place.
pub(super) struct Wanted {
    wish: Wish,
    switch: OnUpgrade,
    _place: Place,
}

impl Wanted {
    /// Of a call on a socket's route; `None`: it is on another.
    pub(super) async fn of(call: &mut Call, found: &Found) -> Result<Option<Self>, Refusal> {
        let switch = call.switch.take();
        if !found.declared.is_session() {
            return Ok(None);
        }
        let wish = Wish::of(&call.headers).map_err(|why| Refusal::new(Code::MalformedBody, why))?;
        let Some(switch) = switch else {
            let why = "this connection cannot become a socket; ask over HTTP/1.1, on a connection of its own";
            return Err(Refusal::new(Code::MalformedBody, why));
        };
        let places: &Places = &call.worker.shared.opaque.sessions;
        let place = places.place(call.caller.system_id, std::time::Duration::ZERO).await;
        let place = place.ok_or_else(|| {
            let why =
                "too many conversations are open, of this system or of all; end one, or try again later";
            let retry_after_s = Some(super::RETRY_AFTER_SECONDS);
            Refusal { retry_after_s, ..Refusal::new(Code::RateLimited, why) }
        })?;
        Ok(Some(Self { wish, switch, _place: place }))
    }
}

/// Why there is no conversation.
enum NotOpened {
    /// The provider was not asked, or gave no answer.
    None(NoAnswer),
    /// It answered something else.
    Refused(Outcome, Code),
}

/// Opens the socket and passes what is said to its end.
pub(super) async fn run(mut running: Running, wanted: Wanted, found: &Found, prepared: Prepared) {
    let opened = Box::pin(open(&mut running, &wanted.wish, found, &prepared)).await;
    let (provider, protocol) = match opened {
        Ok(opened) => opened,
        Err(NotOpened::None(none)) => return running.fail(none).await,
        Err(NotOpened::Refused(outcome, code)) => return running.fail_as(outcome, code).await,
    };
    let Running { worker, authorised, dialect, watch, reply, .. } = running;
    let mut answer = Response::new(AnswerBody::from(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    wanted.wish.agree(protocol, answer.headers_mut());
    dialect.refer(answer.headers_mut(), &authorised.ack);
    drop(reply.send(answer));
    // The answer's head is all of it; from here on the socket itself shows whether its client is there.
    let limits = worker.shared.limits;
    let (mut watch, alive) = watch.anew(span(limits.session_ms));
    let client = watch.race(span(limits.head_ms), wanted.switch).await;
    let client = match client {
        Ok(Ok(client)) => Some(client),
        Ok(Err(_)) | Err(_) => None,
    };
    let conversation = relay::Conversation::new(worker, authorised, watch, &prepared);
    Box::pin(conversation.run(client, provider)).await;
    drop(alive);
}

/// Asks the provider for the socket, on a connection of its own, unless its circuit is open.
async fn open(
    running: &mut Running,
    wish: &Wish,
    found: &Found,
    prepared: &Prepared,
) -> Result<(Upgraded, Agreed), NotOpened> {
    let worker = Arc::clone(&running.worker);
    let shared = &worker.shared;
    let upstream = &prepared.permission.target.upstream;
    let Some(pass) = shared.circuits.admit(upstream.number, shared.now()) else {
        return Err(NotOpened::None(NoAnswer::Failed(Code::UpstreamCircuitOpen)));
    };
    running.authorised.stopwatch.enter(Phase::Upstream);
    let asked = ask(running, wish, found, prepared).await;
    running.authorised.stopwatch.enter(Phase::Own);
    let (inbound, protocol) = match asked {
        Ok((inbound, protocol)) => (Ok(inbound), protocol),
        Err(none) => (Err(none), None),
    };
    let facts = &mut running.authorised.facts;
    match &inbound {
        Ok(inbound) => {
            facts.first_byte = Some(running.authorised.stopwatch.elapsed());
            facts.upstream_status = Some(inbound.head.status().as_u16());
        }
        Err(none) => facts.sent = !none.is_unsent(),
    }
    let report =
        shared.circuits.report(&shared.evidence, upstream.number, pass, health(&inbound), shared.now());
    Box::pin(report).await;
    let Inbound { head, sender } = inbound.map_err(NotOpened::None)?;
    let status = head.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let refused = status.is_client_error() || status.is_server_error();
        return Err(if refused {
            NotOpened::Refused(Outcome::Refused, Code::UpstreamRefused)
        } else {
            NotOpened::Refused(Outcome::Failed, Code::UpstreamMalformed)
        });
    }
    let Some(protocol) = protocol else {
        return Err(NotOpened::Refused(Outcome::Failed, Code::UpstreamMalformed));
    };
    let switched = hyper::upgrade::on(head);
    let upgraded = running.watch.race(span(shared.limits.connect_ms), switched).await;
    drop(sender);
    match upgraded {
        Ok(Ok(upgraded)) => Ok((upgraded, protocol)),
        Ok(Err(_)) => Err(NotOpened::None(NoAnswer::Failed(Code::UpstreamBrokeOff))),
        Err(Interrupt::Late) => Err(NotOpened::None(NoAnswer::Failed(Code::UpstreamTimeout))),
        Err(interrupt) => Err(NotOpened::None(NoAnswer::Interrupted(interrupt))),
    }
}

async fn ask(
    running: &mut Running,
    wish: &Wish,
    found: &Found,
    prepared: &Prepared,
) -> Result<(Inbound, Option<Agreed>), NoAnswer> {
    let Running { worker, authorised, watch, .. } = running;
    let limits = &worker.shared.limits;
    let endpoint = &prepared.permission.target.upstream.endpoint;
    let failed = |code| NoAnswer::Failed(code);
    let asking = Asking::like(wish).ok_or(failed(Code::UpstreamUnreachable))?;
    let mut sender = match watch.race(span(limits.connect_ms), endpoint.connect_to_switch()).await {
        Ok(Ok(sender)) => sender,
        Ok(Err(ConnectError::Untrusted(why))) => return Err(NoAnswer::Untrusted(why)),
        Ok(Err(ConnectError::Unreachable | ConnectError::OutOfReach)) | Err(Interrupt::Late) => {
            return Err(failed(Code::UpstreamUnreachable));
        }
        Err(interrupt) => return Err(NoAnswer::Interrupted(interrupt)),
    };
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.method_mut() = Method::GET;
    *request.uri_mut() = endpoint.target(&found.route).ok_or(failed(Code::UpstreamUnreachable))?;
    head(request.headers_mut(), prepared, &asking);
    if let Some(signer) = &prepared.permission.target.upstream.signer {
        let signed = signer.sign(&mut request, &Bytes::new(), worker.shared.now());
        signed.ok_or(failed(Code::UpstreamUnreachable))?;
    }
    authorised.facts.sent = true;
    match watch.race(span(limits.first_byte_ms), sender.try_send_request(request)).await {
        Ok(Ok(head)) => {
            let agreed = asking.agreed(head.headers());
            Ok((Inbound { head, sender }, agreed))
        }
        Ok(Err(mut error)) => Err(failed(match error.take_message() {
            Some(_) => Code::UpstreamUnreachable,
            None if error.error().is_parse() => Code::UpstreamMalformed,
            None => Code::UpstreamBrokeOff,
        })),
        Err(Interrupt::Late) => Err(failed(Code::UpstreamTimeout)),
        Err(interrupt) => Err(NoAnswer::Interrupted(interrupt)),
    }
}

fn head(headers: &mut HeaderMap, prepared: &Prepared, asking: &Asking<'_>) {
    let endpoint = &prepared.permission.target.upstream.endpoint;
    prepared.sent_on.put_into(headers);
    headers.insert(HOST, endpoint.authority.clone());
    asking.put_into(headers);
    if let Some((name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
}
