//! Numbers of Italy.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{luhn, nth, part, value};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 2] = [
    rule(Class::ItFiscalCode, &["AAAAAAXXAXXAXXXA"], is_fiscal_code, Alone::Always, words::FISCAL),
    rule(Class::ItVat, &["99999999999", "IT99999999999"], is_vat, Alone::Never, words::VAT),
];

/// What digits become when two persons would have one code.
const OMOCODE: &[u8] = b"LMNPQRSTUV";
/// What a character in an odd place counts, from `0` or `A` on.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

fn is_fiscal_code(text: &[u8]) -> bool {
    let digit = |at: usize| match nth(text, at) {
        byte if byte.is_ascii_digit() => Some(u32::from(byte - b'0')),
        byte => OMOCODE.iter().position(|letter| *letter == byte).and_then(|digit| u32::try_from(digit).ok()),
    };
    let day = digit(9).zip(digit(10)).map_or(0, |(tens, ones)| tens * 10 + ones);
    let digits = [6, 7, 9, 10, 12, 13, 14].into_iter().all(|at| digit(at).is_some());
    let month = b"ABCDEHLMPRST".contains(&nth(text, 8));
    let Some((check, rest)) = text.split_last() else { return false };
    let sum: u32 = rest.iter().enumerate().map(|(place, byte)| weight(place, *byte)).sum();
    digits && month && matches!(day, 1..=31 | 41..=71) && sum % 26 == value(*check).saturating_sub(10)
}

fn weight(place: usize, byte: u8) -> u32 {
    let value = value(byte);
    let value = if byte.is_ascii_digit() { value } else { value.saturating_sub(10) };
    if place % 2 == 1 { value } else { ODD.get(value as usize).copied().unwrap_or(0) }
}

fn is_vat(text: &[u8]) -> bool {
    let digits = text.get(text.len().saturating_sub(11)..).unwrap_or_default();
    luhn(digits) && part(digits, 0, 7) > 0
}
