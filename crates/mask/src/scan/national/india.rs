//! Numbers of India.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{any, is_monotonous, nth, part, verhoeff};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 5] = [
    rule(Class::InAadhaar, &["9999 9999 9999", "999999999999"], is_aadhaar, Alone::Never, words::AADHAAR),
    rule(Class::InPan, &["AAAAA9999A"], is_pan, Alone::Never, words::PAN.or(words::TAX)),
    rule(Class::InGstin, &["99AAAAA9999AXAX"], is_gstin, Alone::Always, words::GST),
    rule(Class::InVoter, &["AAA9999999"], any, Alone::Never, words::VOTER),
    rule(Class::InPassport, &["A9999999"], is_passport, Alone::Never, words::PASSPORT),
];

fn is_aadhaar(text: &[u8]) -> bool {
    !matches!(nth(text, 0), b'0' | b'1') && verhoeff(text) && !text.iter().eq(text.iter().rev())
}

/// The fourth letter says who the taxpayer is.
fn is_pan(text: &[u8]) -> bool {
    b"ABCFGHJLPTKE".contains(&nth(text, 3)) || b"NDSM".contains(&nth(text, 3))
}

/// A state, a permanent account number, a count, `Z` and a check character.
fn is_gstin(text: &[u8]) -> bool {
    (1..=37).contains(&part(text, 0, 2)) && nth(text, 12) != b'0' && nth(text, 13) == b'Z'
}

fn is_passport(text: &[u8]) -> bool {
    nth(text, 1) != b'0' && !is_monotonous(text.get(1..).unwrap_or_default())
}
