//! Rows of digits: groups with one separator between them, as numbers are printed.
//!
//! Promises that a row is counted once however many of its groups are looked at: a row of a million single digits costs a
//! pass over it, not a look ahead from each.

use super::window::{Window, note};

/// What stands in a row from one of its groups on.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Where the group begins that was asked for.
    at: usize,
    /// Where the last group begins. It may begin a row of its own, with another separator.
    last: usize,
    /// Digits from the group on.
    pub(crate) digits: usize,
    /// Between the groups; none where there is one.
    pub(crate) separator: Option<char>,
    /// First byte behind the row.
    pub(crate) end: usize,
    /// Whether text that is still to come may belong to it.
    pub(crate) open: bool,
}

impl Row {
    /// Makes this the row from the group that begins at `start` and ends at `first_end`. Groups are asked for in their order.
    pub(crate) fn reach(&mut self, window: &Window<'_>, start: usize, first_end: usize) {
        if !(self.at..self.last).contains(&start) {
            *self = Self::count(window, start, first_end);
            return;
        }
        let passed = window.text.as_bytes().get(self.at..start).unwrap_or_default();
        let passed = passed.iter().filter(|byte| byte.is_ascii_digit()).count();
        note(start.saturating_sub(self.at));
        self.digits = self.digits.saturating_sub(passed);
        self.at = start;
    }

    fn count(window: &Window<'_>, start: usize, first_end: usize) -> Self {
        let mut row = Self {
            at: start,
            last: start,
            digits: first_end.saturating_sub(start),
            separator: None,
            end: first_end,
            open: window.unknown(first_end),
        };
        let separator = window.char_at(row.end).filter(|c| is_separator(*c));
        while let Some(next) = next_group(window, row.end, separator) {
            row.last = next;
            row.separator = separator;
            row.end = window.digits_end(next);
            row.digits = row.digits.saturating_add(row.end.saturating_sub(next));
        }
        let behind = match (separator, window.char_at(row.end)) {
            (Some(separator), Some(next)) if separator == next => separator.len_utf8(),
            _ => 0,
        };
        row.open = window.unknown(row.end.saturating_add(behind));
        row
    }
}

/// Where the group begins that this separator joins to the one that ends here.
pub(crate) fn next_group(window: &Window<'_>, end: usize, separator: Option<char>) -> Option<usize> {
    let separator = separator.filter(|separator| window.char_at(end) == Some(*separator))?;
    let next = end.saturating_add(separator.len_utf8());
    window.byte(next).is_some_and(|byte| byte.is_ascii_digit()).then_some(next)
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\u{2010}' | '\u{2011}' | '\u{2013}')
}
