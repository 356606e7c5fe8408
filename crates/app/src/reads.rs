//! What the control plane asks of the views: the one place that knows how they are kept.
//!
//! Promises: state is a fold of the committed log; an answer is never older than the last [`Reads::wait_for`]. Must never: hold anything
//! that the log does not say.

mod fold;
mod rows;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tabellion_ledger::{LedgerError, Reader};
use tabellion_model::{CredentialId, RecordId, SystemId};

use fold::Fold;
pub use rows::{
    CallEnd, CallFilter, CallRow, Grounds, KeyRow, LinkRow, PersonRow, Placed, PolicyChange, PolicyRow,
    SessionRow, SystemRow,
};

/// Longest wait for the views to pass a position; catching up takes milliseconds.
pub const WAIT_LIMIT: Duration = Duration::from_secs(5);

/// The views did not pass a position in time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WaitError {
    /// They are behind.
    #[error("the views are at {at} of {wanted} entries")]
    Behind {
        /// Where they are.
        at: u64,
        /// Where they should be.
        wanted: u64,
    },
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LedgerError),
}

/// The query side.
#[derive(Clone)]
pub struct Reads(Arc<Shared>);

struct Shared {
    reader: Reader,
    fold: RwLock<Fold>,
    /// Held by whoever brings the fold forward, so that readers wait for the exchange of single rows only.
    catching_up: Mutex<()>,
}

impl Reads {
    /// Reads of the log behind `reader`, caught up.
    pub fn start(reader: Reader) -> Result<Self, WaitError> {
        let size = reader.size();
        let reads = Self(Arc::new(Shared {
            reader,
            fold: RwLock::new(Fold::default()),
            catching_up: Mutex::new(()),
        }));
        reads.catch_up(size)?;
        Ok(reads)
    }

    fn fold(&self) -> RwLockReadGuard<'_, Fold> {
        self.0.fold.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catch_up(&self, wanted: u64) -> Result<(), LedgerError> {
        let _one = self.0.catching_up.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = (self.position(), self.0.reader.size());
        if from >= wanted {
            return Ok(());
        }
        self.0.reader.entries(from, to, |view| {
            self.0.fold.write().unwrap_or_else(PoisonError::into_inner).take(&view);
            Ok(())
        })
    }

    /// Returns once the first `position` entries are seen by every later question.
    pub fn wait_for(&self, position: u64) -> Result<(), WaitError> {
        let deadline = Instant::now() + WAIT_LIMIT;
        while self.position() < position {
            self.catch_up(position)?;
            let at = self.position();
            if at < position && Instant::now() > deadline {
                return Err(WaitError::Behind { at, wanted: position });
            }
        }
        Ok(())
    }

    /// Brings the views to what is committed now.
    pub fn refresh(&self) -> Result<(), WaitError> {
        self.wait_for(self.0.reader.size())
    }

    /// Entries seen.
    pub fn position(&self) -> u64 {
        self.fold().position
    }

    /// One system.
    pub fn system(&self, id: SystemId) -> Option<SystemRow> {
        self.fold().systems.get(&id).cloned()
    }

    /// All systems, by id.
    pub fn systems(&self) -> Vec<SystemRow> {
        self.fold().systems.values().cloned().collect()
    }

    /// One API key.
    pub fn key(&self, id: CredentialId) -> Option<KeyRow> {
        self.fold().keys.get(&id).cloned()
    }

    /// The keys of one system, in the order in which they were issued.
    pub fn keys_of(&self, system: SystemId) -> Vec<KeyRow> {
        let mut keys: Vec<KeyRow> =
            self.fold().keys.values().filter(|key| key.system == system).cloned().collect();
        keys.sort_by_key(|key| key.placed.index);
        keys
    }

    /// One policy with its history.
    pub fn policy(&self, name: &str) -> Option<PolicyRow> {
        self.fold().policies.get(name).cloned()
    }

    /// All policies, withdrawn ones too, by name.
    pub fn policies(&self) -> Vec<PolicyRow> {
        self.fold().policies.values().cloned().collect()
    }

    /// One person.
    pub fn person(&self, id: CredentialId) -> Option<PersonRow> {
        self.fold().people.get(&id).cloned()
    }

    /// All people, by id.
    pub fn people(&self) -> Vec<PersonRow> {
        self.fold().people.values().cloned().collect()
    }

    /// Whose link this is, by the SHA-256 of its token.
    pub fn person_of_link(&self, token_sha256: &str) -> Option<PersonRow> {
        let fold = self.fold();
        fold.links.get(token_sha256).and_then(|person| fold.people.get(person)).cloned()
    }

    /// Whose session this is, by the SHA-256 of its token.
    pub fn person_of_session(&self, token_sha256: &str) -> Option<PersonRow> {
        let fold = self.fold();
        fold.sessions.get(token_sha256).and_then(|person| fold.people.get(person)).cloned()
    }

    /// One call, by the record that decided it.
    pub fn call(&self, id: RecordId) -> Option<CallRow> {
        let fold = self.fold();
        fold.call_index.get(&id).and_then(|index| fold.calls.get(index)).cloned()
    }

    /// Calls before entry `before`, newest first, at most `limit`, that `filter` lets through.
    pub fn calls(&self, filter: &CallFilter, before: u64, limit: usize) -> Vec<CallRow> {
        let fold = self.fold();
        fold.calls
            .range(..before)
            .rev()
            .map(|(_, call)| call)
            .filter(|call| filter.takes(call))
            .take(limit)
            .cloned()
            .collect()
    }
}
