//! How an identity provider is set up: whose tokens are taken, and which key of ours stands for which client.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a token may be signed. Nothing else is: not `none`, and no secret shared with the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA, PSS, SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256, SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The word in tokens and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// One identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityConfig {
    /// Its name in policies and records: `[a-z0-9-]`, at most 64.
    pub name: String,
    /// Letter for letter what its tokens have as `iss`; below it is the discovery document.
    pub issuer: String,
    /// Where its keys are, in place of what the discovery document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// For whom a token must be: one of these must be in its `aud`.
    pub audiences: Vec<String>,
    /// How it may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Which key of ours stands for which client: the client's identifier → the key's id.
    pub clients: BTreeMap<String, String>,
    /// The claim that holds the client's identifier.
    pub client_claim: String,
    /// The claim that holds the person's; none: no person is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_claim: Option<String>,
    /// The claim that holds the groups; none: no group is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_claim: Option<String>,
    /// File with the certificate authorities (PEM) that alone may vouch for it. Absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether it may be at an address of a private network.
    #[serde(default)]
    pub private_network: bool,
    /// How long a token may be good at most, from `iat` to `exp`, seconds. A day: the longest that usual providers give.
    pub lifetime_seconds: u64,
    /// How often its keys are read, milliseconds. Five minutes: so long a key that was taken away can still be used.
    pub refresh_ms: u64,
    /// How long after its keys were read, or could not be, they are read at the earliest again, milliseconds; whatever tokens name.
    pub again_ms: u64,
    /// How long after they were last read its keys are gone by, milliseconds. An hour: an outage of a provider need not be one of every application at once.
    pub max_age_ms: u64,
}

impl IdentityConfig {
    /// The provider `name` with this issuer, of which nothing else is said yet.
    pub fn new(name: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            jwks_url: None,
            audiences: Vec::new(),
            algorithms: Algorithm::ALL.to_vec(),
            clients: BTreeMap::new(),
            client_claim: "client_id".to_owned(),
            person_claim: Some("sub".to_owned()),
            groups_claim: None,
            ca_file: None,
            private_network: false,
            lifetime_seconds: 24 * 60 * 60,
            refresh_ms: 5 * 60 * 1_000,
            again_ms: 5_000,
            max_age_ms: 60 * 60 * 1_000,
        }
    }
}
