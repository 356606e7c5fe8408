//! In which language a text is written, by the frequency of its letters: what the crate whatlang tells, where it is sure.

use whatlang::{Info, Script};

use super::{Detected, WHOLE};

/// What tells languages apart, and its version: a test holds it against what is built in.
pub const LANGUAGE_DETECTOR: &str = "whatlang-0.18.0";
/// The code of ISO 639-3 for a language that nobody can tell.
const UNDETERMINED: &str = "und";

/// Fewer letters of the script that most languages share tell too little: about ten words.
const FEWEST_LETTERS: usize = 60;

/// The language of a text by its code of ISO 639-3; none: too little of it, or too much of several, to tell.
pub(super) fn of(text: &str) -> Option<&'static str> {
    let info = whatlang::detect(text).filter(Info::is_reliable)?;
    let is_enough = info.script() != Script::Latin
        || text.chars().filter(|c| c.is_alphabetic()).nth(FEWEST_LETTERS - 1).is_some();
    is_enough.then(|| info.lang().code())
}

/// The language, and how sure the detector is of it.
pub(super) fn detect(text: &str) -> Detected {
    let sure = whatlang::detect(text).map_or(0, |info| per_10000(info.confidence()));
    let label = of(text).unwrap_or(UNDETERMINED);
    Detected { labels: vec![(label.to_owned(), 1)], score_per_10000: Some(sure) }
}

/// A confidence between 0 and 1 as records have it: they hold no fractions.
fn per_10000(confidence: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "it is between 0 and 10000 once it is clamped")]
    let whole = (confidence.clamp(0.0, 1.0) * 10_000.0).round() as i64;
    whole.clamp(0, WHOLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_on_record_is_the_one_that_looks() {
        let lock = include_str!("../../../../Cargo.lock");
        let (name, version) = LANGUAGE_DETECTOR.split_once('-').expect("a name and a version");
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            lock.contains(&entry),
            "records would name another detector than looked: {LANGUAGE_DETECTOR}"
        );
    }

    #[test]
    fn a_confidence_is_a_whole_number_within_its_bounds() {
        let given = [-1.0, 0.0, 0.5, 1.0, 2.0, f64::NAN].map(per_10000);
        assert_eq!(given, [0, 0, 5000, 10_000, 10_000, 0], "a record cannot hold a fraction");
    }
}
