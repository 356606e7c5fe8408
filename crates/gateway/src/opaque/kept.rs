//! Files and batches that calls of this process made at providers, beside those that the views have read.
//!
//! Must never: be the truth: a restart begins with none, and the snapshot has them by then.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use tabellion_model::SystemId;
use tabellion_model::body::RouteClass;
use tabellion_views::gate::{Gate, GateFile};

/// Most files that are kept beside the snapshot, which has them milliseconds later.
const MAX_KEPT: usize = 1024;

/// The newest files.
#[derive(Default)]
pub(crate) struct KeptFiles(Mutex<VecDeque<GateFile>>);

impl KeptFiles {
    /// One more, which is on record.
    pub(crate) fn keep(&self, file: GateFile) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MAX_KEPT {
            kept.pop_front();
        }
        kept.push_back(file);
    }

    /// Whether `system` has all of these, by the newest that is known of each; in one pass, however many they are.
    pub(crate) fn has_all(
        &self,
        gate: &Gate,
        (provider, class): (&str, RouteClass),
        ids: impl Iterator<Item = impl Into<String>>,
        system: SystemId,
    ) -> bool {
        let mut left: BTreeSet<String> = ids.map(Into::into).collect();
        if left.is_empty() {
            return true;
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for known in kept.iter().rev().chain(gate.files.iter()) {
            let is_like = known.class == class && known.provider == provider;
            if is_like && left.remove(&known.file) && known.system != system {
                return false;
            }
        }
        left.is_empty()
    }

    /// What is known of what `provider` calls so, of this class: the newest, should it have given the name twice.
    pub(crate) fn find(&self, gate: &Gate, provider: &str, class: RouteClass, id: &str) -> Option<GateFile> {
        let is_it =
            |known: &&GateFile| known.file == id && known.class == class && known.provider == provider;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(is_it).or_else(|| gate.files.iter().find(is_it)).cloned()
    }
}
