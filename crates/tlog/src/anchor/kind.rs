//! The kinds of anchors there are.

use std::fmt;

/// Who is asked to vouch for a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnchorKind {
    /// A time-stamp authority (RFC 3161).
    Rfc3161,
    /// An `OpenTimestamps` calendar, which commits to Bitcoin blocks.
    OpenTimestamps,
    /// Arweave, through an upload service that takes ANS-104 data items.
    Arweave,
    /// A chain that speaks Ethereum's JSON-RPC.
    Evm,
    /// A log that takes the checkpoints of other logs, its shards, as entries.
    RootLog,
}

impl AnchorKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Rfc3161, Self::OpenTimestamps, Self::Arweave, Self::Evm, Self::RootLog];

    /// The word in files and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfc3161 => "rfc3161",
            Self::OpenTimestamps => "opentimestamps",
            Self::Arweave => "arweave",
            Self::Evm => "evm",
            Self::RootLog => "root-log",
        }
    }

    /// The kind of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How files with its evidence end.
    pub fn file_ending(self) -> &'static str {
        match self {
            Self::Rfc3161 => "tsr",
            Self::OpenTimestamps => "ots",
            Self::Arweave => "ans104",
            Self::Evm => "evm",
            Self::RootLog => "receipt",
        }
    }
}

impl fmt::Display for AnchorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
