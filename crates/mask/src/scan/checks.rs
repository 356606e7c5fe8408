//! Check digits: arithmetic of published standards over the characters of a number, separators taken out, letters in upper
//! case.

/// What a digit stands for; letters as 10 to 35.
pub(crate) fn value(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or(0)
}

/// A number of decimal digits, 18 at most.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().take(18).fold(0, |sum, byte| sum * 10 + u64::from(value(*byte)))
}

/// The number in some of the digits.
pub(crate) fn part(text: &[u8], from: usize, len: usize) -> u64 {
    number(text.get(from..from.saturating_add(len)).unwrap_or_default())
}

/// The character at a place.
pub(crate) fn nth(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// Each digit times its weight.
pub(crate) fn weighted(text: &[u8], weights: &[u32]) -> u32 {
    text.iter().zip(weights).map(|(byte, weight)| value(*byte) * weight).sum()
}

/// The last digit's value.
pub(crate) fn last(text: &[u8]) -> u32 {
    text.last().map_or(0, |byte| value(*byte))
}

/// ISO/IEC 7812-1, annex B.
pub(crate) fn luhn(text: &[u8]) -> bool {
    luhn_sum(text).is_multiple_of(10)
}

/// The sum of ISO/IEC 7812-1, annex B, the last digit counted once.
pub(crate) fn luhn_sum(text: &[u8]) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = text.iter().rev().enumerate();
    digits.map(|(i, byte)| if i % 2 == 0 { value(*byte) } else { doubled(value(*byte)) }).sum()
}

/// ISO/IEC 7064, MOD 11,10.
pub(crate) fn mod11_10(text: &[u8]) -> bool {
    let Some((check, digits)) = text.split_last() else { return false };
    let rest = digits.iter().fold(10, |rest, byte| {
        let sum = (rest + value(*byte)) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - rest) % 10 == value(*check)
}

/// ISO/IEC 7064, MOD 11-2, where `X` is ten.
pub(crate) fn mod11_2(text: &[u8]) -> bool {
    let Some((check, digits)) = text.split_last() else { return false };
    let rest = digits.iter().fold(0, |rest, byte| (rest + value(*byte)) * 2 % 11);
    let wanted = (12 - rest) % 11;
    wanted == if *check == b'X' { 10 } else { value(*check) }
}

/// Verhoeff's check digit: the dihedral group of ten, the last digit included.
pub(crate) fn verhoeff(text: &[u8]) -> bool {
    const PERMUTED: [[u32; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    // Rotations are 0 to 4, reflections 5 to 9.
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permuted = |place: usize, digit: u32| {
        PERMUTED.get(place % 8).and_then(|row| row.get(digit as usize)).copied().unwrap_or(0)
    };
    text.iter().rev().enumerate().fold(0, |sum, (place, byte)| product(sum, permuted(place, value(*byte))))
        == 0
}

/// Whether there is such a day in some year: 29 February counts.
pub(crate) fn is_day(month: u64, day: u64) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// Whether there is such a day, 29 February in leap years only.
pub(crate) fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    is_day(month, day) && (leap || (month, day) != (2, 29))
}

/// Whether six digits are year, month and day, in either century.
pub(crate) fn is_short_date(text: &[u8]) -> bool {
    let (year, month, day) = (part(text, 0, 2), part(text, 2, 2), part(text, 4, 2));
    is_date(1900 + year, month, day) || is_date(2000 + year, month, day)
}

/// Whether all characters are the same: no register issues such numbers.
pub(crate) fn is_monotonous(text: &[u8]) -> bool {
    text.iter().all(|byte| text.first() == Some(byte))
}

/// Any number of the form will do.
pub(crate) fn any(_: &[u8]) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::{luhn, mod11_2, mod11_10, verhoeff};

    #[test]
    fn published_examples_hold_and_no_digit_may_change() {
        type Check = fn(&[u8]) -> bool;
        let examples: [(&str, Check); 4] =
            [("79927398713", luhn), ("07945", mod11_10), ("079X", mod11_2), ("2363", verhoeff)];
        for (number, check) in examples {
            assert!(check(number.as_bytes()), "{number} has a right check digit");
            for place in 0..number.len() {
                let mut changed = number.as_bytes().to_vec();
                if changed[place].is_ascii_digit() {
                    changed[place] = (changed[place] - b'0' + 1) % 10 + b'0';
                    assert!(!check(&changed), "{number} with another digit has not");
                }
            }
        }
    }
}
