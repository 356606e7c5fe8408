//! How far the evidence of an entry has come, and waiting for more of it.
//!
//! Promises: a level is said to be reached only when what proves it is durable here: a checkpoint that covers the entry and is cosigned, evidence of an
//! anchor that was confirmed. Must never: hold up an append, or name a level that was only asked for.

use std::time::Duration;

use crate::anchor::covering;
use crate::commit::Ack;
use crate::draft::Draft;
use crate::error::{LedgerError, RejectCode};
use crate::ledger::Ledger;
use crate::reader::Reader;

/// What an append may be asked to wait for.
///
/// The log's own two are reached together, before anybody is told of the entry: the write that makes it durable carries its checkpoint. The other two
/// come from others, later, and do not follow from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum AckLevel {
    /// On this log's disk.
    Durable,
    /// Under a signed checkpoint of this log.
    #[default]
    Included,
    /// Under a checkpoint that enough witnesses have cosigned.
    Witnessed,
    /// Under a checkpoint that an anchor has confirmed.
    Anchored,
}

impl AckLevel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Durable, Self::Included, Self::Witnessed, Self::Anchored];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Included => "included",
            Self::Witnessed => "witnessed",
            Self::Anchored => "anchored",
        }
    }

    /// The level of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// What an anchor has confirmed for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchoredBy {
    /// The anchor's name in the configuration.
    pub name: String,
    /// Size of the smallest confirmed checkpoint that covers the entry.
    pub size: u64,
}

/// How far an entry has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The entry.
    pub index: u64,
    /// Size of the checkpoint that covers it and is cosigned; `None`: none is.
    pub witnessed: Option<u64>,
    /// Anchors that cover it, by name.
    pub anchored: Vec<AnchoredBy>,
}

impl Reached {
    /// Whether `level` is reached.
    pub fn has(&self, level: AckLevel) -> bool {
        match level {
            AckLevel::Durable | AckLevel::Included => true,
            AckLevel::Witnessed => self.witnessed.is_some(),
            AckLevel::Anchored => !self.anchored.is_empty(),
        }
    }

    /// Every level that is reached.
    pub fn levels(&self) -> impl Iterator<Item = AckLevel> {
        AckLevel::ALL.into_iter().filter(|level| self.has(*level))
    }
}

impl Reader {
    /// How far entry `index` has come. `NotFound` when the log has no such entry; `Unavailable` when the anchors' files cannot be read.
    pub fn reached(&self, index: u64) -> Result<Reached, LedgerError> {
        let size = self.size();
        if index >= size {
            return Err(LedgerError::rejected(
                RejectCode::NotFound,
                format!("there is no entry {index}; the log has {size}"),
            ));
        }
        let witnessed = self.cosigned().map(|cosigned| cosigned.checkpoint.size).filter(|size| index < *size);
        let anchored = covering(&self.shared.disk, index)
            .map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        Ok(Reached { index, witnessed, anchored })
    }

    /// The same as soon as `level` is reached, or `patience` is over. Anchors take minutes to hours, so nobody waits for them: what they have confirmed by
    /// now is told at once.
    pub fn wait_for_level(
        &self,
        index: u64,
        level: AckLevel,
        patience: Duration,
    ) -> Result<Reached, LedgerError> {
        let reached = self.reached(index)?;
        if reached.has(level) || level != AckLevel::Witnessed {
            return Ok(reached);
        }
        self.shared.cosigned_size.wait_above(index, patience);
        self.reached(index)
    }
}

impl Ledger {
    /// Seals and appends one draft and waits until `level` is reached, for the rest at most `patience` after it is durable. What was appended stays
    /// appended whatever was reached; asking again is [`Reader::reached`].
    pub fn append_to(
        &self,
        draft: &Draft,
        level: AckLevel,
        patience: Duration,
    ) -> Result<(Ack, Reached), LedgerError> {
        let ack = self.append(draft)?;
        let reached = self.reader().wait_for_level(ack.index, level, patience)?;
        Ok((ack, reached))
    }
}
