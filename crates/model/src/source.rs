//! The count that an outside source keeps of what it sends (`docs/formats.md` §7.1): read from headers, folded, and what of it is missing.
//!
//! Promises: a number is here, declared lost or missing, never smoothed over; the result does not depend on the order in which records arrived.
//! Must never: count what an actor signed elsewhere, whose own count is §7's.

mod spans;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::form::Members;
use crate::header::Header;
use crate::id::ProducerId;
use crate::number::Coverage;
use crate::registry::{self, Facts, Heartbeat, Kind, SourceLife, SourceSpan};

pub use spans::Spans;

/// The member of `clear` that carries a source's number.
pub const SOURCE_MEMBER: &str = "source";
/// Most gaps of one epoch that a manifest names; the rest are in its count of missing numbers.
pub const MAX_NAMED_GAPS: usize = 64;

/// Why a record of a source comes without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withheld {
    /// Sampling left it out; a commitment to it is kept.
    Sampled,
    /// The source keeps it to itself; a commitment to it is kept.
    Private,
}

impl Withheld {
    /// The word in the formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::Private => "private",
        }
    }

    /// Reads the word of the formats.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sampled, Self::Private].into_iter().find(|word| word.as_str() == text)
    }
}

/// A source's own number of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceNumber {
    /// Who counts, in which life.
    pub life: SourceLife,
    /// The number, from 1.
    pub seq: u64,
    /// Why the content is not there, where it is not.
    pub withheld: Option<Withheld>,
}

impl SourceNumber {
    /// The `clear` members that say this.
    pub fn to_clear(self) -> Map<String, Json> {
        let mut source = Map::from_iter([
            ("epoch".to_owned(), self.life.epoch.into()),
            ("producer".to_owned(), self.life.producer.to_hex().into()),
            ("seq".to_owned(), self.seq.into()),
        ]);
        if let Some(withheld) = self.withheld {
            source.insert("withheld".to_owned(), withheld.as_str().into());
        }
        Map::from_iter([(SOURCE_MEMBER.to_owned(), Json::Object(source))])
    }

    /// Reads `clear`; `None` unless it is exactly this form.
    pub fn read(clear: &Map<String, Json>) -> Option<Self> {
        if clear.len() != 1 {
            return None;
        }
        let mut members = Members::of("`source`", clear.get(SOURCE_MEMBER)?.clone()).ok()?;
        let number = Self {
            life: SourceLife::read(&mut members).ok()?,
            seq: members.count("seq").ok()?,
            withheld: members
                .typed_optional("withheld", "is no reason", |word| Withheld::parse(word.as_str()?))
                .ok()?,
        };
        members.finish().ok()?;
        Some(number)
    }

    /// The number in the header of a record whose type has no `clear` of its own.
    pub fn of(header: &Header) -> Option<Self> {
        if Kind::of(&header.record_type).is_some() {
            return None;
        }
        Self::read(header.clear.as_ref()?)
    }
}

/// What one life of a source sent, as far as is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceEpoch {
    seen: Spans,
    declared: Spans,
    sampled: Spans,
    repeated: u64,
    settled: u64,
    last_stated: u64,
    closed: bool,
    signed: Option<SignedCount>,
}

/// What a heartbeat that the source signed says, in the order by which the newest is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SignedCount {
    beat: u64,
    settled: u64,
    lost: u64,
}

/// One life of a source, as a manifest counts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Whose.
    pub life: SourceLife,
    /// The first number that is counted; 0: none is.
    pub first_seq: u64,
    /// The last number that is counted; 0: none is.
    pub last_seq: u64,
    /// Numbers whose record is here.
    pub count: u64,
    /// Of those, numbers whose content was left out by sampling.
    pub sampled: u64,
    /// Numbers that the source declared lost and that are not here.
    pub lost: u64,
    /// Numbers that are neither here nor declared lost.
    pub missing: u64,
    /// By how many the lost numbers up to where the newest heartbeat that the source signed settles its count are more than it says: declaring takes the API key alone.
    pub unsigned_lost: u64,
    /// Records that have a number that was here before.
    pub repeated: u64,
    /// Numbers above `last_seq` that the source said it had given out.
    pub waiting: u64,
    /// Whether the source said that it gives out no more.
    pub closed: bool,
    /// The first [`MAX_NAMED_GAPS`] stretches of missing numbers, both ends included.
    pub gaps: Vec<(u64, u64)>,
}

/// What the sources in a log or a range of it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLedger {
    coverage: Coverage,
    epochs: BTreeMap<SourceLife, SourceEpoch>,
}

