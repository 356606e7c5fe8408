//! A key of AWS, kept as the files that hold it say it.
//!
//! Promises: its parts are of one reading, in which no file changed; a file that changed is read again within a moment, since temporary keys end; one that cannot be
//! read leaves those of before, and the operator is told once. Must never: make a call wait for a file, or print a part of a key.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::config::{AwsConfig, KeptAt};
use crate::config::{Log, StartError};
use crate::upstream::key::{self, Place};

/// How often it is looked whether a file changed: whoever renews a temporary key does so minutes before it ends.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest id of a key, as AWS has them.
const MAX_ID_BYTES: usize = 128;
/// Readings in a row during which a file changed: then it is looked again later.
const MAX_READINGS: usize = 3;
/// What to do about a key that others may have.
const RENEW: &str = "make another key at AWS";

/// A key and what belongs to it.
pub(super) struct AwsKey {
    pub(super) id: String,
    pub(super) secret: Zeroizing<String>,
    /// Of a temporary key; marked sensitive.
    pub(super) session_token: Option<HeaderValue>,
}

/// The key of one provider.
pub(super) struct Credentials {
    who: String,
    config: AwsConfig,
    known: Mutex<Known>,
}

struct Known {
    key: Arc<AwsKey>,
    /// How the files were when they were read last.
    seen: [Option<Stamp>; 3],
}

/// How a file was: another one in its place, or another content, differs in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds of its content, and of its place and rights.
    changed: [(i64, i64); 2],
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let of = std::fs::metadata(path).ok()?;
        let changed = [(of.mtime(), of.mtime_nsec()), (of.ctime(), of.ctime_nsec())];
        Some(Self { device: of.dev(), inode: of.ino(), size: of.size(), changed })
    }
}

impl Credentials {
    /// Reads the key that `config` names, of the service that errors call `who`.
    pub(super) fn new(who: &str, config: &AwsConfig) -> Result<Self, StartError> {
        let seen = stamps(config);
        let key = read(config).map_err(|why| StartError::Setting(format!("{who}: {why}")))?;
        let known = Mutex::new(Known { key: Arc::new(key), seen });
        Ok(Self { who: who.to_owned(), config: config.clone(), known })
    }

    /// The key as it is now.
    pub(super) fn now(&self) -> Arc<AwsKey> {
        Arc::clone(&self.known().key)
    }

    /// Looks from time to time whether a file changed; never ends. The operator reads in `log` what came of it.
    pub(super) async fn follow(self: Arc<Self>, log: Log) {
        if self.files().all(|file| file.is_none()) {
            return;
        }
        loop {
            sleep(LOOK_EVERY).await;
            let looking = Arc::clone(&self);
            // A disk that does not answer keeps no call waiting.
            if let Ok(Some(line)) = tokio::task::spawn_blocking(move || looking.look()).await {
                log(&line);
            }
        }
    }

    /// Reads the key again where a file changed. What the operator has to be told.
    fn look(&self) -> Option<String> {
        for _ in 0..MAX_READINGS {
            let seen = stamps(&self.config);
            if seen == self.known().seen {
                return None;
            }
            let read = read(&self.config);
            if stamps(&self.config) != seen {
                continue;
            }
            let mut known = self.known();
            known.seen = seen;
            return Some(match read {
                Ok(key) => {
                    known.key = Arc::new(key);
                    format!("{}: its AWS key changed and was read again", self.who)
                }
                Err(why) => format!("{}: {why}. Requests are signed with the key of before", self.who),
            });
        }
        None
    }

