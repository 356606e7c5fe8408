//! Idle connections of one thread, to be used again.
//!
//! Promises: bounded for each provider, the most recently used first, none older than a provider keeps it; of those that take many requests side by side one for
//! each. Must never: be shared between threads, whose connections belong to their own runtimes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::upstream::connect::Sender;
use crate::upstream::connect::http2::SharedSender;

/// Idle connections kept for one provider by one thread. More calls than that at once simply open new ones.
const MAX_IDLE: usize = 128;
/// Servers in common use close an idle connection after 5 s at the earliest; one that is older may be closing just now, and a request on it
/// would be lost without our knowing whether it was read.
const MAX_AGE: Duration = Duration::from_secs(4);

struct Idle {
    sender: Sender,
    since: Instant,
}

/// The idle connections, by the number of their provider.
pub(crate) struct Pool {
    idle: Vec<Mutex<Vec<Idle>>>,
    shared: Vec<Mutex<Option<SharedSender>>>,
}

impl Pool {
    /// An empty pool for so many providers.
    pub(crate) fn new(upstreams: usize) -> Self {
        Self {
            idle: (0..upstreams).map(|_| Mutex::default()).collect(),
            shared: (0..upstreams).map(|_| Mutex::default()).collect(),
        }
    }

    /// A connection that is open and free, if there is one.
    pub(crate) fn take(&self, upstream: usize) -> Option<Sender> {
        let mut idle = self.idle.get(upstream)?.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(newest) = idle.pop() {
            if newest.since.elapsed() > MAX_AGE {
                // Those below it are older still.
                idle.clear();
                return None;
            }
            if newest.sender.is_ready() {
                return Some(newest.sender);
            }
        }
        None
    }

    /// Keeps a connection whose answer was read to its end.
    pub(crate) fn put(&self, upstream: usize, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let Some(idle) = self.idle.get(upstream) else { return };
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    /// The connection that takes many requests, if it is open.
    pub(crate) fn shared(&self, upstream: usize) -> Option<SharedSender> {
        let mut known = self.shared.get(upstream)?.lock().unwrap_or_else(PoisonError::into_inner);
        *known = known.take().filter(|sender| !sender.is_closed());
        known.clone()
    }

    /// From here on further requests take this one; `None`: a new one.
    pub(crate) fn share(&self, upstream: usize, sender: Option<SharedSender>) {
        let Some(known) = self.shared.get(upstream) else { return };
        *known.lock().unwrap_or_else(PoisonError::into_inner) = sender;
    }
}
