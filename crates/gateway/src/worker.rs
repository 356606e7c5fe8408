//! What the calls of one thread share, and what all threads share.

use std::sync::Arc;
use std::time::Instant;

use tabellion_ledger::{Clock, Reader};
use tabellion_mask::Classes;
use tabellion_model::Micros;
use tabellion_model::body::SystemStage;
use tabellion_views::gate::GateCell;
use tabellion_views::lag::Lag;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::authenticate::Caller;
use crate::budget::Budgets;
use crate::circuit::Circuits;
use crate::code::Code;
use crate::config::{Limits, Log, RetryConfig};
use crate::decide::Rules;
use crate::enrich::{Enriching, Enrichments};
use crate::evidence::Evidence;
use crate::guards::Guards;
use crate::guards::after::{AfterGuards, Assessing};
use crate::identity::Identities;
use crate::identity::certificate::Doorway;
use crate::masking::Masking;
use crate::metrics::Metrics;
use crate::names::Recent;
use crate::noise::Noise;
use crate::opaque::Opaque;
use crate::probes::Failing;
use crate::stops::Stops;
use crate::upstream::catalogue::Catalogue;
use crate::upstream::pool::Pool;

/// Shared by all threads.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    /// What is masked in what is kept.
    pub(crate) classes: Classes,
    /// What becomes of it in what is sent.
    pub(crate) masking: Arc<Masking>,
    pub(crate) catalogue: Catalogue,
    pub(crate) identities: Identities,
    /// The gateway's own TLS; none: it speaks plain HTTP.
    pub(crate) doorway: Option<Doorway>,
    pub(crate) guards: Arc<Guards>,
    /// Guards that look at calls that are over, and where these are handed to them.
    pub(crate) after: Arc<AfterGuards>,
    pub(crate) assessing: Assessing,
    /// What looks at calls that are over, and where they are handed to it.
    pub(crate) enrichments: Arc<Enrichments>,
    pub(crate) enriching: Enriching,
    pub(crate) evidence: Evidence,
    pub(crate) gate: Arc<GateCell>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) noise: Noise,
    pub(crate) rules: Rules,
    pub(crate) placeholder_key: Zeroizing<[u8; 32]>,
    pub(crate) reader: Reader,
    pub(crate) lag: Lag,
    pub(crate) budgets: Arc<Budgets>,
    /// The emergency stops in force: told the moment that a snapshot has others.
    pub(crate) stops: watch::Receiver<Stops>,
    pub(crate) circuits: Circuits,
    pub(crate) retry: RetryConfig,
    /// Guards whose canaries got through.
    pub(crate) failing: Arc<Failing>,
    /// Names by which prompts can refer to what providers keep of the newest answers.
    pub(crate) names: Recent,
    /// What declared routes share.
    pub(crate) opaque: Opaque,
    /// Takes lines for the operator.
    pub(crate) log: Log,
}

impl Shared {
    /// Why `caller` may not go on with what it began: its key has ended since, or its system is not live any more.
    pub(crate) fn withdrawn(&self, caller: &Caller) -> Option<Code> {
        let gate = self.gate.load();
        let key = gate.keys.get(&caller.key_id);
        if key.is_none_or(|key| key.ends_at.is_some_and(|end| end <= self.now())) {
            return Some(Code::InvalidApiKey);
        }
        let stage = gate.systems.get(&caller.system_id).map(|system| system.stage);
        (stage != Some(SystemStage::Live)).then_some(Code::SystemNotLive)
    }

    /// Whether the newest snapshot may be decided by; if not, how far it has come, for the operator.
    pub(crate) fn fresh(&self) -> Result<(), String> {
        // The size first: a snapshot taken before it could look older than it is.
        let size = self.reader.size();
        let position = self.gate.load().position;
        if self.lag.is_fresh(position, size, Instant::now()) {
            return Ok(());
        }
        Err(format!(
            "the views have read {position} of {size} entries and stand still, so that a revocation may not be known: every call is denied until \
             they go on. What keeps them is in this program's log; mostly something else has views/views.sqlite open"
        ))
    }

    /// What time it is, and never before the last commit: a key that has ended by then has ended, also for a clock that stepped back.
    pub(crate) fn now(&self) -> Micros {
        self.reader.now()
    }
}

/// One thread.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    /// Connections to services that guards ask.
    pub(crate) guard_pool: Pool,
    /// `true`: calls end now.
    pub(crate) cut: watch::Receiver<bool>,
    /// A key of placeholders of its own, where nobody may learn those of real calls; none: the gateway's.
    pub(crate) own_key: Option<Zeroizing<[u8; 32]>>,
}

impl Worker {
    /// What the placeholders of this thread's calls derive from.
    pub(crate) fn placeholder_key(&self) -> &[u8; 32] {
        self.own_key.as_ref().unwrap_or(&self.shared.placeholder_key)
    }
}
