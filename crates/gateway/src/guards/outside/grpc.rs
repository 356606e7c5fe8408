//! How a guard of others is asked over gRPC: one message each way on a connection of HTTP/2.
//!
//! Promises: only a message of known length, with a status behind it that says it is good, is an answer. Whatever else comes, or does not come, is none.

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, TE, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use tabellion_guard::service::{Fault, MAX_ANSWER_BYTES};

use super::{Outside, Unable};
use crate::dialect::sent_on::OUR_USER_AGENT;
use crate::upstream::pool::Pool;

/// What is called there: `proto/tabellion/guard/v1/guard.proto`.
pub(super) const METHOD: &str = "/tabellion.guard.v1.Guard/Check";
/// The same of many questions together.
pub(super) const BATCH_METHOD: &str = "/tabellion.guard.v1.Guard/CheckBatch";
/// Before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
const CONTENT: &str = "application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const IDENTITY: &str = "identity";
/// Numbers of a status end here; another one is none.
const MAX_STATUS: u32 = 16;

/// Asks, and gives the message that came back. The caller limits the time.
pub(super) async fn exchange(
    outside: &Outside,
    (message, target): (Bytes, &Uri),
    pool: &Pool,
) -> Result<Bytes, Unable> {
    let mut request = request(outside, &message, target)?;
    let answer = loop {
        let known = pool.shared(outside.number);
        let reused = known.is_some();
        let mut sender = if let Some(sender) = known {
            sender
        } else {
            let sender = outside.endpoint.connect_http2().await?;
            pool.share(outside.number, Some(sender.clone()));
            sender
        };
        match sender.try_send_request(request).await {
            Ok(answer) => break answer,
            Err(mut error) => {
                // Whatever is wrong with it, the next question goes by another.
                pool.share(outside.number, None);
                match error.take_message() {
                    // It had closed; nothing of the request left.
                    Some(unsent) if reused => request = unsent,
                    Some(_) => return Err(Unable::Unreachable),
                    None => return Err(Unable::BrokeOff),
                }
            }
        }
    };
    read(answer).await
}

fn request(outside: &Outside, message: &Bytes, target: &Uri) -> Result<Request<Full<Bytes>>, Unable> {
    let length = u32::try_from(message.len()).map_err(|_| Unable::Unshown)?;
    let mut body = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    body.put_u8(0);
    body.put_u32(length);
    body.extend_from_slice(message);
    let mut request = Request::new(Full::new(body.freeze()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.clone();
    let headers = request.headers_mut();
    for (name, value) in
        [(CONTENT_TYPE, CONTENT), (TE, "trailers"), (ACCEPT_ENCODING, IDENTITY), (USER_AGENT, OUR_USER_AGENT)]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let millis = HeaderValue::from_str(&format!("{}m", outside.time.as_millis()));
    headers.insert(TIMEOUT, millis.map_err(|_| Unable::BrokeOff)?);
    if let Some((name, value)) = &outside.endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    Ok(request)
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, Unable> {
    let (head, body) = answer.into_parts();
    if head.status != StatusCode::OK {
        return Err(Unable::Status(head.status));
    }
    if !is_grpc(&head.headers) {
        return Err(Unable::NoGrpc);
    }
    if head.headers.contains_key(STATUS) {
        // It says at once how it went, and so has no message.
        good(&head.headers)?;
        return Err(Unable::Answer(Fault::Malformed));
    }
    let body = Limited::new(body, PREFIX_BYTES + MAX_ANSWER_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { Unable::Answer(Fault::TooLarge) } else { Unable::BrokeOff }
    })?;
    good(body.trailers().ok_or(Unable::BrokeOff)?)?;
    message(&body.to_bytes())
}

/// Whether it went well, by what stands behind the message.
fn good(trailers: &HeaderMap) -> Result<(), Unable> {
    let mut all = trailers.get_all(STATUS).iter();
    let (Some(status), None) = (all.next(), all.next()) else { return Err(Unable::BrokeOff) };
    match status.to_str().ok().and_then(|status| status.parse().ok()) {
        Some(0) => Ok(()),
        Some(status @ 1..=MAX_STATUS) => Err(Unable::GrpcStatus(status)),
        _ => Err(Unable::Answer(Fault::Malformed)),
    }
}

/// The one message that `body` holds.
fn message(body: &Bytes) -> Result<Bytes, Unable> {
    let malformed = Unable::Answer(Fault::Malformed);
    let Some((&[compressed, a, b, c, d], rest)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return Err(malformed);
    };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| malformed)?;
    // Nobody asked for a message that is compressed.
    if compressed != 0 || rest.len() != length {
        return Err(malformed);
    }
    Ok(body.slice(PREFIX_BYTES..))
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_kind = kind == CONTENT || kind == "application/grpc+proto";
    let is_plain = headers.get_all(ENCODING).iter().all(|encoding| encoding == IDENTITY);
    is_kind && is_plain && !headers.contains_key(CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_of_its_length_is_one() {
        let of = |bytes: &'static [u8]| message(&Bytes::from_static(bytes));
        assert_eq!(of(b"\0\0\0\0\x02\x08\x01").as_deref(), Ok(b"\x08\x01".as_slice()));
        assert_eq!(of(b"\0\0\0\0\0").as_deref(), Ok(b"".as_slice()), "what it says is read by others");
        for bad in [
            b"".as_slice(),
            b"\0\0\0\0",
            b"\0\0\0\0\x03\x08\x01",
            b"\0\0\0\0\x01\x08\x01",
            b"\x01\0\0\0\x02\x08\x01",
            b"\0\0\0\0\x02\x08\x01\0\0\0\0\x02\x08\x03",
            b"\0\xff\xff\xff\xff\x08\x01",
        ] {
            assert_eq!(of(bad), Err(Unable::Answer(Fault::Malformed)), "{bad:x?}");
        }
    }

    #[test]
    fn only_one_status_of_zero_is_good() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(STATUS, HeaderValue::from_static(value));
            }
            good(&headers)
        };
        assert_eq!(of(&["0"]), Ok(()));
        assert_eq!(of(&["14"]), Err(Unable::GrpcStatus(14)));
        assert_eq!(of(&[]), Err(Unable::BrokeOff));
        assert_eq!(of(&["0", "0"]), Err(Unable::BrokeOff));
        for junk in ["", "17", "-0", "OK", "0x0", "4294967296"] {
            assert_eq!(of(&[junk]), Err(Unable::Answer(Fault::Malformed)), "{junk}");
        }
    }
}
