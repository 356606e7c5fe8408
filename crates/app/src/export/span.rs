//! Which entries a package holds: whole batches, chosen by size and period.
//!
//! Promises: a period selects exactly the batches whose commit time lies in it, never by what a record claims about its own time.

use std::fmt;

use tabellion_ledger::{CommitView, Reader};
use tabellion_model::Micros;

use super::ExportError;

/// A range of whole batches.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Size of the checkpoint that the range is proved against.
    pub(crate) size: u64,
    /// The batches of the range, in order; never empty.
    pub(crate) commits: Vec<CommitView>,
    /// Index of the seal of the batch right after the range.
    pub(crate) seal_after: Option<u64>,
}

impl Span {
    /// Index after the last entry.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.count
    }

    pub(crate) fn first_commit(&self) -> Micros {
        self.commits.first().map_or(Micros(0), |commit| commit.committed_at)
    }

    pub(crate) fn last_commit(&self) -> Micros {
        self.commits.last().map_or(Micros(0), |commit| commit.committed_at)
    }

    /// When the batch of entry `index` was sealed.
    pub(crate) fn committed_at(&self, index: u64) -> Option<Micros> {
        let position = self.commits.partition_point(|commit| commit.size <= index);
        self.commits.get(position).map(|commit| commit.committed_at)
    }
}

/// The commits around a period without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Time of the last commit before the period.
    pub before: Option<Micros>,
    /// Time of the first commit after it.
    pub after: Option<Micros>,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before, self.after) {
            (Some(before), Some(after)) => write!(f, "the nearest commits are at {before} and {after}"),
            (Some(before), None) => write!(f, "the last commit is at {before}"),
            (None, Some(after)) => write!(f, "the first commit is at {after}"),
            (None, None) => f.write_str("the log has no commit"),
        }
    }
}

/// Chooses the batches of `period`, or all of them, below `size`.
pub(super) fn choose(
    reader: &Reader,
    period: Option<(Micros, Micros)>,
    size: u64,
) -> Result<Span, ExportError> {
    if let Some((from, to)) = period.filter(|(from, to)| from >= to) {
        return Err(ExportError::Backwards { from, to });
    }
    let mut commits = reader.commits()?;
    commits.retain(|commit| commit.size <= size);
    // Commit times never step back, so a period is one run of batches.
    let (from, to) = match period {
        None => (0, commits.len()),
        Some((from, to)) => (
            commits.partition_point(|commit| commit.committed_at < from),
            commits.partition_point(|commit| commit.committed_at < to),
        ),
    };
    let before = from.checked_sub(1).and_then(|position| commits.get(position)).copied();
    let after = commits.get(to).copied();
    let chosen = commits.get(from..to).unwrap_or_default().to_vec();
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else {
        let (from, to) = period.unwrap_or((Micros(0), Micros(0)));
        let time = |commit: CommitView| commit.committed_at;
        return Err(ExportError::Empty {
            from,
            to,
            size,
            nearest: Gap { before: before.map(time), after: after.map(time) },
        });
    };
    let (first, count) = (first.first, last.size - first.first);
    Ok(Span { first, count, size, commits: chosen, seal_after: after.map(|commit| commit.size - 1) })
}
