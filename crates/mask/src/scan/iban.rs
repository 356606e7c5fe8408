//! International bank account numbers (ISO 13616): the country's own length and structure, and the check digits of
//! ISO/IEC 7064 MOD 97-10. In any case, in one run or with single separators.

use super::iban_country::structure_of;
use super::window::{Probe, Window};

/// Characters of the country and the check digits.
const FRONT_LEN: usize = 4;

/// The account number whose check digits begin here.
pub(crate) fn probe(window: &Window<'_>, digits: usize) -> Probe {
    let Some(start) = digits.checked_sub(2).filter(|start| *start >= window.floor) else { return Probe::No };
    let Some(country) = window.text.get(start..digits) else { return Probe::No };
    let Some(structure) = structure_of(country) else { return Probe::No };
    if !window.begins_apart(start) {
        return Probe::No;
    }
    let mut rest = 0;
    let mut at = start;
    let mut previous = b'A';
    let kinds = [b'a', b'a', b'n', b'n'].into_iter().chain(structure.kinds());
    for (index, kind) in kinds.enumerate() {
        if index > FRONT_LEN {
            at = behind_separator(window, at);
        } else if index == FRONT_LEN {
            at = behind_separator(window, at);
            previous = b'A';
        }
        if window.unknown(at) {
            return Probe::More;
        }
        let Some(byte) = window.byte(at).filter(|byte| fits(kind, *byte)) else { return Probe::No };
        // Nobody writes `aBKU`; random text in base 64 does.
        if previous.is_ascii_lowercase() && byte.is_ascii_uppercase() && index > FRONT_LEN {
            return Probe::No;
        }
        previous = byte;
        if index >= FRONT_LEN {
            rest = mod97(rest, byte);
        }
        at = at.saturating_add(1);
    }
    // The front counts as if it stood at the end.
    let front = window.from(start).bytes().take(FRONT_LEN);
    if front.fold(rest, mod97) != 1 {
        return Probe::No;
    }
    if window.unknown(at) {
        return Probe::More;
    }
    match window.byte(at) {
        Some(byte) if byte.is_ascii_alphanumeric() => Probe::No,
        _ => Probe::Found(start..at),
    }
}

/// Where the next character of the number is: here, or behind one separator.
fn behind_separator(window: &Window<'_>, at: usize) -> usize {
    match window.char_at(at) {
        Some(c @ (' ' | '-' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\u{2011}')) => {
            at.saturating_add(c.len_utf8())
        }
        _ => at,
    }
}

/// `n` digits, `a` letters, `c` both, as in the registry.
fn fits(kind: u8, byte: u8) -> bool {
    match kind {
        b'n' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        _ => byte.is_ascii_alphanumeric(),
    }
}

/// The rest modulo 97 with one more character, letters as 10 to 35.
fn mod97(rest: u32, byte: u8) -> u32 {
    match char::from(byte).to_digit(36) {
        Some(digit @ 0..=9) => (rest * 10 + digit) % 97,
        Some(letter) => (rest * 100 + letter) % 97,
        None => rest,
    }
}