impl SourceLedger {
    /// Begins with nothing seen.
    pub fn new(coverage: Coverage) -> Self {
        Self { coverage, epochs: BTreeMap::new() }
    }

    /// Takes note of one sealed record (not of a statement), in any order. What is malformed is told elsewhere and counts nothing here.
    pub fn observe(&mut self, header: &Header) {
        if let Some(number) = SourceNumber::of(header) {
            return self.epochs.entry(number.life).or_default().record(&number);
        }
        match registry::facts(header) {
            Ok(Some(Facts::SourceHeartbeat(beat))) => {
                self.epochs.entry(beat.life).or_default().heartbeat(&beat);
            }
            Ok(Some(Facts::GapDeclared(span, _))) => {
                self.epochs.entry(span.life).or_default().declare(&span);
            }
            _ => {}
        }
    }

    /// Adds what was seen in another part of the same range.
    pub fn absorb(&mut self, other: Self) {
        for (life, epoch) in other.epochs {
            self.epochs.entry(life).or_default().absorb(&epoch);
        }
    }

    /// One row per life, sorted.
    pub fn rows(&self) -> Vec<SourceRow> {
        self.epochs.iter().map(|(life, epoch)| epoch.row(*life, self.begins_at_one(life))).collect()
    }

    /// From entry 0 every epoch is seen from its beginning; in a range every one after its source's first.
    fn begins_at_one(&self, life: &SourceLife) -> bool {
        let earliest = SourceLife { producer: life.producer, epoch: 0 };
        self.coverage == Coverage::WholeLog || self.epochs.range(earliest..*life).next().is_some()
    }
}

impl Default for SourceLedger {
    /// A part of a range, to be absorbed by the whole.
    fn default() -> Self {
        Self::new(Coverage::Range)
    }
}

impl SourceEpoch {
    /// Counts a record.
    fn record(&mut self, number: &SourceNumber) {
        if self.seen.insert(number.seq, number.seq) == 0 {
            self.repeated += 1;
        }
        if number.withheld == Some(Withheld::Sampled) {
            self.sampled.insert(number.seq, number.seq);
        }
    }

    fn absorb(&mut self, other: &Self) {
        let new = self.seen.add(&other.seen);
        self.repeated += other.repeated + (other.seen.count() - new);
        self.sampled.add(&other.sampled);
        self.declared.add(&other.declared);
        self.settled = self.settled.max(other.settled);
        self.last_stated = self.last_stated.max(other.last_stated);
        self.closed |= other.closed;
        self.signed = self.signed.max(other.signed);
    }

    fn heartbeat(&mut self, beat: &Heartbeat) {
        self.settled = self.settled.max(beat.settled());
        self.last_stated = self.last_stated.max(beat.last_seq);
        self.closed |= beat.closed;
        // Whether the signature is right is another check's.
        let count = SignedCount { beat: beat.beat, settled: beat.settled(), lost: beat.lost };
        self.signed = self.signed.max(beat.signed.as_ref().map(|_| count));
    }

    fn declare(&mut self, span: &SourceSpan) {
        self.declared.insert(span.first, span.last);
    }

    fn row(&self, life: SourceLife, begins_at_one: bool) -> SourceRow {
        let accounted = self.seen.with(&self.declared);
        let begin = if begins_at_one { Some(1) } else { accounted.first() };
        let end = begin.map_or(0, |_| accounted.last().unwrap_or(0).max(self.settled));
        let first_seq = begin.filter(|_| end > 0).unwrap_or(0);
        let unsigned_lost = self.signed.map_or(0, |signed| {
            let lost = accounted.count_through(signed.settled) - self.seen.count_through(signed.settled);
            lost.saturating_sub(signed.lost)
        });
        let gaps = if end == 0 { Vec::new() } else { accounted.missing(first_seq, end) };
        SourceRow {
            life,
            first_seq,
            last_seq: end,
            count: self.seen.count(),
            sampled: self.sampled.count(),
            lost: accounted.count() - self.seen.count(),
            unsigned_lost,
            missing: gaps.iter().map(|(first, last)| last - first + 1).sum(),
            repeated: self.repeated,
            waiting: self.last_stated.saturating_sub(end.max(self.settled)),
            closed: self.closed,
            gaps: gaps.into_iter().take(MAX_NAMED_GAPS).collect(),
        }
    }
}

impl SourceRow {
    /// Who counts.
    pub fn producer(&self) -> ProducerId {
        self.life.producer
    }
}
