//! Which entries a package holds: whole batches, chosen by size and period.
//!
//! Promises: a period selects exactly the batches whose commit time lies in it, never by what a record claims about its own time.

use std::fmt;
use std::ops::Range;

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

/// A range of whole batches, by the numbers of their commits.
pub(super) struct Chosen {
    /// Commits.
    pub(super) commits: Range<u64>,
    pub(super) first: CommitView,
    pub(super) last: CommitView,
    after: Option<CommitView>,
    size: u64,
}

impl Chosen {
    /// The range with each of its commits.
    pub(super) fn span(self, reader: &Reader) -> Result<Span, ExportError> {
        let commits = self.commits.map(|number| reader.commit(number)).filter_map(Result::transpose);
        Ok(Span {
            first: self.first.first,
            count: self.last.size - self.first.first,
            size: self.size,
            commits: commits.collect::<Result<_, _>>()?,
            seal_after: self.after.map(|commit| commit.size - 1),
        })
    }
}

/// Chooses the batches of `period`, or all of them, below `size`.
pub(super) fn choose(
    reader: &Reader,
    period: Option<(Micros, Micros)>,
    size: u64,
) -> Result<Chosen, ExportError> {
    if let Some((from, to)) = period.filter(|(from, to)| from >= to) {
        return Err(ExportError::Backwards { from, to });
    }
    let all = reader.commits_below(size);
    // Commit times never step back, so a period is one run of batches.
    let (from, to) = match period {
        None => (0, all),
        Some((from, to)) => (first_since(reader, from, all)?, first_since(reader, to, all)?),
    };
    let at = |number: Option<u64>| number.filter(|number| *number < all).map(|number| reader.commit(number));
    let at = |number: Option<u64>| Ok::<_, ExportError>(at(number).transpose()?.flatten());
    let after = at(Some(to))?;
    let some = if from < to { (at(Some(from))?, at(to.checked_sub(1))?) } else { (None, None) };
    let (Some(first), Some(last)) = some else {
        let before = at(from.checked_sub(1))?;
        let (from, to) = period.unwrap_or((Micros(0), Micros(0)));
        let time = |commit: CommitView| commit.committed_at;
        return Err(ExportError::Empty {
            from,
            to,
            size,
            nearest: Gap { before: before.map(time), after: after.map(time) },
        });
    };
    Ok(Chosen { commits: from..to, first, last, after, size })
}

/// The number of the first commit at `at` or later, of the first `all`.
fn first_since(reader: &Reader, at: Micros, all: u64) -> Result<u64, ExportError> {
    let (mut low, mut high) = (0, all);
    while low < high {
        let middle = low + (high - low) / 2;
        match reader.commit(middle)? {
            Some(commit) if commit.committed_at < at => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
