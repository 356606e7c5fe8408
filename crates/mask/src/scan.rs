//! Finds personal data in text: one pass over the bytes for the few that can begin or mark a value, then hand-written
//! checks around each.
//!
//! Promises: linear time on any text, findings in order and disjoint, ranges on character borders. The same code scans
//! whole texts and streams: where more text may come, a check that would have to look past the end says so instead of
//! guessing, which is why a stream in pieces gives what it gives in one. No check looks back further than
//! [`LEFT_CONTEXT_BYTES`] or holds more than [`MAX_VALUE_BYTES`]. URLs lie over all that: they are found apart, in pieces of [`MAX_URL_BYTES`].

mod card;
mod checks;
#[cfg(test)]
mod cost;
mod crypto;
mod date;
mod email;
mod find;
mod iban;
mod iban_country;
mod ip;
mod issuer;
mod named;
mod national;
mod number;
mod overlay;
mod phone;
mod reading;
mod resolve;
mod row;
mod rule;
mod secret;
mod topics;
mod url;
mod vendor;
mod window;
mod words;

use std::fmt;
use std::ops::Range;

use crate::class::{Class, Classes};
use crate::names;
use crate::plan::Plan;
use named::with_names;
pub(crate) use named::{class_of, rest_of};
pub use number::{scan_number, scan_number_with};
pub(crate) use overlay::{outside, stands_alike};
use reading::Reading;
pub(crate) use reading::resolved;
use resolve::beside;
use row::Row;
pub use secret::MAX_SECRET_BYTES;
pub(crate) use topics::Topics;
use topics::{Nearby, topics_of};
pub use url::MAX_URL_BYTES;
pub(crate) use url::Urls;
use window::{Answer, Probe, Window};

/// Longest value that is looked for, and the most that a stream holds back: an address of RFC 5321 (64 octets, the at
/// sign, 253 of a domain) in its longest accepted writing. What is longer is decided at this length; only private keys and
/// tokens, once one has begun, may have [`MAX_SECRET_BYTES`].
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

/// What is known of a text besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'f> {
    /// The name of the field whose value the text is, such as a member's of a JSON object: `ssn`, `phoneNumber`.
    pub field: Option<&'f str>,
}

impl Context<'_> {
    fn topics(self) -> Topics {
        self.field.map_or(Topics::NONE, topics_of)
    }
}

/// Whether a field of this name says what its value is.
pub(crate) fn is_telling(field: &str) -> bool {
    topics_of(field) != Topics::NONE || names::is_key(field)
}

/// Everything of the wanted classes in a whole text, in order. A value is found as it reads, `\uXXXX` for the character it
/// stands for, and as it is written.
pub fn scan(text: &str, classes: Classes) -> impl Iterator<Item = Finding<'_>> {
    scan_with(text, Context::default(), classes)
}

/// What [`scan`] finds when the text is the value of a field: its name counts as a word beside every value.
pub fn scan_with<'t>(
    text: &'t str,
    context: Context<'_>,
    classes: Classes,
) -> impl Iterator<Item = Finding<'t>> + use<'t> {
    scan_for(text, context, &Plan::from(classes))
}

/// The same for a plan: of a URL and what is within it the stricter operator holds.
pub(crate) fn scan_for<'t>(
    text: &'t str,
    context: Context<'_>,
    plan: &Plan,
) -> impl Iterator<Item = Finding<'t>> + use<'t> {
    let classes = plan.looked_for();
    let within = beside_urls(text, context, classes.without(Class::Url));
    let (within, found) = if classes.has(Class::Url) {
        (None, overlay::overlay(text, within.collect(), &urls_of(text), plan))
    } else {
        (Some(within), Vec::new())
    };
    within.into_iter().flatten().chain(found)
}

/// The URLs in a text as it reads, and beside them those in it as it is written.
fn urls_of(text: &str) -> Vec<Range<usize>> {
    let Some(reading) = Reading::of(text) else { return Urls::of(text) };
    let url = |range: Range<usize>| Finding { class: Class::Url, range, value: "" };
    let read = Urls::of(&reading.text).into_iter().map(|range| url(reading.written(range)));
    let written = Urls::of(text).into_iter().filter(|range| reading.is_whole(range)).map(url);
    beside(read, written).into_iter().map(|finding| finding.range).collect()
}

/// Everything but URLs.
fn beside_urls<'t>(
    text: &'t str,
    context: Context<'_>,
    classes: Classes,
) -> impl Iterator<Item = Finding<'t>> + use<'t> {
    let topics = context.topics();
    let reading = Reading::of(text);
    let is_secret = classes.has(Class::Password)
        && context.field.is_some_and(|field| secret::is_field_secret(field, text));
    let (scanner, found) = match (is_secret, &reading) {
        (true, _) => (None, vec![Finding { class: Class::Password, range: 0..text.len(), value: text }]),
        (false, None) if !classes.any_of(Classes::NAMES) => {
            (Some(as_written(text, classes, topics)), Vec::new())
        }
        (false, reading) => {
            let forms = match reading {
                None => as_written(text, classes, topics).collect(),
                Some(reading) => merged(text, reading, classes, topics),
            };
            if classes.any_of(Classes::NAMES) {
                (None, with_names(forms, text, reading.as_ref(), context.field, classes))
            } else {
                (None, forms)
            }
        }
    };
    scanner.into_iter().flatten().chain(found)
}

/// What is found in a text as it is written.
fn as_written(text: &str, classes: Classes, field: Topics) -> impl Iterator<Item = Finding<'_>> {
    let mut scanner = Scanner::new(text, classes, field, Start::default(), false);
    std::iter::from_fn(move || match scanner.step() {
        Step::Found(finding) => Some(finding),
        Step::Settled(_) => None,
    })
}

