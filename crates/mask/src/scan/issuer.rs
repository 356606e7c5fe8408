//! Who issues payment cards: the ranges of numbers that the schemes publish, and the check digit.

use std::ops::RangeInclusive;

/// Digits of the shortest and the longest number.
pub(crate) const DIGITS: RangeInclusive<usize> = 12..=19;
/// Digits that tell an issuer.
const PREFIX: u32 = 4;

/// Numbers whose first four digits lie between `low` and `high` have as many digits as `lengths` has bits set.
struct Issuer {
    low: u32,
    high: u32,
    lengths: u32,
}

/// `low` and `high` are the first digits, `prefix` of them, of the range.
const fn issuer(prefix: u32, low: u32, high: u32, shortest: u32, longest: u32) -> Issuer {
    let unit = 10_u32.pow(PREFIX - prefix);
    Issuer { low: low * unit, high: (high + 1) * unit - 1, lengths: (1 << (longest + 1)) - (1 << shortest) }
}

/// Ranges that the schemes publish. Those of 12 digits on are Maestro's, which uses every length.
const ISSUERS: [Issuer; 33] = [
    issuer(4, 604, 604, 12, 19),   // Maestro
    issuer(1, 1, 1, 15, 15),       // UATP; JCB's 1800
    issuer(4, 2131, 2131, 15, 15), // JCB
    issuer(4, 2200, 2204, 16, 19), // Mir
    issuer(4, 2221, 2720, 16, 16), // Mastercard
    issuer(3, 300, 305, 14, 14),   // Diners Club
    issuer(3, 300, 305, 16, 19),
    issuer(4, 3095, 3095, 14, 14),
    issuer(4, 3095, 3095, 16, 19),
    issuer(2, 34, 34, 15, 15), // American Express
    issuer(2, 35, 35, 16, 19), // JCB, and test numbers around it
    issuer(2, 36, 36, 14, 19), // Diners Club
    issuer(2, 37, 37, 15, 15), // American Express
    issuer(2, 38, 39, 14, 14), // Diners Club
    issuer(2, 38, 39, 16, 19),
    issuer(1, 4, 4, 13, 13), // Visa
    issuer(1, 4, 4, 16, 16),
    issuer(1, 4, 4, 19, 19),
    issuer(2, 50, 50, 12, 19), // Maestro, Dankort, RuPay
    issuer(2, 51, 55, 16, 16), // Mastercard
    issuer(2, 56, 58, 12, 19), // Maestro
    issuer(2, 60, 60, 16, 19), // Discover, RuPay
    issuer(2, 62, 62, 16, 19), // UnionPay
    issuer(2, 63, 63, 16, 19), // Maestro, InstaPayment, Elo
    issuer(4, 6304, 6304, 12, 19),
    issuer(4, 6390, 6390, 12, 19),
    issuer(3, 644, 649, 16, 19), // Discover
    issuer(2, 65, 65, 16, 19),   // Discover, RuPay, Verve
    issuer(2, 67, 67, 16, 19),   // Maestro
    issuer(4, 6759, 6759, 12, 19),
    issuer(4, 6761, 6763, 12, 19),
    issuer(2, 81, 82, 16, 19),     // UnionPay, RuPay
    issuer(4, 9792, 9792, 16, 16), // Troy
];

/// The first two digits that any issuer has, a bit each: most numbers are told apart by these.
const FRONTS: u128 = fronts();

const fn fronts() -> u128 {
    let mut bits = 0;
    let mut rest: &[Issuer] = &ISSUERS;
    while let [issuer, others @ ..] = rest {
        let mut front = issuer.low / 100;
        while front <= issuer.high / 100 {
            bits |= 1 << front;
            front += 1;
        }
        rest = others;
    }
    bits
}

/// Whether a number that begins with these ASCII digits can be a card, as far as the first two of them tell.
pub(crate) fn may_begin(ascii: &[u8]) -> bool {
    match ascii {
        [first, second, ..] => {
            let front = u32::from(first.wrapping_sub(b'0')) * 10 + u32::from(second.wrapping_sub(b'0'));
            FRONTS.checked_shr(front).is_some_and(|bits| bits & 1 == 1)
        }
        _ => true,
    }
}

/// Whether these digits, as values of 0 to 9, are the number of a card.
pub(crate) fn is_card(digits: &[u8]) -> bool {
    DIGITS.contains(&digits.len()) && luhn(digits) && is_issued(digits)
}

fn is_issued(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(PREFIX as usize).fold(0, |sum, digit| sum * 10 + u32::from(*digit));
    ISSUERS.iter().any(|issuer| {
        (issuer.low..=issuer.high).contains(&prefix) && issuer.lengths & (1 << digits.len()) != 0
    })
}

/// The check digit of ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| match (i % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}
