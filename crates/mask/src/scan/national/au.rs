//! Numbers of Australia.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_monotonous, last, nth, value, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 4] = [
    rule(Class::AuAbn, &["99 999 999 999", "99999999999"], is_abn, Alone::Never, words::ABN),
    rule(Class::AuTfn, &["999 999 999", "999999999"], is_tfn, Alone::Never, words::TFN),
    rule(Class::AuAcn, &["999 999 999", "999999999"], is_acn, Alone::Never, words::ACN),
    rule(Class::AuMedicare, &["9999 99999 9", "9999999999"], is_medicare, Alone::Never, words::MEDICARE),
];

/// One less in front, then MOD 89.
fn is_abn(text: &[u8]) -> bool {
    let sum = weighted(text, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    nth(text, 0) != b'0' && sum % 89 == 10
}

fn is_acn(text: &[u8]) -> bool {
    (weighted(text, &[8, 7, 6, 5, 4, 3, 2, 1]) + last(text)).is_multiple_of(10)
}

fn is_tfn(text: &[u8]) -> bool {
    weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !is_monotonous(text)
}

fn is_medicare(text: &[u8]) -> bool {
    (b'2'..=b'6').contains(&nth(text, 0))
        && weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == value(nth(text, 8))
}
