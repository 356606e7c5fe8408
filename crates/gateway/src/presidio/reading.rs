//! Bodies of requests, read strictly and in bounds.
//!
//! Promises: a name that stands twice, a member that is not known and a body of very many values are refused, before anything of it is built. Must never: say what
//! a body held.

use std::ops::Range;

use serde::de::DeserializeOwned;
use tabellion_mask::json::{Limits, Path, RawString, Scalar, Visitor, walk};

use crate::decide::Refusal;

use super::{MAX_TEXT_BYTES, malformed, too_large};

/// Most values that hold no others: sixteen for each finding that may come, and as many again.
const MAX_VALUES: usize = 2 * 16 * super::MAX_FINDINGS;
/// Longest word for a language: `en`, `pt-br`.
const MAX_LANGUAGE_BYTES: usize = 8;

/// What a request of one route may hold.
pub(super) struct Form {
    /// Members at the top.
    pub(super) members: &'static [&'static str],
    /// What to tell whoever sends something else.
    pub(super) wanted: &'static str,
}

/// Looks at names and counts.
struct Seen {
    members: &'static [&'static str],
    has_unknown: bool,
    values: usize,
}

impl<'b> Visitor<'b> for Seen {
    fn scalar(&mut self, _: Path<'_, 'b>, _: Scalar<'b>, _: Range<usize>) {
        self.values = self.values.saturating_add(1);
    }

    fn name(&mut self, path: Path<'_, 'b>, _: RawString<'b>, _: Range<usize>) {
        self.has_unknown |= path.top().is_some_and(|name| !self.members.contains(&name));
    }
}

/// The request in a body.
pub(super) fn request<T: DeserializeOwned>(body: &[u8], form: &Form) -> Result<T, Refusal> {
    let mut seen = Seen { members: form.members, has_unknown: false, values: 0 };
    walk(body, &Limits::default(), &mut seen).map_err(|fault| malformed(fault.to_string()))?;
    if seen.has_unknown {
        return Err(malformed(format!(
            "a member is not known here, and it may change what the others mean; send only {}",
            form.members.join(", ")
        )));
    }
    if seen.values > MAX_VALUES {
        return Err(too_large(format!("the body holds more than {MAX_VALUES} values; send less at once")));
    }
    // What the reader says of a value that does not fit may repeat it.
    serde_json::from_slice(body).map_err(|_| malformed(form.wanted))
}

/// Whether a text is in the bounds.
pub(super) fn check_text(bytes: usize) -> Result<(), Refusal> {
    if bytes <= MAX_TEXT_BYTES {
        return Ok(());
    }
    Err(too_large(format!("the text is longer than {MAX_TEXT_BYTES} bytes; send it in parts")))
}

/// Whether `language` can be the name of one: `en`, `pt-br`.
pub(super) fn is_language(language: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    (2..=MAX_LANGUAGE_BYTES).contains(&language.len()) && language.bytes().all(plain)
}
