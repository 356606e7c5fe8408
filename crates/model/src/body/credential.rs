//! API keys: who calls, for which system. A key's id is its credential id; the secret itself is never recorded.

use serde::{Deserialize, Serialize};

use crate::{CredentialId, Micros};

/// `credential.issued`, stream `credential/<id>`: an API key of the header's system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialIssued {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the whole key as the client sends it, lower-case hex. The key holds 256 random bits, so its digest says nothing about it.
    pub secret_sha256: String,
    /// Purposes it may claim; the first is its default. A subset of the system's.
    pub purposes: Vec<String>,
    /// Models it may ask for; empty: whatever policy permits.
    pub models: Vec<String>,
    /// When it stops working by itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Micros>,
    /// The key it takes over from, which keeps working until it is revoked or expires.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replaces: Option<CredentialId>,
}

/// `credential.revoked`, stream `credential/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRevoked {
    /// Why.
    pub reason: String,
    /// From when on it is refused; in the past or now for a revocation, later for a rotation with overlap.
    pub effective_at: Micros,
}
