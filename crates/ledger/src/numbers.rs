//! Strict numbering at the door: the next number of every producer's current epoch (docs/formats.md §7).
//!
//! A producer counts from 1 in each epoch without leaving a number out; a statement that does not continue its producer's count is refused
//! with the number that is due, so a hole can never enter the log unseen.

use std::collections::{BTreeMap, HashMap};

use tabellion_model::registry::{EpochClosed, EpochOpened, Facts, Kind, PreviousEpoch};
use tabellion_model::{Header, ProducerId, SystemId};

use crate::saved::pack::{Packer, Unpacker};

/// The current epoch of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) open: bool,
    pub(crate) last_seq: u64,
    pub(crate) systems: BTreeMap<SystemId, u64>,
}

impl Epoch {
    /// A new epoch of which nothing is recorded yet.
    pub(crate) fn starting(number: u64) -> Self {
        Self { number, open: true, last_seq: 0, systems: BTreeMap::new() }
    }

    /// The number that the next record naming `system` gets.
    pub(crate) fn next_for(&self, system: &SystemId) -> u64 {
        self.systems.get(system).copied().unwrap_or(0) + 1
    }

    /// Counts a record that [`Epoch::check`] let pass.
    pub(crate) fn count(&mut self, header: &Header) {
        self.last_seq = header.seq;
        if let Some((system, seq)) = header.system {
            self.systems.insert(system, seq);
        }
        if Kind::of(&header.record_type) == Some(Kind::EpochClosed) {
            self.open = false;
        }
    }

    /// Whether `header` is the record that comes next in this epoch; else what is due.
    fn check(&self, header: &Header) -> Result<(), String> {
        if !self.open {
            return Err(format!("epoch {} is closed; open a later one", self.number));
        }
        if header.seq != self.last_seq + 1 {
            return Err(format!(
                "seq {} does not follow; {} is due in epoch {}",
                header.seq,
                self.last_seq + 1,
                self.number
            ));
        }
        if let Some((system, seq)) = header.system {
            let due = self.next_for(&system);
            if seq != due {
                return Err(format!("system_seq {seq} does not follow; {due} is due for system {system}"));
            }
        }
        let closes = Kind::of(&header.record_type) == Some(Kind::EpochClosed);
        if closes && header.clear != Facts::EpochClosed(self.closing_facts(header.seq)).to_clear() {
            return Err("epoch.closed does not carry the last numbers of its epoch".to_owned());
        }
        Ok(())
    }

    /// What the `epoch.closed` record whose own number is `seq` says.
    pub(crate) fn closing_facts(&self, seq: u64) -> EpochClosed {
        EpochClosed {
            last_seq: seq,
            systems: self.systems.iter().map(|(system, last)| (*system, *last)).collect(),
        }
    }

    /// What the `epoch.opened` record of the epoch after this one says.
    pub(crate) fn previous_facts(&self) -> EpochOpened {
        EpochOpened {
            previous: Some(PreviousEpoch { closed: !self.open, epoch: self.number, last_seq: self.last_seq }),
        }
    }
}

/// The current epoch of every producer that ever wrote to the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(HashMap<ProducerId, Epoch>);

impl Numbers {
    pub(crate) fn get(&self, producer: &ProducerId) -> Option<&Epoch> {
        self.0.get(producer)
    }

    /// Counts a record of the log itself, in order.
    pub(crate) fn observe(&mut self, header: &Header) -> Result<(), String> {
        let opens = Kind::of(&header.record_type) == Some(Kind::EpochOpened);
        if let Some(epoch) = self.0.get_mut(&header.producer)
            && epoch.number == header.epoch
            && !opens
        {
            epoch.check(header)?;
            epoch.count(header);
            return Ok(());
        }
        let mut known = self.0.remove(&header.producer);
        let observed = observe(&mut known, header);
        if let Some(epoch) = known {
            self.0.insert(header.producer, epoch);
        }
        observed
    }

    pub(crate) fn pack(&self, out: &mut Packer) {
        let sorted: BTreeMap<_, _> = self.0.iter().collect();
        out.list(sorted, |out, (producer, epoch)| {
            out.id(producer);
            out.number(epoch.number);
            out.flag(epoch.open);
            out.number(epoch.last_seq);
            out.list(&epoch.systems, |out, (system, seq)| {
                out.id(system);
                out.number(*seq);
            });
        });
    }

    pub(crate) fn unpack(from: &mut Unpacker<'_>) -> Option<Self> {
        let epochs = from.list(|from| {
            let producer = from.id()?;
            let (number, open, last_seq) = (from.number()?, from.flag()?, from.number()?);
            let systems = from.list(|from| Some((from.id()?, from.number()?)))?;
            Some((producer, Epoch { number, open, last_seq, systems }))
        })?;
        Some(Self(epochs))
    }

    /// How many producers there are.
    pub(crate) fn producers(&self) -> usize {
        self.0.len()
    }
}

/// Counts `header` in its producer's epoch when it continues what is known of the producer; else says what is due and changes nothing.
pub(crate) fn observe(known: &mut Option<Epoch>, header: &Header) -> Result<(), String> {
    let opens = matches!(Kind::of(&header.record_type), Some(Kind::EpochOpened | Kind::Genesis));
    match known {
        Some(epoch) if epoch.number == header.epoch && !opens => {
            epoch.check(header)?;
            epoch.count(header);
        }
        Some(epoch) if header.epoch <= epoch.number => {
            return Err(format!(
                "epoch {} is not later than epoch {}, the producer's last",
                header.epoch, epoch.number
            ));
        }
        _ if opens => {
            check_previous(known.as_ref(), header)?;
            let mut epoch = Epoch::starting(header.epoch);
            epoch.check(header)?;
            epoch.count(header);
            *known = Some(epoch);
        }
        _ => {
            return Err(format!(
                "epoch {} was not opened; its first record must be epoch.opened",
                header.epoch
            ));
        }
    }
    Ok(())
}

/// The record that opens an epoch says what is known of the one before; anything else would contradict the log it stands in.
fn check_previous(known: Option<&Epoch>, header: &Header) -> Result<(), String> {
    let due = known.map_or(EpochOpened { previous: None }, Epoch::previous_facts);
    if Kind::of(&header.record_type) == Some(Kind::Genesis)
        || header.clear == Facts::EpochOpened(due).to_clear()
    {
        return Ok(());
    }
    Err("epoch.opened does not carry the last numbers of the producer's epoch before".to_owned())
}
