//! Numbers of East and South-East Asia: China, South Korea, the Philippines, Singapore, Thailand.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{
    is_date, is_monotonous, is_short_date, last, mod11_2, nth, number, part, value, weighted,
};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 14] = [
    rule(
        Class::CnResidentId,
        &["99999999999999999X"],
        is_resident,
        Alone::Always,
        words::CHINA.or(words::ID),
    ),
    rule(Class::KrRrn, &["999999-9999999"], is_rrn, Alone::Grouped, words::RRN),
    rule(Class::KrRrn, &["9999999999999"], is_rrn, Alone::Never, words::RRN),
    rule(Class::KrFrn, &["999999-9999999"], is_frn, Alone::Grouped, words::FRN),
    rule(Class::KrFrn, &["9999999999999"], is_frn, Alone::Never, words::FRN),
    rule(Class::KrBrn, &["999-99-99999", "9999999999"], is_brn, Alone::Never, words::BRN.or(words::COMPANY)),
    rule(Class::KrPassport, &["A999A9999"], is_passport, Alone::Always, words::PASSPORT.or(words::KOREA)),
    rule(Class::KrPassport, &["A99999999"], is_passport, Alone::Never, words::PASSPORT.or(words::KOREA)),
    rule(
        Class::KrDriverLicence,
        &["99 99 999999 99", "999999999999"],
        is_licence,
        Alone::Unsaid,
        words::LICENCE,
    ),
    rule(
        Class::PhTin,
        &["999-999-999", "999-999-999-999", "999-999-999-99999"],
        is_tin,
        Alone::Never,
        words::PHTIN.or(words::TAX).or(words::ID),
    ),
    rule(Class::PhTin, &["999999999", "999999999999"], is_tin, Alone::Never, words::PHTIN),
    rule(Class::SgNric, &["A9999999A"], is_nric, Alone::Always, words::NRIC.or(words::ID)),
    rule(
        Class::SgUen,
        &["99999999A", "999999999A", "A99AA9999A"],
        is_uen,
        Alone::Never,
        words::UEN.or(words::COMPANY),
    ),
    rule(
        Class::ThId,
        &["9999999999999", "9-9999-99999-99-9", "9 9999 99999 99 9"],
        is_thai,
        Alone::Never,
        words::THAI,
    ),
];

fn is_resident(text: &[u8]) -> bool {
    let province = matches!(part(text, 0, 2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91);
    let year = part(text, 6, 4);
    let digits = text.iter().take(17).all(u8::is_ascii_digit);
    digits
        && province
        && (1900..2100).contains(&year)
        && is_date(year, part(text, 10, 2), part(text, 12, 2))
        && mod11_2(text)
}

/// The date of birth and a digit for sex and century. The check digit is not given out any more since October 2020.
fn is_rrn(text: &[u8]) -> bool {
    is_short_date(text) && (b'1'..=b'4').contains(&nth(text, 6)) && !is_monotonous(text)
}

fn is_frn(text: &[u8]) -> bool {
    is_short_date(text) && (b'5'..=b'8').contains(&nth(text, 6))
}

fn is_brn(text: &[u8]) -> bool {
    let sum = weighted(text, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + value(nth(text, 8)) * 5 / 10;
    (10 - sum % 10) % 10 == last(text) && part(text, 0, 3) > 100
}

fn is_passport(text: &[u8]) -> bool {
    b"MSRODG".contains(&nth(text, 0))
}

/// The region, 11 to 28.
fn is_licence(text: &[u8]) -> bool {
    (11..=28).contains(&part(text, 0, 2))
}

fn is_tin(text: &[u8]) -> bool {
    weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == value(nth(text, 8)) && part(text, 0, 9) > 0
}

/// The series shifts the sum, and each kind has its own letters.
fn is_nric(text: &[u8]) -> bool {
    let digits = text.get(1..8).unwrap_or_default();
    let sum = weighted(digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (shift, letters): (u32, &[u8]) = match nth(text, 0) {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"KLJNPQRTUWX"),
        _ => return false,
    };
    let at = ((sum + shift) % 11) as usize;
    let at = if nth(text, 0) == b'M' { 10_usize.saturating_sub(at) } else { at };
    nth(letters, at) == nth(text, 8)
}

/// A business, a local company, or another body; the letter of each is a check of its own.
fn is_uen(text: &[u8]) -> bool {
    let letter =
        |sum: u32, letters: &[u8; 11]| nth(letters, (sum % 11) as usize) == text.last().copied().unwrap_or(0);
    match text.len() {
        9 => letter(weighted(text, &[10, 4, 9, 3, 8, 2, 7, 1]), b"XMKECAWLJDB"),
        10 if nth(text, 0).is_ascii_digit() => {
            (1800..2100).contains(&part(text, 0, 4))
                && letter(weighted(text, &[10, 8, 6, 4, 9, 7, 5, 3, 1]), b"ZKCMDNERGWH")
        }
        _ => matches!(nth(text, 0), b'R' | b'S' | b'T') && number(text.get(1..3).unwrap_or_default()) < 100,
    }
}

fn is_thai(text: &[u8]) -> bool {
    let sum = weighted(text, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    !matches!(nth(text, 0), b'0' | b'9') && (11 - sum % 11) % 10 == last(text) && !is_monotonous(text)
}
