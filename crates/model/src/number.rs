//! Following the numbers of a log: which records exist, which are missing, which epochs were opened and closed (`docs/formats.md` §7).
//!
//! Promises: a gap is counted, never smoothed over; a number that repeats, goes backwards or contradicts what an epoch record says is an
//! error. Seals carry no numbers and do not come here.

use std::collections::BTreeMap;

use crate::header::Header;
use crate::id::{ProducerId, SystemId};
use crate::registry::{self, EpochClosed, Facts, PreviousEpoch, RegistryError};

/// Where the headers that a ledger of numbers sees begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// At entry 0: every epoch begins with number 1.
    WholeLog,
    /// Somewhere: what was before is not known.
    Range,
}

impl Coverage {
    /// What headers from the entry at `first` on cover.
    pub fn from_first(first: u64) -> Self {
        if first == 0 { Self::WholeLog } else { Self::Range }
    }
}

/// Why a record does not continue its producer's count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// A number that was there before, or is lower.
    #[error("producer {producer}, epoch {epoch}: number {given} does not come after {last}")]
    Backwards {
        /// Who counts.
        producer: ProducerId,
        /// In which epoch.
        epoch: u64,
        /// The last number seen.
        last: u64,
        /// The number found.
        given: u64,
    },
    /// A number for a system that was there before, or is lower.
    #[error("producer {producer}, epoch {epoch}, system {system}: number {given} does not come after {last}")]
    SystemBackwards {
        /// Who counts.
        producer: ProducerId,
        /// In which epoch.
        epoch: u64,
        /// For which system.
        system: SystemId,
        /// The last number seen.
        last: u64,
        /// The number found.
        given: u64,
    },
    /// An epoch before the producer's current one.
    #[error("producer {producer}: epoch {given} comes after epoch {current} began")]
    OldEpoch {
        /// Who counts.
        producer: ProducerId,
        /// The producer's current epoch.
        current: u64,
        /// The epoch found.
        given: u64,
    },
    /// A record after the epoch's end.
    #[error("producer {producer}: epoch {epoch} is closed; nothing follows in it")]
    Closed {
        /// Who counts.
        producer: ProducerId,
        /// The closed epoch.
        epoch: u64,
    },
    /// The first record of an epoch that began after the log did has another number than 1.
    #[error(
        "producer {producer}, epoch {epoch}: begins with number {given}, the records before it are missing"
    )]
    StartsLate {
        /// Who counts.
        producer: ProducerId,
        /// The epoch.
        epoch: u64,
        /// The first number found.
        given: u64,
    },
    /// A strict reader wants exactly the next number.
    #[error("producer {producer}, epoch {epoch}: number {given} does not follow, {due} is due")]
    NotNext {
        /// Who counts.
        producer: ProducerId,
        /// The epoch.
        epoch: u64,
        /// The number that is due.
        due: u64,
        /// The number found.
        given: u64,
    },
    /// A strict reader wants exactly the next number of the system.
    #[error(
        "producer {producer}, epoch {epoch}, system {system}: number {given} does not follow, {due} is due"
    )]
    SystemNotNext {
        /// Who counts.
        producer: ProducerId,
        /// The epoch.
        epoch: u64,
        /// The system.
        system: SystemId,
        /// The number that is due.
        due: u64,
        /// The number found.
        given: u64,
    },
    /// `epoch.opened` says something else of the epoch before than the log shows.
    #[error("producer {producer}: what epoch {epoch} says of the epoch before it is not what the log shows")]
    Previous {
        /// Who counts.
        producer: ProducerId,
        /// The epoch that was opened.
        epoch: u64,
    },
    /// `epoch.closed` states other last numbers than the log shows.
    #[error(
        "producer {producer}: the last numbers that epoch {epoch} states at its close are not those of the log"
    )]
    Close {
        /// Who counts.
        producer: ProducerId,
        /// The epoch that was closed.
        epoch: u64,
    },
    /// The record is not what its type says.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// What is known of one epoch of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochReport {
    /// Who counts.
    pub producer: ProducerId,
    /// Number of the epoch.
    pub epoch: u64,
    /// First number seen.
    pub first_seq: u64,
    /// Last number seen.
    pub last_seq: u64,
    /// Records seen.
    pub count: u64,
    /// Whether its opening (or genesis) was seen.
    pub opened: bool,
    /// Whether its close was seen; else it reads "unknown after `last_seq`".
    pub closed: bool,
    /// Per system.
    pub systems: BTreeMap<SystemId, SystemCount>,
}

