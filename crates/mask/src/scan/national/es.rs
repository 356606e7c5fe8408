//! Numbers of Spain.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{any, nth, number};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 3] = [
    rule(
        Class::EsNif,
        &["99999999A", "99999999-A", "9999999A", "9999999-A"],
        is_nif,
        Alone::Never,
        words::NIF.or(words::ID),
    ),
    rule(
        Class::EsNie,
        &["A9999999A", "A9999999-A", "A-9999999-A"],
        is_nie,
        Alone::Never,
        words::NIE.or(words::ID),
    ),
    rule(Class::EsPassport, &["AAA999999"], any, Alone::Never, words::PASSPORT),
];

/// The letter of the number modulo 23.
fn letter(number: u64) -> u8 {
    let at = usize::try_from(number % 23).unwrap_or(0);
    nth(b"TRWAGMYFPDXBNJZSQVHLCKE", at)
}

fn is_nif(text: &[u8]) -> bool {
    let Some((check, digits)) = text.split_last() else { return false };
    letter(number(digits)) == *check
}

/// X, Y and Z stand for 0, 1 and 2 in front.
fn is_nie(text: &[u8]) -> bool {
    let Some((check, front)) = text.split_last() else { return false };
    let Some((first, digits)) = front.split_first() else { return false };
    let front = match first {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    letter(front * 10_000_000 + number(digits)) == *check
}
