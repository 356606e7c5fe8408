//! Why a body is refused. Never says what it held.

/// What is wrong with a JSON text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JSON body is refused at byte {at}: {problem}")]
pub struct JsonFault {
    /// Offset in bytes.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More bytes than allowed.
    #[error("it is longer than allowed; send less")]
    TooLarge,
    /// Not UTF-8.
    #[error("it is not UTF-8; encode it as UTF-8 (RFC 8259, 8.1)")]
    NotUtf8,
    /// Deeper than allowed.
    #[error("arrays and objects are nested too deeply; flatten it")]
    TooDeep,
    /// A member name that the object already has.
    #[error("a member name occurs twice in one object, so that readers differ; send it once")]
    DuplicateName,
    /// Something behind the value.
    #[error("something follows the value; send one value")]
    Trailing,
    /// The text ends within a value.
    #[error("it ends too early; send all of it")]
    Truncated,
    /// Not what the grammar has here.
    #[error("this is not JSON (RFC 8259)")]
    Syntax,
    /// An escape that is none, or half of a surrogate pair.
    #[error("an escape in a string is not valid or is half of a surrogate pair")]
    Escape,
    /// A control character that is not escaped.
    #[error("a control character in a string is not escaped")]
    Control,
    /// A number that is none or does not fit a double.
    #[error("a number is not valid or too large for a double")]
    Number,
}

impl Problem {
    /// A stable code for error answers and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "json_too_large",
            Self::NotUtf8 => "json_not_utf8",
            Self::TooDeep => "json_too_deep",
            Self::DuplicateName => "json_duplicate_name",
            Self::Trailing => "json_trailing",
            Self::Truncated => "json_truncated",
            Self::Syntax => "json_syntax",
            Self::Escape => "json_escape",
            Self::Control => "json_control",
            Self::Number => "json_number",
        }
    }

    pub(crate) const fn at(self, at: usize) -> JsonFault {
        JsonFault { at, problem: self }
    }
}
