//! Numbers of United Kingdom.

use super::rule;
use crate::class::Class;
use crate::scan::checks::{any, nth, part, value, weighted};
use crate::scan::rule::{Alone, Rule};
use crate::scan::words;

pub(super) const RULES: [Rule; 9] = [
    rule(Class::UkNhs, &["999 999 9999"], is_nhs, Alone::Never, words::NHS),
    rule(Class::UkNhs, &["9999999999"], is_nhs, Alone::Never, words::NHS),
    rule(Class::UkNino, &["AA 99 99 99 A", "AA99 99 99A"], is_nino, Alone::Always, words::NINO),
    rule(Class::UkNino, &["AA999999A", "AA 999999A", "AA999999 A"], is_nino, Alone::Never, words::NINO),
    rule(Class::UkPostcode, &["A9 9AA", "A99 9AA", "AA9 9AA"], is_short_postcode, Alone::Never, words::POST),
    rule(
        Class::UkPostcode,
        &["A9A 9AA", "A99 9AA", "AA9 9AA", "AA99 9AA", "AA9A 9AA"],
        is_postcode,
        Alone::Grouped,
        words::POST,
    ),
    rule(
        Class::UkPostcode,
        &["AA99AA", "A99AA", "A999AA", "AA999AA", "A9A9AA", "AA9A9AA"],
        is_postcode,
        Alone::Never,
        words::POST,
    ),
    rule(Class::UkPassport, &["AA9999999"], any, Alone::Never, words::PASSPORT),
    rule(
        Class::UkDrivingLicence,
        &["XXXXX999999XX9AA", "XXXXX999999XXXAA"],
        is_driving_licence,
        Alone::Always,
        words::LICENCE,
    ),
];

/// MOD 11 with weights from ten down.
fn is_nhs(text: &[u8]) -> bool {
    let rest = 11 - weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    rest % 11 == value(nth(text, 9)) && rest != 10
}

/// Letters that are not given out, and the suffix.
fn is_nino(text: &[u8]) -> bool {
    let [first, second, .., last] = text else { return false };
    !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && !matches!(&[*first, *second], b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ")
        && (b'A'..=b'D').contains(last)
}

/// Areas of the Post Office, two letters each; the second is a blank where there is one.
const AREAS: &[u8] =
    b"ABALB BABBBDBHBLBNBRBSBTCACBCFCHCMCOCRCTCVCWDADDDEDGDHDLDNDTDYE ECENEXFKFYG GLGUGYHAHDHGHPHRHS\
HUHXIGIMIPIVJEKAKTKWKYL LALDLELLLNLSLUM MEMKMLN NENGNNNPNROLOXPAPEPHPLPOPRRGRHRMS SASESGSKSLSMSNSOSPSRSSSTSW\
SYTATDTFTNTQTRTSTWUBW WAWCWDWFWNWRWSWVYOZE";

/// A short outward code beside a unit (`M1 1GB`) is as often something else.
fn is_short_postcode(text: &[u8]) -> bool {
    is_postcode(text)
}

fn is_postcode(text: &[u8]) -> bool {
    let Some((out, inward)) = text.split_last_chunk::<3>() else { return false };
    let second = match nth(out, 1) {
        letter if letter.is_ascii_alphabetic() => letter,
        _ => b' ',
    };
    let known = AREAS.chunks(2).any(|area| area == [nth(out, 0), second]);
    let last_letter = out.len() < 3 || out.last().is_some_and(|last| !b"IQVXZ".contains(last));
    known
        && last_letter
        && out.get(1..).is_some_and(|rest| rest.iter().any(u8::is_ascii_digit))
        && !inward.get(1..).is_some_and(|unit| unit.iter().any(|letter| b"CIKMOV".contains(letter)))
        && !matches!(
            inward.get(1..),
            Some(b"GB" | b"TB" | b"HZ" | b"PX" | b"TH" | b"ST" | b"ND" | b"RD" | b"AH")
        )
}

/// Surname, then year, month (a woman's with five added to its first digit), day and year of birth, initials, two checks.
fn is_driving_licence(text: &[u8]) -> bool {
    let surname = text.get(..5).unwrap_or_default();
    let name = surname.iter().position(|byte| *byte == b'9').unwrap_or(5);
    let letters = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic);
    let (month, day) = (part(text, 6, 2), part(text, 8, 2));
    let month = if month > 50 { month - 50 } else { month };
    name > 0
        && surname.get(..name).is_some_and(letters)
        && surname.get(name..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'9'))
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && text
            .get(11..13)
            .is_some_and(|initials| initials.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'9'))
}
