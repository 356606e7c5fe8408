//! Numbers of payment cards (ISO/IEC 7812): 12 to 19 digits of a known issuer range whose check digit holds, written in one
//! run or in groups.
//!
//! Promises not to look inside longer numbers, decimals, hexadecimal runs or UUIDs.

use super::issuer::{DIGITS, is_card, may_begin};
use super::row::{Row, next_group};
use super::window::{Probe, Window};

/// Most digits of a telephone number (E.164), which follow a plus sign.
const MAX_PHONE_DIGITS: usize = 15;
/// Characters of a UUID, and where its dashes are.
const UUID_LEN: usize = 36;
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];
/// Zeros behind the point that make no fraction.
const MAX_ZEROS: usize = 6;
/// Groupings printed on cards. Only these are taken out of a longer row of groups, such as a card with its expiry year.
const GROUPINGS: [&[usize]; 5] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];

/// The digits of a number in the making, with the ends of their groups. Of fixed size: it is made for every number in a text.
#[derive(Default)]
struct Digits {
    values: [u8; *DIGITS.end()],
    known: usize,
    groups: [Group; *DIGITS.end()],
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Group {
    /// Digits of the number up to and with this group.
    total: usize,
    /// First byte behind it.
    end: usize,
}

/// The card number that begins with the digits here. `row` is kept from one number to the next.
pub(crate) fn probe(window: &Window<'_>, trigger: usize, row: &mut Row) -> Probe {
    let Some(start) = number_start(window, trigger) else { return Probe::No };
    let first = window.digits_end(start);
    let front = window.text.as_bytes().get(start..first).unwrap_or_default();
    if !may_begin(front) {
        return Probe::No;
    }
    row.reach(window, start, first);
    if row.digits <= *DIGITS.end() {
        if row.open {
            return Probe::More;
        }
        if row.digits < *DIGITS.start() {
            return Probe::No;
        }
    } else if front.len() < *DIGITS.start()
        && !GROUPINGS.iter().any(|grouping| grouping.first() == Some(&front.len()))
    {
        // Of a longer row only a printed grouping or one whole group can be a card.
        return Probe::No;
    }
    let mut digits = Digits::default();
    let mut group = start..first;
    while digits.push(window, group.clone()) && group.end < row.end {
        let Some(next) = next_group(window, group.end, row.separator) else { break };
        group = next..window.digits_end(next);
    }
    decide(window, start, &digits, row)
}

/// Where the number itself begins, unless its left neighbour says that there is none.
fn number_start(window: &Window<'_>, trigger: usize) -> Option<usize> {
    if window.byte_before(trigger) == Some(b'%') {
        // `%204111…`: the first two digits are those of an escape.
        let start = trigger.saturating_add(2);
        return (window.behind_escape(start) && window.digits_end(trigger) > start).then_some(start);
    }
    let decimal = matches!(window.until(trigger).as_bytes(), [.., b'0'..=b'9', b'.'])
        && trigger.saturating_sub(1) != window.floor;
    (window.begins_apart(trigger) && !decimal).then_some(trigger)
}

fn decide(window: &Window<'_>, start: usize, digits: &Digits, row: &Row) -> Probe {
    let printed =
        GROUPINGS.iter().filter(|grouping| digits.begins_with(grouping)).map(|grouping| grouping.len());
    let whole = (row.separator != Some('.') && row.digits <= *DIGITS.end()).then_some(digits.count);
    let candidates = whole.into_iter().chain(printed).chain(std::iter::once(1));
    for count in candidates {
        let Some(group) = count.checked_sub(1).and_then(|last| digits.groups().get(last)) else { continue };
        let number = digits.values.get(..group.total).unwrap_or_default();
        if !is_card(number) {
            continue;
        }
        match ends_apart(window, start, group.end, number.len(), count == 1) {
            Probe::No => {}
            probe => return probe,
        }
    }
    Probe::No
}

/// Whether the neighbours let the number end here: not within a word, a decimal, a UUID or a telephone number.
fn ends_apart(window: &Window<'_>, start: usize, end: usize, digits: usize, alone: bool) -> Probe {
    if window.byte(end).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return Probe::No;
    }
    if window.byte_before(start) == Some(b'+') && digits <= MAX_PHONE_DIGITS {
        return Probe::No;
    }
    match alone.then(|| has_fraction(window, end)) {
        None | Some(Probe::No) => {}
        Some(Probe::More) => return Probe::More,
        Some(Probe::Found(_)) => return Probe::No,
    }
    match in_uuid(window, start) {
        Probe::No => Probe::Found(start..end),
        Probe::More => Probe::More,
        Probe::Found(_) => Probe::No,
    }
}

/// Whether the number is the whole part of another. `.0` is none: so a table's column of cards reads that once was numbers.
fn has_fraction(window: &Window<'_>, end: usize) -> Probe {
    let behind = end.saturating_add(1);
    if window.byte(end) != Some(b'.') {
        return Probe::No;
    }
    let zeros = window.from(behind).bytes().take(MAX_ZEROS).take_while(|byte| *byte == b'0').count();
    let next = behind.saturating_add(zeros);
    if window.unknown(next) {
        return Probe::More;
    }
    match window.byte(next) {
        Some(byte) if byte.is_ascii_digit() || zeros > 0 && byte.is_ascii_alphabetic() => {
            Probe::Found(end..next)
        }
        _ => Probe::No,
    }
}

/// The UUID around this place.
fn in_uuid(window: &Window<'_>, at: usize) -> Probe {
    let is_part = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'-';
    let before =
        window.until(at).as_bytes().iter().rev().take(UUID_LEN).take_while(|byte| is_part(byte)).count();
    let start = at.saturating_sub(before);
    let rest = window.from(start).as_bytes();
    let len = rest.iter().take(UUID_LEN.saturating_add(1)).take_while(|byte| is_part(byte)).count();
    let token = rest.get(..len).unwrap_or_default();
    let fits =
        token.iter().take(UUID_LEN).enumerate().all(|(i, byte)| UUID_DASHES.contains(&i) == (*byte == b'-'));
    if !fits || len > UUID_LEN {
        Probe::No
    } else if window.unknown(start.saturating_add(len)) {
        Probe::More
    } else if len == UUID_LEN {
        Probe::Found(start..start.saturating_add(len))
    } else {
        Probe::No
    }
}

impl Digits {
    /// Takes a group; false when the number would be too long for a card.
    fn push(&mut self, window: &Window<'_>, range: std::ops::Range<usize>) -> bool {
        let total = self.known.saturating_add(range.len());
        let group = window.text.as_bytes().get(range.clone()).unwrap_or_default();
        let (Some(values), Some(place)) =
            (self.values.get_mut(self.known..total), self.groups.get_mut(self.count))
        else {
            return false;
        };
        for (value, byte) in values.iter_mut().zip(group) {
            *value = byte.wrapping_sub(b'0');
        }
        *place = Group { total, end: range.end };
        self.known = total;
        self.count = self.count.saturating_add(1);
        true
    }

    fn groups(&self) -> &[Group] {
        self.groups.get(..self.count).unwrap_or_default()
    }

    fn begins_with(&self, grouping: &[usize]) -> bool {
        let mut total = 0_usize;
        self.count >= grouping.len()
            && grouping.iter().zip(self.groups()).all(|(len, group)| {
                total = total.saturating_add(*len);
                group.total == total
            })
    }
}
