//! What is asked about a trigger, and in which order: what is surest first.

use std::ops::Range;

use super::topics::Nearby;
use super::window::Window;
use super::{crypto, date, ip, phone, rule, secret, two_letters, words};
use crate::class::{Class, Classes};

type Found = Option<(Class, Range<usize>)>;

/// How far back a run of letters and digits may begin.
const MAX_FRONT: usize = 64;
/// Longest run that is anything: an address of Bitcoin or a key of a vendor, by its first part.
const MAX_RUN: usize = 72;
/// Digits of the shortest number that has no groups.
const SHORTEST_RUN: usize = 6;
/// Characters of the first part of a date: a year, or a day as `21st`.
const LONGEST_OF_DATE: usize = 4;
/// Digits of a telephone number.
const LONGEST_PHONE: usize = 15;
/// What an extension adds to its last group: `x` and five digits.
const MAX_EXTENSION: usize = 6;
/// Characters that a vendor's key has at least behind the first sign of its prefix.
const KEY_GOES_ON: usize = 12;

/// What the run of letters and digits is or begins whose first digit is here.
pub(crate) fn around_digit(
    window: &Window<'_>,
    trigger: usize,
    classes: Classes,
    phone: Option<usize>,
    nearby: &mut Nearby,
) -> Found {
    let start = run_start(window, trigger);
    let end = window.end_of(start.max(trigger), MAX_RUN, |byte| byte.is_ascii_alphanumeric());
    let len = end.saturating_sub(start);
    let next = window.at(end);
    let behind_month = classes.has(Class::DateTime) && date::month_start(window, start).is_some();
    if start > trigger && len == 0 || len < SHORTEST_RUN && !goes_on(window, end, next) && !behind_month {
        return None;
    }
    let only = |class: Class, range: Option<Range<usize>>| range.map(|range| (class, range));
    let number = start >= trigger;
    if classes.has(Class::IpAddress)
        && number
        && len <= 3
        && next == b'.'
        && let Some(found) = ip::version4(window, start, nearby)
    {
        return only(Class::IpAddress, Some(found));
    }
    if classes.has(Class::MacAddress) {
        let found = match (len, next) {
            (2, b'-' | b':') => ip::hardware(window, start, next),
            (4, b'.') => ip::dotted_hardware(window, start, nearby),
            _ => None,
        };
        if found.is_some() {
            return only(Class::MacAddress, found);
        }
    }
    let long = if len > rule::MAX_RUN { long(window, start..end, classes) } else { None };
    if let Some(found) = long.or_else(|| vendor(window, start, trigger, classes)) {
        return Some(found);
    }
    if let Some(letters) = two_letters(window, start).filter(|letters| *letters >= window.floor)
        && let Some(found) = rule::probe(window, &(letters..letters.saturating_add(2)), classes, nearby)
    {
        return Some(found);
    }
    if len <= rule::MAX_RUN
        && let Some(found) = rule::probe(window, &(start..end), classes, nearby)
    {
        return Some(found);
    }
    if !number {
        return None;
    }
    if classes.has(Class::Phone)
        && len <= LONGEST_PHONE + MAX_EXTENSION
        && let Some(found) = phone::probe(window, start, phone, nearby)
    {
        return only(Class::Phone, Some(found));
    }
    if len > LONGEST_OF_DATE {
        return None;
    }
    dates(window, start, classes, nearby)
}

/// Where the run begins that has its first digit here, behind an escape (`\n`, `%20`) that is none of its own.
fn run_start(window: &Window<'_>, trigger: usize) -> usize {
    let start = window.start_of(trigger, MAX_FRONT, |byte| byte.is_ascii_alphanumeric());
    let skip = match window.before(start) {
        b'\\' if window.behind_escape(start.saturating_add(1)) => 1,
        b'%' if window.behind_escape(start.saturating_add(2)) => 2,
        _ => 0,
    };
    start.saturating_add(skip)
}

/// Whether a short run may be the first part of something.
fn goes_on(window: &Window<'_>, end: usize, next: u8) -> bool {
    let behind = || window.at(end.saturating_add(1));
    match next {
        b'-' | b'.' | b'/' | b'(' | b':' => behind().is_ascii_alphanumeric() || behind() == b'(',
        b')' | b',' | 0xc2 | 0xe2 => true,
        b' ' => {
            let behind = behind();
            behind.is_ascii_digit() || behind.is_ascii_uppercase() || behind == b'('
        }
        _ => false,
    }
}

