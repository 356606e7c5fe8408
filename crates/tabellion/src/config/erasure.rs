//! The section `[erasure]`: where it takes two people, and who erases what is due.

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

/// The value of `when_due`: whether a server leaves it to whoever runs the command.
pub(super) fn by_hand(setting: &Setting) -> Result<bool, Failure> {
    match setting.value.as_str() {
        DAILY => Ok(false),
        BY_HAND => Ok(true),
        _ => Err(setting.refused("is not daily or by-hand")),
    }
}
