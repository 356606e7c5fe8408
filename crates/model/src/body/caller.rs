//! Who is behind a call beside its key, and how they showed it.

use serde::{Deserialize, Serialize};

/// The chain behind a key: a person who has an agent do something for them. Each name begins with that of whoever vouches for it and a bar, `corp|4711`:
/// what another authority calls the same is somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Chain {
    /// The person, by the identifier that the authority has for them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<String>,
    /// The program.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// What they belong to: teams, roles.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<String>,
}

/// Nobody beside the key.
pub static NOBODY: Chain = Chain { person: None, agent: None, groups: Vec::new() };

/// What was shown in place of a key's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// A token; the digest is of its identifier (`jti`).
    TokenId,
    /// A token without an identifier; the digest is of the whole of it.
    Token,
    /// A client's certificate; the digest is of the whole of it.
    Certificate,
}

/// How somebody showed who they are; never what they showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What was shown.
    pub kind: ProofKind,
    /// Who vouches for it, by its name in the configuration.
    pub by: String,
    /// SHA-256, hex, of what `kind` says.
    pub sha256: String,
}

/// Who called, and how they showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerShown {
    /// Who.
    #[serde(flatten)]
    pub chain: Chain,
    /// How.
    pub proof: Proof,
}
