//! What the rules say of one call.

/// The answer to a [`Question`](crate::Question). Only [`Verdict::Permit`] lets a call through: match the rest, and what a later version adds
/// (a call that waits for a person's approval), with an arm that denies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// At least one rule permits it, none forbids it, and every rule could be evaluated.
    Permit {
        /// The rules that permit it, in the order of [`PolicySet::rules`](crate::PolicySet::rules); never empty.
        rules: Vec<String>,
    },
    /// At least one rule forbids it, whatever others permit and whether or not others err.
    Forbid {
        /// The rules that forbid it, in order; never empty.
        rules: Vec<String>,
    },
    /// No rule speaks for it.
    NonePermits,
    /// No rule forbids it, but at least one could not be evaluated, or the question could not be put.
    Erred {
        /// The rules that could not be evaluated, in order; empty when it was the question.
        rules: Vec<String>,
        /// What went wrong, in one line, without content of the call.
        what: String,
    },
}

impl Verdict {
    /// Whether the call may go on.
    pub fn permits(&self) -> bool {
        matches!(self, Self::Permit { .. })
    }

    /// One word for it, as tables of cases have it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Permit { .. } => "permitted",
            Self::Forbid { .. } => "forbidden",
            Self::NonePermits => "none_permits",
            Self::Erred { .. } => "erred",
        }
    }

    /// The rules that decided, as a record names them.
    pub fn rules(&self) -> &[String] {
        match self {
            Self::Permit { rules } | Self::Forbid { rules } | Self::Erred { rules, .. } => rules,
            Self::NonePermits => &[],
        }
    }
}
