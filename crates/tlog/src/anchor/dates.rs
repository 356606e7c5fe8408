//! Calendar times of ASN.1 as microseconds since 1970.

/// Microseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000;

/// A `GeneralizedTime` as RFC 3161 §2.4.2 allows it: `YYYYMMDDhhmmss[.f…]Z`, no trailing zero in the fraction; at most microseconds count, what is
/// finer is cut off. `None` for every other form and for times before 1970.
pub(crate) fn generalized_time(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        None => (text, ""),
        Some((whole, fraction)) if !fraction.is_empty() && !fraction.ends_with('0') => (whole, fraction),
        Some(_) => return None,
    };
    if whole.len() != 14 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day)?.checked_mul(86_400)? + hour * 3_600 + minute * 60 + second;
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    seconds.checked_mul(SECOND)?.checked_add(digits.parse::<u64>().ok()?)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; `None` when there is no such day or it is earlier.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    if year < 1970 || day == 0 || day > *lengths.get(index)? {
        return None;
    }
    let before = year - 1;
    // Leap days up to the end of the year before; 477 of them lie before 1970.
    let leaps = (before / 4 - before / 100 + before / 400).checked_sub(477)?;
    Some((year - 1970) * 365 + leaps + lengths.iter().take(index).sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_tokens_are_read_in_one_form_only() {
        for (text, seconds) in [
            ("19700101000000Z", 0),
            ("20000301000000Z", 951_868_800),
            ("20260228235959Z", 1_772_323_199),
            ("20240229120000Z", 1_709_208_000),
        ] {
            assert_eq!(
                generalized_time(text.as_bytes()),
                Some(seconds * SECOND),
                "a token would be dated wrongly: {text}"
            );
        }
        assert_eq!(generalized_time(b"19700101000000.25Z"), Some(250_000), "a fraction would be lost");
        for other in [
            "19700101000000",
            "19700101000000.Z",
            "19700101000000.50Z",
            "197001010000Z",
            "20230229000000Z",
            "20231301000000Z",
            "20230100000000Z",
            "19691231235959Z",
            "20230101240000Z",
            "+9700101000000Z",
        ] {
            assert_eq!(generalized_time(other.as_bytes()), None, "{other} is no time that a token may have");
        }
    }
}
