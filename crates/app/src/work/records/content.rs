//! What is kept of a file or an event: its fields, checked against the digest and size that came with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use tabellion_tlog::{Hash, sha256};

use super::{MAX_CONTENT_BYTES, NewEvent, NewFile, NewRecord};
use crate::refusal::{Code, Refusal};

/// The body of a record to be.
pub(super) struct Content {
    pub(super) fields: Map<String, Value>,
    pub(super) sha256: Option<String>,
    pub(super) kept: bool,
}

/// The content of `new`: exactly one of a file and an event.
pub(super) fn of(new: &NewRecord) -> Result<Content, Refusal> {
    match (&new.file, &new.event) {
        (Some(file), None) => file_content(file),
        (None, Some(event)) => event_content(event),
        _ => Err(Refusal::at(Code::Malformed, "", "exactly one of file and event is to be recorded")),
    }
}

fn file_content(file: &NewFile) -> Result<Content, Refusal> {
    let mut fields = Map::from_iter([("name".to_owned(), Value::from(file.name.as_str()))]);
    if let Some(media_type) = &file.media_type {
        fields.insert("media_type".to_owned(), Value::from(media_type.as_str()));
    }
    let (sha256, size) = match (&file.content, &file.sha256, file.size_bytes) {
        (Some(content), digest, size) => {
            let facts = checked_content(content, digest.as_deref(), size)?;
            fields.insert("content".to_owned(), Value::from(content.as_str()));
            facts
        }
        (None, Some(digest), Some(size)) => (digest.clone(), size),
        (None, _, _) => {
            return Err(Refusal::at(
                Code::Malformed,
                "/file",
                "without content, sha256 and size_bytes say which file it is",
            ));
        }
    };
    check_digest(&sha256, "/file/sha256")?;
    fields.insert("sha256".to_owned(), Value::from(sha256.as_str()));
    fields.insert("size".to_owned(), Value::from(size));
    Ok(Content { fields, sha256: Some(sha256), kept: file.content.is_some() })
}

fn checked_content(content: &str, digest: Option<&str>, size: Option<u64>) -> Result<(String, u64), Refusal> {
    let bytes = STANDARD.decode(content).map_err(|error| {
        Refusal::at(Code::Malformed, "/file/content", format!("this is not base64 (RFC 4648 §4): {error}"))
    })?;
    if bytes.len() > MAX_CONTENT_BYTES {
        return Err(Refusal::at(
            Code::TooLarge,
            "/file/content",
            format!("the file has {} bytes, at most {MAX_CONTENT_BYTES} are kept", bytes.len()),
        ));
    }
    let (computed, length) = (Hash::to_hex(&sha256(&bytes)), bytes.len() as u64);
    if digest.is_some_and(|digest| digest != computed) || size.is_some_and(|size| size != length) {
        return Err(Refusal::at(
            Code::DigestMismatch,
            "/file",
            format!("the content has SHA-256 {computed} and {length} bytes, the request says otherwise"),
        ));
    }
    Ok((computed, length))
}

fn event_content(event: &NewEvent) -> Result<Content, Refusal> {
    let mut fields = Map::from_iter([("name".to_owned(), Value::from(event.name.as_str()))]);
    if let Some(digest) = &event.sha256 {
        check_digest(digest, "/event/sha256")?;
        fields.insert("sha256".to_owned(), Value::from(digest.as_str()));
    }
    match &event.fields {
        Some(given) => {
            // One level down, so that no field of the event can pass for one of ours.
            fields.insert("event".to_owned(), Value::Object(given.clone()));
        }
        None if event.sha256.is_none() => {
            return Err(Refusal::at(
                Code::Malformed,
                "/event",
                "without fields, sha256 says which event it is",
            ));
        }
        None => {}
    }
    Ok(Content { fields, sha256: event.sha256.clone(), kept: event.fields.is_some() })
}

/// Refuses what is no SHA-256 as the API writes one.
pub(in crate::work) fn check_digest(digest: &str, pointer: &str) -> Result<(), Refusal> {
    match Hash::from_hex(digest) {
        Some(_) if !digest.bytes().any(|byte| byte.is_ascii_uppercase()) => Ok(()),
        _ => Err(Refusal::at(Code::Malformed, pointer, "a SHA-256 is 64 lower-case hex digits")),
    }
}
