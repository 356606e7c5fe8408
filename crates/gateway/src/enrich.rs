//! Enrichments: what detectors say of a call's texts when it is over, for whoever counts and reviews traffic.
//!
//! Promises: nothing of a call waits for one, also not its end record: they run on a thread of their own when that is durable, and have a record of their own,
//! `call.enriched`; what somebody's is was taken out of a text before it is looked at; a detector that did not look says so and why. Must never: decide, delay
//! or deny anything; put text into a record.

pub(crate) mod config;
pub(crate) mod enriching;
pub(crate) mod pending;
pub(crate) mod suite;
pub(crate) mod texts;

pub(crate) use enriching::Enriching;
pub(crate) use pending::Pending;
pub(crate) use suite::Enrichments;
