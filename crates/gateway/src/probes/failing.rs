//! Guards whose canaries got through: what they are for is not let through, where the configuration says so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::code::Code;
use crate::decide::Refusal;

/// Which ones.
#[derive(Debug, Default)]
struct Known {
    /// Guards, by number and name.
    guards: BTreeSet<(usize, String)>,
    /// Providers for which masking fails.
    upstreams: BTreeSet<String>,
}

/// What the newest round found to fail. Calls only look; the thread that probes writes.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    any: AtomicBool,
    known: RwLock<Known>,
}

impl Failing {
    /// From here on these fail, and no others.
    pub(super) fn are(&self, guards: BTreeSet<(usize, String)>, upstreams: BTreeSet<String>) {
        let any = !guards.is_empty() || !upstreams.is_empty();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { guards, upstreams };
        self.any.store(any, Ordering::Release);
    }

    /// Refuses a call for which one of the guards `applying` is, or that goes to `upstream`, where these fail.
    pub(crate) fn check(&self, applying: impl Fn(usize) -> bool, upstream: &str) -> Result<(), Refusal> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let guard = known.guards.iter().find(|(number, _)| applying(*number)).map(|(_, name)| name.as_str());
        let masking = known.upstreams.contains(upstream).then_some(super::places::MASKING);
        let Some(name) = guard.or(masking) else { return Ok(()) };
        let reason = format!(
            "a canary got through {name}, so nothing that it is for is let through until it stops its canaries again; ask the governance engineer who keeps it"
        );
        Err(Refusal::new(Code::GuardErrored, reason))
    }
}
