//! Addresses of the Internet Protocol (RFC 791, 4291, 4632) and of hardware (EUI-48).
//!
//! Promises not to take versions, times, slices of code or paths of namespaces for them.

use std::ops::Range;

use super::topics::Nearby;
use super::window::Window;
use super::words;

/// Groups of an address of version 6.
const GROUPS: usize = 8;

/// The address of version 4 whose first digit is here, with its prefix length.
pub(crate) fn version4(window: &Window<'_>, start: usize, nearby: &mut Nearby) -> Option<Range<usize>> {
    if !apart_before(window, start) {
        return None;
    }
    let (end, low) = quad(window, start)?;
    let end = prefix(window, end, 32);
    if !apart_behind(window, end) {
        return None;
    }
    let about = nearby.before(window, start);
    let version = about.touches(words::VERSION) && !about.touches(words::IP);
    // `1.2.3.4` may be anything; `10.0.0.1` is an address.
    let short = low && (!about.touches(words::IP) || about.touches(words::VERSION));
    (!version && !short).then_some(start..end)
}

/// Four numbers up to 255 with dots: their end, and whether all have one digit.
fn quad(window: &Window<'_>, start: usize) -> Option<(usize, bool)> {
    let (mut at, mut low, mut zero) = (start, true, true);
    for part in 0..4 {
        if part > 0 {
            (window.at(at) == b'.').then_some(())?;
            at = at.saturating_add(1);
        }
        let end = window.end_of(at, 4, |byte| byte.is_ascii_digit());
        let digits = window.text.get(at..end)?;
        let number: u16 = digits.parse().ok()?;
        if digits.len() > 3 || number > 255 || digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        low &= digits.len() == 1;
        zero &= number == 0;
        at = end;
    }
    Some((at, low && !zero))
}

/// Behind the prefix length here, if there is one.
fn prefix(window: &Window<'_>, end: usize, longest: u16) -> usize {
    if window.at(end) != b'/' {
        return end;
    }
    let digits = end.saturating_add(1);
    let behind = window.end_of(digits, 4, |byte| byte.is_ascii_digit());
    let text = window.text.get(digits..behind).unwrap_or_default();
    let fits = text.parse::<u16>().is_ok_and(|len| len <= longest);
    if fits && !window.at(behind).is_ascii_alphanumeric() { behind } else { end }
}

/// Whether an address may begin here: not in a word, a decimal, or behind a product and its slash (`Chrome/120.0.0.0`).
fn apart_before(window: &Window<'_>, start: usize) -> bool {
    let before = window.before(start);
    let further = start.checked_sub(1).map_or(0, |at| window.before(at));
    match before {
        b'.' | b'_' => false,
        b'-' | b'/' => !further.is_ascii_alphanumeric(),
        byte => !byte.is_ascii_alphanumeric() || window.behind_escape(start),
    }
}

