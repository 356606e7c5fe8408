//! Errors in the form of the interface of `OpenAI`, and the headers that its libraries read.
//!
//! Promises: the status picks the exception class, `code` is a word of docs/records.md, `message` is one line. A denial is never retried by the
//! library, so that one is one record. Must never: repeat anything of a request's content or of a key.

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::json;
use tabellion_ledger::Ack;

use crate::body::AnswerBody;
use crate::code::Code;

/// What the library shows as the id of a request: the record id of its decision.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Read by the library: whether asking again may help.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Record id of the decision.
const RECORD: HeaderName = HeaderName::from_static("tabellion-record");
/// Index of its entry in the log.
const ENTRY: HeaderName = HeaderName::from_static("tabellion-entry");
/// Where its receipt is found: `<log size>/<entry>/<record id>`.
const RECEIPT: HeaderName = HeaderName::from_static("tabellion-receipt");
/// The word of docs/records.md, also for those who read no body.
const CODE: HeaderName = HeaderName::from_static("tabellion-code");

/// `type` of an error, by its status, as the provider itself uses it.
fn error_type(status: u16) -> &'static str {
    match status {
        401 | 403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

/// The body of an error. It names the record of the decision where there is one: an application that logs the exception can find the proof.
pub(crate) fn error_body(code: Code, message: &str, record: Option<&Ack>) -> Bytes {
    let mut error = json!({
        "message": message, "type": error_type(code.status()), "param": null, "code": code.as_str()
    });
    if let (Some(record), Some(members)) = (record, error.as_object_mut()) {
        members.insert("record".to_owned(), record.record_id.to_hex().into());
    }
    Bytes::from(json!({ "error": error }).to_string())
}

/// An error as a whole answer, with the reference of its record where there is one.
pub(crate) fn error(code: Code, message: &str, record: Option<&Ack>) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::from(error_body(code, message, record)));
    *answer.status_mut() = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CODE, HeaderValue::from_static(code.as_str()));
    if let Some(retry) = code.retry() {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static(if retry { "true" } else { "false" }));
    }
    if let Some(record) = record {
        refer(headers, record);
    }
    answer
}

/// Names the record of a decision in the headers of its answer.
pub(crate) fn refer(headers: &mut HeaderMap, record: &Ack) {
    let id = record.record_id.to_hex();
    let receipt = format!("{}/{}/{id}", record.size, record.index);
    for (name, text) in
        [(REQUEST_ID, id.clone()), (RECORD, id), (ENTRY, record.index.to_string()), (RECEIPT, receipt)]
    {
        // Digits and slashes; always a valid value.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// Headers of a provider's answer that are not passed on: those of its connection (RFC 9110, 7.6.1), those that we set, and those that would
/// act on the client as if we were the provider.
const NOT_RETURNED: [&str; 21] = [
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "server",
    "set-cookie",
    "strict-transport-security",
    "tabellion-code",
    "tabellion-entry",
    "tabellion-receipt",
    "tabellion-record",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-request-id",
];

/// Copies what may be passed on of a provider's headers.
pub(crate) fn return_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let named_by_connection: Vec<String> = from
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for (name, value) in from {
        let kept = NOT_RETURNED.binary_search(&name.as_str()).is_err()
            && !named_by_connection.iter().any(|named| named == name.as_str());
        if kept {
            to.append(name.clone(), value.clone());
        }
    }
}

/// How often the client's library had tried before, by its own count.
pub(crate) fn retry_count(headers: &HeaderMap) -> u64 {
    headers
        .get("x-stainless-retry-count")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u32>().ok())
        .map_or(0, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_headers_can_be_searched() {
        assert!(NOT_RETURNED.is_sorted(), "a header that must not be passed on would be");
    }

    #[test]
    fn a_denial_is_an_error_of_the_provider_that_is_not_retried() {
        let answer = error(Code::PolicyDenied, "no rule permits this", None);
        assert_eq!(answer.status(), 403, "the library would raise another exception");
        assert_eq!(answer.headers()["x-should-retry"], "false", "one denial would become three records");
        let body = error_body(Code::PolicyDenied, "no rule permits this", None);
        let body: serde_json::Value = serde_json::from_slice(&body).expect("an error is JSON");
        assert_eq!(body["error"]["code"], "policy_denied", "programs branch on this word");
        assert_eq!(body["error"]["message"], "no rule permits this", "people read this line");
    }

    #[test]
    fn only_harmless_headers_come_back() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("set-cookie", "c=d"),
            ("x-ratelimit-remaining-requests", "5"),
        ] {
            from.append(name, HeaderValue::from_static(value));
        }
        let mut back = HeaderMap::new();
        return_headers(&from, &mut back);
        for gone in ["connection", "x-hop", "set-cookie"] {
            assert!(!back.contains_key(gone), "{gone} is not for the client");
        }
        assert!(
            back.contains_key("x-ratelimit-remaining-requests"),
            "the client cannot see how much the provider still allows"
        );
    }
}
