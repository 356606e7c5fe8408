//! Time bounds on both sides of every entry of a range, out of what anchors confirmed and witnesses cosigned (requirement B05).
//!
//! **Not after**: an entry below the size of a confirmed checkpoint was in the log when the evidence was made. **Not before**: an entry behind the record of
//! evidence that nobody could foresee took its place after the evidence existed. The second is about the place in the log, not about what the
//! entry says: somebody may log today what happened long ago.
//!
//! Promises that a commit time which the bounds exclude is named. Must never: take the log's own clock for a bound.

use serde_json::{Value as Json, json};
use tabellion_tlog::anchor::TimeSpan;

use crate::seal::BatchSeal;
use crate::time::Micros;
use crate::verdict::{CheckPlan, Problems, Report};

pub(crate) const TIME_BOUNDS: &str = "time bounds";
/// The check, which a report has where a clock outside the log has dated something.
const TIME_BOUNDS_PLAN: CheckPlan = CheckPlan {
    name: TIME_BOUNDS,
    proves: "No batch claims another time than outside clocks allow: anchors, and the witnesses that the trust file asks for.",
    does_not_prove: "When what an entry tells of happened, or that it was not prepared earlier than it was logged.",
};
/// Most intervals that the facts list.
const MAX_INTERVALS: usize = 1_024;
/// Intervals that are told in words.
const TOLD_INTERVALS: usize = 4;
/// How far a commit time may lie outside its bounds before it counts as wrong: clocks without a time server drift by minutes.
const CLOCK_TOLERANCE_US: u64 = 3_600 * 1_000_000;

/// One confirmed checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// Entries below this existed then.
    pub(crate) size: u64,
    /// Index of its record; entries behind it are younger when the evidence could not be foreseen.
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

/// What the witness by whom the quorum was met says of the tree of `size`: the bound of its cosignature.
pub(crate) fn bound_of_witness(witnessed: Option<&(String, u64)>, size: u64) -> Option<Bound> {
    let (name, seconds) = witnessed?;
    let span = TimeSpan { earliest_us: 0, latest_us: seconds.saturating_mul(1_000_000) };
    Some(Bound { size, record: size, span, source: format!("witness {name}"), unforeseeable: false })
}

/// Compares the commit times of `seals`, by ascending index, with the bounds of the entries `first … end − 1`, and reports both. Nothing without a bound.
pub(crate) fn check_times<'s>(
    report: &mut Report,
    bounds: &[Bound],
    (first, end): (u64, u64),
    seals: impl Iterator<Item = (u64, &'s BatchSeal)>,
) {
    if bounds.is_empty() {
        return;
    }
    report.plan_optional(&TIME_BOUNDS_PLAN);
    let found = intervals(bounds, first, end);
    let mut problems = Problems::default();
    for (index, seal) in seals {
        let place = found.partition_point(|interval| interval.last < index);
        if let Some(interval) = found.get(place).or(found.last()) {
            interval.check(&mut problems, index, seal);
        }
    }
    let listed: Vec<_> = found.iter().take(MAX_INTERVALS).map(Interval::to_json).collect();
    report.fact("time_bounds", listed);
    let mut told: Vec<String> = found.iter().take(TOLD_INTERVALS).map(Interval::text).collect();
    if found.len() > TOLD_INTERVALS {
        told.push(format!("and {} more intervals among the facts", found.len() - TOLD_INTERVALS));
    }
    let told = if told.is_empty() { "no entry in the range".to_owned() } else { told.join("; ") };
    report.settle(TIME_BOUNDS, &problems, told);
}

fn later(a: Micros, b: Micros) -> bool {
    a.0 > b.0.saturating_add(CLOCK_TOLERANCE_US)
}

impl Interval {
    /// Names the bounds that a seal's commit time lies outside of.
    fn check(&self, problems: &mut Problems, index: u64, seal: &BatchSeal) {
        let time = seal.committed_at;
        let early = self.not_before.as_ref().filter(|limit| later(limit.time, time));
        let late = self.not_after.as_ref().filter(|limit| later(time, limit.time));
        for limit in early.into_iter().chain(late) {
            problems.broken(|| {
                format!(
                    "seal at entry {index}, of entries {} to {}: its commit time {time} is contradicted by {} at {}",
                    seal.first,
                    index.saturating_sub(1),
                    limit.source,
                    limit.time
                )
            });
        }
    }

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
