//! The section `[erasure]`: where it takes two people, and who erases what is due.

use std::time::Duration;

use tabellion_ledger::{MAX_RULE_GRACE, MIN_RULE_GRACE};
use tabellion_model::Env;

use super::Setting;
use crate::failure::Failure;

/// The word for a server that erases what is due.
const DAILY: &str = "daily";
/// The word for a server that does not.
pub(super) const BY_HAND: &str = "by-hand";

/// Where it takes two people to erase what a person names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ByTwo {
    /// In a log of the environment `production`.
    Production,
    /// In every log.
    Always,
    /// Nowhere.
    #[default]
    Never,
}

impl ByTwo {
    fn of(word: &str) -> Option<Self> {
        [Self::Production, Self::Always, Self::Never].into_iter().find(|one| one.as_str() == word)
    }

    /// The word in the configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// The environments in whose logs it takes two people.
    pub(crate) fn environments(self) -> Vec<Env> {
        match self {
            Self::Production => vec![Env::Production],
            Self::Always => vec![Env::Production, Env::Sandbox, Env::Development],
            Self::Never => Vec::new(),
        }
    }
}

/// The value of `second_person`.
pub(super) fn second_person(setting: &Setting) -> Result<ByTwo, Failure> {
    ByTwo::of(&setting.value).ok_or_else(|| setting.refused("is not production, always or never"))
}

const SECONDS_PER_HOUR: u64 = 3600;

/// How long a rule is on record before a server erases by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RuleGrace(pub(crate) Duration);

impl Default for RuleGrace {
    fn default() -> Self {
        Self(MIN_RULE_GRACE)
    }
}

impl RuleGrace {
    /// Whole hours.
    pub(crate) fn hours(self) -> u64 {
        self.0.as_secs() / SECONDS_PER_HOUR
    }
}

/// The value of `rule_grace_hours`: it can be made longer, not shorter.
pub(super) fn rule_grace(setting: &Setting) -> Result<RuleGrace, Failure> {
    let (least, most) = (RuleGrace(MIN_RULE_GRACE).hours(), RuleGrace(MAX_RULE_GRACE).hours());
    let hours = setting.value.parse().ok().filter(|hours| (least..=most).contains(hours));
    let refused = || setting.refused(&format!("is not a number of hours from {least} to {most}"));
    hours.map(|hours| RuleGrace(Duration::from_hours(hours))).ok_or_else(refused)
}

/// The value of `when_due`: whether a server leaves it to whoever runs the command.
pub(super) fn by_hand(setting: &Setting) -> Result<bool, Failure> {
    match setting.value.as_str() {
        DAILY => Ok(false),
        BY_HAND => Ok(true),
        _ => Err(setting.refused("is not daily or by-hand")),
    }
}
