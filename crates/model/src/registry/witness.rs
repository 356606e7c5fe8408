//! What the log says of a witness that knows another tree of it (`docs/formats.md` §8).

use serde_json::{Map, Value as Json};

use super::object;
use crate::form::{FormFault, Members};

/// How the witness's tree and the log's differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Divergence {
    /// The witness has cosigned a tree that is larger than the log: the log was put back to an earlier state.
    RolledBack,
    /// The witness has cosigned a tree that is not a part of the log's: there were two histories.
    Forked,
}

impl Divergence {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RolledBack => "rolled_back",
            Self::Forked => "forked",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::RolledBack, Self::Forked].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// States that a witness knows another tree of this log. The log records nothing more until somebody has answered for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConflictFound {
    /// How the trees differ.
    pub kind: Divergence,
    /// Whether the other tree was seen under the log's own signature; else there is the witness's word alone.
    pub proved: bool,
    /// Size of the witness's tree.
    pub size: u64,
}

impl ConflictFound {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("kind", self.kind.as_str().into()),
            ("proved", self.proved.into()),
            ("size", self.size.into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self {
            kind: members
                .typed("kind", "is not rolled_back or forked", |value| Divergence::parse(value.as_str()?))?,
            proved: members.flag("proved")?,
            size: members.natural("size")?,
        })
    }
}
