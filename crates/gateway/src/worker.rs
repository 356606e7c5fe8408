//! What the calls of one thread share, and what all threads share.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tabellion_ledger::Clock;
use tabellion_mask::{Scope, ScopeKey};
use tabellion_model::SystemId;
use tabellion_views::gate::GateCell;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::config::Limits;
use crate::decide::Rules;
use crate::evidence::Evidence;
use crate::metrics::Metrics;
use crate::noise::Noise;
use crate::upstream::catalogue::Catalogue;
use crate::upstream::pool::Pool;

/// What the key of placeholders is used for; another use of the same key gives other bytes.
const SCOPE_PURPOSE: &[u8] = b"tabellion/gateway/scope/v1\0";

/// Shared by all threads.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) catalogue: Catalogue,
    pub(crate) evidence: Evidence,
    pub(crate) gate: Arc<GateCell>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) noise: Noise,
    pub(crate) rules: Rules,
    pub(crate) placeholder_key: Zeroizing<[u8; 32]>,
}

impl Shared {
    /// An empty scope of a system: the same value has the same placeholder in each of its calls, and another one in those of other systems.
    pub(crate) fn scope(&self, system: SystemId) -> Scope {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.placeholder_key.as_slice()).expect("any length is a key");
        mac.update(SCOPE_PURPOSE);
        mac.update(system.as_bytes());
        Scope::new(&ScopeKey::new(mac.finalize().into_bytes().into()))
    }
}

/// One thread.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    /// `true`: calls end now.
    pub(crate) cut: watch::Receiver<bool>,
}
