//! The closed words and restricted names of a header. None needs escaping in JSON, which the record writer relies on.

use std::fmt;
use std::sync::Arc;

/// Longest record type.
const MAX_TYPE_BYTES: usize = 64;
/// Longest stream name.
const MAX_STREAM_BYTES: usize = 128;
/// Longest role of a parent.
const MAX_ROLE_BYTES: usize = 32;

/// Why a text is not a name of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Not a record type.
    #[error(
        "a record type is family.event: parts [a-z][a-z0-9_]* joined by points, at least two, at most {MAX_TYPE_BYTES} bytes"
    )]
    Type,
    /// Not a stream name.
    #[error(
        "a stream name is [a-z0-9][a-z0-9._/-]*, at most {MAX_STREAM_BYTES} bytes, made of ids, never of personal data"
    )]
    Stream,
}

/// What happened: `family.event`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(Arc<str>);

impl RecordType {
    /// Checks and keeps a type name.
    pub fn new(text: &str) -> Result<Self, WordError> {
        let parts_fit = text.split('.').all(is_word) && text.contains('.');
        if parts_fit && text.len() <= MAX_TYPE_BYTES { Ok(Self(text.into())) } else { Err(WordError::Type) }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first point.
    pub fn family(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type:{self}")
    }
}

/// The thing a record changes. Made of ids only. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// Checks and keeps a stream name.
    pub fn new(text: &str) -> Result<Self, WordError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = text.len() <= MAX_STREAM_BYTES
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|byte| plain(byte) || b"._/-".contains(&byte));
        if fits { Ok(Self(text.into())) } else { Err(WordError::Stream) }
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream:{self}")
    }
}

/// Whether `text` is a parent's role.
pub fn is_role(text: &str) -> bool {
    text.len() <= MAX_ROLE_BYTES && is_word(text)
}

/// `[a-z][a-z0-9_]*`
pub(crate) fn is_word(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Where a log is used; a sandbox record can never pass for a production one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Env {
    /// The real thing.
    Production,
    /// For trying out.
    Sandbox,
    /// For building.
    Development,
}

impl Env {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
            Self::Development => "development",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Production, Self::Sandbox, Self::Development].into_iter().find(|env| env.as_str() == text)
    }
}

impl fmt::Display for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the sealer of a record knows what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// Somebody said so.
    Claimed,
    /// The sealer saw it.
    Observed,
    /// Several independent sources agree.
    Corroborated,
    /// The actor signed it.
    Signed,
}

impl Assurance {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Observed => "observed",
            Self::Corroborated => "corroborated",
            Self::Signed => "signed",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Claimed, Self::Observed, Self::Corroborated, Self::Signed];
        all.into_iter().find(|assurance| assurance.as_str() == text)
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        for good in ["log.genesis", "a.b", "a1.b_2.c", &format!("a.{}", "b".repeat(62))] {
            assert!(RecordType::new(good).is_ok(), "{good} is a record type and would be refused");
        }
        for bad in [
            "",
            "log",
            ".a",
            "a.",
            "a..b",
            "A.b",
            "a.1b",
            "a._b",
            "a b.c",
            "a.b\n",
            "ä.b",
            &format!("a.{}", "b".repeat(63)),
        ] {
            assert!(RecordType::new(bad).is_err(), "{bad:?} would be written into records for ever");
        }
        for good in ["keys", "erasure/00ff", "0", "a.b_", "a/b.c-d"] {
            assert!(StreamName::new(good).is_ok(), "{good} is a stream name and would be refused");
        }
        for bad in ["", "-a", "/a", ".a", "a@b", "A", "a b", &"a".repeat(129)] {
            assert!(StreamName::new(bad).is_err(), "{bad:?} would be written into records for ever");
        }
        assert!(
            is_role("caused_by") && !is_role("1st") && !is_role("") && !is_role(&"a".repeat(33)),
            "roles have one form"
        );
    }

    #[test]
    fn closed_words_come_back_and_nothing_else_does() {
        for env in [Env::Production, Env::Sandbox, Env::Development] {
            assert_eq!(Env::parse(env.as_str()), Some(env), "an environment would be lost");
        }
        for assurance in [Assurance::Claimed, Assurance::Observed, Assurance::Corroborated, Assurance::Signed]
        {
            assert_eq!(Assurance::parse(assurance.as_str()), Some(assurance), "an assurance would be lost");
        }
        assert_eq!(
            (Env::parse("Production"), Assurance::parse("")),
            (None, None),
            "only the exact words count"
        );
    }
}
