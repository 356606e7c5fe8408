//! Guards whose canaries got through: what they are for is not let through, where the configuration says so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use tabellion_model::body::ProbedPlace;

use super::config::OnProbeFailure;
use super::kept;
use super::places::{MASKING, Place};
use crate::code::Code;
use crate::decide::Refusal;
use crate::guards::Guards;

/// Which ones.
#[derive(Debug, Default)]
struct Known {
    /// Guards, by number and name.
    guards: BTreeSet<(usize, String)>,
    /// Providers for which masking fails.
    upstreams: BTreeSet<String>,
}

/// What the newest round found to fail, or one before it that nothing has cleared since. Calls only look; the thread that probes writes.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    any: AtomicBool,
    known: RwLock<Known>,
}

impl Failing {
    /// From here on what the guards are for is denied whose canaries got through, where that is wanted; `probed` is what came of `places`, in their order.
    pub(super) fn heed(
        &self,
        on_failure: OnProbeFailure,
        places: &[Place],
        guards: &Guards,
        probed: &[ProbedPlace],
    ) {
        let (mut failing, mut upstreams) = (BTreeSet::new(), BTreeSet::new());
        let can_stop = |number: usize| guards.all.get(number).is_some_and(|guard| guard.can_stop);
        let is_heeded = on_failure == OnProbeFailure::Deny;
        let through = places.iter().zip(probed).filter(|(_, probed)| is_heeded && kept::fails(probed));
        for (place, _) in through {
            match place.number {
                // What only flags stops nothing, and so nothing is stopped for its sake.
                Some(number) if can_stop(number) => {
                    failing.insert((number, place.guard.clone()));
                }
                Some(_) => {}
                None => {
                    upstreams.insert(place.upstream.clone());
                }
            }
        }
        self.are(failing, upstreams);
    }

    /// From here on these fail, and no others.
    fn are(&self, guards: BTreeSet<(usize, String)>, upstreams: BTreeSet<String>) {
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
        let masking = known.upstreams.contains(upstream).then_some(MASKING);
        let Some(name) = guard.or(masking) else { return Ok(()) };
        let reason = format!(
            "a canary got through {name}, so nothing that it is for is let through until it stops its canaries again; ask the governance engineer who keeps it"
        );
        Err(Refusal::new(Code::GuardErrored, reason))
    }
}
