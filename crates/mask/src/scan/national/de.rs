//! Numbers of Germany.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_day, last, mod11_10, nth, part, value, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::topics::Topics;
use crate::scan::words;

const DOCUMENT: Topics = words::AUSWEIS.or(words::ID);

pub(super) const RULES: [Rule; 8] = [
    rule(Class::DeTaxId, &["99999999999", "99 999 999 999"], is_tax_id, Alone::Never, words::STEUER),
    rule(Class::DePassport, &["XXXXXXXXX", "XXXXXXXXXX"], is_document, Alone::Never, words::PASSPORT),
    rule(Class::DeIdCard, &["XXXXXXXXX", "XXXXXXXXXX"], is_document, Alone::Never, DOCUMENT),
    rule(
        Class::DeSocialSecurity,
        &["99999999A999", "99 999999 A 999", "99 999999 A999"],
        is_social,
        Alone::Never,
        words::RVNR.or(words::SSN),
    ),
    rule(Class::DeHealthInsurance, &["A999999999"], is_health, Alone::Never, words::KVNR),
    rule(
        Class::DeVatId,
        &["DE999999999", "DE 999 999 999", "DE 999999999"],
        is_vat,
        Alone::Never,
        words::VAT,
    ),
    rule(Class::DeLanr, &["999999999"], is_lanr, Alone::Never, words::LANR),
    rule(Class::DeBsnr, &["999999999"], is_bsnr, Alone::Unsaid, words::BSNR),
];

/// One digit of the first ten occurs twice or three times, none begins with zero.
fn is_tax_id(text: &[u8]) -> bool {
    let count = |digit: u8| text.iter().take(10).filter(|byte| **byte == digit).count();
    let most = (b'0'..=b'9').map(count).max().unwrap_or(0);
    nth(text, 0) != b'0' && most <= 3 && mod11_10(text)
}

/// Characters without vowels and those that read like digits, then the check digit of ICAO 9303. Old cards begin with T and
/// are written without it.
fn is_document(text: &[u8]) -> bool {
    let Some((serial, check)) = text.split_at_checked(text.len().saturating_sub(1)) else { return false };
    let sum: u32 =
        serial.iter().zip([7, 3, 1].iter().cycle()).map(|(byte, weight)| value(*byte) * weight).sum();
    b"CFGHJKLMNPRTVWXYZ".contains(&nth(serial, 0))
        && serial.iter().all(|byte| byte.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(byte))
        && (sum % 10 == last(check) || text.len() == 9 && nth(text, 0) == b'T' && part(text, 1, 8) > 0)
        && check.iter().all(u8::is_ascii_digit)
}

/// Area, date of birth, initial, serial and check digit (Deutsche Rentenversicherung).
fn is_social(text: &[u8]) -> bool {
    let letter = value(nth(text, 8)).saturating_sub(9);
    let digits = text.iter().take(8).map(|byte| value(*byte));
    let digits =
        digits.chain([letter / 10, letter % 10]).chain(text.iter().skip(9).take(2).map(|byte| value(*byte)));
    let sum: u32 = digits
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    let day = part(text, 2, 2);
    is_day(part(text, 4, 2), if day > 50 { day - 50 } else { day }) && sum % 10 == last(text)
}

/// The letter as two digits, then the check of cards with weights from the front.
fn is_health(text: &[u8]) -> bool {
    let letter = value(nth(text, 0)).saturating_sub(9);
    let digits =
        [letter / 10, letter % 10].into_iter().chain(text.iter().skip(1).take(8).map(|byte| value(*byte)));
    let sum: u32 = digits
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    sum % 10 == last(text)
}

fn is_vat(text: &[u8]) -> bool {
    text.get(2..).is_some_and(|digits| nth(digits, 0) != b'0' && mod11_10(digits))
}

/// Weights of four and nine; the last two digits are the field of work.
fn is_lanr(text: &[u8]) -> bool {
    let sum = weighted(text, &[4, 9, 4, 9, 4, 9]) % 10;
    (10 - sum) % 10 == value(nth(text, 6)) && part(text, 7, 2) > 0
}

fn is_bsnr(text: &[u8]) -> bool {
    part(text, 0, 2) > 0
}
