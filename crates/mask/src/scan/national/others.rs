//! Numbers of Nigeria, Poland, South Africa and Turkey.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_date, is_short_date, last, luhn, nth, part, value, verhoeff, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 4] = [
    rule(Class::PlPesel, &["99999999999"], is_pesel, Alone::Never, words::PESEL),
    rule(Class::TrId, &["99999999999"], is_turkish, Alone::Never, words::TURKISH),
    rule(Class::NgNin, &["99999999999"], is_nin, Alone::Never, words::NIN),
    rule(
        Class::ZaId,
        &["9999999999999", "999999 9999 99 9"],
        is_south_african,
        Alone::Never,
        words::ZA.or(words::ID),
    ),
];

/// The century is added to the month in steps of twenty.
fn is_pesel(text: &[u8]) -> bool {
    let month = part(text, 2, 2);
    let century = match month / 20 {
        0 => 1900,
        1 => 2000,
        2 => 2100,
        3 => 2200,
        _ => 1800,
    };
    let date = is_date(century + part(text, 0, 2), month % 20, part(text, 4, 2));
    let sum = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    date && (10 - sum % 10) % 10 == last(text)
}

/// Two check digits.
fn is_turkish(text: &[u8]) -> bool {
    let digit = |at: usize| value(nth(text, at));
    let odd = digit(0) + digit(2) + digit(4) + digit(6) + digit(8);
    let even = digit(1) + digit(3) + digit(5) + digit(7);
    let ten: u32 = (0..10).map(digit).sum();
    digit(0) > 0 && (odd * 7 + 80 - even) % 10 == digit(9) && ten % 10 == digit(10)
}

fn is_nin(text: &[u8]) -> bool {
    nth(text, 0) != b'0' && verhoeff(text)
}

/// Date of birth, serial, citizen, resident or refugee, a digit that is 8 or 9, check digit.
fn is_south_african(text: &[u8]) -> bool {
    is_short_date(text)
        && matches!(nth(text, 10), b'0'..=b'2')
        && matches!(nth(text, 11), b'8' | b'9')
        && luhn(text)
}
