//! Room on declared routes, for bodies and for sockets: so many at once, and of one system no more than half of them.
//!
//! Promises: a place is free again when it is dropped; whoever finds none in time is told. Must never: let one system keep all others out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tabellion_model::SystemId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bodies of declared routes that are in memory at once. With 32 MiB each: a quarter of a GiB.
pub(super) const BODIES_AT_ONCE: usize = 8;
/// How long a request waits for room before it is refused: a body of others that comes at a usual pace is sent on by then.
pub(super) const ROOM_WITHIN: Duration = Duration::from_secs(5);

/// The places.
pub(super) struct Places {
    at_once: usize,
    all: Arc<Semaphore>,
    /// Places of systems that have or want one.
    of: Mutex<HashMap<SystemId, Weak<Semaphore>>>,
}

/// Room for one body or socket.
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _common: OwnedSemaphorePermit,
}

impl Places {
    /// So many.
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once, all: Arc::new(Semaphore::new(at_once)), of: Mutex::default() }
    }

    /// A place for one of `system`; none: none was free in time.
    pub(super) async fn place(&self, system: SystemId, within: Duration) -> Option<Place> {
        let (own, all) = (self.own(system), Arc::clone(&self.all));
        let waiting = async {
            // Its own first: whoever waits for that keeps no common place from others.
            let own = own.acquire_owned().await.ok()?;
            Some(Place { _own: own, _common: all.acquire_owned().await.ok()? })
        };
        timeout(within, waiting).await.ok().flatten()
    }

    fn own(&self, system: SystemId) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = of.get(&system).and_then(Weak::upgrade) {
            return known;
        }
        of.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(self.at_once / 2));
        of.insert(system, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for what need not wait at all.
    const AT_ONCE: Duration = Duration::from_millis(5);

    /// Requirement: N22. One system fills half of the room and no more; what it frees can be had again.
    #[tokio::test]
    async fn one_system_never_has_all_the_room() {
        let bodies = Places::new(BODIES_AT_ONCE);
        let [one, other, third] = [1, 2, 3].map(|byte| SystemId::from_bytes([byte; 16]));
        let mut held = Vec::new();
        for system in [one, other] {
            for _ in 0..BODIES_AT_ONCE / 2 {
                held.push(bodies.place(system, AT_ONCE).await.expect("half of the room"));
            }
            assert!(bodies.place(system, AT_ONCE).await.is_none(), "more than half of the room");
        }
        assert!(bodies.place(third, AT_ONCE).await.is_none(), "there is no room at all");
        held.pop();
        drop(bodies.place(third, AT_ONCE).await.expect("what was freed"));
        assert!(bodies.place(one, AT_ONCE).await.is_none(), "more than half, because there is room");
        held.clear();
        drop(bodies.place(one, AT_ONCE).await.expect("all of it is free"));
        assert!(bodies.of.lock().expect("no panic").len() <= 3, "systems that want none are kept");
    }
}
