//! Retention classes as data: how long what a law or a standard asks for is kept at least, and where that stands.
//!
//! Promises: every class has a floor, in whole months after the month it counts from, with its source. Must never: call a longer period
//! wrong, or say that a period suits a purpose: that is the organisation's judgement.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::csv::{self, CsvFault};
use super::{id, numbered, sound};

const RETENTION_CSV: &str = include_str!("../../catalog/retention.csv");

/// How long content of a class is kept at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// Whole months after the month it counts from; 0: nobody asks for any.
    Months(u32),
    /// It never expires.
    Never,
}

/// The month that a floor counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedFrom {
    /// That in which the content was recorded.
    Recorded,
    /// That in which the system is placed on the market or put into service, which is no fact of the log: somebody has to say it.
    Market,
}

/// A class of content that is known by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionFloor {
    /// Its name, as records carry it.
    pub class: &'static str,
    /// How long it is kept at least.
    pub floor: Floor,
    /// Since when.
    pub counted_from: CountedFrom,
    /// What belongs in it, in our words.
    pub covers: Cow<'static, str>,
    /// Where the floor stands, with the article.
    pub source: Cow<'static, str>,
}

static FLOORS: LazyLock<Vec<RetentionFloor>> = LazyLock::new(|| sound("retention.csv", read(RETENTION_CSV)));

/// Every class that is known by name.
pub fn retention_floors() -> &'static [RetentionFloor] {
    &FLOORS
}

/// The class of that name, where it is a known one.
pub fn retention_floor(class: &str) -> Option<&'static RetentionFloor> {
    FLOORS.iter().find(|known| known.class == class)
}

fn read(text: &'static str) -> Result<Vec<RetentionFloor>, CsvFault> {
    let rows = csv::rows(text, ["class", "floor_months", "counted_from", "covers", "source"])?;
    let read = numbered(rows).map(|(line, [class, floor, counted_from, covers, source])| {
        let fault = |what| CsvFault { line, what };
        let floor = match floor.as_ref() {
            "never" => Floor::Never,
            months => {
                Floor::Months(months.parse().map_err(|_| fault("a floor is a number of months or never"))?)
            }
        };
        let counted_from = match counted_from.as_ref() {
            "recorded" => CountedFrom::Recorded,
            "market" => CountedFrom::Market,
            _ => return Err(fault("counted_from is neither recorded nor market")),
        };
        Ok(RetentionFloor { class: id(line, class)?, floor, counted_from, covers, source })
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Requirement: R29.
    #[test]
    fn every_obligation_of_the_list_has_its_class_and_its_term() {
        let months = |class: &str| retention_floor(class).map(|known| (known.floor, known.counted_from));
        let ten_years = Some((Floor::Months(120), CountedFrom::Market));
        for section in 1..=9 {
            let class = format!("ai-act-annex-iv-{section}");
            assert_eq!(months(&class), ten_years, "{class}: Art. 18 asks for ten years");
        }
        for class in ["ai-act-data-governance", "ai-act-quality-management", "ai-act-notified-bodies"] {
            assert_eq!(months(class), ten_years, "{class}: Art. 18 asks for ten years");
        }
        let half_a_year = Some((Floor::Months(6), CountedFrom::Recorded));
        for class in ["ai-act-provider-logs", "ai-act-deployer-logs"] {
            assert_eq!(months(class), half_a_year, "{class}: logs would be destroyed before six months");
        }
        assert_eq!(months("ai-act-transparency"), Some((Floor::Months(0), CountedFrom::Recorded)));
        assert_eq!(
            months("governance"),
            Some((Floor::Months(36), CountedFrom::Recorded)),
            "what an audit rests on would be gone before the certificate's cycle is over"
        );
        assert_eq!(
            months("evidence").map(|found| found.0),
            Some(Floor::Never),
            "nobody could tell erased from lost"
        );
    }

    #[test]
    fn every_class_is_one_that_a_record_can_carry_and_has_a_source() {
        for known in retention_floors() {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(
                known.class.len() <= 30 && known.class.bytes().all(plain),
                "no record can carry {}",
                known.class
            );
            assert!(known.source.len() > 20, "{} is asked for by nobody that is named", known.class);
            let same = retention_floors().iter().filter(|other| other.class == known.class).count();
            assert_eq!(same, 1, "{} has two floors", known.class);
        }
        for wrong in [
            "class,floor_months,counted_from,covers,source\na,x,recorded,b,c\n",
            "class,floor_months,counted_from,covers,source\na,1,someday,b,c\n",
        ] {
            assert!(read(wrong).is_err(), "a wrong table would be taken: {wrong}");
        }
    }
}
