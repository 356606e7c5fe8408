//! What the log says of the count that an outside source keeps of its own records (`docs/formats.md` §7.1).

use serde_json::{Map, Value as Json};

use super::source_key::SIGNED;
use super::{HeartbeatSignature, object};
use crate::form::{FormFault, Members};
use crate::id::ProducerId;

/// One life of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceLife {
    /// Who counts: an id that the source drew for itself and keeps.
    pub producer: ProducerId,
    /// Which life of it, from 1.
    pub epoch: u64,
}

/// Numbers of one life of a source, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceSpan {
    /// Whose numbers.
    pub life: SourceLife,
    /// The first, from 1.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A sign of life with the counts of its epoch: `source.heartbeat`. A source sends in the order of its numbers, so what waits is the end of its count:
/// every number up to `last_seq` − `spooled` is in the log or declared lost, by the source's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose.
    pub life: SourceLife,
    /// Which heartbeat of the epoch this is, from 1.
    pub beat: u64,
    /// The last number that was given out; 0 when none was.
    pub last_seq: u64,
    /// Numbers that the log has acknowledged.
    pub sent: u64,
    /// Of those, numbers whose content was left out by sampling.
    pub sampled: u64,
    /// Numbers that are declared lost.
    pub lost: u64,
    /// Numbers that wait to be sent.
    pub spooled: u64,
    /// How long it takes, at most, until the source is heard of again, in seconds, from 1.
    pub interval_s: u64,
    /// Whether the epoch ends here: no number above `last_seq` is ever given out in it.
    pub closed: bool,
    /// The source's own signature; none: the notary wrote it down as it was sent under an API key.
    pub signed: Option<Box<HeartbeatSignature>>,
}

/// Why a source declares numbers lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossReason {
    /// Its spool was full and what came was refused.
    SpoolFull,
    /// Its spool was damaged.
    SpoolDamaged,
    /// The log refused the record for good.
    Refused,
    /// Something else.
    Other,
}

/// What made the log say that numbers are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapReason {
    /// A later number came, and these did not within the time allowed.
    Jump,
    /// The source itself said that they are here.
    Heartbeat,
}

impl LossReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::SpoolFull, Self::SpoolDamaged, Self::Refused, Self::Other];

    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SpoolFull => "spool_full",
            Self::SpoolDamaged => "spool_damaged",
            Self::Refused => "refused",
            Self::Other => "other",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl GapReason {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Jump, Self::Heartbeat].into_iter().find(|reason| reason.as_str() == text)
    }
}

impl SourceLife {
    pub(crate) fn read(members: &mut Members) -> Result<Self, FormFault> {
        Ok(Self { producer: members.id("producer")?, epoch: members.count("epoch")? })
    }
}

impl SourceSpan {
    pub(super) fn to_clear(self) -> Map<String, Json> {
        object([
            ("epoch", self.life.epoch.into()),
            ("first", self.first.into()),
            ("last", self.last.into()),
            ("producer", self.life.producer.to_hex().into()),
        ])
    }

    pub(super) fn with_reason(self, name: &str, reason: &str) -> Map<String, Json> {
        let mut clear = self.to_clear();
        clear.insert(name.to_owned(), reason.into());
        clear
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let span = Self {
            life: SourceLife::read(members)?,
            first: members.count("first")?,
            last: members.count("last")?,
        };
        if span.first > span.last {
            return Err(members.fault("last", "comes before `first`"));
        }
        Ok(span)
    }
}

impl Heartbeat {
    pub(super) fn to_clear(&self) -> Map<String, Json> {
        let mut clear = self.counts();
        clear.extend(self.signed.as_ref().map(|signed| (SIGNED.to_owned(), signed.to_json())));
        clear
    }

    /// Everything but the signature.
    pub(super) fn counts(&self) -> Map<String, Json> {
        object([
            ("beat", self.beat.into()),
            ("closed", self.closed.into()),
            ("epoch", self.life.epoch.into()),
            ("interval_s", self.interval_s.into()),
            ("last_seq", self.last_seq.into()),
            ("lost", self.lost.into()),
            ("producer", self.life.producer.to_hex().into()),
            ("sampled", self.sampled.into()),
            ("sent", self.sent.into()),
            ("spooled", self.spooled.into()),
        ])
    }

    pub(super) fn read(members: &mut Members) -> Result<Self, FormFault> {
        let beat = Self {
            life: SourceLife::read(members)?,
            beat: members.count("beat")?,
            last_seq: members.natural("last_seq")?,
            sent: members.natural("sent")?,
            sampled: members.natural("sampled")?,
            lost: members.natural("lost")?,
            spooled: members.natural("spooled")?,
            interval_s: members.count("interval_s")?,
            closed: members.flag("closed")?,
            signed: HeartbeatSignature::read(members)?,
        };
        if beat.adds_up() {
            Ok(beat)
        } else {
            Err(members.fault("last_seq", "is not what the counts add up to"))
        }
    }

    /// Whether its counts can be: every number is sent, lost or waiting; nothing waits in an epoch that is closed.
    pub fn adds_up(&self) -> bool {
        let counted = [self.sent, self.lost, self.spooled].into_iter().try_fold(0_u64, u64::checked_add);
        counted == Some(self.last_seq) && self.sampled <= self.sent && !(self.closed && self.spooled > 0)
    }

    /// The last number that is in the log or declared lost, by the source's word.
    pub fn settled(&self) -> u64 {
        self.last_seq.saturating_sub(self.spooled)
    }
}
