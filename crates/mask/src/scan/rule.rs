//! Numbers that a form, a check and the words around them tell: one rule for each, and the index by which a rule is found.
//!
//! Promises that a rule is asked only about a run of letters and digits as long as its own first one, so that most runs cost
//! a look into a table.

use std::ops::Range;
use std::sync::LazyLock;

use super::national;
use super::topics::{Nearby, REACH_BEHIND_BYTES, Topics, behind};
use super::window::Window;
use crate::class::{Class, Classes};

/// Longest first run of letters and digits that a form has.
pub(crate) const MAX_RUN: usize = 18;
/// How far before a number whose form says little its word may begin.
const UNSAID_REACH_BYTES: usize = 40;
/// Most letters and digits of a number.
const MAX_COMPACT: usize = 24;

/// When the form and the check are enough, without a word that says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    Never,
    /// Nor is a word behind it enough: the form says little.
    Unsaid,
    /// When it is written in groups.
    Grouped,
    Always,
}

/// What a number of one class looks like.
pub(crate) struct Rule {
    pub(crate) class: Class,
    /// `9` a digit, `A` a letter, `X` either, a blank one of the separators that people write, the same throughout; anything
    /// else stands for itself.
    pub(crate) forms: &'static [&'static str],
    /// Asked about the letters and digits alone, letters in upper case.
    pub(crate) check: fn(&[u8]) -> bool,
    pub(crate) alone: Alone,
    /// Words of which one must be near, else.
    pub(crate) topics: Topics,
}

/// A form and its rule.
struct Entry {
    rule: &'static Rule,
    form: &'static [u8],
    /// Whether the form has but one run, and that of digits.
    plain: bool,
    /// What stands behind the first run; 0 where nothing does.
    sign: u8,
}

/// Forms by the length of their first run; those of digits apart from those with letters, where either may begin with both.
struct Index {
    numbers: Vec<Vec<Entry>>,
    mixed: Vec<Vec<Entry>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let empty = || (0..=MAX_RUN).map(|_| Vec::new()).collect();
    let mut index = Index { numbers: empty(), mixed: empty() };
    for rule in national::rules() {
        for form in rule.forms {
            let run = form.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let front = form.as_bytes().get(..run).unwrap_or_default();
            let entry = || Entry {
                rule,
                form: form.as_bytes(),
                sign: form.as_bytes().get(run).copied().unwrap_or(0),
                plain: run == form.len() && front.iter().all(|kind| *kind == b'9'),
            };
            if front.iter().all(|kind| matches!(kind, b'9' | b'X')) {
                index.numbers.get_mut(run).into_iter().for_each(|forms| forms.push(entry()));
            }
            if front.iter().any(|kind| *kind != b'9') {
                index.mixed.get_mut(run).into_iter().for_each(|forms| forms.push(entry()));
            }
        }
    }
    index
});

/// A number found.
#[derive(Clone, Copy)]
struct Match {
    end: usize,
    text: [u8; MAX_COMPACT],
    len: usize,
    grouped: bool,
}

