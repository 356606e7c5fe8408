//! Dates as people and programs write them. A date of birth is one where words say so; any other only on request.

use std::ops::Range;

use super::checks::is_day;
use super::window::Window;

/// Longest name of a month that is looked for.
const MAX_MONTH: usize = 10;
/// Most digits of a fraction of a second.
const MAX_FRACTION: usize = 9;
/// Months in English, German, French, Spanish and Italian.
const NAMES: [&str; 54] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
    "dec",
    "januar",
    "februar",
    "mai",
    "juni",
    "juli",
    "oktober",
    "dezember",
    "janvier",
    "avril",
    "juin",
    "juillet",
    "septembre",
    "octobre",
    "novembre",
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
    "gennaio",
    "maggio",
    "luglio",
    "dicembre",
];

/// The date around the digit here. `partial` takes those without a year or day too.
pub(crate) fn probe(window: &Window<'_>, first: usize, partial: bool) -> Option<Range<usize>> {
    let start = month_start(window, first).unwrap_or(first);
    if !apart(window.before(start)) && !window.behind_escape(start) {
        return None;
    }
    let end = if start < first {
        behind_month(window, first, partial && first.saturating_sub(start) < MAX_MONTH)
    } else {
        numeric(window, first, partial).or_else(|| day_first(window, first, partial))
    }?;
    let next = window.at(end);
    let fraction =
        matches!(next, b'.' | b'/' | b'-' | b':') && window.at(end.saturating_add(1)).is_ascii_digit();
    (!fraction && !next.is_ascii_alphanumeric() && next != b'_').then_some(start..end)
}

fn apart(before: u8) -> bool {
    !before.is_ascii_alphanumeric() && !matches!(before, b'_' | b'.' | b'/' | b'-' | b'$' | b'#')
}

/// Where the month begins whose name and a blank or dash end here: `March 12`, `May-21`.
pub(crate) fn month_start(window: &Window<'_>, end: usize) -> Option<usize> {
    let name = match window.before(end) {
        b' ' | b'-' => end.saturating_sub(1),
        _ => return None,
    };
    let name = if window.before(name) == b'.' { name.saturating_sub(1) } else { name };
    let start = window.start_of(name, MAX_MONTH, |byte| byte.is_ascii_alphabetic());
    let capital = window.text.as_bytes().get(start)?.is_ascii_uppercase();
    (capital && is_month(window.text.as_bytes().get(start..name)?)).then_some(start)
}

fn is_month(word: &[u8]) -> bool {
    NAMES.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

/// Digits here, `most` of them: their end and value.
fn digits(window: &Window<'_>, at: usize, most: usize) -> Option<(usize, u64)> {
    let end = window.end_of(at, most, |byte| byte.is_ascii_digit());
    let value = window.text.get(at..end)?.parse().ok()?;
    (!window.at(end).is_ascii_digit()).then_some((end, value))
}

fn is_year(value: u64, len: usize) -> bool {
    len == 2 || len == 4 && (1800..2200).contains(&value)
}

/// `2021-05-21`, `21.5.2021`, `5/21/21`.
fn numeric(window: &Window<'_>, first: usize, partial: bool) -> Option<usize> {
    let (end, one) = digits(window, first, 4)?;
    let separator = window.at(end);
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    let middle = end.saturating_add(1);
    let (behind, two) = digits(window, middle, 4)?;
    let lens = (end.saturating_sub(first), behind.saturating_sub(middle));
    let third = behind.saturating_add(1);
    let last = (window.at(behind) == separator).then(|| digits(window, third, 4)).flatten();
    let Some((stop, three)) = last else {
        let month = |month: u64| (1..=12).contains(&month);
        let short = month(one) && (lens.1 == 4 && is_year(two, 4) || lens.1 == 2 && is_day(one, two));
        return (partial && separator == b'/' && lens.0 <= 2 && short).then_some(behind);
    };
    let len = stop.saturating_sub(third);
    let fits = match (lens.0, lens.1) {
        (4, 1..=2) => is_year(one, 4) && len <= 2 && is_day(two, three),
        (1..=2, 1..=2) => is_year(three, len) && (is_day(one, two) || is_day(two, one)),
        _ => false,
    };
    fits.then(|| time(window, stop))
}

/// `21 May 2021`, `21-May-21`, `21st of May 2021`.
fn day_first(window: &Window<'_>, first: usize, partial: bool) -> Option<usize> {
    let (end, day) = digits(window, first, 2)?;
    let ordinal = match window.ahead(end, 2) {
        b"st" | b"nd" | b"rd" | b"th" => 2,
        [b'.', _] => 1,
        _ => 0,
    };
    let name = window.end_of(end.saturating_add(ordinal), 1, |byte| matches!(byte, b' ' | b'-'));
    if name == end.saturating_add(ordinal) || !(1..=31).contains(&day) {
        return None;
    }
    let name = if window.ahead(name, 3) == b"of " { name.saturating_add(3) } else { name };
    let behind = window.end_of(name, MAX_MONTH, |byte| byte.is_ascii_alphabetic());
    if !is_month(window.text.as_bytes().get(name..behind)?) {
        return None;
    }
    let short = partial.then_some(behind);
    let dot = window.end_of(behind, 1, |byte| matches!(byte, b'.' | b','));
    let year = window.end_of(dot, 1, |byte| matches!(byte, b' ' | b'-'));
    if year == behind {
        return short;
    }
    let Some((stop, value)) = digits(window, year, 4) else { return short };
    if is_year(value, stop.saturating_sub(year)) { Some(stop) } else { short }
}

/// What follows a month's name: `12, 1985`, `12th 1985`, and where that is enough, `21` or `2021`.
fn behind_month(window: &Window<'_>, first: usize, partial: bool) -> Option<usize> {
    let (end, day) = digits(window, first, 4)?;
    let len = end.saturating_sub(first);
    let short = (partial && (len == 2 || is_year(day, len) && len == 4)).then_some(end);
    if len > 2 || !(1..=31).contains(&day) {
        return short;
    }
    let ordinal = if matches!(window.ahead(end, 2), b"st" | b"nd" | b"rd" | b"th") { 2 } else { 0 };
    let comma = window.end_of(end.saturating_add(ordinal), 1, |byte| byte == b',');
    let year = window.end_of(comma, 1, |byte| byte == b' ');
    if year == end {
        return short;
    }
    match digits(window, year, 4) {
        Some((stop, value)) if stop.saturating_sub(year) == 4 && is_year(value, 4) => Some(stop),
        _ => short,
    }
}

/// Behind the time that follows a date, if one does (ISO 8601).
fn time(window: &Window<'_>, end: usize) -> usize {
    let pair = |at: usize| {
        let digits = window.ahead(at, 2);
        (digits.len() == 2 && digits.iter().all(u8::is_ascii_digit)).then_some(at.saturating_add(2))
    };
    let hour = match window.at(end) {
        b'T' | b' ' => end.saturating_add(1),
        _ => return end,
    };
    let colon = |at: usize| (window.at(at) == b':').then_some(at.saturating_add(1));
    let Some(mut at) = pair(hour).and_then(colon).and_then(pair) else { return end };
    if let Some(seconds) = colon(at).and_then(pair) {
        at = seconds;
        if window.at(at) == b'.' {
            at = window.end_of(at.saturating_add(1), MAX_FRACTION, |byte| byte.is_ascii_digit());
        }
    }
    match window.at(at) {
        b'Z' => at.saturating_add(1),
        b'+' | b'-' => pair(at.saturating_add(1)).and_then(colon).and_then(pair).unwrap_or(at),
        _ => at,
    }
}
