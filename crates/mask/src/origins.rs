//! From a text that was read back to the one it was read from: where escapes were, and where each character stands.

use std::ops::Range;

/// Where parts of a text come from. What is between two steps stands as it did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    /// Where the text begins in the one it was read from.
    front: usize,
    steps: Vec<OriginStep>,
}

/// A part that was written otherwise: where it is in the text, and where in the one it was read from.
#[derive(Clone, Copy, Debug)]
struct OriginStep {
    from: usize,
    to: usize,
    raw_from: usize,
    raw_to: usize,
}

impl Origins {
    /// Of a text that begins at `front` and has no step yet.
    pub(crate) const fn new(front: usize) -> Self {
        Self { front, steps: Vec::new() }
    }

    /// Whether the text is the one it was read from.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Notes that `range`, behind all that was noted before, comes from `raw`.
    pub(crate) fn push(&mut self, range: Range<usize>, raw: Range<usize>) {
        self.steps.push(OriginStep {
            from: range.start,
            to: range.end,
            raw_from: raw.start,
            raw_to: raw.end,
        });
    }

    /// Forgets what was noted of the text from a place on.
    pub(crate) fn truncate(&mut self, len: usize) {
        while self.steps.last().is_some_and(|step| step.to > len) {
            self.steps.pop();
        }
    }

    /// Where a range of the text stands in the one it was read from. The range lies on character borders; an escape is taken
    /// whole, and what was left out beside the range is left out again.
    pub(crate) fn range(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        if range.is_empty() {
            return start..start;
        }
        let before = self
            .steps
            .partition_point(|step| step.to < range.end || step.to == range.end && step.from < range.end);
        start..self.behind(before, range.end)
    }

    /// Where a place of the text is; behind what was left out there.
    pub(crate) fn place(&self, at: usize) -> usize {
        self.behind(self.steps.partition_point(|step| step.to <= at), at)
    }

    fn behind(&self, before: usize, at: usize) -> usize {
        let (to, raw_to) = match before.checked_sub(1).and_then(|last| self.steps.get(last)) {
            Some(step) => (step.to, step.raw_to),
            None => (0, self.front),
        };
        match self.steps.get(before) {
            Some(step) if at > step.from => step.raw_from,
            _ => raw_to.saturating_add(at.saturating_sub(to)),
        }
    }

    /// Whether a place of the text that was read from lies within an escape.
    pub(crate) fn cuts(&self, raw: usize) -> bool {
        let before = self.steps.partition_point(|step| step.raw_to <= raw);
        self.steps.get(before).is_some_and(|step| step.raw_from < raw)
    }
}
