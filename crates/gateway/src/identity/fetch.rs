//! Reads a document of an issuer: small JSON, whole, from where it was asked for.
//!
//! Must never: follow a redirect, or take more than was said.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};

use crate::answer::whole::is_plain;
use crate::dialect::sent_on::OUR_USER_AGENT;
use crate::upstream::connect::Endpoint;

/// The document at `target` there, of at most `max_bytes`. `None`: there is none that can be read.
pub(super) async fn get(endpoint: &Endpoint, target: Uri, max_bytes: usize) -> Option<Bytes> {
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
    let mut sender = endpoint.connect().await.ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || kind == "application/jwk-set+json";
    if answer.status() != StatusCode::OK || !is_json || !is_plain(answer.headers()) {
        return None;
    }
    Limited::new(answer.into_body(), max_bytes).collect().await.ok().map(Collected::to_bytes)
}
