//! What the program says about itself.

use serde::{Deserialize, Serialize};

/// `config.loaded`: what a start or a reload took as its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigLoaded {
    /// SHA-256 of the settings in effect, as canonical JSON, hex.
    pub digest: String,
    /// The settings in effect, as canonical JSON; secrets by the name of the variable or file that holds them.
    pub settings: String,
    /// Version of the program.
    pub version: String,
}

/// `verification.run`: many entries were verified at once, and the result was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationRan {
    /// SHA-256 of the signed file, hex.
    pub digest: String,
    /// Log size of the checkpoint that was verified against.
    pub size: u64,
    /// How many entries were asked for.
    pub asked: u64,
    /// How many were reached.
    pub reached: u64,
    /// How many of these are broken in anything.
    pub broken: u64,
    /// `completed` or `cancelled`.
    pub end: String,
}

/// How the vault's wrapping key is kept: what somebody who has copied the files still lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultKeyKeeping {
    /// In a file, in the open: nothing.
    File,
    /// In a file that is encrypted: the passphrase.
    Passphrase,
    /// Under a key of a PKCS#11 token: the token.
    Token,
}

/// `vault.rotation_begun`: somebody has the keys of content moved to a new wrapping key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRotationBegun {
    /// How often the wrapping key was changed before.
    pub generation: u64,
    /// Why.
    pub reason: String,
    /// The account of the operating system that the command ran under, where it was done at the machine; absent: a person of the log did it, or the record is of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How the key of before is kept; absent: its file could not be read, or the record is of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<VaultKeyKeeping>,
    /// How the new one is to be kept; absent: the record is of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<VaultKeyKeeping>,
}

/// `vault.rotated`: every key of content is under the new wrapping key, and nothing is left of what the one before had wrapped. Parent `begun`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRotated {
    /// How often the wrapping key was changed, this time included.
    pub generation: u64,
    /// How many keys were moved.
    pub moved: u64,
}

/// `noise.counted`: requests that nobody stood behind, counted in one record a minute instead of one each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoiseCounted {
    /// First second counted, microseconds.
    pub from: u64,
    /// One behind the last, microseconds.
    pub to: u64,
    /// Without a key.
    pub unauthenticated: u64,
    /// With a key that is unknown, revoked or expired.
    pub bad_key: u64,
    /// That are not HTTP or not a route.
    pub malformed: u64,
    /// Refused unread because there were too many.
    pub rate_limited: u64,
}

/// `provider.circuit_opened`: a provider failed so often in a row that nothing is sent to it for a while, by this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitOpened {
    /// The upstream, by its name in the configuration.
    pub upstream: String,
    /// Failures in a row.
    pub failures: u64,
    /// Within at most this time, milliseconds.
    pub window_ms: u64,
    /// The last of them: a code of docs/records.md.
    pub code: String,
    /// How long nothing is sent before one call tries, milliseconds.
    pub open_ms: u64,
}

/// `provider.circuit_closed`: the provider answered again. Parent `opened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitClosed {
    /// The upstream, by its name in the configuration.
    pub upstream: String,
    /// How long it was open, microseconds.
    pub open_us: u64,
    /// How many calls tried; the last was answered.
    pub trials: u64,
    /// Requests that were not sent to it meanwhile.
    pub refused: u64,
}

#[cfg(test)]
mod tests {
    use super::super::{Body as _, RetentionClockConfirmed};
    use super::*;

    /// Requirement: P18. Records from before they said who and how are read, and say nothing of it.
    #[test]
    fn records_of_before_still_read() {
        let fields = |value: serde_json::Value| value.as_object().cloned().expect("an object");
        let begun = serde_json::json!({"generation": 1, "reason": "yearly"});
        let read = VaultRotationBegun::read(fields(begun.clone())).expect("a record of before");
        assert_eq!((&read.account, read.from, read.to), (&None, None, None));
        assert_eq!(read.fields().expect("fields"), fields(begun), "what was not said is written");
        let clock = serde_json::json!({"clock": 5, "reason": "compared"});
        let read = RetentionClockConfirmed::read(fields(clock)).expect("a record of before");
        assert_eq!(read.account, None);
        let now = VaultRotationBegun {
            generation: 2,
            reason: "leaves".to_owned(),
            account: Some("notary".to_owned()),
            from: Some(VaultKeyKeeping::Token),
            to: Some(VaultKeyKeeping::File),
        };
        let written = now.fields().expect("fields");
        assert_eq!((&written["from"], &written["to"]), (&"token".into(), &"file".into()));
        assert_eq!(VaultRotationBegun::read(written).expect("read"), now);
    }
}
