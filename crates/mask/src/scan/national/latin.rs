//! Numbers of Brazil and Mexico.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{is_day, is_monotonous, nth, part, value, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 5] = [
    rule(Class::BrCpf, &["999.999.999-99"], is_cpf, Alone::Always, words::CPF),
    rule(Class::BrCpf, &["99999999999"], is_cpf, Alone::Never, words::CPF),
    rule(Class::BrCnpj, &["99.999.999/9999-99"], is_cnpj, Alone::Always, words::CNPJ),
    rule(Class::BrCnpj, &["99999999999999"], is_cnpj, Alone::Never, words::CNPJ),
    rule(Class::MxCurp, &["AAAA999999AAAAAAX9"], is_curp, Alone::Always, words::CURP),
];

/// What is left of eleven; ten and eleven are written 0.
fn check(sum: u32) -> u32 {
    let rest = 11 - sum % 11;
    if rest > 9 { 0 } else { rest }
}

fn is_cpf(text: &[u8]) -> bool {
    let first = check(weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weighted(text, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    first == value(nth(text, 9)) && second == value(nth(text, 10)) && !is_monotonous(text)
}

fn is_cnpj(text: &[u8]) -> bool {
    let first = check(weighted(text, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weighted(text, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    first == value(nth(text, 12)) && second == value(nth(text, 13)) && !is_monotonous(text)
}

/// Date of birth, sex, and the check digit with weights from eighteen down, where N is followed by the Spanish letter.
fn is_curp(text: &[u8]) -> bool {
    let rank = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        _ => u32::from(byte.saturating_sub(b'A')) + 11,
    };
    let sum: u32 = text.iter().take(17).zip((2..=18).rev()).map(|(byte, weight)| rank(*byte) * weight).sum();
    is_day(part(text, 6, 2), part(text, 8, 2))
        && matches!(nth(text, 10), b'H' | b'M' | b'X')
        && (10 - sum % 10) % 10 == value(nth(text, 17))
}
