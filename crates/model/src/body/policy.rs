//! Policies: the rules a call is decided by, as text that a person wrote.

use serde::{Deserialize, Serialize};

/// `policy.published`, stream `policy/<name>`: this text is in force from here on, in place of the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPublished {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`; the stream's name after `policy/`.
    pub name: String,
    /// The whole text, in Cedar.
    pub text: String,
    /// SHA-256 of the text, lower-case hex: what decisions name.
    pub digest: String,
    /// What changed and why, for the reader of the history.
    pub note: String,
}

/// `policy.withdrawn`, stream `policy/<name>`: nothing of this name is in force any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyWithdrawn {
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
}