/// The number that begins with this run of letters and digits; of several the one that words name, or the first.
pub(crate) fn probe(
    window: &Window<'_>,
    run: &Range<usize>,
    classes: Classes,
    nearby: &mut Nearby,
) -> Option<(Class, Range<usize>)> {
    let front = window.text.as_bytes().get(run.clone())?;
    let digits = front.iter().all(u8::is_ascii_digit);
    let forms = (if digits { &INDEX.numbers } else { &INDEX.mixed }).get(run.len())?;
    if forms.is_empty() || !begins_apart(window, run.start) {
        return None;
    }
    let plain_ends = digits && ends_apart(window, run.end);
    let next = window.at(run.end);
    let separator = matches!(next, b' ' | b'-' | b'.' | b'_' | 0xc2 | 0xe2);
    let mut near = None;
    let mut before = None;
    let mut said = None;
    let mut kind = None;
    for Entry { rule, form, plain, sign } in forms {
        let other = if *sign == b' ' { !separator } else { *sign != 0 && *sign != next };
        if other {
            continue;
        }
        let whole = *plain && plain_ends && (rule.check)(front);
        if *plain && !whole || !classes.has(rule.class) {
            continue;
        }
        let (end, grouped) = if whole {
            (run.end, false)
        } else {
            let Some(found) = matched(window, run.start, form) else { continue };
            let text = found.text.get(..found.len).unwrap_or_default();
            if !ends_apart(window, found.end) || !(rule.check)(text) {
                continue;
            }
            (found.end, found.grouped)
        };
        let range = run.start..end;
        if rule.alone == Alone::Unsaid {
            let near = *near.get_or_insert_with(|| nearby.within(window, run.start, UNSAID_REACH_BYTES));
            if near.touches(rule.topics) {
                return Some((rule.class, range));
            }
            continue;
        }
        let before = *before.get_or_insert_with(|| nearby.before(window, run.start));
        if before.touches(rule.topics) {
            return Some((rule.class, range));
        }
        let upper = || {
            !window
                .text
                .as_bytes()
                .get(range.clone())
                .is_some_and(|text| text.iter().any(u8::is_ascii_lowercase))
        };
        let convincing = match rule.alone {
            Alone::Never | Alone::Unsaid => false,
            Alone::Grouped => grouped && upper(),
            Alone::Always => upper(),
        };
        let said = *said.get_or_insert_with(|| behind(window, end, REACH_BEHIND_BYTES));
        if said.touches(rule.topics) {
            return Some((rule.class, range));
        }
        if convincing && kind.is_none() {
            kind = Some((rule.class, range));
        }
    }
    kind
}

/// The text from here in a form.
fn matched(window: &Window<'_>, start: usize, form: &[u8]) -> Option<Match> {
    let mut found = Match { end: start, text: [0; MAX_COMPACT], len: 0, grouped: false };
    let mut separator = None;
    for kind in form {
        let byte = window.at(found.end);
        let fits = match kind {
            b'9' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_alphabetic(),
            b'X' => byte.is_ascii_alphanumeric(),
            b' ' => {
                let here = separator_at(window, found.end)?;
                if *separator.get_or_insert(here) != here {
                    return None;
                }
                found.grouped = true;
                found.end = found.end.saturating_add(here.len_utf8());
                continue;
            }
            other => byte == *other,
        };
        if !fits {
            return None;
        }
        if byte.is_ascii_alphanumeric() {
            *found.text.get_mut(found.len)? = byte.to_ascii_uppercase();
            found.len = found.len.saturating_add(1);
        } else {
            found.grouped = true;
        }
        found.end = found.end.saturating_add(1);
    }
    Some(found)
}

fn separator_at(window: &Window<'_>, at: usize) -> Option<char> {
    match window.at(at) {
        b' ' => Some(' '),
        b'-' => Some('-'),
        b'.' => Some('.'),
        b'_' => Some('_'),
        0xc2 | 0xe2 => {
            let rest = window.ahead(at, 3);
            ['\u{a0}', '\u{2009}', '\u{202f}', '\u{2011}', '\u{2013}']
                .into_iter()
                .find(|c| rest.starts_with(c.encode_utf8(&mut [0; 4]).as_bytes()))
        }
        _ => None,
    }
}

/// Whether the left neighbour lets a number begin here: not within a word, a UUID, an amount or a longer number.
pub(crate) fn begins_apart(window: &Window<'_>, start: usize) -> bool {
    let before = window.before(start);
    let further = start.checked_sub(1).map_or(0, |at| window.before(at));
    match before {
        b'_' | b'$' | b'+' => false,
        b'-' => !further.is_ascii_alphanumeric(),
        b'.' | b':' | b'/' => !further.is_ascii_digit() || start.saturating_sub(1) == window.floor,
        _ => true,
    }
}

/// Whether the right neighbour lets a number end here.
pub(crate) fn ends_apart(window: &Window<'_>, end: usize) -> bool {
    let next = window.at(end);
    let further = || window.at(end.saturating_add(1));
    match next {
        b'_' => false,
        b'-' | b'+' => !further().is_ascii_alphanumeric(),
        b'.' | b':' | b'/' => !further().is_ascii_digit(),
        byte => !byte.is_ascii_alphanumeric(),
    }
}
