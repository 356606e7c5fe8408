//! How many clauses and controls stood how at earlier moments.
//!
//! Promises: each count is of what the log said up to then, by the rules of now; what was erased since counts for nothing. Must never: guess between two
//! moments, or keep a count that an erasure may have changed.

use tabellion_model::Micros;
use tabellion_model::status::evaluate_all;
use tabellion_model::status::rules::Rules;
use tabellion_views::PAST_ENTRIES;

use super::Desk;
use super::controls::Counts;
use crate::refusal::Refusal;

/// Counts that were made, for the moments that were asked for last.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    sizes: Vec<u64>,
    blanked: u64,
    counts: Vec<(Micros, Counts)>,
}

impl Desk {
    /// How many stood how at each of `sizes`, ends of commits in ascending order; `None` when the log was too long then to be folded for one look.
    pub(crate) fn coverage_over(&self, sizes: &[u64]) -> Result<Option<Vec<(Micros, Counts)>>, Refusal> {
        let mut kept = self.over.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let blanked = self.views.blanked();
        if kept.sizes == sizes && kept.blanked == blanked {
            return Ok(Some(kept.counts.clone()));
        }
        let Some(stood) = self.views.facts_over(sizes, &self.tools.registers, PAST_ENTRIES)? else {
            return Ok(None);
        };
        let counts = stood.iter().map(|(at, facts)| {
            let mut counts = Counts::default();
            for status in evaluate_all(Rules::built_in(), facts, *at) {
                counts.add(status.overall);
            }
            (*at, counts)
        });
        *kept = Kept { sizes: sizes.to_vec(), blanked, counts: counts.collect() };
        Ok(Some(kept.counts.clone()))
    }
}
