//! Time bounds on both sides of every entry of a range, out of what anchors confirmed (requirement B05).
//!
//! **Not after**: an entry below the size of a confirmed checkpoint was in the log when the evidence was made. **Not before**: an entry behind the record of
//! evidence that nobody could foresee took its place after the evidence existed. The second is about the place in the log, not about what the
//! entry says: somebody may log today what happened long ago.

use serde_json::{Value as Json, json};
use tabellion_tlog::anchor::TimeSpan;

use crate::time::Micros;

/// One confirmed checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// Entries below this existed then.
    pub(crate) size: u64,
    /// Index of its record; entries behind it are younger.
    pub(crate) record: u64,
    pub(crate) span: TimeSpan,
    pub(crate) source: String,
    pub(crate) unforeseeable: bool,
}

/// A time and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) time: Micros,
    pub(crate) source: String,
}

/// Entries that share their bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) first: u64,
    /// The last entry, inside.
    pub(crate) last: u64,
    pub(crate) not_before: Option<Limit>,
    pub(crate) not_after: Option<Limit>,
}

/// The intervals of the entries `first … end − 1`, in order and without a gap.
pub(crate) fn intervals(bounds: &[Bound], first: u64, end: u64) -> Vec<Interval> {
    let mut edges: Vec<u64> = bounds
        .iter()
        .flat_map(|bound| [bound.size, bound.record.saturating_add(1)])
        .filter(|edge| (first..end).contains(edge))
        .chain([first, end])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let mut intervals: Vec<Interval> = Vec::new();
    for (from, to) in edges.iter().zip(edges.iter().skip(1)) {
        let next = Interval {
            first: *from,
            last: to.saturating_sub(1),
            not_before: not_before(bounds, *from),
            not_after: not_after(bounds, *from),
        };
        match intervals.last_mut() {
            Some(last) if last.not_before == next.not_before && last.not_after == next.not_after => {
                last.last = next.last;
            }
            _ => intervals.push(next),
        }
    }
    intervals
}

fn not_before(bounds: &[Bound], index: u64) -> Option<Limit> {
    let before = bounds.iter().filter(|bound| bound.unforeseeable && bound.record < index);
    let latest = before.max_by_key(|bound| bound.span.earliest_us)?;
    Some(Limit { time: Micros(latest.span.earliest_us), source: latest.source.clone() })
}

fn not_after(bounds: &[Bound], index: u64) -> Option<Limit> {
    let after = bounds.iter().filter(|bound| bound.size > index);
    let earliest = after.min_by_key(|bound| bound.span.latest_us)?;
    Some(Limit { time: Micros(earliest.span.latest_us), source: earliest.source.clone() })
}

impl Interval {
    /// For a reader's program.
    pub(crate) fn to_json(&self) -> Json {
        let limit = |limit: &Option<Limit>| {
            limit.as_ref().map(|limit| json!({"source": limit.source, "time": limit.time.to_string()}))
        };
        json!({
            "first": self.first, "last": self.last, "not_after": limit(&self.not_after), "not_before": limit(&self.not_before),
        })
    }

    /// For a reader.
    pub(crate) fn text(&self) -> String {
        let limit = |limit: &Option<Limit>| {
            limit
                .as_ref()
                .map_or_else(|| "unknown".to_owned(), |limit| format!("{} ({})", limit.time, limit.source))
        };
        format!(
            "entries {} to {}: logged not before {}, not after {}",
            self.first,
            self.last,
            limit(&self.not_before),
            limit(&self.not_after)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(size: u64, record: u64, time: u64) -> Bound {
        let span = TimeSpan { earliest_us: time - 1, latest_us: time + 1 };
        Bound { size, record, span, source: format!("at {time}"), unforeseeable: true }
    }

    /// Requirement: B05
    #[test]
    fn each_entry_lies_between_the_anchors_around_it() {
        let bounds = [bound(10, 12, 1_000), bound(20, 22, 2_000)];
        let found = intervals(&bounds, 5, 30);
        let edges: Vec<_> = found.iter().map(|one| (one.first, one.last)).collect();
        assert_eq!(
            edges,
            [(5, 9), (10, 12), (13, 19), (20, 22), (23, 29)],
            "entries share bounds that differ"
        );
        let times = |at: usize| {
            let time = |limit: &Option<Limit>| limit.as_ref().map(|limit| limit.time.0);
            found.get(at).map(|one| (time(&one.not_before), time(&one.not_after)))
        };
        assert_eq!(times(0), Some((None, Some(1_001))), "the first entries have no beacon before them");
        assert_eq!(times(1), Some((None, Some(2_001))), "an entry after the checkpoint is dated by it");
        assert_eq!(times(2), Some((Some(999), Some(2_001))), "an interval lost a side");
        assert_eq!(
            times(4),
            Some((Some(1_999), None)),
            "the newest entries are dated by an anchor before them"
        );
    }

    #[test]
    fn evidence_that_could_be_foreseen_bounds_from_above_only() {
        let mut foreseen = bound(10, 12, 1_000);
        foreseen.unforeseeable = false;
        let found = intervals(&[foreseen], 0, 20);
        assert!(
            found.iter().all(|one| one.not_before.is_none()),
            "a proof made ahead would date what follows"
        );
        assert_eq!(intervals(&[], 3, 7).len(), 1, "without anchors the range has no interval at all");
        assert!(intervals(&[], 3, 3).is_empty(), "an empty range has one");
    }
}
