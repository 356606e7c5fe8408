//! Keys of providers and services, and the gateway's own: where they may lie, and which are none.
//!
//! Must never: print a key, or say more of it than what is wrong.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

/// Largest file of a key: keys are a line.
const MAX_KEY_BYTES: u64 = 16 << 10;
/// Permission bits of everybody. A group may be how a service is given its key.
const EVERYBODY: u32 = 0o007;
/// Shorter ones are guessed; no provider gives out any.
const MIN_CHARACTERS: usize = 8;
/// Keys with fewer different characters were typed, not drawn.
const MIN_DIFFERENT: usize = 5;
/// What stands in examples in place of a key.
const STAND_INS: [&str; 16] = [
    "changeme",
    "change-me",
    "change_me",
    "password",
    "password1",
    "passw0rd",
    "password123",
    "12345678",
    "123456789",
    "1234567890",
    "your-api-key",
    "your_api_key",
    "yourapikey",
    "sk-your-key",
    "api-key-here",
    "placeholder",
];

/// The key in `path`; `then` is what to do about one that somebody else may have.
pub(crate) fn read(path: &Path, then: &str) -> Result<Zeroizing<String>, String> {
    let unread = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unread)?;
    let mode = file.metadata().map_err(unread)?.permissions().mode() & 0o7777;
    if mode & EVERYBODY != 0 {
        return Err(format!(
            "can be read or changed by everybody on this machine (mode {mode:04o}), who may have copied the key. Run chmod o= {} and {then}",
            path.display()
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_KEY_BYTES).read_to_string(&mut text).map_err(unread)?;
    Ok(text)
}

/// Where a key is, as two settings say it: a variable or a file.
pub(super) struct Place<'a> {
    /// What both settings begin with: `key` of `key_env` and `key_file`.
    pub(super) setting: &'static str,
    pub(super) env: Option<&'a str>,
    pub(super) file: Option<&'a Path>,
    /// What to do about one that somebody else may have.
    pub(super) then: &'static str,
}

/// A key that was read, and what an error calls the place where it was.
pub(super) struct Held {
    pub(super) text: Zeroizing<String>,
    pub(super) place: String,
}

impl Place<'_> {
    /// The key, alone on the first line; `None` where neither setting is there.
    pub(super) fn first_line(&self) -> Result<Option<Held>, String> {
        let Self { setting, env, file, then } = self;
        let (text, place) = match (env, file) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(format!("{setting}_env and {setting}_file are both set; one is enough"));
            }
            (Some(name), None) => {
                let text = std::env::var(name)
                    .map_err(|_| format!("{setting}_env names {name}, which is not set or not text"))?;
                (Zeroizing::new(text), (*name).to_owned())
            }
            (None, Some(path)) => {
                let text =
                    read(path, then).map_err(|why| format!("{setting}_file {} {why}", path.display()))?;
                (text, path.display().to_string())
            }
        };
        let text = Zeroizing::new(text.lines().next().unwrap_or_default().trim().to_owned());
        if text.is_empty() {
            return Err(format!("{place} holds no key"));
        }
        Ok(Some(Held { text, place }))
    }
}

/// Why `key` is none that keeps anybody out; `None`: nothing is known against it.
pub(super) fn weakness(key: &str) -> Option<&'static str> {
    if STAND_INS.contains(&key.to_ascii_lowercase().as_str()) {
        return Some("is one that stands in examples");
    }
    if key.chars().count() < MIN_CHARACTERS {
        return Some("is shorter than eight characters");
    }
    let different: BTreeSet<char> = key.chars().collect();
    (different.len() < MIN_DIFFERENT).then_some("has fewer than five different characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: N19.
    #[test]
    fn keys_that_keep_nobody_out_are_told_and_others_are_not() {
        for key in ["changeme", "PASSWORD", "short", "aaaaaaaaaaaaaaaa", "abababababab", "your-api-key"] {
            assert!(weakness(key).is_some(), "{key} would guard a provider's account");
        }
        for key in ["sk-provider-secret", "of-the-service", "4f0e61d3c2b7a985"] {
            assert_eq!(weakness(key), None, "{key}: nothing is wrong with it");
        }
    }

    /// Requirement: N19.
    #[test]
    fn a_key_that_everybody_can_read_is_refused_with_the_way_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("provider.key");
        std::fs::write(&path, "sk-provider-secret\n").expect("a file");
        let mode = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
            read(&path, "have the provider give you another key")
        };
        let refused = mode(0o644).expect_err("anybody could copy it");
        assert!(refused.contains("0644") && refused.contains("chmod o="), "{refused}");
        assert!(!refused.contains("sk-provider"), "the refusal tells the key");
        assert!(mode(0o640).is_ok(), "a group may be how a service is given its key");
        assert_eq!(mode(0o600).expect("private").as_str(), "sk-provider-secret\n");
    }
}
