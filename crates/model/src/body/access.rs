//! That somebody was given what is kept about a person.

use serde::{Deserialize, Serialize};

/// `access.given`, its actor whoever made the file: what is kept about a data subject was put into a file for them. It is durable before the file is handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessGiven {
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// Records in it.
    pub records: u64,
    /// Records whose content about them was erased before.
    pub erased: u64,
    /// Log size that it is of.
    pub size: u64,
    /// The entry that it begins at.
    pub from: u64,
    /// The entry that the next file begins at; absent: there is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Why, in their own words.
    pub reason: String,
    /// Whom it is about, as they were named, in a unit about that very subject; absent: erased, or nothing was kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}
