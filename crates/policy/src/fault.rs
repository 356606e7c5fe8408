//! Why a policy's text is refused: what is wrong, at which line and column, and what to do about it.
//!
//! Promises: one fault at a time, the first in the text, in one line.

use std::fmt;

/// The most of somebody else's message that is repeated, in characters: a fault is read in one look.
const MAX_WHAT_CHARS: usize = 240;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The place of the byte at `offset`, or the text's end when it is beyond.
    pub(crate) fn at(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

/// What kind of fault it is; [`FaultKind::code`] is the word that programs may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The policy's name is not of the form that rule ids are built from.
    Name,
    /// Larger, deeper or more than a limit of this crate.
    Limit,
    /// Not Cedar.
    Syntax,
    /// Cedar, but it speaks of what our schema does not have, or compares what cannot be equal.
    Schema,
    /// A rule that can never apply, or characters that read as others.
    Misleading,
    /// An annotation or template that has no meaning here.
    Unsupported,
    /// Two rules, or two policies, of one name.
    Duplicate,
}

impl FaultKind {
    /// One word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "policy_name",
            Self::Limit => "policy_limit",
            Self::Syntax => "policy_syntax",
            Self::Schema => "policy_schema",
            Self::Misleading => "policy_misleading",
            Self::Unsupported => "policy_unsupported",
            Self::Duplicate => "policy_duplicate",
        }
    }
}

/// Why a text is refused. The text itself is repeated only as far as names go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// What kind.
    pub kind: FaultKind,
    /// The policy's name; empty when a text was checked before it had one.
    pub policy: String,
    /// Where.
    pub place: Place,
    /// What is wrong, without a full stop.
    pub what: String,
    /// What to do, without a full stop.
    pub advice: String,
}

impl PolicyFault {
    pub(crate) fn new(
        kind: FaultKind,
        place: Place,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            policy: String::new(),
            place,
            what: one_line(&what.into()),
            advice: one_line(&advice.into()),
        }
    }

    pub(crate) fn of_policy(mut self, name: &str) -> Self {
        name.clone_into(&mut self.policy);
        self
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.policy.is_empty() {
            write!(f, "policy {}, ", self.policy)?;
        }
        let Place { line, column } = self.place;
        write!(f, "line {line}, column {column}: {}: {}", self.what, self.advice)
    }
}

impl std::error::Error for PolicyFault {}

/// `message` on one line and no longer than a reader takes in, without the full stop and without control characters.
fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let joined = words.join(" ");
    let kept: String = joined
        .chars()
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .take(MAX_WHAT_CHARS)
        .collect();
    if kept.len() < joined.len() { format!("{kept} …") } else { kept.trim_end_matches('.').to_owned() }
}
