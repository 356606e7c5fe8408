//! Anchoring: having somebody outside vouch for checkpoints, without ever waiting for them.
//!
//! One seam, [`Anchor`], for every service; one durable [`Outbox`] per configured anchor; one thread, [`Anchoring`], that takes checkpoints on a
//! schedule, asks, asks again, checks what comes back, and records `anchor.confirmed`.
//!
//! Promises: appends never wait for an anchor; a job survives a restart in the state it had; an answer that does not verify is refused with a code, shown and
//! asked for again. Must never: call a checkpoint anchored before its evidence was checked and is durable; anchor its own records in a circle.

mod calendar;
mod evidence;
mod evm;
mod exchange;
mod job;
mod key;
mod lock;
mod outbox;
mod overdue;
mod record;
mod root_log;
mod runner;
mod services;
mod time_stamps;
mod turbo;

pub use calendar::Calendar;
pub(crate) use evidence::evidence_for;
pub use evidence::{Anchored, AnchoredSet, anchored};
pub use evm::EvmChain;
pub use exchange::{Answer, Exchange, Method, Outgoing};
pub use job::{Job, JobError, JobState, JobTime};
pub use key::{AnchorKeyError, Ed25519AnchorKey, EvmKey, new_anchor_key};
pub use lock::OutboxLock;
pub use outbox::{ANCHOR_DIR, Coverage, Outbox, OutboxError};
pub(crate) use outbox::{covering, job_names};
pub use overdue::Patience;
pub use root_log::RootLog;
pub use runner::{AnchorPlan, Anchoring, Note, Round};
pub use services::{MAX_SERVICES, Services, Told};
pub use time_stamps::TimeStampAuthority;
pub use turbo::ArweaveUpload;

use tabellion_tlog::anchor::{AnchorKind, digest};
use tabellion_tlog::{CheckpointError, Hash, SignedCheckpoint};

/// What is anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The signed checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// Its digest: all that a service ever sees.
    pub digest: Hash,
}

impl Target {
    /// Of a signed checkpoint's bytes.
    pub fn of(checkpoint: &str) -> Result<Self, CheckpointError> {
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes())?;
        let digest = digest(&checkpoint.checkpoint);
        Ok(Self { checkpoint, digest })
    }
}

/// How far an anchor is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The service took it and needs time.
    Pending {
        /// What [`Anchor::resume`] needs; kept with the job.
        state: Vec<u8>,
        /// When to ask again, in seconds from now.
        ask_again_s: u64,
    },
    /// The service has a later checkpoint of this log, which covers all that this one does.
    Superseded,
    /// Done, and checked.
    Confirmed {
        /// The evidence in the service's own format.
        evidence: Vec<u8>,
        /// When it was made, as far as the service says and was checked.
        time: Option<JobTime>,
        /// What was checked and what was not, in a sentence.
        checked: String,
    },
}

/// Why an anchor got no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorFault {
    /// The service cannot be reached or is not ready; asking again may help.
    #[error("{0}")]
    Unavailable(String),
    /// The service answered what cannot be used. Asking again may help too, but somebody should look.
    #[error("{text}")]
    Refused {
        /// A stable code.
        code: &'static str,
        /// What is wrong.
        text: String,
    },
}

impl AnchorFault {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Refused { code, .. } => code,
        }
    }

    pub(crate) fn refused(code: &'static str, text: impl std::fmt::Display) -> Self {
        Self::Refused { code, text: text.to_string() }
    }
}

/// A service that vouches for checkpoints.
pub trait Anchor: Send {
    /// What it is.
    fn kind(&self) -> AnchorKind;
    /// How often what it confirms is kept for good and put on record, in seconds; 0: always. Where it is not always, evidence can be had again, and what was
    /// confirmed in between makes room for the next.
    fn keeps_every_s(&self) -> u64 {
        0
    }
    /// Which of its services served what was asked since this was last called, and which were passed over.
    fn told(&mut self) -> Told {
        Told::default()
    }
    /// Asks for the first time. May be asked again for the same target after a fault or a crash.
    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault>;
    /// Asks again, with what [`Progress::Pending`] left.
    fn resume(&mut self, target: &Target, state: &[u8]) -> Result<Progress, AnchorFault>;
}
