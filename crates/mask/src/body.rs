//! Masks and restores strings of a JSON body where they stand, as edits of its bytes.
//!
//! Promises that no escape hides a value (`\u0040` is an at sign, also when the string is JSON itself), and that what is put
//! in is valid where it stands.

use std::ops::Range;

use crate::class::{Class, Classes};
use crate::edits::{Edits, OverlapError};
use crate::json::{self, Limits, Path, RawString, Scalar, Unescaped, Visitor, escaped};
use crate::restore::{Placing, Search, next_known};
use crate::scan::scan;
use crate::scope::{Scope, ScopeFull};

/// What a string of a body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text for people or models.
    Text,
    /// JSON within the string, such as the arguments of a tool call. Text that is not JSON after all is treated as text.
    Json,
}

/// A value that was replaced: what a record may say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What it was.
    pub class: Class,
    /// Where it stood, in bytes of the body (or of the text, for [`mask_text`]).
    pub range: Range<usize>,
    /// What stands there now.
    pub placeholder: String,
}

/// Replaces the values in a text.
pub fn mask_text(
    text: &str,
    classes: Classes,
    scope: &mut Scope,
) -> Result<(String, Vec<Masked>), ScopeFull> {
    let mut out = String::with_capacity(text.len());
    let mut masked = Vec::new();
    let mut kept = 0;
    for finding in scan(text, classes) {
        let placeholder = scope.issue(finding.class, finding.value)?;
        out.push_str(text.get(kept..finding.range.start).unwrap_or_default());
        out.push_str(&placeholder);
        kept = finding.range.end;
        masked.push(Masked { class: finding.class, range: finding.range, placeholder });
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Ok((out, masked))
}

/// Why a string cannot be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Too many values.
    #[error(transparent)]
    Full(#[from] ScopeFull),
    /// The string was edited before.
    #[error(transparent)]
    Overlap(#[from] OverlapError),
}

/// Where to look in a body, and for what.
#[derive(Clone, Copy)]
pub struct Place<'b> {
    /// The string, with its quotes.
    pub string: RawString<'b>,
    /// Where its opening quote stands in the body.
    pub at: usize,
    /// What it holds.
    pub content: Content,
}

/// Replaces the values in a string of a body. After an error the edits are incomplete and the body may not be sent.
pub fn mask_string(
    place: Place<'_>,
    classes: Classes,
    scope: &mut Scope,
    edits: &mut Edits,
) -> Result<Vec<Masked>, EditError> {
    let outer = place.string.unescaped();
    let mut leaves = Leaves::default();
    let is_json = place.content == Content::Json
        && json::walk(outer.text.as_bytes(), &Limits::default(), &mut leaves).is_ok();
    let mut body = BodyMask { at: place.at, outer: &outer, scope, edits, masked: Vec::new() };
    if !is_json {
        for finding in scan(&outer.text, classes) {
            body.replace(finding.class, finding.value, finding.range, false)?;
        }
        return Ok(body.masked);
    }
    for (start, leaf) in leaves.0 {
        match leaf {
            Leaf::String(string) => {
                let inner = string.unescaped();
                for finding in scan(&inner.text, classes) {
                    let range = shifted(inner.raw_range(finding.range), start);
                    body.replace(finding.class, finding.value, range, false)?;
                }
            }
            Leaf::Number(number) => {
                if let Some(finding) = scan(number, classes).next() {
                    let range = start..start.saturating_add(number.len());
                    body.replace(finding.class, finding.value, range, true)?;
                }
            }
        }
    }
    Ok(body.masked)
}

/// Gives values back in a string of a body.
pub fn restore_string(place: Place<'_>, scope: &Scope, edits: &mut Edits) -> Result<(), OverlapError> {
    if scope.is_empty() {
        return Ok(());
    }
    let outer = place.string.unescaped();
    let placing = match place.content {
        Content::Text => Placing::Text,
        Content::Json => Placing::Json,
    };
    let mut at = 0;
    while let Search::Known(known) = next_known(&outer.text, at, scope, false) {
        at = known.range.end;
        let value = placing.write(known.value);
        edits.replace(shifted(outer.raw_range(known.range), place.at), escaped(&value).as_bytes())?;
    }
    Ok(())
}

/// The masking of one string of a body.
struct BodyMask<'a> {
    at: usize,
    outer: &'a Unescaped<'a>,
    scope: &'a mut Scope,
    edits: &'a mut Edits,
    masked: Vec<Masked>,
}

impl BodyMask<'_> {
    /// `range` is of the unescaped string; `quoted` where a number gives way to a string of JSON within it.
    fn replace(
        &mut self,
        class: Class,
        value: &str,
        range: Range<usize>,
        quoted: bool,
    ) -> Result<(), EditError> {
        let placeholder = self.scope.issue(class, value)?;
        let range = shifted(self.outer.raw_range(range), self.at);
        // A placeholder has no character that JSON escapes; the quotes around it, one level down, do.
        let with = if quoted { format!("\\\"{placeholder}\\\"") } else { placeholder.clone() };
        self.edits.replace(range.clone(), with)?;
        self.masked.push(Masked { class, range, placeholder });
        Ok(())
    }
}

fn shifted(range: Range<usize>, by: usize) -> Range<usize> {
    range.start.saturating_add(by)..range.end.saturating_add(by)
}

/// What can hold personal data in a JSON text, each with its place, in the order of the text: edits that come in order are
/// appended, others are inserted.
#[derive(Default)]
struct Leaves<'b>(Vec<(usize, Leaf<'b>)>);

enum Leaf<'b> {
    /// A string or the name of a member.
    String(RawString<'b>),
    Number(&'b str),
}

impl<'b> Visitor<'b> for Leaves<'b> {
    fn scalar(&mut self, _: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match scalar {
            Scalar::String(string) => self.0.push((range.start, Leaf::String(string))),
            Scalar::Number(number) => self.0.push((range.start, Leaf::Number(number))),
            Scalar::Null | Scalar::Bool(_) => {}
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, range: Range<usize>) {
        self.0.push((range.start, Leaf::String(name)));
    }
}
