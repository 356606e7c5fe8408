//! Gives values back in text: placeholders of this scope become what they stand for, everything else stays as it is.

use std::borrow::Cow;

use crate::json;
use crate::placeholder::{self, Place, may_begin};
use crate::scan::resolved;
use crate::scope::Scope;

/// What the text is in which values are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placing {
    /// Prose, code, anything: the value as it is.
    Text,
    /// JSON, such as the arguments of a tool call: the value as the inside of a JSON string.
    Json,
}

impl Placing {
    /// The value as it is written in such text. One that was written with escapes keeps them in prose; a reader of JSON
    /// would take them for its own text.
    pub(crate) fn write(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Text => Cow::Borrowed(value),
            Self::Json => match resolved(value) {
                Cow::Borrowed(value) => json::escaped(value),
                Cow::Owned(value) => Cow::Owned(json::escaped(&value).into_owned()),
            },
        }
    }
}

/// The text with its values given back; borrowed when there is nothing to give back.
pub fn restore_text<'t>(text: &'t str, scope: &Scope, placing: Placing) -> Cow<'t, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(Known { range, value, .. }) = next_known(text, at, scope, false).known() {
        out.push_str(text.get(kept..range.start).unwrap_or_default());
        out.push_str(&placing.write(value));
        kept = range.end;
        at = range.end;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

/// A placeholder that this scope issued.
pub(crate) struct Known<'s> {
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) value: &'s str,
}

/// What a search comes to.
pub(crate) enum Search<'s> {
    Known(Known<'s>),
    /// Nothing more; bytes before this one are decided, whatever may come.
    Settled(usize),
}

impl<'s> Search<'s> {
    pub(crate) fn known(self) -> Option<Known<'s>> {
        match self {
            Self::Known(known) => Some(known),
            Self::Settled(_) => None,
        }
    }
}

/// The next placeholder of this scope from a place on.
pub(crate) fn next_known<'s>(text: &str, from: usize, scope: &'s Scope, more: bool) -> Search<'s> {
    let mut at = from;
    while let Some(offset) =
        text.as_bytes().get(at..).and_then(|rest| rest.iter().position(|byte| may_begin(*byte)))
    {
        let start = at.saturating_add(offset);
        match placeholder::at(text, start, more) {
            Place::No => at = start.saturating_add(1),
            Place::More => return Search::Settled(start),
            Place::Here { range, class, code } => match scope.value(class, code) {
                Some(value) => return Search::Known(Known { range, value }),
                None => at = range.end,
            },
        }
    }
    Search::Settled(text.len())
}
