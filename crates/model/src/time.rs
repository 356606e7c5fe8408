//! Time as the formats hold it: whole microseconds since 1970-01-01T00:00:00Z, UTC, without leap seconds.
//!
//! Promises: pure conversion; this crate reads no clock.

use std::fmt;

const MICROS_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const DAYS_TO_EPOCH: u64 = 719_468;
/// Days in 400 Gregorian years, the length of the calendar's cycle.
const DAYS_PER_ERA: u64 = 146_097;

/// A point in time in microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub u64);

/// Why a text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form.
    #[error("a time is written YYYY-MM-DD or, as in RFC 3339, YYYY-MM-DDTHH:MM:SS[.ffffff](Z|±HH:MM)")]
    Shape,
    /// Of the form, but no such day or time.
    #[error("there is no such day or time of day; years are 1970 to 9999 and the offset is below 24 hours")]
    Range,
}

impl Micros {
    /// Reads `YYYY-MM-DD` (midnight UTC) or an RFC 3339 time with at most microseconds.
    pub fn parse_date(text: &str) -> Result<Self, TimeError> {
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            None => (text, None),
            Some((date, time)) => (date, Some(time)),
        };
        let days = parse_day(date)?;
        let midnight = days * SECONDS_PER_DAY * MICROS_PER_SECOND;
        let Some(time) = time else { return Ok(Self(midnight)) };
        let (clock, offset_minutes) = split_offset(time)?;
        let local = midnight + parse_clock(clock)?;
        let shift = offset_minutes.unsigned_abs() * 60 * MICROS_PER_SECOND;
        let utc = if offset_minutes < 0 { local.checked_add(shift) } else { local.checked_sub(shift) };
        utc.map(Self).ok_or(TimeError::Range)
    }

    /// Year and month in UTC as the number yyyymm.
    pub fn month(self) -> u32 {
        let (year, month, _) = civil_from_days(self.0 / MICROS_PER_SECOND / SECONDS_PER_DAY);
        u32::try_from(year * 100 + month).unwrap_or(u32::MAX)
    }

    /// The same time of day `months` calendar months later; a day that the month does not have becomes its last.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let per_day = SECONDS_PER_DAY * MICROS_PER_SECOND;
        let (year, month, day) = civil_from_days(self.0 / per_day);
        let count = year * 12 + month - 1 + u64::from(months);
        let (year, month) = (count / 12, count % 12 + 1);
        let first = days_from_civil(year, month, 1);
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let length = days_from_civil(next_year, next_month, 1) - first;
        Self((first + day.min(length) - 1) * per_day + self.0 % per_day)
    }

    /// Microseconds from `earlier` to this, zero when it is not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Micros {
    /// RFC 3339 in UTC with six digits of fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / MICROS_PER_SECOND, self.0 % MICROS_PER_SECOND);
        let (days, second) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Year, month and day of the `days`-th day after 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + DAYS_TO_EPOCH;
    let (era, day_of_era) = (shifted / DAYS_PER_ERA, shifted % DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Days from 1970-01-01; the inverse of [`civil_from_days`] for years from 1970.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * DAYS_PER_ERA + day_of_era).saturating_sub(DAYS_TO_EPOCH)
}

fn parse_day(text: &str) -> Result<u64, TimeError> {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TimeError::Shape);
    };
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(TimeError::Range);
    }
    let days = days_from_civil(year, month, day);
    // The 31st of a shorter month would come back as a day of the next one.
    if civil_from_days(days) == (year, month, day) { Ok(days) } else { Err(TimeError::Range) }
}

/// Splits `HH:MM:SS…` from its offset in minutes east of UTC.
fn split_offset(text: &str) -> Result<(&str, i64), TimeError> {
    if let Some(clock) = text.strip_suffix(['Z', 'z']) {
        return Ok((clock, 0));
    }
    let at = text.rfind(['+', '-']).ok_or(TimeError::Shape)?;
    let (clock, offset) = text.split_at_checked(at).ok_or(TimeError::Shape)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..).and_then(|rest| rest.split_once(':')).ok_or(TimeError::Shape)?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return Err(TimeError::Range);
    }
    let total = i64::try_from(hours * 60 + minutes).map_err(|_| TimeError::Range)?;
    Ok((clock, sign * total))
}

/// Microseconds since midnight of `HH:MM:SS[.f…]`.
fn parse_clock(text: &str) -> Result<u64, TimeError> {
    let (whole, fraction) = match text.split_once('.') {
        None => (text, 0),
        Some((whole, fraction)) => (whole, parse_fraction(fraction)?),
    };
    let mut parts = whole.split(':');
    let (Some(hour), Some(minute), Some(second), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TimeError::Shape);
    };
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(TimeError::Range);
    }
    Ok(((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + fraction)
}

/// 1 to 6 digits after the point; more would be silently lost.
fn parse_fraction(text: &str) -> Result<u64, TimeError> {
    let value = digits(text, text.len())?;
    match u32::try_from(text.len()) {
        Ok(count @ 1..=6) => Ok(value * 10_u64.pow(6 - count)),
        _ => Err(TimeError::Shape),
    }
}

/// Exactly `count` decimal digits.
fn digits(text: &str, count: usize) -> Result<u64, TimeError> {
    if text.len() != count || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TimeError::Shape);
    }
    text.parse().map_err(|_| TimeError::Shape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_points_in_time() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_000_000_000_000_000, "2001-09-09T01:46:40.000000Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
            (9_007_199_254_740_991, "2255-06-05T23:47:34.740991Z"),
        ] {
            assert_eq!(Micros(micros).to_string(), text, "reports would show a wrong time");
            assert_eq!(Micros::parse_date(text), Ok(Micros(micros)), "a period would begin at a wrong time");
        }
    }

    #[test]
    fn dates_and_offsets() {
        let midnight = Micros(1_767_225_600_000_000);
        for text in [
            "2026-01-01",
            "2026-01-01T00:00:00Z",
            "2026-01-01 00:00:00.0z",
            "2026-01-01T02:00:00+02:00",
            "2025-12-31T19:00:00-05:00",
        ] {
            assert_eq!(Micros::parse_date(text), Ok(midnight), "{text} would select a wrong period");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-1-1",
            "2026-01-01T",
            "2026-01-01T00:00",
            "2026-01-01T00:00:00",
            "+026-01-01",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.0000001Z",
            "2026-01-01T00:00:00+0200",
            "2026-01-01-01",
        ] {
            assert_eq!(
                Micros::parse_date(text),
                Err(TimeError::Shape),
                "{text:?} would be read as some time"
            );
        }
        for text in [
            "2026-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "1969-12-31",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+00:01",
        ] {
            assert_eq!(
                Micros::parse_date(text),
                Err(TimeError::Range),
                "{text:?} would be read as another time"
            );
        }
    }

    proptest! {
        #[test]
        fn every_time_of_the_formats_survives_its_text(micros in 0..=crate::jcs::MAX_INTEGER) {
            prop_assert_eq!(Micros::parse_date(&Micros(micros).to_string()), Ok(Micros(micros)));
        }
    }
}
