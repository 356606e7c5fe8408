//! Numbers of Belgium, France, the Netherlands and Switzerland.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_monotonous, nth, number, part, value, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 5] = [
    rule(
        Class::FrNir,
        &[
            "9 99 99 99 999 999 99",
            "9 99 99 9A 999 999 99",
            "99999999999 99",
            "999999999999999",
            "999999A99999999",
            "9999999999999 99",
        ],
        is_nir,
        Alone::Always,
        words::NIR.or(words::SSN),
    ),
    rule(Class::NlBsn, &["999999999", "9999 99 999", "999 999 999"], is_bsn, Alone::Never, words::BSN),
    rule(Class::BeNationalNumber, &["99.99.99-999.99"], is_belgian, Alone::Always, words::BELGIUM),
    rule(Class::BeNationalNumber, &["99999999999"], is_belgian, Alone::Never, words::BELGIUM),
    rule(Class::ChAhv, &["999.9999.9999.99", "9999999999999"], is_ahv, Alone::Always, words::AHV),
];

/// Sex, year, month, place, serial; 97 less the rest. Corsica's letters stand for 19 and 18.
fn is_nir(text: &[u8]) -> bool {
    let place = |a: u8| nth(text, 5) == b'2' && nth(text, 6) == a;
    let mut digits: Vec<u8> = text.to_vec();
    let corsica = if place(b'A') {
        Some(b"19")
    } else if place(b'B') {
        Some(b"18")
    } else {
        None
    };
    if let (Some(two), Some(slot)) = (corsica, digits.get_mut(5..7)) {
        slot.copy_from_slice(two);
    }
    let Some((front, key)) = digits.split_at_checked(13) else { return false };
    let month = part(&digits, 3, 2);
    digits.iter().all(u8::is_ascii_digit)
        && matches!(nth(&digits, 0), b'1' | b'2')
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && 97 - number(front) % 97 == number(key)
}

/// The eleven test, the last digit counted against the rest.
fn is_bsn(text: &[u8]) -> bool {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == value(nth(text, 8)) && !is_monotonous(text)
}

/// Date of birth and serial; 97 less the rest, a 2 in front for those born since 2000.
fn is_belgian(text: &[u8]) -> bool {
    let (front, key) = (part(text, 0, 9), part(text, 9, 2));
    let month = part(text, 2, 2) % 20;
    month <= 12
        && part(text, 4, 2) <= 31
        && (97 - front % 97 == key || 97 - (2_000_000_000 + front) % 97 == key)
}

/// The country's 756 and the check digit of EAN-13.
fn is_ahv(text: &[u8]) -> bool {
    let sum = weighted(text, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    part(text, 0, 3) == 756 && sum.is_multiple_of(10)
}
