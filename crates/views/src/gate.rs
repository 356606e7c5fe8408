//! What the gateway must know to let a call through: systems, keys and policies as of one log size.
//!
//! Promises: a snapshot is whole and never changes; the newest one is taken without waiting for whoever makes the next. A system, key or
//! policy whose content was erased is not in it, so whatever depended on it is denied.

mod load;
mod names;
mod openings;
mod packs;
mod spend;
mod stops;
mod told;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tabellion_model::body::{Capture, SystemStage};
use tabellion_model::{CredentialId, Micros, SystemId};

use crate::error::ViewsError;
use crate::pool::Pool;

pub(crate) use load::load;
pub use openings::{Begun, GateFile, GateOpening, OfBatch};
pub use packs::GatePack;
pub(crate) use spend::{
    Counted, VERSIONS as BUDGET_VERSIONS, held as budget_said, load_spend, used as budget_used,
};
pub use spend::{GateBudget, GatePrice, Held, Used};
pub use stops::GateStop;

/// One system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateSystem {
    /// What people call it.
    pub name: String,
    /// Where it stands; only live systems may call.
    pub stage: SystemStage,
    /// The person who answers for it.
    pub owner: CredentialId,
    /// What it may be used for.
    pub purposes: Vec<String>,
    /// How much of prompts and answers is kept.
    pub capture: Capture,
}

/// One API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateKey {
    /// The system that calls with it.
    pub system: SystemId,
    /// SHA-256 of the whole key as it is sent.
    pub secret_sha256: [u8; 32],
    /// Purposes it may claim; the first is its default.
    pub purposes: Vec<String>,
    /// Models it may ask for; empty: whatever policy permits.
    pub models: Vec<String>,
    /// From this moment on it is refused: its expiry or its revocation, whichever comes first. 0: it was revoked, whatever the time is.
    pub ends_at: Option<Micros>,
}

/// One policy in force, or observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatePolicy {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// SHA-256 of the text, hex.
    pub digest: String,
}

/// Everything as of one log size. A snapshot that differs from the one before in its position alone shares its maps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gate {
    /// Entries folded: what a decision names as its basis.
    pub position: u64,
    /// Systems by id.
    pub systems: Arc<HashMap<SystemId, GateSystem>>,
    /// Keys by credential id.
    pub keys: Arc<HashMap<CredentialId, GateKey>>,
    /// Policies in force, by name order.
    pub policies: Arc<Vec<GatePolicy>>,
    /// The rule of the program's own beside them: none but where canaries are sent.
    pub own: Option<GatePolicy>,
    /// Budgets that hold, by name order, each with what its calls took up to `position`.
    pub budgets: Arc<Vec<GateBudget>>,
    /// Prices by which calls are rated.
    pub prices: Arc<Vec<GatePrice>>,
    /// Texts that are tried on calls beside those in force and decide none, by name order; each stands for the policy of its name.
    pub observed: Arc<Vec<GatePolicy>>,
    /// Packs of policies in force, by name.
    pub packs: Arc<Vec<GatePack>>,
    /// Emergency stops in force, by the order of their entries.
    pub stops: Arc<Vec<GateStop>>,
    /// Openings of declared routes that were confirmed and not withdrawn, by the order of their entries.
    pub openings: Arc<Vec<GateOpening>>,
    /// Files of batches that were masked on their way to their provider.
    pub files: Arc<Vec<GateFile>>,
    /// Changes whenever `policies`, `packs` or `observed` does, so that compiled rules can be kept until then.
    pub policy_generation: u64,
}

/// Where the newest [`Gate`] is found.
#[derive(Debug, Default)]
pub struct GateCell {
    newest: RwLock<Arc<Gate>>,
    told: told::Told,
    names: names::Names,
}

impl GateCell {
    /// A cell that holds `gate`.
    pub fn new(gate: Gate) -> Self {
        Self { newest: RwLock::new(Arc::new(gate)), ..Self::default() }
    }

    /// An empty cell beside views that `pool` reads.
    pub(crate) fn over(pool: Arc<Pool>) -> Self {
        Self { names: names::Names::of(pool), ..Self::default() }
    }

    /// The system whose call was last answered with each of `names`, as ends of calls have them, in their order; none: no record that can still be read has it.
    /// The record may be as new as the newest snapshot, or newer. It reads a file, so nothing that must not wait asks.
    pub fn owners_of(&self, names: &[String]) -> Result<Vec<Option<SystemId>>, ViewsError> {
        self.names.owners(names)
    }

    /// The newest snapshot.
    pub fn load(&self) -> Arc<Gate> {
        // The lock is held for one reference count only; a panic cannot leave the pointer half-written.
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the snapshot. For the projector, and for tests that stand in for it.
    pub fn store(&self, gate: Gate) {
        let gate = Arc::new(gate);
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&gate);
        self.told.tell(&gate);
    }

    /// Has `listener` told of the newest snapshot, now and whenever it is replaced, on the thread that replaces it, until it answers that it hears no
    /// more.
    pub fn listen(&self, listener: impl Fn(&Gate) -> bool + Send + 'static) {
        self.told.add(Box::new(listener), || self.load());
    }
}
