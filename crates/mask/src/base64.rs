//! Pictures, files and sound that are written as text, in which nothing can be found.
//!
//! Promises to take only what is base 64 from end to end for it: a member's name says nothing about what is in it.

use crate::class::Classes;
use crate::scan::scan;

/// Fewer characters are read as text: the longest account number has 34, and no picture is that small.
const SHORTEST: usize = 64;

/// Whether a string is base 64 (RFC 4648, 4) without blanks, alone or as the data of a `data:` URL whose front holds nothing
/// of these classes.
pub fn is_base64(text: &str, classes: Classes) -> bool {
    match text.split_once(";base64,") {
        Some((front, data)) if front.starts_with("data:") => {
            scan(front, classes).next().is_none() && is_data(data)
        }
        _ => is_data(text),
    }
}

fn is_data(data: &str) -> bool {
    let unpadded = data.strip_suffix("==").or_else(|| data.strip_suffix('=')).unwrap_or(data);
    data.len() >= SHORTEST
        && data.len().is_multiple_of(4)
        && unpadded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