/// What is known of one system within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemCount {
    /// First number seen.
    pub first_seq: u64,
    /// Last number seen.
    pub last_seq: u64,
    /// Records seen.
    pub count: u64,
}

impl EpochReport {
    /// Numbers between the first and the last that no record has.
    pub fn missing(&self) -> u64 {
        missing(self.first_seq, self.last_seq, self.count)
    }
}

impl SystemCount {
    /// Numbers between the first and the last that no record has.
    pub fn missing(&self) -> u64 {
        missing(self.first_seq, self.last_seq, self.count)
    }
}

fn missing(first: u64, last: u64, count: u64) -> u64 {
    (last + 1).saturating_sub(first).saturating_sub(count)
}

/// The numbers of a log or a range of it, folded from headers in the order of their entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberLedger {
    coverage: Coverage,
    epochs: BTreeMap<(ProducerId, u64), EpochReport>,
}

impl NumberLedger {
    /// Begins with nothing seen.
    pub fn new(coverage: Coverage) -> Self {
        Self { coverage, epochs: BTreeMap::new() }
    }

    /// Takes note of the next record or statement. On an error nothing has changed.
    pub fn observe(&mut self, header: &Header) -> Result<(), NumberError> {
        let facts = registry::facts(header)?;
        self.check_order(header)?;
        self.check_facts(header, facts.as_ref())?;
        let report = self
            .epochs
            .entry((header.producer, header.epoch))
            .or_insert_with(|| EpochReport::starting(header));
        report.count(header);
        match facts {
            Some(Facts::Genesis(_) | Facts::EpochOpened(_)) => report.opened = true,
            Some(Facts::EpochClosed(_)) => report.closed = true,
            _ => {}
        }
        Ok(())
    }

    /// Checks that `header` is exactly the next of its producer, epoch and system: what the ledger asks before it accepts a statement.
    ///
    /// A producer's later epoch has a larger number and begins with 1.
    pub fn check_next(&self, header: &Header) -> Result<(), NumberError> {
        let facts = registry::facts(header)?;
        self.check_order(header)?;
        let (producer, epoch, given) = (header.producer, header.epoch, header.seq);
        let due = self.next_seq(&producer, epoch);
        if given != due {
            return Err(NumberError::NotNext { producer, epoch, due, given });
        }
        if let Some((system, given)) = header.system {
            let due = self.next_system_seq(&producer, epoch, &system);
            if given != due {
                return Err(NumberError::SystemNotNext { producer, epoch, system, due, given });
            }
        }
        self.check_facts(header, facts.as_ref())
    }

    /// The next number of a producer in an epoch.
    pub fn next_seq(&self, producer: &ProducerId, epoch: u64) -> u64 {
        self.epochs.get(&(*producer, epoch)).map_or(0, |report| report.last_seq) + 1
    }

    /// The next number of a producer in an epoch for a system.
    pub fn next_system_seq(&self, producer: &ProducerId, epoch: u64, system: &SystemId) -> u64 {
        let report = self.epochs.get(&(*producer, epoch));
        report.and_then(|report| report.systems.get(system)).map_or(0, |count| count.last_seq) + 1
    }

    /// The latest epoch of a producer.
    pub fn current(&self, producer: &ProducerId) -> Option<&EpochReport> {
        self.epochs.range((*producer, 0)..=(*producer, u64::MAX)).next_back().map(|(_, report)| report)
    }

    /// Every epoch seen, by producer and number.
    pub fn epochs(&self) -> impl Iterator<Item = &EpochReport> {
        self.epochs.values()
    }

