//! The section `[policies]`: what has to hold before a policy comes into force: how long it is observed, and whether two people have to want it.

use serde_json::{Value, json};
use tabellion_app::work::observing::ObservationRules;

use super::Setting;
use crate::failure::Failure;

/// Keys of `[policies]`.
pub(super) const POLICY_KEYS: &[&str] = &["observe_hours", "observe_calls", "observe_first", "two_people"];
/// The longest observation that can be asked for: a year.
const MAX_HOURS: u64 = 366 * 24;
/// The most calls that can be asked for: more are counted too, and nobody waits for them.
const MAX_CALLS: u64 = 1_000_000;

/// What is said of policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Observation(pub(crate) ObservationRules);

impl Observation {
    pub(super) fn apply(&mut self, setting: &Setting) -> Result<(), Failure> {
        let number = |least: u64, most: u64, of: &str| {
            let number = setting.value.parse().ok().filter(|number| (least..=most).contains(number));
            number.ok_or_else(|| setting.refused(&format!("is not a number of {of} from {least} to {most}")))
        };
        match (setting.key.as_str(), setting.value.as_str()) {
            // An observation of no time or no call would be none.
            ("observe_hours", _) => self.0.hours = number(1, MAX_HOURS, "hours")?,
            ("observe_calls", _) => self.0.calls = number(1, MAX_CALLS, "calls")?,
            ("observe_first", "true") => self.0.first = true,
            ("observe_first", "false") => self.0.first = false,
            ("two_people", "true") => self.0.two_people = true,
            ("two_people", "false") => self.0.two_people = false,
            ("observe_first" | "two_people", _) => return Err(setting.refused("is not true or false")),
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }

    /// For the record; `None` while nothing is said, so that such an installation records what it always did.
    pub(super) fn effective(self) -> Option<Value> {
        let ObservationRules { hours, calls, first, two_people } = self.0;
        if self == Self::default() {
            return None;
        }
        Some(if two_people {
            json!({ "observe_calls": calls, "observe_first": first, "observe_hours": hours, "two_people": true })
        } else {
            json!({ "observe_calls": calls, "observe_first": first, "observe_hours": hours })
        })
    }
}
