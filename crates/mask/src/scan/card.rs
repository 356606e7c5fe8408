//! Numbers of payment cards (ISO/IEC 7812): 12 to 19 digits of a known issuer range whose check digit holds, written in one
//! run or in groups.
//!
//! Promises not to look inside longer numbers, decimals, hexadecimal runs or UUIDs.

use super::window::{Probe, Window};

/// Digits of the shortest and the longest number.
const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;
/// Most digits of a telephone number (E.164), which follow a plus sign.
const MAX_PHONE_DIGITS: usize = 15;
/// Digits that tell an issuer.
const MAX_PREFIX: usize = 4;
/// Characters of a UUID, and where its dashes are.
const UUID_LEN: usize = 36;
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];
/// Groupings printed on cards. Only these are taken out of a longer row of groups, such as a card with its expiry year.
const GROUPINGS: [&[usize]; 5] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 1]];

/// Numbers that begin with `low` to `high`, both of `prefix` digits, have as many digits as `lengths` has bits set.
struct Issuer {
    prefix: u32,
    low: u32,
    high: u32,
    lengths: u32,
}

const fn issuer(prefix: u32, low: u32, high: u32, shortest: u32, longest: u32) -> Issuer {
    Issuer { prefix, low, high, lengths: (1 << (longest + 1)) - (1 << shortest) }
}

/// Ranges that the schemes publish. Those of 12 digits on are Maestro's, which uses every length.
const ISSUERS: [Issuer; 33] = [
    issuer(4, 604, 604, 12, 19),   // Maestro
    issuer(1, 1, 1, 15, 15),       // UATP; JCB's 1800
    issuer(4, 2131, 2131, 15, 15), // JCB
    issuer(4, 2200, 2204, 16, 19), // Mir
    issuer(4, 2221, 2720, 16, 16), // Mastercard
    issuer(3, 300, 305, 14, 14),   // Diners Club
    issuer(3, 300, 305, 16, 19),
    issuer(4, 3095, 3095, 14, 14),
    issuer(4, 3095, 3095, 16, 19),
    issuer(2, 34, 34, 15, 15), // American Express
    issuer(2, 35, 35, 16, 19), // JCB, and test numbers around it
    issuer(2, 36, 36, 14, 19), // Diners Club
    issuer(2, 37, 37, 15, 15), // American Express
    issuer(2, 38, 39, 14, 14), // Diners Club
    issuer(2, 38, 39, 16, 19),
    issuer(1, 4, 4, 13, 13), // Visa
    issuer(1, 4, 4, 16, 16),
    issuer(1, 4, 4, 19, 19),
    issuer(2, 50, 50, 12, 19), // Maestro, Dankort, RuPay
    issuer(2, 51, 55, 16, 16), // Mastercard
    issuer(2, 56, 58, 12, 19), // Maestro
    issuer(2, 60, 60, 16, 19), // Discover, RuPay
    issuer(2, 62, 62, 16, 19), // UnionPay
    issuer(2, 63, 63, 16, 19), // Maestro, InstaPayment, Elo
    issuer(4, 6304, 6304, 12, 19),
    issuer(4, 6390, 6390, 12, 19),
    issuer(3, 644, 649, 16, 19), // Discover
    issuer(2, 65, 65, 16, 19),   // Discover, RuPay, Verve
    issuer(2, 67, 67, 16, 19),   // Maestro
    issuer(4, 6759, 6759, 12, 19),
    issuer(4, 6761, 6763, 12, 19),
    issuer(2, 81, 82, 16, 19),     // UnionPay, RuPay
    issuer(4, 9792, 9792, 16, 16), // Troy
];

/// The first two digits that any issuer has, a bit each: most numbers are told apart by these.
const FRONTS: u128 = fronts();

const fn fronts() -> u128 {
    let mut bits = 0;
    let mut rest: &[Issuer] = &ISSUERS;
    while let [issuer, others @ ..] = rest {
        let mut low = issuer.low;
        let mut high = issuer.high;
        if issuer.prefix == 1 {
            low *= 10;
            high = high * 10 + 9;
        } else {
            let unit = 10_u32.pow(issuer.prefix - 2);
            low /= unit;
            high /= unit;
        }
        while low <= high {
            bits |= 1 << low;
            low += 1;
        }
        rest = others;
    }
    bits
}

