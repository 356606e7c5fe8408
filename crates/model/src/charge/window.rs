//! The time that a budget is for.

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// Microseconds of a day.
const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

/// How long a cap is for, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
    /// From the first call on, for ever.
    Total,
}

/// A word that is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a window is day, month or total")]
pub struct WindowError;

impl Window {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        [Self::Day, Self::Month, Self::Total]
            .into_iter()
            .find(|window| window.as_str() == text)
            .ok_or(WindowError)
    }

    /// Where the window that `at` lies in begins.
    pub fn start(self, at: Micros) -> Micros {
        match self {
            Self::Day => Micros(at.0 - at.0 % DAY_US),
            Self::Month => {
                let day = at.0 / DAY_US;
                // At most 31 days back the month is the one before.
                let same = |back: &u64| Micros((day - back) * DAY_US).month() == at.month();
                let back = (0..=day.min(31)).take_while(same).last().unwrap_or(0);
                Micros((day - back) * DAY_US)
            }
            Self::Total => Micros(0),
        }
    }

    /// When the window that begins at `start` is over; none: never.
    pub fn end(self, start: Micros) -> Option<Micros> {
        match self {
            Self::Day => Some(Micros(start.0.saturating_add(DAY_US))),
            Self::Month => Some(start.plus_months(1)),
            Self::Total => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: N23.
    #[test]
    fn a_window_is_a_day_or_a_month_of_the_calendar_in_utc() {
        let at = |text| Micros::parse_date(text).expect("a time");
        for (window, moment, start, end) in [
            (Window::Day, "2028-02-29T23:59:59.999999Z", "2028-02-29", Some("2028-03-01")),
            (Window::Day, "2026-01-01", "2026-01-01", Some("2026-01-02")),
            (Window::Month, "2028-02-29T12:00:00Z", "2028-02-01", Some("2028-03-01")),
            (Window::Month, "2026-12-31T23:59:59Z", "2026-12-01", Some("2027-01-01")),
            (Window::Month, "1970-01-31", "1970-01-01", Some("1970-02-01")),
            (Window::Total, "2026-12-31", "1970-01-01", None),
        ] {
            assert_eq!(window.start(at(moment)), at(start), "{moment} would count in another window");
            assert_eq!(window.end(at(start)), end.map(at), "{moment}: it would be free at another time");
        }
    }
}
