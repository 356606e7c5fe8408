//! Guards that look when a call is over: they stop nothing, and no call waits for them.
//!
//! Promises: they see what guards in the path of the call see, a prompt as it was sent, masked, and an answer before values are given back; what they say has a record of
//! its own, `call.assessed`, within the bound that they are set up with; whatever was not looked at is on record as that, or, where nothing can be recorded, counted, and
//! found at the next start. Must never: decide, delay or deny anything; keep a text longer than the bound, or anywhere but in memory.

mod assessing;
mod batches;
pub(crate) mod config;
mod lost;
mod pending;
mod queue;
mod suite;
mod tape;

pub use lost::{ASSESSED_WITHIN_US, assess_lost};
pub(crate) use pending::Pending;
pub(crate) use queue::Assessing;
pub(crate) use suite::AfterGuards;
pub(crate) use tape::Tape;

/// Why a guard did not look, or has no verdict, beside what services and guards in the path of a call say for themselves.
pub(crate) mod why {
    /// There is no verdict within the bound.
    pub(crate) const LATE: &str = "late";
    /// More was waiting to be looked at than is kept waiting.
    pub(crate) const QUEUE_FULL: &str = "queue_full";
    /// The gateway ended first, and said so.
    pub(crate) const STOPPING: &str = "stopping";
    /// The process ended first.
    pub(crate) const RESTART: &str = "restart";
    /// The call went by a declared route, into which nothing looks.
    pub(crate) const OPAQUE: &str = "opaque";
    /// Nothing of the call was sent.
    pub(crate) const NOT_SENT: &str = "not_sent";
    /// Nobody got an answer.
    pub(crate) const NO_ANSWER: &str = "no_answer";
    /// There was more than is kept.
    pub(crate) const TOO_MUCH: &str = "too_much";
    /// Its texts could be read in more than one way.
    pub(crate) const UNREADABLE: &str = "unreadable";
}
