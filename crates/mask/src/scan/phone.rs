//! Telephone numbers: international ones by their country code, national ones by a grouping that nothing else has, and any
//! other grouping, or a run of digits, where words say that it is one.

use std::ops::Range;

use super::topics::{Nearby, behind};
use super::window::Window;
use super::words;

/// Digits of an international number (E.164).
const MAX_DIGITS: usize = 15;
const MIN_DIGITS: usize = 7;
/// Most groups that a number is printed in.
const MAX_GROUPS: usize = 7;
/// How far behind a number a word may begin that says what it is: `… office`, `…-Fax`.
const WORD_BEHIND_BYTES: usize = 12;
/// How far before a number a word may begin that alone is too little: `Desk: …`, not `the office is at …`.
const WORD_BEFORE_BYTES: usize = 10;
/// The same behind a run of digits alone.
const WORD_BEHIND_RUN_BYTES: usize = 2;
/// A number right behind another, as lists have them.
const LIST_BYTES: usize = 24;
/// Digits of an extension behind `x`.
const MAX_EXTENSION: usize = 5;

/// Digits in groups, as they stand in the text.
#[derive(Default)]
struct Shape {
    start: usize,
    plus: bool,
    /// Whether the first group is in brackets.
    bracket: bool,
    digits: [u8; MAX_DIGITS],
    groups: [Group; MAX_GROUPS],
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Group {
    len: usize,
    /// Digits up to and with this group.
    total: usize,
    end: usize,
    /// What stands before it.
    separator: u8,
}

/// The number whose first digit is here. `list` is the end of a number found before.
pub(crate) fn probe(
    window: &Window<'_>,
    first: usize,
    list: Option<usize>,
    nearby: &mut Nearby,
) -> Option<Range<usize>> {
    let mut shape = Shape { start: first, ..Shape::default() };
    shape.read(window, first)?;
    let total = shape.total(shape.count);
    if total < MIN_DIGITS || !begins_apart(window, &shape) {
        return None;
    }
    let counts = || (1..=shape.count).rev();
    let certain = counts().find(|count| {
        let known = if shape.plus { shape.is_international(*count, 0) } else { shape.is_printed(*count) };
        known && ends_apart(window, shape.end(*count))
    });
    let count = match certain {
        Some(count) => count,
        None if shape.plus => return None,
        None => {
            let count =
                counts().find(|count| shape.may_be(*count) && ends_apart(window, shape.end(*count)))?;
            if !is_named(window, &shape, count, list, nearby) {
                return None;
            }
            count
        }
    };
    Some(shape.start..extension(window, shape.end(count)))
}

/// Whether words or neighbours say that digits are a telephone number.
fn is_named(
    window: &Window<'_>,
    shape: &Shape,
    count: usize,
    list: Option<usize>,
    nearby: &mut Nearby,
) -> bool {
    let end = shape.end(count);
    let before = nearby.before(window, shape.start);
    let grouped = count > 1;
    let (topics, reach) = if grouped {
        (words::PHONE.or(words::CALL), WORD_BEHIND_BYTES)
    } else {
        (words::PHONE, WORD_BEHIND_RUN_BYTES)
    };
    let listed = list.is_some_and(|list| shape.start.saturating_sub(list) <= LIST_BYTES);
    before.touches(topics)
        || nearby.within(window, shape.start, WORD_BEFORE_BYTES).touches(words::DESK)
        || listed
        || before.touches(words::NUMBER) && shape.is_dialled(count)
        || behind(window, end, reach).touches(words::PHONE.or(words::DESK))
}

fn begins_apart(window: &Window<'_>, shape: &Shape) -> bool {
    let before = window.before(shape.start);
    let further = shape.start.checked_sub(1).map_or(0, |at| window.before(at));
    match before {
        b'_' | b'$' | b'#' | b'+' => false,
        b' ' => {
            shape.plus
                || shape.bracket
                || !further.is_ascii_digit()
                || shape.groups.get(1).is_some_and(|g| g.separator != b' ' && g.separator != 0)
        }
        b'-' | b'.' | b':' | b'/' => {
            shape.start.saturating_sub(1) == window.floor
                || !further.is_ascii_alphanumeric()
                || before == b':' && !further.is_ascii_digit()
        }
        byte => !byte.is_ascii_alphanumeric() || window.behind_escape(shape.start),
    }
}

/// Whether what follows lets the number end here. A dash and a word may follow: `…-Fax`.
fn ends_apart(window: &Window<'_>, end: usize) -> bool {
    let next = window.at(end);
    match next {
        b'-' | b'.' | b':' | b'/' => !window.at(end.saturating_add(1)).is_ascii_digit(),
        b'x' | b'X' => extension(window, end) > end,
        b'_' | b'%' => false,
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// Behind the extension here, if there is one: `x4587`, ` ext. 12`.
fn extension(window: &Window<'_>, end: usize) -> usize {
    let word = window.end_of(end, 1, |byte| byte == b' ');
    let ahead = window.ahead(word, 4);
    let len = match ahead {
        [b'e' | b'E', b'x' | b'X', b't' | b'T', b'.'] => 4,
        [b'e' | b'E', b'x' | b'X', b't' | b'T', ..] => 3,
        [b'x' | b'X', ..] => 1,
        _ => return end,
    };
    let digits = window.end_of(word.saturating_add(len), 1, |byte| byte == b' ');
    let behind = window.end_of(digits, MAX_EXTENSION, |byte| byte.is_ascii_digit());
    if behind == digits || window.at(behind).is_ascii_alphanumeric() { end } else { behind }
}

impl Shape {
    /// Takes the groups from the first digit on.
    fn read(&mut self, window: &Window<'_>, first: usize) -> Option<()> {
        let shape = self;
        if window.before(first) == b'+' {
            shape.plus = true;
            shape.start = first.saturating_sub(1);
        }
        if window.before(shape.start) == b'(' && shape.start > window.floor {
            shape.bracket = true;
            shape.start = shape.start.saturating_sub(1);
        }
        let mut at = first;
        let mut separator = 0;
        let mut open = shape.bracket;
        loop {
            let end = window.end_of(at, MAX_DIGITS + 1, |byte| byte.is_ascii_digit());
            let digits = window.text.as_bytes().get(at..end)?;
            if !shape.push(digits, end, separator) {
                break;
            }
            let Some((next, kind, still)) = gap(window, end, open) else { break };
            (at, separator, open) = (next, kind, still);
        }
        // A bracket that does not close around the first group is the text's own.
        let first_end = shape.groups.first()?.end;
        if shape.bracket && window.at(first_end) != b')' {
            shape.bracket = false;
            shape.start = shape.start.saturating_add(1);
            if let Some(group) = shape.groups.get_mut(0) {
                group.separator = 0;
            }
        }
        Some(())
    }

    /// Takes a group; false when it is none or too much.
    fn push(&mut self, digits: &[u8], end: usize, separator: u8) -> bool {
        let known = self.total(self.count);
        let total = known.saturating_add(digits.len());
        let (Some(values), Some(group)) =
            (self.digits.get_mut(known..total), self.groups.get_mut(self.count))
        else {
            return false;
        };
        if digits.is_empty() {
            return false;
        }
        values.copy_from_slice(digits);
        *group = Group { len: digits.len(), total, end, separator };
        self.count = self.count.saturating_add(1);
        true
    }

    fn total(&self, count: usize) -> usize {
        count.checked_sub(1).and_then(|last| self.groups.get(last)).map_or(0, |group| group.total)
    }

    fn end(&self, count: usize) -> usize {
        count.checked_sub(1).and_then(|last| self.groups.get(last)).map_or(0, |group| group.end)
    }

    fn digits(&self, count: usize) -> &[u8] {
        self.digits.get(..self.total(count)).unwrap_or_default()
    }

    fn groups(&self, count: usize) -> &[Group] {
        self.groups.get(..count).unwrap_or_default()
    }

    fn is(&self, count: usize, lens: &[usize]) -> bool {
        count == lens.len() && self.groups(count).iter().zip(lens).all(|(group, len)| group.len == *len)
    }

    /// Whether all separators are this one.
    fn separated(&self, count: usize, by: u8) -> bool {
        self.groups(count).iter().skip(1).all(|group| group.separator == by)
    }

    /// Whether the first digits behind `skip` are a country's code, and as many follow as are dialled there.
    fn is_international(&self, count: usize, skip: usize) -> bool {
        let digits = self.digits(count).get(skip..).unwrap_or_default();
        let total = digits.len();
        match digits {
            [b'1', area, ..] => total == 11 && (b'2'..=b'9').contains(area),
            [b'7', ..] | [b'3', b'3' | b'4', ..] | [b'6', b'1', ..] => total == 11,
            [b'9', b'1', ..] => total == 12,
            [b'4', b'4', ..] => matches!(total, 11 | 12),
            [a, b, c, ..] => {
                let code = u32::from(a - b'0') * 100 + u32::from(b - b'0') * 10 + u32::from(c - b'0');
                (8..=MAX_DIGITS).contains(&total) && is_country(code)
            }
            _ => false,
        }
    }

    /// Whether the grouping is one that nothing but telephone numbers has.
    fn is_printed(&self, count: usize) -> bool {
        let digits = self.digits(count);
        let area = |at: usize| digits.get(at).is_some_and(|digit| *digit >= b'2');
        let tight = self.separated(count, b'-') || self.separated(count, b'.');
        if self.bracket {
            // (415) 555-0132, (020) 7946 0018, (11) 98456-5666
            let two = self.is(count, &[2, 4, 4]) || self.is(count, &[2, 5, 4]);
            return self.is(count, &[3, 3, 4]) && area(0)
                || digits.first() == Some(&b'0') && (9..=11).contains(&digits.len()) && count > 2
                || two && self.groups(count).last().is_some_and(|group| group.separator == b'-');
        }
        if self.is(count, &[3, 3, 4]) && tight {
            return area(0) && area(3);
        }
        if self.is(count, &[1, 3, 3, 4]) && tight {
            return digits.first() == Some(&b'1') && area(1) && area(4);
        }
        if digits.starts_with(b"00") {
            return count > 2 && self.is_international(count, 2) && digits.len() > 10;
        }
        self.is_trunk(count)
    }

    /// A zero in front and three groups or more: 0490 75 40 81, 090-1234-5678, 01.84.17.61.18.
    fn is_trunk(&self, count: usize) -> bool {
        let [b'0', b'1'..=b'9', ..] = self.digits(count) else { return false };
        let dots = self.separated(count, b'.');
        let even = dots || self.separated(count, b' ') || self.separated(count, b'-');
        let groups = self.groups(count);
        count > 2
            && even
            && (9..=11).contains(&self.total(count))
            && groups.first().is_some_and(|group| (2..=5).contains(&group.len))
            && groups.iter().skip(1).all(|group| (2..=4).contains(&group.len))
            && !self.is(count, &[3, 3, 3])
            && !self.is(count, &[3, 2, 4])
            && (!dots || count > 3)
    }

    /// Whether a word can make a telephone number of these digits.
    fn may_be(&self, count: usize) -> bool {
        let total = self.total(count);
        let groups = self.groups(count);
        let digits = self.digits(count);
        if !(MIN_DIGITS..=13).contains(&total) || digits.iter().all(|digit| digits.first() == Some(digit)) {
            return false;
        }
        if count == 1 {
            // Thirteen digits that begin so are milliseconds since 1970.
            return !(total == 13 && digits.first() == Some(&b'1'));
        }
        let date = self.is(count, &[4, 2, 2]) || self.is(count, &[2, 2, 4]) && !self.separated(count, b' ');
        let decimal = count == 2 && self.separated(count, b'.');
        !date
            && !decimal
            && !self.is(count, &[3, 2, 4])
            && groups.iter().skip(1).all(|group| group.len >= 2)
            && groups
                .first()
                .is_some_and(|group| group.len >= 2 || digits.first() == Some(&b'1') && total > 9)
    }

    /// Whether digits that are called a number, without saying which, begin as they are dialled.
    fn is_dialled(&self, count: usize) -> bool {
        match self.digits(count) {
            [b'0', b'1'..=b'9', ..] => count > 1,
            [b'1', b'3'..=b'9', ..] => count == 1 && self.total(count) == 11,
            _ => false,
        }
    }
}

/// What joins two groups: where the next begins, the separator, and whether a bracket is open then.
fn gap(window: &Window<'_>, end: usize, open: bool) -> Option<(usize, u8, bool)> {
    let mut at = end;
    let mut separator = 0;
    let mut open = open;
    if open {
        if window.at(at) != b')' {
            return None;
        }
        at = at.saturating_add(1);
        (separator, open) = (b')', false);
    }
    match window.at(at) {
        byte @ (b' ' | b'-' | b'.' | b'/') => {
            at = at.saturating_add(1);
            separator = byte;
        }
        0xc2 if window.at(at.saturating_add(1)) == 0xa0 => (at, separator) = (at.saturating_add(2), b' '),
        0xe2 if window.at(at.saturating_add(1)) == 0x80 => {
            separator = match window.at(at.saturating_add(2)) {
                0x89 | 0xaf => b' ',
                0x90 | 0x91 | 0x93 => b'-',
                _ => return None,
            };
            at = at.saturating_add(3);
        }
        _ => {}
    }
    if window.at(at) == b'(' {
        // The zero that is dialled within the country only: `+41 (0)44 …`.
        if window.ahead(at, 3) == b"(0)" {
            at = at.saturating_add(3);
            at = window.end_of(at, 1, |byte| byte == b' ');
        } else {
            at = at.saturating_add(1);
            open = true;
        }
        separator = b'(';
    }
    (separator != 0 && window.at(at).is_ascii_digit()).then_some((at, separator, open))
}

/// Whether the first one to three digits are a country code of ITU-T E.164; the rest do not matter.
fn is_country(code: u32) -> bool {
    matches!(code / 100, 1 | 7)
        || matches!(code / 10, 20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98)
        || matches!(code, 211..=213 | 216 | 218 | 220..=269 | 290 | 291 | 297..=299 | 350..=359 | 370..=378 | 380..=389
            | 420 | 421 | 423 | 500..=509 | 590..=599 | 670 | 672..=692 | 800 | 808 | 850 | 852 | 853 | 855 | 856 | 870
            | 878 | 880..=883 | 886 | 888 | 960..=968 | 970..=979 | 992..=996 | 998)
}