/// A long run: an address of a cryptocurrency, a token, a key.
fn long(window: &Window<'_>, run: Range<usize>, classes: Classes) -> Found {
    let text = window.text.as_bytes().get(run.clone()).unwrap_or_default();
    let apart = !window.before(run.start).is_ascii_alphanumeric() || window.behind_escape(run.start);
    let alone = !matches!(window.before(run.start), b'+' | b'/' | b'_')
        && !matches!(window.at(run.end), b'+' | b'/' | b'_' | b'=');
    if classes.has(Class::CryptoAddress) && apart && alone && crypto::is_address(text) {
        return Some((Class::CryptoAddress, run));
    }
    if !apart {
        return None;
    }
    if classes.has(Class::Jwt)
        && let Some(range) = secret::web_token(window, run.start)
    {
        return Some((Class::Jwt, range));
    }
    let first = text.first().is_some_and(|byte| b"AESd".contains(byte));
    let key = (first && classes.has(Class::ApiKey)).then(|| secret::vendor_key(window, run.start)).flatten();
    key.map(|range| (Class::ApiKey, range))
}

/// A short run that begins as a key does whose first part it is: `SG.…`, `ya29.…`, or a token's front.
fn vendor(window: &Window<'_>, start: usize, trigger: usize, classes: Classes) -> Found {
    if !classes.has(Class::ApiKey) {
        return None;
    }
    if window.before(start) == b'.' {
        let first = window.start_of(start.saturating_sub(1), 4, |byte| byte.is_ascii_alphabetic());
        let known = matches!(window.ahead(first, 3), b"SG." | b"hvs" | b"hvb");
        let key = known.then(|| secret::vendor_key(window, first)).flatten();
        return key.map(|range| (Class::ApiKey, range));
    }
    if trigger == start || !matches!(window.ahead(start, 2), b"AI" | b"ya" | b"SG" | b"EA" | b"AT" | b"hv") {
        return None;
    }
    secret::vendor_key(window, start).map(|range| (Class::ApiKey, range))
}

/// A date, of birth where words say so.
fn dates(window: &Window<'_>, start: usize, classes: Classes, nearby: &mut Nearby) -> Found {
    let any = classes.has(Class::DateTime);
    if !any && !classes.has(Class::BirthDate) {
        return None;
    }
    let range = date::probe(window, start, any)?;
    if classes.has(Class::BirthDate) && nearby.before(window, range.start).touches(words::BIRTH) {
        return Some((Class::BirthDate, range));
    }
    any.then_some((Class::DateTime, range))
}

/// What the sign here stands in or before.
pub(crate) fn around_sign(
    window: &Window<'_>,
    at: usize,
    sign: u8,
    classes: Classes,
    nearby: &mut Nearby,
) -> Found {
    let found = match sign {
        b':' => around_colon(window, at, classes, nearby),
        b'-' | b'_' => in_key(window, at, sign, classes),
        _ => None,
    };
    if found.is_some() || !matches!(sign, b':' | b'=') || !classes.has(Class::Password) {
        return found;
    }
    let range = secret::named(window, at)?;
    // A name says less of a key than its form, which also tells where it ends.
    let token = classes.has(Class::Jwt).then(|| secret::web_token(window, range.start)).flatten();
    let key = || classes.has(Class::ApiKey).then(|| secret::vendor_key(window, range.start)).flatten();
    Some(match token.map(|token| (Class::Jwt, token)).or_else(|| Some((Class::ApiKey, key()?))) {
        Some(found) => found,
        None => (Class::Password, range),
    })
}

fn around_colon(window: &Window<'_>, colon: usize, classes: Classes, nearby: &mut Nearby) -> Found {
    if classes.has(Class::Password)
        && let Some(range) = secret::url_password(window, colon)
    {
        return Some((Class::Password, range));
    }
    if !classes.has(Class::IpAddress) && !classes.has(Class::MacAddress) {
        return None;
    }
    let (hardware, range) = ip::around_colon(window, colon, nearby)?;
    let class = if hardware { Class::MacAddress } else { Class::IpAddress };
    classes.has(class).then_some((class, range))
}

/// A dash or underscore: of a private key, a hardware address, a vendor's prefix.
fn in_key(window: &Window<'_>, at: usize, sign: u8, classes: Classes) -> Found {
    let next = window.at(at.saturating_add(1));
    if sign == b'-' && next == b'-' {
        let key = classes.has(Class::PrivateKey).then(|| secret::private_key(window, at)).flatten();
        return key.map(|range| (Class::PrivateKey, range));
    }
    if !next.is_ascii_alphanumeric() {
        return None;
    }
    if sign == b'-' && classes.has(Class::MacAddress) && window.at(at.saturating_add(3)) == b'-' {
        let start = window.start_of(at, 3, |byte| byte.is_ascii_hexdigit());
        if at.saturating_sub(start) == 2
            && let Some(range) = ip::hardware(window, start, b'-')
        {
            return Some((Class::MacAddress, range));
        }
    }
    let key = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !classes.has(Class::ApiKey) || !key(window.at(at.saturating_add(KEY_GOES_ON))) {
        return None;
    }
    secret::vendor_key_at(window, at).map(|range| (Class::ApiKey, range))
}
