//! The numbers of a measurement of guards (docs/probes.md), which stand in the signed header of its record too.
//!
//! Promises: what was not tested is in no other number than that. Must never: hold text.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::form::{FormFault, Members};
use crate::header::Header;

/// The type whose `clear` has these numbers.
const TYPE: &str = "guard.measured";

/// How many inputs came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MeasureCounts {
    /// Inputs that must be found and of which it is known what came of them: the next three together.
    pub tried: u64,
    /// They were stopped, or masked.
    pub stopped: u64,
    /// They were found and went on, as the guard is set up to.
    pub flagged: u64,
    /// They were not found, or went on all the same.
    pub got_through: u64,
    /// Inputs of either kind of which nobody knows.
    pub untested: u64,
    /// Benign inputs of which it is known what came of them.
    pub benign_tried: u64,
    /// Those of them in which something was found all the same.
    pub benign_hit: u64,
}

impl MeasureCounts {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            tried: self.tried.saturating_add(other.tried),
            stopped: self.stopped.saturating_add(other.stopped),
            flagged: self.flagged.saturating_add(other.flagged),
            got_through: self.got_through.saturating_add(other.got_through),
            untested: self.untested.saturating_add(other.untested),
            benign_tried: self.benign_tried.saturating_add(other.benign_tried),
            benign_hit: self.benign_hit.saturating_add(other.benign_hit),
        }
    }

    /// As `clear` members.
    pub fn to_clear(self) -> Map<String, Json> {
        let Self { tried, stopped, flagged, got_through, untested, benign_tried, benign_hit } = self;
        let numbers = [
            ("tried", tried),
            ("stopped", stopped),
            ("flagged", flagged),
            ("got_through", got_through),
            ("untested", untested),
            ("benign_tried", benign_tried),
            ("benign_hit", benign_hit),
        ];
        numbers.into_iter().map(|(name, number)| (name.to_owned(), number.into())).collect()
    }

    /// What the header of a `guard.measured` says.
    pub fn of(header: &Header) -> Option<Self> {
        Self::read(header.clear.as_ref()?).ok()
    }

    fn read(clear: &Map<String, Json>) -> Result<Self, FormFault> {
        let mut members = Members::of("`clear` of a guard.measured record", Json::Object(clear.clone()))?;
        let read = Self {
            tried: members.number("tried")?,
            stopped: members.number("stopped")?,
            flagged: members.number("flagged")?,
            got_through: members.number("got_through")?,
            untested: members.number("untested")?,
            benign_tried: members.number("benign_tried")?,
            benign_hit: members.number("benign_hit")?,
        };
        members.finish()?;
        Ok(read)
    }
}

/// Whether `header` is of a measurement, and its `clear` has that form.
pub(crate) fn is_known(header: &Header) -> bool {
    header.record_type.as_str() == TYPE && MeasureCounts::of(header).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: B07.
    #[test]
    fn numbers_come_back_from_the_header_and_nothing_else_does() {
        let counts = MeasureCounts {
            tried: 30,
            stopped: 21,
            flagged: 2,
            got_through: 7,
            untested: 1,
            benign_tried: 24,
            benign_hit: 3,
        };
        assert_eq!(
            MeasureCounts::read(&counts.to_clear()),
            Ok(counts),
            "a rebuild would count something else"
        );
        let mut more = counts.to_clear();
        more.insert("note".to_owned(), "text".into());
        assert!(MeasureCounts::read(&more).is_err(), "somebody's text would stand in clear for ever");
        let mut less = counts.to_clear();
        less.remove("got_through");
        assert!(MeasureCounts::read(&less).is_err(), "what got through could be left out");
    }
}
