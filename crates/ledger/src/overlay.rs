//! Counts that a batch in the making brings on top of the committed state.
//!
//! Promises: what a submission changed can be taken back whole, at the cost of what it changed. Must never: change anything but through its methods, which
//! remember how it was before.

use std::collections::HashMap;

use tabellion_model::{ProducerId, StreamName};
use tabellion_tlog::Hash;

use crate::numbers::Epoch;

/// Counts that differ from the committed state.
#[derive(Default)]
pub(crate) struct Overlay {
    /// The log's own epoch; looked at for every record.
    own: Option<Epoch>,
    streams: HashMap<StreamName, u64>,
    idems: HashMap<Hash, u64>,
    epochs: HashMap<ProducerId, Option<Epoch>>,
    /// How things were before the present submission; `None` while nobody may take anything back.
    before: Option<Before>,
}

/// What one submission changed, as it was before.
struct Before {
    own: Option<Epoch>,
    changes: Vec<Change>,
}

enum Change {
    Stream(StreamName, Option<u64>),
    Idem(Hash),
    Epoch(ProducerId, Option<Epoch>),
    FirstEpoch(ProducerId),
}

impl Overlay {
    /// Nothing but the log's own epoch.
    pub(crate) fn starting(own: Option<Epoch>) -> Self {
        Self { own, ..Self::default() }
    }

    /// Remembers from now on how things were.
    pub(crate) fn begin(&mut self) {
        self.before = Some(Before { own: self.own.clone(), changes: Vec::new() });
    }

    /// Keeps what was changed since [`Overlay::begin`].
    pub(crate) fn keep(&mut self) {
        self.before = None;
    }

    /// Takes back what was changed since [`Overlay::begin`].
    pub(crate) fn take_back(&mut self) {
        let Some(before) = self.before.take() else { return };
        self.own = before.own;
        for change in before.changes.into_iter().rev() {
            match change {
                Change::Stream(stream, Some(version)) => drop(self.streams.insert(stream, version)),
                Change::Stream(stream, None) => drop(self.streams.remove(&stream)),
                Change::Idem(idem) => drop(self.idems.remove(&idem)),
                Change::Epoch(producer, epoch) => drop(self.epochs.insert(producer, epoch)),
                Change::FirstEpoch(producer) => drop(self.epochs.remove(&producer)),
            }
        }
    }

    /// The log's own epoch.
    pub(crate) fn own(&self) -> Option<&Epoch> {
        self.own.as_ref()
    }

    /// The same, to count in.
    pub(crate) fn own_mut(&mut self) -> &mut Option<Epoch> {
        &mut self.own
    }

    /// The version of a stream, where it differs.
    pub(crate) fn stream(&self, stream: &StreamName) -> Option<u64> {
        self.streams.get(stream).copied()
    }

    /// Sets the version of a stream.
    pub(crate) fn set_stream(&mut self, stream: &StreamName, version: u64) {
        let known = self.streams.insert(stream.clone(), version);
        if let Some(before) = &mut self.before {
            before.changes.push(Change::Stream(stream.clone(), known));
        }
    }

    /// The index of the entry with an idempotency key.
    pub(crate) fn idem(&self, idem: &Hash) -> Option<u64> {
        self.idems.get(idem).copied()
    }

    /// Remembers an idempotency key that was not known.
    pub(crate) fn set_idem(&mut self, idem: Hash, index: u64) {
        self.idems.insert(idem, index);
        if let Some(before) = &mut self.before {
            before.changes.push(Change::Idem(idem));
        }
    }

    /// The epoch of a producer that is not the log's own, where it may differ.
    pub(crate) fn epoch(&self, producer: &ProducerId) -> Option<&Option<Epoch>> {
        self.epochs.get(producer)
    }

    /// The same, to count in; `known` gives it where it does not differ yet.
    pub(crate) fn epoch_mut(
        &mut self,
        producer: ProducerId,
        known: impl FnOnce() -> Option<Epoch>,
    ) -> &mut Option<Epoch> {
        if let Some(before) = &mut self.before {
            let known = self.epochs.get(&producer).cloned();
            before
                .changes
                .push(known.map_or(Change::FirstEpoch(producer), |epoch| Change::Epoch(producer, epoch)));
        }
        self.epochs.entry(producer).or_insert_with(known)
    }
}
