//! A publisher's secret key, in one private file.
//!
//! Promises: a file that exists is never replaced, and one that others can read is refused. Must never: print a secret.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tabellion_ledger::{Entropy as _, OsEntropy};
use tabellion_tlog::{SigningKey, VerifierKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::failure::Failure;
use crate::files;

const FORMAT: &str = "tabellion.pack-key/1";
/// A short secret and a name.
const MAX_KEY_FILE: u64 = 4096;
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Longest name of a publisher, as packs have it.
const MAX_NAME_BYTES: usize = 63;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    ed25519: String,
    format: String,
    name: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.ed25519.zeroize();
    }
}

/// A publisher's name and key. Neither printed nor compared.
pub(super) struct PublisherKey {
    pub(super) name: String,
    pub(super) key: SigningKey,
}

/// Makes a key at `path`; gives the line by which others trust it.
pub(super) fn create(path: &Path, name: &str) -> Result<VerifierKey, Failure> {
    check_name(name)?;
    let mut seed = Zeroizing::new([0; 32]);
    OsEntropy.fill(seed.as_mut()).map_err(|error| {
        Failure::failed(format!("the operating system gives no random bytes: {error}; try again"))
    })?;
    let verifier = VerifierKey::new(name, SigningKey::from_seed(&seed).public())
        .map_err(|error| Failure::malformed(error.to_string()))?;
    let file =
        KeyFile { ed25519: STANDARD.encode(seed.as_ref()), format: FORMAT.to_owned(), name: name.to_owned() };
    let text = serde_json::to_vec(&file).map(Zeroizing::new);
    let text = text.map_err(|error| Failure::failed(format!("the key file cannot be written: {error}")))?;
    write_new(path, &text)?;
    Ok(verifier)
}

/// Reads a key.
pub(super) fn load(path: &Path) -> Result<PublisherKey, Failure> {
    let mode = fs::metadata(path).map_err(|error| Failure::io("look at", path, &error))?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(Failure::failed(format!(
            "{0} can be read by others (mode {1:o}); whoever has it can publish in this name. Run: chmod 600 {0}",
            path.display(),
            mode & 0o777
        )));
    }
    let bytes = Zeroizing::new(files::read_limited(path, MAX_KEY_FILE, "publisher's key")?);
    let wrong = || {
        Failure::malformed(format!(
            "{} is not a publisher's key; make one: tabellion policy pack key",
            path.display()
        ))
    };
    let file: KeyFile = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let seed = Zeroizing::new(STANDARD.decode(&file.ed25519).map_err(|_| wrong())?);
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(seed.as_slice().try_into().map_err(|_| wrong())?);
    if file.format != FORMAT {
        return Err(wrong());
    }
    check_name(&file.name)?;
    Ok(PublisherKey { name: file.name.clone(), key: SigningKey::from_seed(&seed) })
}

fn check_name(name: &str) -> Result<(), Failure> {
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if letters && (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.starts_with('-') {
        return Ok(());
    }
    Err(Failure::malformed(format!(
        "{name:?} is no publisher's name: 1 to {MAX_NAME_BYTES} of a-z, 0-9 and -, not starting with -"
    )))
}

/// Writes a private file that must not be there yet, durably.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::malformed(format!(
            "{} exists, and a key is never replaced; name another file",
            path.display()
        )),
        _ => Failure::io("create", path, &error),
    })?;
    let synced = file.write_all(bytes).and_then(|()| file.sync_all());
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    synced.and_then(|()| File::open(parent)?.sync_all()).map_err(|error| Failure::io("write", path, &error))
}