fn apart_behind(window: &Window<'_>, end: usize) -> bool {
    let next = window.at(end);
    match next {
        b'.' => !window.at(end.saturating_add(1)).is_ascii_alphanumeric(),
        b'-' => !window.at(end.saturating_add(1)).is_ascii_digit(),
        b'_' => false,
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// The address of version 6, or of hardware, around its first colon.
pub(crate) fn around_colon(
    window: &Window<'_>,
    colon: usize,
    nearby: &mut Nearby,
) -> Option<(bool, Range<usize>)> {
    let start = window.start_of(colon, 5, |byte| byte.is_ascii_hexdigit());
    let len = colon.saturating_sub(start);
    let double = window.at(colon.saturating_add(1)) == b':';
    if len > 4 || len == 0 && !double {
        return None;
    }
    if !double && !window.at(colon.saturating_add(1)).is_ascii_hexdigit() {
        return None;
    }
    if len == 2
        && let Some(range) = hardware(window, start, b':')
    {
        return Some((true, range));
    }
    version6(window, start, nearby).map(|range| (false, range))
}

fn version6(window: &Window<'_>, start: usize, nearby: &mut Nearby) -> Option<Range<usize>> {
    let before = window.before(start);
    let word = before.is_ascii_alphanumeric() && !window.behind_escape(start);
    if word || matches!(before, b':' | b'_' | b'.' | b'>') && start > window.floor {
        return None;
    }
    let (end, groups) = groups(window, start)?;
    let text = window.text.as_bytes().get(start..end)?;
    let end = prefix(window, end, 128);
    let next = window.at(end);
    if next.is_ascii_alphanumeric()
        || matches!(next, b':' | b'_')
        || before == b'[' && is_slice(window, start)
    {
        return None;
    }
    // `f32::` and `a::b` are code; `::1` may be a slice.
    let first = text.iter().take_while(|byte| **byte != b':').count();
    let digit = text.iter().any(u8::is_ascii_digit);
    let certain = digit && groups > 1 && (first > 2 || first == 2 && groups > 2)
        || digit && groups > 2 && first == 0
        || groups > 3;
    let certain = certain || before == b'[' && next == b']' && digit;
    (certain || nearby.before(window, start).touches(words::IP)).then_some(start..end)
}

/// Behind the groups that begin here, and how many there are, when they are an address.
fn groups(window: &Window<'_>, start: usize) -> Option<(usize, usize)> {
    let (mut at, mut count, mut double) = (start, 0, false);
    if window.ahead(at, 2) == b"::" {
        at = at.saturating_add(2);
        double = true;
    }
    loop {
        if count < GROUPS - 1 && (count > 0 || double) && is_quad(window, at) {
            let (end, _) = quad(window, at)?;
            at = end;
            count += 2;
            break;
        }
        let end = window.end_of(at, 5, |byte| byte.is_ascii_hexdigit());
        let len = end.saturating_sub(at);
        if len == 0 {
            break;
        }
        if len > 4 {
            return None;
        }
        count += 1;
        at = end;
        if window.at(at) != b':' || count == GROUPS {
            break;
        }
        let next = window.at(at.saturating_add(1));
        if next == b':' {
            if double {
                return None;
            }
            double = true;
            at = at.saturating_add(2);
        } else if next.is_ascii_hexdigit() {
            at = at.saturating_add(1);
        } else {
            break;
        }
    }
    (count == GROUPS && !double || double && count < GROUPS).then_some((at, count))
}

/// Whether a number with a dot stands here: the last part of a mapped address.
fn is_quad(window: &Window<'_>, at: usize) -> bool {
    let end = window.end_of(at, 3, |byte| byte.is_ascii_digit());
    end > at && window.at(end) == b'.' && window.at(end.saturating_add(1)).is_ascii_digit()
}

/// Whether the bracket before is that of a slice: `rows[::2]`.
fn is_slice(window: &Window<'_>, start: usize) -> bool {
    let before = start.checked_sub(1).map_or(0, |bracket| window.before(bracket));
    before.is_ascii_alphanumeric() || matches!(before, b'_' | b']' | b')')
}

/// Six pairs of hexadecimal digits; neither nobody's nor everybody's.
pub(crate) fn hardware(window: &Window<'_>, start: usize, separator: u8) -> Option<Range<usize>> {
    let before = window.before(start);
    if before == b'_' || before == separator || before.is_ascii_alphanumeric() && !window.behind_escape(start)
    {
        return None;
    }
    let mut at = start;
    let mut all = [0; 12];
    for (place, byte) in all.iter_mut().enumerate() {
        if place > 0 && place % 2 == 0 {
            (window.at(at) == separator).then_some(())?;
            at = at.saturating_add(1);
        }
        *byte = window.at(at);
        byte.is_ascii_hexdigit().then_some(())?;
        at = at.saturating_add(1);
    }
    is_hardware_end(window, at, separator, &all).then_some(start..at)
}

/// Three groups of four, as some makers of network devices write it.
pub(crate) fn dotted_hardware(
    window: &Window<'_>,
    start: usize,
    nearby: &mut Nearby,
) -> Option<Range<usize>> {
    if !apart_before(window, start) {
        return None;
    }
    let mut at = start;
    let mut all = [0; 12];
    for (place, byte) in all.iter_mut().enumerate() {
        if place > 0 && place % 4 == 0 {
            (window.at(at) == b'.').then_some(())?;
            at = at.saturating_add(1);
        }
        *byte = window.at(at);
        byte.is_ascii_hexdigit().then_some(())?;
        at = at.saturating_add(1);
    }
    let letter = all.iter().any(u8::is_ascii_alphabetic);
    let mut named = || nearby.before(window, start).touches(words::MAC);
    (is_hardware_end(window, at, b'.', &all) && (letter || named())).then_some(start..at)
}

fn is_hardware_end(window: &Window<'_>, end: usize, separator: u8, all: &[u8]) -> bool {
    let next = window.at(end);
    let joined = next == separator && window.at(end.saturating_add(1)).is_ascii_alphanumeric();
    let same = |of: u8| all.iter().all(|byte| byte.eq_ignore_ascii_case(&of));
    !(joined || next.is_ascii_alphanumeric() || next == b'_' || same(b'0') || same(b'f'))
}
