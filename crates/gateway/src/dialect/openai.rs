//! Errors in the form of the interface of `OpenAI`.

use bytes::Bytes;
use hyper::header::HeaderName;
use serde_json::json;
use tabellion_ledger::Ack;

use crate::code::Code;

/// What the library shows as the id of a request: the record id of its decision.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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
