//! Errors in the form of Presidio: one sentence. Code and record stand in the headers.

use bytes::Bytes;
use serde_json::json;

/// The body of an error.
pub(crate) fn error_body(message: &str) -> Bytes {
    Bytes::from(json!({ "error": message }).to_string())
}
