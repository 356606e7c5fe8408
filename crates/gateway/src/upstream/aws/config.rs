//! What requests to a provider are signed with, as the configuration says it.
//!
//! Must never: hold a secret. Each is named by the variable or file that holds it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All of it; silent where nothing is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsConfig {
    /// Which region a signature is for: `eu-central-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Which service; none: `bedrock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Where the id of the access key is.
    #[serde(skip_serializing_if = "KeptAt::is_silent")]
    pub access_key_id: KeptAt,
    /// Where its secret is.
    #[serde(skip_serializing_if = "KeptAt::is_silent")]
    pub secret_access_key: KeptAt,
    /// Where the token is that belongs to a temporary key.
    #[serde(skip_serializing_if = "KeptAt::is_silent")]
    pub session_token: KeptAt,
}

/// Where a secret is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeptAt {
    /// Environment variable that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// File that holds it, alone on its first line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

impl AwsConfig {
    /// Whether nothing is said.
    pub(crate) fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

impl KeptAt {
    fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}