/// What is found in a text as it reads, and beside that what is found as it is written: a person may read either.
fn merged<'t>(text: &'t str, reading: &Reading, classes: Classes, field: Topics) -> Vec<Finding<'t>> {
    let read = as_written(&reading.text, classes, field).map(|finding| {
        let range = reading.written(finding.range);
        let value = text.get(range.clone()).unwrap_or_default();
        Finding { class: finding.class, range, value }
    });
    let written = as_written(text, classes, field).filter(|finding| reading.is_whole(&finding.range));
    beside(read, written)
}

/// Where a scan begins within its text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Start {
    /// First byte that is not decided yet; what is before is context.
    pub(crate) at: usize,
    /// End of the last finding: no value reaches back across it.
    pub(crate) floor: usize,
    /// End of the last telephone number, which makes the next one likely.
    pub(crate) phone: Option<usize>,
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
    phone: Option<usize>,
    row: Row,
    nearby: Nearby,
}

impl<'t> Scanner<'t> {
    /// `more` says that text may follow; only then can the end leave something undecided.
    pub(crate) fn new(text: &'t str, classes: Classes, field: Topics, start: Start, more: bool) -> Self {
        Self {
            window: Window::new(text, start.floor, more),
            classes,
            at: start.at,
            phone: start.phone,
            row: Row::default(),
            nearby: Nearby::new(field),
        }
    }

    /// The next value, or the end.
    pub(crate) fn step(&mut self) -> Step<'t> {
        while let Some(trigger) = self.window.next_trigger(self.at) {
            match self.around(trigger) {
                Answer::Found((class, range)) if self.classes.has(class) => return self.found(class, range),
                // Not wanted, yet whole: nothing of it is to be taken for something else.
                Answer::Found((_, range)) => self.pass(range.end),
                Answer::No => self.at = self.after(trigger),
                Answer::More => {
                    // A digit may be one of an at sign (`%40`, `\u0040`) that is not over.
                    let digit = self.window.byte(trigger).is_some_and(|byte| byte.is_ascii_digit());
                    let front = if digit { email::MAX_PENDING_BYTES } else { email::MAX_LOCAL_BYTES };
                    return Step::Settled(self.window.token_start(trigger, front));
                }
            }
        }
        Step::Settled(self.window.token_start(self.window.text.len(), email::MAX_PENDING_BYTES))
    }

    fn found(&mut self, class: Class, range: Range<usize>) -> Step<'t> {
        self.pass(range.end);
        if class == Class::Phone {
            self.phone = Some(range.end);
        }
        let value = self.window.text.get(range.clone()).unwrap_or_default();
        Step::Found(Finding { class, range, value })
    }

    fn pass(&mut self, end: usize) {
        self.window.floor = end;
        self.at = end;
    }

    /// Where to go on after a trigger that was none: behind the whole run of letters and digits, in which nothing else
    /// begins, or behind the byte. Of an escape (`%2C4111…`) only the digits are passed.
    fn after(&self, trigger: usize) -> usize {
        let byte = self.window.byte(trigger).unwrap_or(0);
        let end = match byte {
            b'0'..=b'9' if self.window.byte_before(trigger) == Some(b'%') => self.window.digits_end(trigger),
            b'0'..=b'9' => self.window.run_end(trigger),
            _ => trigger,
        };
        end.max(trigger.saturating_add(1))
    }

    /// What a trigger belongs to.
    fn around(&mut self, trigger: usize) -> Answer<(Class, Range<usize>)> {
        match self.window.byte(trigger) {
            Some(b'0'..=b'9') => self.digits(trigger),
            Some(sign @ (b':' | b'=' | b'-' | b'_')) => {
                let Self { window, classes, nearby, .. } = self;
                window.settle(|window| find::around_sign(window, trigger, sign, *classes, nearby))
            }
            _ => found_as(Class::Email, email::probe(&self.window, trigger)),
        }
    }

    /// What a run of digits belongs to.
    fn digits(&mut self, trigger: usize) -> Answer<(Class, Range<usize>)> {
        // The rest of a run whose front was decided before: longer than any value.
        if self.window.byte_before(trigger).is_some_and(|byte| byte.is_ascii_digit())
            && trigger > self.window.floor
        {
            return Answer::No;
        }
        let first = match iban::probe(&self.window, trigger) {
            Probe::No => found_as(Class::PaymentCard, card::probe(&self.window, trigger, &mut self.row)),
            probe => found_as(Class::Iban, probe),
        };
        let answer = match first {
            Answer::No => {
                let Self { window, classes, nearby, phone, .. } = self;
                window.settle(|window| find::around_digit(window, trigger, *classes, *phone, nearby))
            }
            other => other,
        };
        let Answer::Found((class, range)) = answer else { return answer };
        if !self.classes.has(Class::Email) {
            return Answer::Found((class, range));
        }
        match email::probe_around(&self.window, &range) {
            Probe::No => Answer::Found((class, range)),
            probe => found_as(Class::Email, probe),
        }
    }
}

fn found_as(class: Class, probe: Probe) -> Answer<(Class, Range<usize>)> {
    match probe {
        Probe::No => Answer::No,
        Probe::More => Answer::More,
        Probe::Found(range) => Answer::Found((class, range)),
    }
}

/// Where two capital letters begin that stand before a blank and what begins here: `AB 12 34 56 C`.
fn two_letters(window: &Window<'_>, at: usize) -> Option<usize> {
    let start = at.checked_sub(3)?;
    let [first, second, b' '] = window.text.as_bytes().get(start..at)? else { return None };
    let apart = !window.byte_before(start).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (first.is_ascii_uppercase() && second.is_ascii_uppercase() && apart).then_some(start)
}
