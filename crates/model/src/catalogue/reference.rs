//! The id of one leaf clause or control.
//!
//! Promises: there is no value of this type for an id that the standard does not have, so no page, rule or record can name one.

use std::fmt;

use super::{CATALOGUE, Item, Kind};

/// A leaf clause or an Annex A control of ISO/IEC 42001:2023, such as `8.4` or `A.6.2.8`. Ordered as the standard is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(pub(super) u8);

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A heading, under which clauses or controls stand.
    #[error("{given} is a heading of ISO/IEC 42001; name one of {below}")]
    Heading {
        /// What was given.
        given: String,
        /// What stands under it.
        below: String,
    },
    /// Neither.
    #[error(
        "ISO/IEC 42001 has no clause or control {given:?}; controls are A.2.2 to A.10.4, and none ends in .1"
    )]
    Unknown {
        /// What was given, cut short.
        given: String,
    },
}

impl Reference {
    /// Reads a reference; one spelling each.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if let Some(found) = Self::all().find(|reference| reference.as_str() == text) {
            return Ok(found);
        }
        let below: Vec<&str> = Self::all()
            .map(Self::as_str)
            .filter(|id| id.strip_prefix(text).is_some_and(|rest| rest.starts_with('.')))
            .collect();
        if CATALOGUE.headings.iter().any(|heading| heading.id == text) {
            return Err(ReferenceError::Heading { given: text.to_owned(), below: below.join(", ") });
        }
        Err(ReferenceError::Unknown { given: text.chars().take(20).collect() })
    }

    /// All 70 in the order of the standard: 32 leaf clauses, then 38 controls.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (0..CATALOGUE.items.len()).map(|place| Self(u8::try_from(place).unwrap_or(u8::MAX)))
    }

    /// The 38 controls of Annex A.
    pub fn controls() -> impl Iterator<Item = Self> {
        Self::all().filter(|reference| reference.item().kind == Kind::Control)
    }

    /// What the catalogue says of it.
    #[expect(
        clippy::indexing_slicing,
        reason = "INVARIANT: a reference is made from a place in this very list"
    )]
    pub fn item(self) -> &'static Item {
        &CATALOGUE.items[usize::from(self.0)]
    }

    /// Its place in the standard's order, from 0.
    pub fn place(self) -> usize {
        usize::from(self.0)
    }

    /// Its text.
    pub fn as_str(self) -> &'static str {
        self.item().id
    }

    /// Whether it is a control of Annex A.
    pub fn is_control(self) -> bool {
        self.item().kind == Kind::Control
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
