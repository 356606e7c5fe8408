//! The desk as it stood at an earlier log size: it answers from the views of then, and changes nothing.
//!
//! Promises: who may see what is judged by the present, so that nobody regains what they have lost by looking back; what was erased since is gone.
//! Must never: record anything.

use std::sync::Arc;

use tabellion_model::Micros;
use tabellion_views::{Depth, PAST_ENTRIES, Views};

use super::Desk;
use crate::refusal::{Code, Refusal};

/// What a desk of the past knows of the present.
pub(crate) struct Then {
    /// Commit time of the last entry.
    at: Micros,
    /// What the views of then can say.
    depth: Depth,
    /// The views of now, by which permissions are judged.
    present: Arc<Views>,
}

impl Desk {
    /// This desk as it stood at `size`, the end of the commit of `at`; `None` when that log is too long to be folded for one look.
    pub(crate) fn past(&self, size: u64, at: Micros) -> Result<Option<Self>, Refusal> {
        let Some(past) = self.present().past(size, PAST_ENTRIES)? else { return Ok(None) };
        Ok(Some(Self {
            then: Some(Then { at, depth: past.depth, present: Arc::clone(self.present()) }),
            waiting: Arc::clone(&self.waiting),
            probes: self.probes.clone(),
            upstreams: self.upstreams.clone(),
            ..Self::over(Arc::clone(&self.ledger), past.views, Arc::clone(&self.tools))
        }))
    }

    /// The views of now, whenever this desk stands.
    pub(crate) fn present(&self) -> &Arc<Views> {
        self.then.as_ref().map_or(&self.views, |then| &then.present)
    }

    /// What this desk can say.
    pub(crate) fn depth(&self) -> Depth {
        self.then.as_ref().map_or(Depth::Everything, |then| then.depth)
    }

    /// When this desk stands; `None`: now.
    pub(super) fn then(&self) -> Option<Micros> {
        self.then.as_ref().map(|then| then.at)
    }

    /// Refuses what would change something in the past.
    pub(super) fn check_present(&self) -> Result<(), Refusal> {
        match &self.then {
            None => Ok(()),
            Some(_) => {
                Err(Refusal::new(Code::Conflict, "an earlier moment is only read; nothing was recorded"))
            }
        }
    }
}
