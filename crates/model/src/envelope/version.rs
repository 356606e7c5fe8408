//! Which versions of the family are known: the one list of them.
//!
//! Promises to fail closed: what is not on the list is refused, a later minor of a known major is read, and nothing is inferred.

use std::fmt;

use super::EnvelopeError;

/// Longest `spec_version` that is looked at.
const MAX_VERSION_BYTES: usize = 64;

/// A profile of the family, by its major version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// `ario.agent/v1`: payload inside; event, subject and predecessor in the envelope.
    Agent,
    /// `ario.mlflow/v1`: payload elsewhere; event, subject and predecessor in the envelope.
    Mlflow,
    /// `ario.events/v1`: payload elsewhere, with event, subject and predecessor in it.
    Events,
    /// No `spec_version`: from before that member existed.
    Legacy,
}

impl Profile {
    /// The profiles that a `spec_version` can name: the registry.
    const NAMED: [Self; 3] = [Self::Agent, Self::Mlflow, Self::Events];

    /// Its name and major, the form in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "ario.agent/v1",
            Self::Mlflow => "ario.mlflow/v1",
            Self::Events => "ario.events/v1",
            Self::Legacy => "ario.legacy",
        }
    }

    /// Whether members that begin with an underscore stand outside the signed scope: routing notes, by a habit of the `MLflow` plugin.
    pub(super) fn has_annotations(self) -> bool {
        matches!(self, Self::Mlflow | Self::Legacy)
    }

    /// Whether event, subject and predecessor stand in the envelope.
    pub(super) fn is_promoted(self) -> bool {
        matches!(self, Self::Agent | Self::Mlflow)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A `spec_version` of a known major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecVersion {
    /// The profile.
    pub profile: Profile,
    /// The whole text; empty for [`Profile::Legacy`].
    pub text: String,
}

impl SpecVersion {
    /// Reads `NAME/vMAJOR` or `NAME/vMAJOR.MINOR`: the major is compared up to its end, the minor is digits.
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        let is_minor = |rest: &str| {
            rest.strip_prefix('.')
                .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let names = |profile: &Profile| {
            text.strip_prefix(profile.as_str()).is_some_and(|rest| rest.is_empty() || is_minor(rest))
        };
        if text.len() > MAX_VERSION_BYTES {
            return Err(EnvelopeError::UnsupportedVersion);
        }
        let profile = Profile::NAMED.into_iter().find(names).ok_or(EnvelopeError::UnsupportedVersion)?;
        Ok(Self { profile, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: R03
    #[test]
    fn a_later_minor_is_read_and_another_major_is_refused() {
        for (text, profile) in [
            ("ario.agent/v1", Profile::Agent),
            ("ario.agent/v1.3", Profile::Agent),
            ("ario.mlflow/v1.0", Profile::Mlflow),
            ("ario.events/v1.99", Profile::Events),
        ] {
            assert_eq!(SpecVersion::parse(text).map(|version| version.profile), Ok(profile), "{text}");
        }
        let long = format!("ario.agent/v1.{}", "1".repeat(100));
        for text in [
            "ario.agent/v10",
            "ario.agent/v2",
            "ario.mlflow/v99",
            "ario.agent/v1.",
            "ario.agent/v1.3abc",
            "ario.agent/v1-rc",
            "ario.agent/v1.3.4",
            "ario.agent/v01",
            "ario.agent",
            "ario.future/v1",
            "ario.agent.proof/v1",
            "ARIO.AGENT/v1",
            "",
            "ario.agent/v1 ",
            "ario.agent/v1.٣",
            &long,
            "ario.legacy",
        ] {
            assert_eq!(
                SpecVersion::parse(text),
                Err(EnvelopeError::UnsupportedVersion),
                "{text:?} would be read by the rules of another version"
            );
        }
    }
}
