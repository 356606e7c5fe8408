//! Finds personal data in text: one pass over the bytes for the few that can begin or mark a value, then hand-written
//! checks around each.
//!
//! Promises: linear time on any text, findings in order and disjoint, ranges on character borders. The same code scans
//! whole texts and streams: where more text may come, a check that would have to look past the end says so instead of
//! guessing, which is why a stream in pieces gives what it gives in one. No check looks back further than
//! [`LEFT_CONTEXT_BYTES`] or holds more than [`MAX_VALUE_BYTES`].

mod card;
#[cfg(test)]
mod cost;
mod email;
mod iban;
mod iban_country;
mod issuer;
mod number;
mod reading;
mod row;
mod window;

use std::fmt;
use std::ops::Range;

use crate::class::{Class, Classes};
pub use number::scan_number;
use reading::Reading;
pub(crate) use reading::resolved;
use row::Row;
use window::{Probe, Window};

/// Longest value that is looked for, and the most that a stream holds back: an address of RFC 5321 (64 octets, the at
/// sign, 253 of a domain) in its longest accepted writing. What is longer is decided at this length.
pub const MAX_VALUE_BYTES: usize = 320;
/// How far before a value a check may look: its local part, a URL's user and scheme (64 + 64 + 4), or the front of a UUID
/// (24), on a character border.
pub(crate) const LEFT_CONTEXT_BYTES: usize = 192;

/// One value found. Its text is personal data, so that it has no `Debug` form.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding<'t> {
    /// What it is.
    pub class: Class,
    /// Where it stands, in bytes of the scanned text.
    pub range: Range<usize>,
    /// The value as it is written there.
    pub value: &'t str,
}

impl fmt::Debug for Finding<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Finding")
            .field("class", &self.class)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// Everything of the wanted classes in a whole text, in order. A value is found as it reads, `\uXXXX` for the character it
/// stands for, and as it is written.
pub fn scan(text: &str, classes: Classes) -> impl Iterator<Item = Finding<'_>> {
    let (scanner, merged) = match Reading::of(text) {
        None => (Some(as_written(text, classes)), Vec::new()),
        Some(reading) => (None, merged(text, &reading, classes)),
    };
    scanner.into_iter().flatten().chain(merged)
}

/// What is found in a text as it is written.
fn as_written(text: &str, classes: Classes) -> impl Iterator<Item = Finding<'_>> {
    let mut scanner = Scanner::new(text, classes, Start { at: 0, floor: 0 }, false);
    std::iter::from_fn(move || match scanner.step() {
        Step::Found(finding) => Some(finding),
        Step::Settled(_) => None,
    })
}

/// What is found in a text as it reads, and beside that what is found as it is written: a person may read either.
fn merged<'t>(text: &'t str, reading: &Reading, classes: Classes) -> Vec<Finding<'t>> {
    let mut written = as_written(text, classes).filter(|finding| reading.is_whole(&finding.range)).peekable();
    let mut all = Vec::new();
    for finding in as_written(&reading.text, classes) {
        let range = reading.written(finding.range);
        while let Some(other) = written.next_if(|other| other.range.start < range.end) {
            if other.range.end <= range.start {
                all.push(other);
            }
        }
        let value = text.get(range.clone()).unwrap_or_default();
        all.push(Finding { class: finding.class, range, value });
    }
    all.extend(written);
    all
}

/// Where a scan begins within its text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// First byte that is not decided yet; what is before is context.
    pub(crate) at: usize,
    /// End of the last finding: no value reaches back across it.
    pub(crate) floor: usize,
}

/// What a scan comes to.
pub(crate) enum Step<'t> {
    /// A value.
    Found(Finding<'t>),
    /// The end: bytes before this one are decided, whatever may come.
    Settled(usize),
}

/// A scan under way.
pub(crate) struct Scanner<'t> {
    window: Window<'t>,
    classes: Classes,
    at: usize,
    row: Row,
}

impl<'t> Scanner<'t> {
    /// `more` says that text may follow; only then can the end leave something undecided.
    pub(crate) fn new(text: &'t str, classes: Classes, start: Start, more: bool) -> Self {
        Self { window: Window { text, floor: start.floor, more }, classes, at: start.at, row: Row::default() }
    }

    /// The next value, or the end.
    pub(crate) fn step(&mut self) -> Step<'t> {
        while let Some(trigger) = self.window.next_trigger(self.at) {
            let (class, probe) = match self.window.byte(trigger) {
                Some(b'0'..=b'9') => self.digits(trigger),
                _ => (Class::Email, email::probe(&self.window, trigger)),
            };
            match probe {
                Probe::Found(range) if self.classes.has(class) => return self.found(class, range),
                // Not wanted, yet whole: nothing of it is to be taken for something else.
                Probe::Found(range) => self.pass(range.end),
                Probe::No => self.at = self.after(trigger),
                Probe::More => {
                    return Step::Settled(self.window.token_start(trigger, email::MAX_LOCAL_BYTES));
                }
            }
        }
        Step::Settled(self.window.token_start(self.window.text.len(), email::MAX_PENDING_BYTES))
    }

    fn found(&mut self, class: Class, range: Range<usize>) -> Step<'t> {
        self.pass(range.end);
        let value = self.window.text.get(range.clone()).unwrap_or_default();
        Step::Found(Finding { class, range, value })
    }

    fn pass(&mut self, end: usize) {
        self.window.floor = end;
        self.at = end;
    }

    /// Where to go on after a trigger that was none: behind the whole run of digits, or behind the byte.
    fn after(&self, trigger: usize) -> usize {
        self.window.digits_end(trigger).max(trigger.saturating_add(1))
    }

    /// What a run of digits belongs to.
    fn digits(&mut self, trigger: usize) -> (Class, Probe) {
        // The rest of a run whose front was decided before: longer than any value.
        if self.window.byte_before(trigger).is_some_and(|byte| byte.is_ascii_digit())
            && trigger > self.window.floor
        {
            return (Class::PaymentCard, Probe::No);
        }
        let (class, probe) = match iban::probe(&self.window, trigger) {
            Probe::No => (Class::PaymentCard, card::probe(&self.window, trigger, &mut self.row)),
            probe => (Class::Iban, probe),
        };
        let Probe::Found(range) = probe else { return (class, probe) };
        if !self.classes.has(Class::Email) {
            return (class, Probe::Found(range));
        }
        match email::probe_around(&self.window, &range) {
            Probe::No => (class, Probe::Found(range)),
            probe => (Class::Email, probe),
        }
    }
}