    /// Numbers that are missing in all epochs together, those for systems included only through their producers' own.
    pub fn missing(&self) -> u64 {
        self.epochs().map(EpochReport::missing).sum()
    }

    fn check_order(&self, header: &Header) -> Result<(), NumberError> {
        let (producer, epoch, given) = (header.producer, header.epoch, header.seq);
        let current = self.current(&producer);
        let Some(report) = current.filter(|report| report.epoch >= epoch) else {
            // An epoch that began within what is seen begins with 1.
            let began_here = self.coverage == Coverage::WholeLog || current.is_some();
            let starts_late = began_here && given != 1;
            return if starts_late {
                Err(NumberError::StartsLate { producer, epoch, given })
            } else {
                Ok(())
            };
        };
        if report.epoch > epoch {
            return Err(NumberError::OldEpoch { producer, current: report.epoch, given: epoch });
        }
        if report.closed {
            return Err(NumberError::Closed { producer, epoch });
        }
        if given <= report.last_seq {
            return Err(NumberError::Backwards { producer, epoch, last: report.last_seq, given });
        }
        report.check_system(header)
    }

    fn check_facts(&self, header: &Header, facts: Option<&Facts>) -> Result<(), NumberError> {
        let (producer, epoch) = (header.producer, header.epoch);
        match facts {
            Some(Facts::EpochOpened(opened)) if !self.fits_previous(&producer, opened.previous) => {
                Err(NumberError::Previous { producer, epoch })
            }
            Some(Facts::EpochClosed(closed)) if !self.fits_close(header, closed) => {
                Err(NumberError::Close { producer, epoch })
            }
            _ => Ok(()),
        }
    }

    /// Whether an opening says of the epoch before what is known of it.
    fn fits_previous(&self, producer: &ProducerId, previous: Option<PreviousEpoch>) -> bool {
        match (self.current(producer), previous) {
            (None, None) => true,
            (None, Some(_)) => self.coverage == Coverage::Range,
            (Some(_), None) => false,
            (Some(known), Some(said)) => {
                (known.epoch, known.last_seq, known.closed) == (said.epoch, said.last_seq, said.closed)
            }
        }
    }

    /// Whether a close states the last numbers that were seen; systems seen before the range are not known and not compared.
    fn fits_close(&self, header: &Header, closed: &EpochClosed) -> bool {
        let Some(report) = self.epochs.get(&(header.producer, header.epoch)) else {
            return header.system.is_none()
                && (self.coverage == Coverage::Range || closed.systems.is_empty());
        };
        let mut seen: BTreeMap<SystemId, u64> =
            report.systems.iter().map(|(system, count)| (*system, count.last_seq)).collect();
        if let Some((system, seq)) = header.system {
            seen.insert(system, seq);
        }
        let from_its_start = report.first_seq == 1;
        closed
            .systems
            .iter()
            .all(|(system, last)| seen.remove(system).map_or(!from_its_start, |seen| seen == *last))
            && seen.is_empty()
    }
}

impl EpochReport {
    fn starting(header: &Header) -> Self {
        Self {
            producer: header.producer,
            epoch: header.epoch,
            first_seq: header.seq,
            last_seq: header.seq,
            count: 0,
            opened: false,
            closed: false,
            systems: BTreeMap::new(),
        }
    }

    fn check_system(&self, header: &Header) -> Result<(), NumberError> {
        let Some((system, given)) = header.system else { return Ok(()) };
        match self.systems.get(&system) {
            Some(count) if given <= count.last_seq => Err(NumberError::SystemBackwards {
                producer: self.producer,
                epoch: self.epoch,
                system,
                last: count.last_seq,
                given,
            }),
            _ => Ok(()),
        }
    }

    fn count(&mut self, header: &Header) {
        self.last_seq = header.seq;
        self.count += 1;
        if let Some((system, seq)) = header.system {
            let count = SystemCount { first_seq: seq, last_seq: seq, count: 0 };
            let count = self.systems.entry(system).or_insert(count);
            count.last_seq = seq;
            count.count += 1;
        }
    }
}
