//! Canonical JSON: RFC 8785 (JCS) with the rules that `docs/formats.md` §1 adds.
//!
//! Promises: bytes that [`parse_jcs`] accepts are the only bytes that mean that value, so a digest over them is a digest over the meaning.
//! Numbers are integers within ±(2^53−1), nesting is bounded, duplicate members are refused. Error texts never carry values.

mod read;

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::{Map, Value};

pub use read::parse_jcs;
pub(crate) use read::{StrictInside, parse_strict};

/// A JSON value. Members of objects are kept sorted by `serde_json`; the canonical order (UTF-16) is applied when bytes are written.
pub type Json = Value;

/// Most levels of arrays and objects inside each other. Records need 4; the rest is room for bodies, and small enough for any reader's stack.
pub const MAX_NESTING: usize = 32;
/// Largest integer that every JSON reader holds exactly: 2^53 − 1. Larger numbers are written as strings.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// Longest member name that error texts show; longer ones are cut.
const MAX_SHOWN_NAME: usize = 64;

/// Why a JSON text or value has no place in a signed format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JcsError {
    /// Not JSON at all.
    #[error("not valid JSON near byte {at}")]
    Malformed {
        /// Offset in bytes at which reading stopped.
        at: usize,
    },
    /// A member name occurs twice in one object.
    #[error("member {member} occurs twice")]
    DuplicateMember {
        /// Path of the member.
        member: String,
    },
    /// A number that is not an integer within ±(2^53−1).
    #[error("{member} holds a number that is not an integer within ±(2^53−1); write it as a string")]
    NotAnInteger {
        /// Path of the number.
        member: String,
    },
    /// Too many arrays and objects inside each other.
    #[error("{member} nests deeper than {MAX_NESTING} levels")]
    TooDeep {
        /// Path of the outermost member that is too deep.
        member: String,
    },
    /// Valid JSON that is written in another way than RFC 8785 prescribes.
    #[error(
        "the bytes are not the canonical form (RFC 8785): white space, member order, escapes or number form differ at byte {at}"
    )]
    NotCanonical {
        /// Offset of the first byte that differs.
        at: usize,
    },
    /// The canonical writer failed; no value that passed [`check`] is known to do this.
    #[error("the value cannot be written as canonical JSON")]
    Unwritable,
}

/// Writes the canonical form.
///
/// Refuses floats, integers out of range and nesting deeper than [`MAX_NESTING`].
pub fn to_jcs(value: &Json) -> Result<Vec<u8>, JcsError> {
    check(value)?;
    let mut out = Vec::new();
    write_into(value, &mut out)?;
    Ok(out)
}

/// Appends a value that passed [`check`]. RFC 8785 takes the form of strings and integers from ECMAScript, which `serde_json` shares; floats, whose form
/// differs, the check refuses. What is left is the order of members.
pub(crate) fn write_into(value: &Json, out: &mut Vec<u8>) -> Result<(), JcsError> {
    match value {
        Json::Array(items) => write_between(*b"[]", items, out, write_into),
        Json::Object(members) => {
            let mut members: Vec<(&String, &Json)> = members.iter().collect();
            members.sort_unstable_by(|(left, _), (right, _)| in_order(left, right));
            write_between(*b"{}", &members, out, |(name, member), out| {
                write_text(name, out)?;
                out.push(b':');
                write_into(member, out)
            })
        }
        Json::String(text) => write_text(text, out),
        Json::Null | Json::Bool(_) | Json::Number(_) => write_plain(value, out),
    }
}

/// Members are sorted by the UTF-16 code units of their names (RFC 8785 §3.2.3); among names in ASCII that is the order of their bytes.
fn in_order(left: &str, right: &str) -> Ordering {
    if left.is_ascii() && right.is_ascii() {
        return left.cmp(right);
    }
    left.encode_utf16().cmp(right.encode_utf16())
}

fn write_between<T>(
    [open, close]: [u8; 2],
    items: &[T],
    out: &mut Vec<u8>,
    write: impl Fn(&T, &mut Vec<u8>) -> Result<(), JcsError>,
) -> Result<(), JcsError> {
    out.push(open);
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    out.push(close);
    Ok(())
}

/// Appends a string. Most need no escape, which a look at all bytes at once finds out faster than a look at each while it is copied.
fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), JcsError> {
    let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // No early end, so that the compiler compares many bytes at a time.
    if text.bytes().fold(false, |found, byte| found | needs_escape(byte)) {
        return write_plain(text, out);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

fn write_plain<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), JcsError> {
    serde_json::to_writer(out, value).map_err(|_| JcsError::Unwritable)
}

/// Checks the rules that `docs/formats.md` §1 adds to RFC 8785: integers only, bounded nesting.
pub fn check(value: &Json) -> Result<(), JcsError> {
    check_at(value, 0, &mut Vec::new())
}

/// [`check`] for a value that will stand inside `depth` arrays and objects.
pub(crate) fn check_inside(value: &Json, depth: usize) -> Result<(), JcsError> {
    check_at(value, depth, &mut Vec::new())
}

/// [`check`] for the members of an object.
pub(crate) fn check_members(members: &Map<String, Json>) -> Result<(), JcsError> {
    let mut path = Vec::new();
    members.iter().try_for_each(|(name, member)| {
        path.push(name.as_str());
        check_at(member, 1, &mut path)?;
        path.pop();
        Ok(())
    })
}

/// Walks `value`, which lies inside `depth` containers; the recursion is bounded by [`MAX_NESTING`].
fn check_at<'v>(value: &'v Json, depth: usize, path: &mut Vec<&'v str>) -> Result<(), JcsError> {
    match value {
        Json::Null | Json::Bool(_) | Json::String(_) => Ok(()),
        Json::Number(number) if is_safe_integer(number) => Ok(()),
        Json::Number(_) => Err(JcsError::NotAnInteger { member: shown_path(path) }),
        Json::Array(_) | Json::Object(_) if depth == MAX_NESTING => {
            Err(JcsError::TooDeep { member: shown_path(path) })
        }
        Json::Array(items) => items.iter().try_for_each(|item| check_at(item, depth + 1, path)),
        Json::Object(members) => members.iter().try_for_each(|(name, member)| {
            path.push(name);
            check_at(member, depth + 1, path)?;
            path.pop();
            Ok(())
        }),
    }
}

fn is_safe_integer(number: &serde_json::Number) -> bool {
    match (number.as_u64(), number.as_i64()) {
        (Some(unsigned), _) => unsigned <= MAX_INTEGER,
        (None, Some(signed)) => signed.unsigned_abs() <= MAX_INTEGER,
        (None, None) => false,
    }
}

fn shown_path(path: &[&str]) -> String {
    if path.is_empty() {
        return "the value".to_owned();
    }
    path.iter().map(|name| shown_name(name)).collect::<Vec<_>>().join(".")
}

/// A member name as error texts show it: names of our own form as they are, everything else (it may be content) as `*`.
pub(crate) fn shown_name(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.is_empty() && name.len() <= MAX_SHOWN_NAME && name.bytes().all(plain) { name } else { "*" }
}

/// Offset of the first byte in which the two texts differ.
pub(crate) fn first_difference(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(a, b)| a == b).count()
}
