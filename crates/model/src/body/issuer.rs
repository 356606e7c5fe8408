//! Issuers whose signed statements the log registers (RFC 9943).

use serde::{Deserialize, Serialize};

/// `issuer.added`, stream `issuer/<thumbprint of the key>`: statements of this issuer under this key are taken in from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerAdded {
    /// Claim `iss` of its statements.
    pub issuer: String,
    /// `EdDSA` or `ES256`.
    pub algorithm: String,
    /// The public key, a `SubjectPublicKeyInfo`, base64.
    pub public: String,
    /// Key id that its statements carry besides the thumbprint, lower-case hex; empty: none.
    pub kid: String,
    /// What it is and how its key reached whoever added it.
    pub note: String,
}

/// `issuer.removed`, stream `issuer/<thumbprint of the key>`: nothing more is taken in under this key; what was stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerRemoved {
    /// Why.
    pub reason: String,
}
