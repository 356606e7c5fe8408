//! Money as people read and write it; records have millionths of a currency's unit.
//!
//! Must never: round what somebody typed, or show some money as none.

use tabellion_model::charge::Currency;

use super::words::count;

/// Millionths of a unit.
const UNIT: u64 = 1_000_000;
/// Digits behind the point that there can be.
const DIGITS: usize = 6;
/// Digits behind the point that are always shown.
const SHOWN_DIGITS: usize = 2;

/// `1234500000` as `1,234.50`, and no digit left out: `1` is `0.000001`.
pub(crate) fn amount(micros: u64) -> String {
    let behind = format!("{:06}", micros % UNIT);
    let kept = behind.trim_end_matches('0').len().max(SHOWN_DIGITS);
    format!("{}.{}", count(micros / UNIT), behind.get(..kept).unwrap_or(&behind))
}

/// The same with its currency.
pub(crate) fn shown(micros: u64, currency: Currency) -> String {
    format!("{} {currency}", amount(micros))
}

/// As a form takes it: `1234.50`.
pub(crate) fn plain(micros: u64) -> String {
    amount(micros).replace(',', "")
}

/// What somebody typed, `1234.5`, in millionths; none: it is no such number.
pub(crate) fn read(text: &str) -> Option<u64> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(behind) || behind.len() > DIGITS || text.ends_with('.') {
        return None;
    }
    let units: u64 = whole.parse().ok()?;
    let micros: u64 = format!("{behind:0<DIGITS$}").parse().ok()?;
    units.checked_mul(UNIT)?.checked_add(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_as_it_is_shown_and_nothing_of_it_is_rounded_away() {
        for (micros, text) in [
            (0, "0.00"),
            (1, "0.000001"),
            (2_500_000, "2.50"),
            (1_234_567_000_000, "1,234,567.00"),
            (1_050_000, "1.05"),
        ] {
            assert_eq!(amount(micros), text);
            assert_eq!(read(&plain(micros)), Some(micros), "{text} would be set as another amount");
        }
        assert_eq!(read("250"), Some(250 * UNIT));
        for wrong in ["", ".", "1.", ".5", "-1", "1,5", "1e3", "0.0000001", "99999999999999999999", " 1"] {
            assert_eq!(read(wrong), None, "{wrong:?} would be taken for an amount");
        }
    }
}