    fn files(&self) -> impl Iterator<Item = Option<&Path>> {
        parts(&self.config).into_iter().map(|(_, kept)| kept.file.as_deref())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts of a key with what their settings begin with.
fn parts(config: &AwsConfig) -> [(&'static str, &KeptAt); 3] {
    [
        ("aws_access_key_id", &config.access_key_id),
        ("aws_secret_access_key", &config.secret_access_key),
        ("aws_session_token", &config.session_token),
    ]
}

fn stamps(config: &AwsConfig) -> [Option<Stamp>; 3] {
    parts(config).map(|(_, kept)| kept.file.as_deref().and_then(Stamp::of))
}

fn read(config: &AwsConfig) -> Result<AwsKey, String> {
    let [id, secret, token] = parts(config).map(|(setting, kept)| {
        let place = Place { setting, env: kept.env.as_deref(), file: kept.file.as_deref(), then: RENEW };
        (setting, place.first_line())
    });
    let needed = |(setting, read): (&str, Result<Option<key::Held>, String>)| {
        read?.ok_or_else(|| {
            format!(
                "{setting}_env and {setting}_file are both missing, and nothing is signed without it; set one"
            )
        })
    };
    let (id, secret) = (needed(id)?, needed(secret)?);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if id.text.len() > MAX_ID_BYTES || !id.text.bytes().all(plain) {
        return Err(format!("{} holds no id of an access key: letters and digits, such as AKIA…", id.place));
    }
    if let Some(why) = key::weakness(&secret.text) {
        return Err(format!("the secret in {} {why}; use one that AWS gave you", secret.place));
    }
    let session_token = token.1?.map(|token| {
        let mut value = HeaderValue::from_str(&token.text)
            .map_err(|_| format!("{} has characters that no header may have", token.place))?;
        value.set_sensitive(true);
        Ok::<_, String>(value)
    });
    Ok(AwsKey { id: id.text.to_string(), secret: secret.text, session_token: session_token.transpose()? })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn write(path: &Path, text: &str) {
        let next = path.with_extension("next");
        std::fs::write(&next, text).expect("a file");
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        std::fs::rename(&next, path).expect("put in its place");
    }

    fn temporary(dir: &Path) -> Credentials {
        let part = |name: &str, text: &str| {
            write(&dir.join(name), text);
            KeptAt { env: None, file: Some(dir.join(name)) }
        };
        let config = AwsConfig {
            access_key_id: part("id", "ASIAFIRST\n"),
            secret_access_key: part("secret", "of-the-first-key\n"),
            session_token: part("token", "of-the-first-session\n"),
            ..AwsConfig::default()
        };
        Credentials::new("upstream \"bedrock\"", &config).expect("a key")
    }

    /// Requirement: N22. Temporary keys end: one that its file does not hold any more is not signed with.
    #[test]
    fn a_key_is_read_again_when_a_file_changes_and_only_then() {
        let dir = tempfile::tempdir().expect("a directory");
        let credentials = temporary(dir.path());
        assert_eq!(credentials.look(), None, "the operator would be told every second");
        write(&dir.path().join("id"), "ASIASECOND\n");
        write(&dir.path().join("secret"), "of-the-second-key\n");
        write(&dir.path().join("token"), "of-the-second-session\n");
        let said = credentials.look().expect("it changed");
        assert!(said.contains("read again") && !said.contains("second"), "{said}");
        let key = credentials.now();
        assert_eq!((key.id.as_str(), key.secret.as_str()), ("ASIASECOND", "of-the-second-key"));
        assert_eq!(key.session_token.as_ref().expect("a token"), "of-the-second-session");
        assert_eq!(credentials.look(), None);
    }

    /// Requirement: N22. A half-written change stops nothing that runs, and is told once.
    #[test]
    fn a_file_that_cannot_be_read_leaves_the_key_of_before() {
        let dir = tempfile::tempdir().expect("a directory");
        let credentials = temporary(dir.path());
        let secret = dir.path().join("secret");
        std::fs::remove_file(&secret).expect("it goes");
        let said = credentials.look().expect("somebody has to mend it");
        assert!(said.contains("cannot be read") && said.contains("of before"), "{said}");
        assert_eq!(credentials.look(), None, "it was told");
        assert_eq!(credentials.now().secret.as_str(), "of-the-first-key");
        write(&secret, "short");
        assert!(credentials.look().expect("it is no secret").contains("shorter"), "it would be signed with");
        assert_eq!(credentials.now().secret.as_str(), "of-the-first-key");
        write(&secret, "of-the-third-key");
        assert!(credentials.look().expect("mended").contains("read again"));
        assert_eq!(credentials.now().secret.as_str(), "of-the-third-key");
    }
}