/// The digits read so far, with the ends of their groups.
#[derive(Default)]
struct Digits {
    values: Vec<u8>,
    groups: Vec<Group>,
    /// Whether more groups follow than a card can have, so that only a printed grouping may be taken out of them.
    goes_on: bool,
}

#[derive(Clone, Copy)]
struct Group {
    /// Digits of the number up to and with this group.
    total: usize,
    /// First byte behind it.
    end: usize,
}

/// The card number that begins with the digits here.
pub(crate) fn probe(window: &Window<'_>, trigger: usize) -> Probe {
    let Some(start) = number_start(window, trigger) else { return Probe::No };
    let mut digits = Digits::default();
    let mut separator = None;
    let mut at = start;
    loop {
        let end = window.digits_end(at);
        let known = digits.values.len();
        if !digits.push(window, at..end) {
            digits.goes_on = true;
            break;
        }
        if known < MAX_PREFIX && !could_begin(&digits.values) {
            return Probe::No;
        }
        if window.unknown(end) {
            return Probe::More;
        }
        let Some(next) = window.char_at(end).filter(|c| is_separator(*c)) else { break };
        if separator.is_some_and(|first| first != next) {
            break;
        }
        let behind = end.saturating_add(next.len_utf8());
        if window.unknown(behind) {
            return Probe::More;
        }
        if !window.byte(behind).is_some_and(|byte| byte.is_ascii_digit()) {
            break;
        }
        separator = Some(next);
        at = behind;
    }
    decide(window, start, &digits, separator)
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

fn decide(window: &Window<'_>, start: usize, digits: &Digits, separator: Option<char>) -> Probe {
    let printed =
        GROUPINGS.iter().filter(|grouping| digits.begins_with(grouping)).map(|grouping| grouping.len());
    let whole = (separator != Some('.') && !digits.goes_on).then_some(digits.groups.len());
    let candidates = whole.into_iter().chain(printed).chain(std::iter::once(1));
    for count in candidates {
        let Some(group) = count.checked_sub(1).and_then(|last| digits.groups.get(last)) else { continue };
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
    if alone && window.byte(end) == Some(b'.') {
        let behind = end.saturating_add(1);
        if window.unknown(behind) {
            return Probe::More;
        }
        if window.byte(behind).is_some_and(|byte| byte.is_ascii_digit()) {
            return Probe::No;
        }
    }
    match in_uuid(window, start) {
        Probe::No => Probe::Found(start..end),
        Probe::More => Probe::More,
        Probe::Found(_) => Probe::No,
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
        if self.values.len().saturating_add(range.len()) > *DIGITS.end() {
            return false;
        }
        let group = window.text.as_bytes().get(range.clone()).unwrap_or_default();
        self.values.extend(group.iter().map(|byte| byte.wrapping_sub(b'0')));
        self.groups.push(Group { total: self.values.len(), end: range.end });
        true
    }

    fn begins_with(&self, grouping: &[usize]) -> bool {
        let mut total = 0_usize;
        self.groups.len() >= grouping.len()
            && grouping.iter().zip(&self.groups).all(|(len, group)| {
                total = total.saturating_add(*len);
                group.total == total
            })
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\u{2010}' | '\u{2011}' | '\u{2013}')
}

fn is_card(digits: &[u8]) -> bool {
    DIGITS.contains(&digits.len()) && ISSUERS.iter().any(|issuer| issuer.has(digits)) && luhn(digits)
}

/// Whether a number that begins so can belong to an issuer.
fn could_begin(digits: &[u8]) -> bool {
    if let [first, second, ..] = digits
        && FRONTS & (1 << (first * 10 + second)) == 0
    {
        return false;
    }
    ISSUERS.iter().any(|issuer| issuer.begins(digits))
}

impl Issuer {
    fn begins(&self, digits: &[u8]) -> bool {
        let known = digits.len().min(self.prefix as usize);
        let value = digits.iter().take(known).fold(0_u32, |sum, digit| sum * 10 + u32::from(*digit));
        let unknown = 10_u32.pow(self.prefix.saturating_sub(u32::try_from(known).unwrap_or(0)));
        (self.low / unknown..=self.high / unknown).contains(&value)
    }

    fn has(&self, digits: &[u8]) -> bool {
        self.lengths & (1 << digits.len()) != 0 && self.begins(digits)
    }
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| match (i % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}
