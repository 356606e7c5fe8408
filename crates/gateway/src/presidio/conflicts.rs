//! Findings that overlap, resolved as Presidio's anonymiser does by default: what is alike or contained becomes one; what merely overlaps stays.
//!
//! As in version 2.2.366: the order in which findings are held against one another is part of the result, so it is kept here.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::letters::Letters;

/// A finding, by code points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) score: f64,
    /// Number of its entity among those of the request.
    pub(super) entity: usize,
}

impl Span {
    /// Whether both are of one entity and share letters; those that only touch do not.
    fn merges_with(&self, other: &Self) -> bool {
        self.entity == other.entity && self.end.min(other.end) > self.start.max(other.start)
    }

    fn take_in(&mut self, other: &Self) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        self.score = self.score.max(other.score);
    }
}

/// The findings that are left, in the order in which they have to be replaced: from the end of the text to its start.
pub(super) fn resolved(mut spans: Vec<Span>, letters: &Letters<'_>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut left = beside_spaces(without_contained(merged(spans)), letters);
    left.sort_by_key(|span| Reverse((span.start, span.end)));
    left
}

/// Of each entity, in their order, those that share letters become one, which stands where the last of them stood. One without letters shares none, and ends what
/// was being joined.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut joining: BTreeMap<usize, (usize, Span)> = BTreeMap::new();
    let mut kept: Vec<(usize, Span)> = Vec::new();
    for (place, span) in spans.into_iter().enumerate() {
        match joining.get_mut(&span.entity) {
            Some((last, joined)) if joined.merges_with(&span) => {
                joined.take_in(&span);
                *last = place;
            }
            _ => kept.extend(joining.insert(span.entity, (place, span))),
        }
    }
    kept.extend(joining.into_values());
    kept.sort_by_key(|(place, _)| *place);
    kept.into_iter().map(|(_, span)| span).collect()
}

/// Without those that another one contains. Of several at one place the surest is left, and of those that are as sure the last one.
fn without_contained(spans: Vec<Span>) -> Vec<Span> {
    let mut order: Vec<(usize, Span)> = spans.into_iter().enumerate().collect();
    order.sort_by(|(place, span), (other_place, other)| {
        let ends = (span.start, Reverse(span.end)).cmp(&(other.start, Reverse(other.end)));
        ends.then_with(|| other.score.total_cmp(&span.score)).then_with(|| other_place.cmp(place))
    });
    let mut reached: Option<usize> = None;
    order.retain(|(_, span)| {
        let is_contained = reached.is_some_and(|reached| reached >= span.end);
        reached = reached.max(Some(span.end));
        !is_contained
    });
    order.sort_by_key(|(place, _)| *place);
    order.into_iter().map(|(_, span)| span).collect()
}

/// Makes one of two neighbours of an entity between which there are blanks alone.
fn beside_spaces(spans: Vec<Span>, letters: &Letters<'_>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::new();
    for mut span in spans {
        let joins = |before: &Span| {
            before.entity == span.entity
                && before.end < span.start
                && are_blanks(letters.at(before.end..span.start))
        };
        if let Some(before) = joined.last().copied().filter(joins) {
            span.start = before.start;
            joined.pop();
        }
        joined.push(span);
    }
    joined
}

/// Blanks, and behind them at most one line feed: that is how far the end of a line goes in the expression that Presidio has for it.
fn are_blanks(between: &str) -> bool {
    let blanks = between.strip_suffix('\n').unwrap_or(between);
    !blanks.is_empty() && blanks.bytes().all(|byte| byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize, entity: usize, score: f64) -> Span {
        Span { start, end, score, entity }
    }

    fn places(spans: Vec<Span>, text: &str) -> Vec<(usize, usize, usize)> {
        let left = resolved(spans, &Letters::of(text));
        left.iter().map(|span| (span.start, span.end, span.entity)).collect()
    }

    #[test]
    fn what_is_alike_or_contained_becomes_one_and_what_overlaps_stays() {
        let text = "0123456789";
        assert_eq!(places(vec![span(0, 4, 0, 0.5), span(2, 6, 0, 0.9)], text), [(0, 6, 0)], "one entity");
        assert_eq!(
            places(vec![span(0, 4, 0, 0.5), span(4, 6, 0, 0.9)], text),
            [(4, 6, 0), (0, 4, 0)],
            "they touch"
        );
        assert_eq!(
            places(vec![span(1, 3, 1, 1.0), span(0, 4, 0, 0.1)], text),
            [(0, 4, 0)],
            "contained, though surer"
        );
        assert_eq!(
            places(vec![span(0, 4, 0, 0.5), span(2, 6, 1, 0.9)], text),
            [(2, 6, 1), (0, 4, 0)],
            "they overlap"
        );
        assert_eq!(places(vec![span(0, 4, 0, 0.5), span(0, 4, 1, 0.9)], text), [(0, 4, 1)], "the surer one");
        assert_eq!(places(vec![span(0, 4, 0, 0.5), span(0, 4, 1, 0.5)], text), [(0, 4, 1)], "the later one");
    }

    #[test]
    fn blanks_between_two_of_an_entity_join_them() {
        let both = || vec![span(0, 2, 0, 1.0), span(4, 6, 0, 1.0)];
        assert_eq!(places(both(), "ab  cd"), [(0, 6, 0)]);
        assert_eq!(places(both(), "ab \ncd"), [(0, 6, 0)], "the end of a line counts as its end");
        assert_eq!(places(both(), "ab\t cd"), [(4, 6, 0), (0, 2, 0)], "a tab is no blank there");
        assert_eq!(places(vec![span(0, 2, 0, 1.0), span(4, 6, 1, 1.0)], "ab  cd"), [(4, 6, 1), (0, 2, 0)]);
    }
}
