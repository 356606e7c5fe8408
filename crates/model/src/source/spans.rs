//! A set of numbers, kept as its stretches.
//!
//! Promises: stretches never touch or overlap, so a count without a hole is one stretch whatever the order in which it came.

use std::collections::BTreeMap;

/// A set of numbers. Room is used for each stretch, not for each number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spans(BTreeMap<u64, u64>);

impl Spans {
    /// Adds `first` to `last`, both included; gives how many of them were not there before.
    pub fn insert(&mut self, first: u64, last: u64) -> u64 {
        if first > last {
            return 0;
        }
        let (mut from, mut to, mut held) = (first, last, 0);
        // Whatever overlaps or touches what is added becomes a part of it.
        let reach = last.saturating_add(1);
        let near: Vec<(u64, u64)> = self
            .0
            .range(..=reach)
            .rev()
            .map(|(begin, end)| (*begin, *end))
            .take_while(|(_, end)| end.saturating_add(1) >= first)
            .collect();
        for (begin, end) in near {
            held += (end.min(last) + 1).saturating_sub(begin.max(first));
            (from, to) = (from.min(begin), to.max(end));
            self.0.remove(&begin);
        }
        self.0.insert(from, to);
        last - first + 1 - held
    }

    /// Adds the numbers of another set; gives how many of them were not there before.
    pub fn add(&mut self, other: &Self) -> u64 {
        other.0.iter().map(|(first, last)| self.insert(*first, *last)).sum()
    }

    /// The numbers of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.add(other);
        both
    }

    /// Whether `number` is one of them.
    pub fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// How many numbers up to `to` there are.
    pub fn count_through(&self, to: u64) -> u64 {
        self.0.range(..=to).map(|(first, last)| (*last).min(to) - first + 1).sum()
    }

    /// The numbers above `number`.
    #[must_use]
    pub fn after(&self, number: u64) -> Self {
        let above = self.0.iter().filter(|(_, last)| **last > number);
        Self(above.map(|(first, last)| ((*first).max(number.saturating_add(1)), *last)).collect())
    }

    /// The lowest.
    pub fn first(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }

    /// The highest.
    pub fn last(&self) -> Option<u64> {
        self.0.values().next_back().copied()
    }

    /// The stretches of `from` to `to` that are not there.
    pub fn missing(&self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let mut missing = Vec::new();
        let mut due = from;
        for (first, last) in &self.0 {
            if *first > to {
                break;
            }
            if *first > due {
                missing.push((due, first - 1));
            }
            due = due.max(last.saturating_add(1));
        }
        if due <= to {
            missing.push((due, to));
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_the_set_of_its_numbers_whatever_the_order() {
        let seed = 0x5eed_u64;
        let mut state = seed;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let (mut spans, mut set) = (Spans::default(), BTreeSet::new());
            for _ in 0..30 {
                let first = next(60) + 1;
                let last = first + next(6);
                let new = (first..=last).filter(|number| set.insert(*number)).count() as u64;
                assert_eq!(
                    spans.insert(first, last),
                    new,
                    "a number would be counted twice (seed {seed:#x})"
                );
            }
            assert_eq!(spans.count(), set.len() as u64, "numbers would be lost (seed {seed:#x})");
            assert_eq!(
                (spans.first(), spans.last()),
                (set.first().copied(), set.last().copied()),
                "seed {seed:#x}"
            );
            let missing: Vec<u64> =
                spans.missing(1, 70).into_iter().flat_map(|(first, last)| first..=last).collect();
            let due: Vec<u64> = (1..=70).filter(|number| !set.contains(number)).collect();
            assert_eq!(missing, due, "a hole would not be named (seed {seed:#x})");
            let cut = next(70);
            let (through, after) = (spans.count_through(cut), spans.after(cut));
            assert_eq!(through, set.range(..=cut).count() as u64, "counted up to {cut} (seed {seed:#x})");
            assert_eq!(after.count(), set.len() as u64 - through, "counted above {cut} (seed {seed:#x})");
            assert!(after.first().is_none_or(|first| first > cut), "above {cut} (seed {seed:#x})");
        }
    }
}
