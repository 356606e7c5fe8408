//! Numbers of United States.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{any, is_monotonous, is_short_date, luhn_sum, nth, part, value, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 11] = [
    rule(Class::UsSsn, &["999 99 9999"], is_ssn, Alone::Grouped, words::SSN),
    rule(Class::UsSsn, &["999999999", "99999-9999", "999-999999"], is_ssn, Alone::Unsaid, words::SSN),
    rule(Class::UsItin, &["999 99 9999"], is_itin, Alone::Grouped, words::TAX),
    rule(Class::UsItin, &["999999999", "99999-9999", "999-999999"], is_itin, Alone::Never, words::TAX),
    rule(Class::UsRouting, &["999999999", "9999-9999-9"], is_routing, Alone::Never, words::ROUTING),
    rule(Class::UsMbi, &["9AX9-AX9-AA99", "9AX9AX9AA99"], is_mbi, Alone::Always, words::MEDICARE),
    rule(Class::UsNpi, &["9999999999", "9999 999 999"], is_npi, Alone::Never, words::NPI),
    rule(Class::UsDea, &["AX9999999"], is_dea, Alone::Never, words::DEA),
    rule(Class::UsPassport, &["A99999999", "999999999"], is_passport, Alone::Unsaid, words::PASSPORT),
    rule(
        Class::UsDriverLicence,
        &[
            "999999",
            "9999999",
            "99999999",
            "999999999",
            "9999999999",
            "A999999",
            "A9999999",
            "A99999999",
            "A999999999999",
            "A99999999999999",
            "A999-9999-9999",
            "A999-999-99-999-9",
            "9999-99-9999",
            "A9999 99999 99999",
            "AA999999A",
            "AA9999999",
            "999-99-9999",
            "A99-99-9999",
        ],
        any,
        Alone::Unsaid,
        words::DRIVER,
    ),
    rule(
        Class::BankAccount,
        &[
            "99999999",
            "999999999",
            "9999999999",
            "99999999999",
            "999999999999",
            "9999999999999",
            "99999999999999",
            "999999999999999",
            "9999999999999999",
            "99999999999999999",
        ],
        is_account,
        Alone::Unsaid,
        words::BANK,
    ),
];

/// Area, group and serial as they are issued since 2011: none of them zero, no area 666 or above 899. The numbers of
/// advertisements are nobody's.
fn is_ssn(text: &[u8]) -> bool {
    let (area, group, serial) = (part(text, 0, 3), part(text, 3, 2), part(text, 5, 4));
    (1..900).contains(&area)
        && area != 666
        && group > 0
        && serial > 0
        && text != b"078051120"
        && text != b"219099999"
        && !is_monotonous(text)
}

fn is_itin(text: &[u8]) -> bool {
    nth(text, 0) == b'9' && matches!(part(text, 3, 2), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// The district of the Federal Reserve and the check digit.
fn is_routing(text: &[u8]) -> bool {
    matches!(part(text, 0, 2), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(text, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Letters that are not mistaken for digits.
fn is_mbi(text: &[u8]) -> bool {
    nth(text, 0) != b'0' && !text.iter().any(|byte| b"SLOIBZ".contains(byte))
}

/// The check digit counts as if 80840 stood in front.
fn is_npi(text: &[u8]) -> bool {
    matches!(nth(text, 0), b'1' | b'2') && (luhn_sum(text) + 24).is_multiple_of(10) && !is_monotonous(text)
}

fn is_dea(text: &[u8]) -> bool {
    let digit = |at: usize| value(nth(text, at));
    let sum = digit(2) + digit(4) + digit(6) + 2 * (digit(3) + digit(5) + digit(7));
    b"ABCDEFGHJKLMPRSTUX".contains(&nth(text, 0)) && sum % 10 == digit(8)
}

/// Banks of many countries number accounts as they like.
fn is_account(text: &[u8]) -> bool {
    let day = text.len() == 8 && is_short_date(text.get(2..).unwrap_or_default());
    !is_monotonous(text) && !day
}

fn is_passport(text: &[u8]) -> bool {
    let first = nth(text, 0);
    // South Korea's series; a number of digits alone begins with a digit that passports have.
    !b"MSRODG".contains(&first) && first != b'0' && !is_monotonous(text)
}
