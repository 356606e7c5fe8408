//! Errors in the form of the interface of Bedrock, as libraries of AWS read it.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;
use tabellion_ledger::Ack;

use crate::code::Code;

/// What the libraries show as the id of a request: the record id of its decision.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// Which exception the libraries raise.
pub(super) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The exception of a status, as the service itself has it.
pub(super) fn error_type(status: u16) -> HeaderValue {
    HeaderValue::from_static(match status {
        401 | 403 => "AccessDeniedException",
        404 | 410 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        504 => "ModelTimeoutException",
        500.. => "InternalServerException",
        _ => "ValidationException",
    })
}

/// The body of an error. Libraries show its message and nothing else, so that begins with our code.
pub(super) fn error_body(code: Code, message: &str, record: Option<&Ack>) -> Bytes {
    let mut body = json!({ "message": format!("{}: {message}", code.as_str()) });
    if let (Some(record), Some(members)) = (record, body.as_object_mut()) {
        members.insert("record".to_owned(), record.record_id.to_hex().into());
    }
    Bytes::from(body.to_string())
}
