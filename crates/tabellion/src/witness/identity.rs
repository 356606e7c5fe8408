//! Who a witness is: its name and its two secret keys, in one private file (docs/formats.md §13.6).
//!
//! Promises: a file that exists is never replaced, and one that others can read is refused. Must never: print a secret.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tabellion_ledger::Entropy;
use tabellion_tlog::{
    Checkpoint, MlDsaSigningKey, NoteError, NoteSignature, SignatureType, SigningKey, VerifierKey, cosign,
    cosign_ml_dsa,
};
use zeroize::{Zeroize as _, Zeroizing};

use super::logs::LOGS_DIR;
use super::state::STATE_DIR;
use crate::failure::Failure;
use crate::files;

/// The key file.
const KEY_FILE: &str = "witness.key";
const FORMAT: &str = "tabellion.witness-key/1";
/// Two short secrets and a name.
const MAX_KEY_FILE: u64 = 4096;
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    ed25519: String,
    format: String,
    ml_dsa_44: String,
    name: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.ed25519.zeroize();
        self.ml_dsa_44.zeroize();
    }
}

/// A witness's name and keys. Neither printed nor compared.
pub(crate) struct Identity {
    name: String,
    ed25519: SigningKey,
    ml_dsa: MlDsaSigningKey,
    keys: [VerifierKey; 2],
}

impl Identity {
    /// Makes a witness in `dir`, which is created when it is not there.
    pub(crate) fn create(dir: &Path, name: &str, entropy: &dyn Entropy) -> Result<Self, Failure> {
        let mut seeds = [Zeroizing::new([0; 32]), Zeroizing::new([0; 32])];
        for seed in &mut seeds {
            entropy.fill(seed.as_mut()).map_err(|error| {
                Failure::failed(format!("the operating system gives no random bytes: {error}; try again"))
            })?;
        }
        let [ed25519, ml_dsa] = &seeds;
        let identity = Self::of(name, ed25519, ml_dsa)?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        for place in [dir.to_owned(), dir.join(LOGS_DIR), dir.join(STATE_DIR)] {
            builder.create(&place).map_err(|error| Failure::io("create", &place, &error))?;
        }
        let file = KeyFile {
            ed25519: STANDARD.encode(ed25519.as_ref()),
            format: FORMAT.to_owned(),
            ml_dsa_44: STANDARD.encode(ml_dsa.as_ref()),
            name: name.to_owned(),
        };
        let text = serde_json::to_vec(&file).map(Zeroizing::new);
        let text =
            text.map_err(|error| Failure::failed(format!("the key file cannot be written: {error}")))?;
        write_new(&dir.join(KEY_FILE), &text)?;
        Ok(identity)
    }

    /// Reads the witness in `dir`.
    pub(crate) fn load(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(KEY_FILE);
        if !path.exists() {
            return Err(Failure::malformed(format!(
                "there is no witness in {0}: {1} is missing. Make one: tabellion witness init --dir {0} --name NAME",
                dir.display(),
                path.display()
            )));
        }
        let mode =
            fs::metadata(&path).map_err(|error| Failure::io("look at", &path, &error))?.permissions().mode();
        if mode & OTHERS != 0 {
            return Err(Failure::failed(format!(
                "{0} can be read by others (mode {1:o}); whoever has it can cosign in this witness's name. Run: chmod 600 {0}",
                path.display(),
                mode & 0o777
            )));
        }
        let bytes = Zeroizing::new(files::read_limited(&path, MAX_KEY_FILE, "witness key")?);
        let wrong = || {
            Failure::failed(format!(
                "{} is not a witness's key file; restore it from your backup",
                path.display()
            ))
        };
        let file: KeyFile = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let seed = |text: &str| -> Option<Zeroizing<[u8; 32]>> {
            let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
            Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
        };
        match (file.format.as_str(), seed(&file.ed25519), seed(&file.ml_dsa_44)) {
            (FORMAT, Some(ed25519), Some(ml_dsa)) => Self::of(&file.name, &ed25519, &ml_dsa),
            _ => Err(wrong()),
        }
    }

    fn of(name: &str, ed25519: &[u8; 32], ml_dsa: &[u8; 32]) -> Result<Self, Failure> {
        let (ed25519, ml_dsa) = (SigningKey::from_seed(ed25519), MlDsaSigningKey::from_seed(ml_dsa));
        let keys = VerifierKey::with_type(name, ed25519.public(), SignatureType::CosignatureV1)
            .and_then(|first| Ok([first, VerifierKey::ml_dsa(name, ml_dsa.public().clone())?]));
        let keys = keys.map_err(|error| {
            Failure::malformed(format!("{name:?} is no name of a witness: {error}. Take a URL without scheme, such as witness.example.org/w1"))
        })?;
        Ok(Self { name: name.to_owned(), ed25519, ml_dsa, keys })
    }

    /// Its two public keys: Ed25519, ML-DSA-44.
    pub(crate) fn keys(&self) -> &[VerifierKey; 2] {
        &self.keys
    }

    /// Its two lines for a checkpoint, at `timestamp` (seconds since 1970).
    pub(crate) fn cosign(
        &self,
        checkpoint: &Checkpoint,
        timestamp: u64,
    ) -> Result<[NoteSignature; 2], NoteError> {
        Ok([
            cosign(&checkpoint.text(), &self.name, timestamp, &self.ed25519)?,
            cosign_ml_dsa(checkpoint, &self.name, timestamp, &self.ml_dsa)?,
        ])
    }
}

/// Writes a private file that must not be there yet, durably.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::malformed(format!(
            "{} exists: there is a witness here already, and its key is never replaced. Name another directory",
            path.display()
        )),
        _ => Failure::io("create", path, &error),
    })?;
    let synced = file.write_all(bytes).and_then(|()| file.sync_all());
    let parent = path.parent().unwrap_or(Path::new("."));
    synced.and_then(|()| File::open(parent)?.sync_all()).map_err(|error| Failure::io("write", path, &error))
}
