//! Reads a document of an issuer: small JSON, whole, from where it was asked for.
//!
//! Must never: follow a redirect, or take more than was said.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};

use super::unread::Why;
use crate::answer::whole::is_plain;
use crate::dialect::sent_on::OUR_USER_AGENT;
use crate::upstream::connect::Endpoint;

/// The document at `target` there, of at most `max_bytes`; or why there is none that can be read.
pub(super) async fn get(endpoint: &Endpoint, target: Uri, max_bytes: usize) -> Result<Bytes, Why> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = target;
    let headers = request.headers_mut();
    headers.insert(HOST, endpoint.authority.clone());
    for (name, value) in [
        (ACCEPT, "application/json, application/jwk-set+json"),
        (ACCEPT_ENCODING, "identity"),
        (USER_AGENT, OUR_USER_AGENT),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut sender = endpoint.connect().await.map_err(Why::Connect)?;
    let answer = sender.send_request(request).await.map_err(|_| Why::BrokeOff)?;
    if answer.status() != StatusCode::OK {
        return Err(Why::Status(answer.status().as_u16()));
    }
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || kind == "application/jwk-set+json";
    if !is_json || !is_plain(answer.headers()) {
        return Err(Why::NotJson);
    }
    match Limited::new(answer.into_body(), max_bytes).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Why::TooLarge(max_bytes)),
        Err(_) => Err(Why::BrokeOff),
    }
}
