//! Errors in the form of the interface of Anthropic.

use bytes::Bytes;
use hyper::header::HeaderName;
use serde_json::json;
use tabellion_ledger::Ack;

use crate::code::Code;

/// What the library shows as the id of a request: the record id of its decision.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// `type` of an error, by its status, as the provider itself uses it.
pub(crate) fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 | 410 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// The body of an error. Its form has no place for a code of ours, so the message begins with it.
pub(crate) fn error_body(code: Code, message: &str, record: Option<&Ack>) -> Bytes {
    let mut body = json!({
        "type": "error",
        "error": { "type": error_type(code.status()), "message": format!("{}: {message}", code.as_str()) },
    });
    if let (Some(record), Some(members)) = (record, body.as_object_mut()) {
        members.insert("request_id".to_owned(), record.record_id.to_hex().into());
    }
    Bytes::from(body.to_string())
}
