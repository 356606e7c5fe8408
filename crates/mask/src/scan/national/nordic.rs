//! Numbers of Finland and Sweden.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_day, is_short_date, luhn, nth, number, part};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 3] = [
    rule(
        Class::FiHetu,
        &["999999A999X", "999999-999X", "999999+999X"],
        is_hetu,
        Alone::Always,
        words::HETU.or(words::ID),
    ),
    rule(
        Class::SePersonnummer,
        &["999999-9999", "999999+9999", "9999999999", "99999999-9999", "999999999999"],
        is_personnummer,
        Alone::Never,
        words::PERSONNUMMER.or(words::ID),
    ),
    rule(
        Class::SeOrganisationsnummer,
        &["999999-9999", "9999999999"],
        is_organisation,
        Alone::Never,
        words::COMPANY,
    ),
];

/// Date of birth, a sign for the century, a number and the check character modulo 31.
fn is_hetu(text: &[u8]) -> bool {
    let Some((check, rest)) = text.split_last() else { return false };
    let sign = nth(rest, 6);
    let century = sign.is_ascii_digit() || b"ABCDEFYXWVU".contains(&sign);
    let serial = rest.get(rest.len().saturating_sub(3)..).unwrap_or_default();
    let value = part(rest, 0, 6) * 1000 + number(serial);
    let at = usize::try_from(value % 31).unwrap_or(0);
    century
        && is_day(part(rest, 2, 2), part(rest, 0, 2))
        && number(serial) >= 2
        && nth(b"0123456789ABCDEFHJKLMNPRSTUVWXY", at) == *check
}

/// The last ten digits; sixty is added to the day of those who are not registered.
fn is_personnummer(text: &[u8]) -> bool {
    let short = text.get(text.len().saturating_sub(10)..).unwrap_or_default();
    let day = part(short, 4, 2);
    let century = text.len() < 12 || matches!(part(text, 0, 2), 18..=20);
    let born = if day > 60 { day - 60 } else { day };
    let date = if day > 60 { is_day(part(short, 2, 2), born) } else { is_short_date(short) };
    century && date && luhn(short)
}

/// What would be the month is twenty at least.
fn is_organisation(text: &[u8]) -> bool {
    part(text, 2, 2) >= 20 && nth(text, 0) != b'0' && luhn(text)
}
