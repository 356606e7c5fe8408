//! The files of a log's second, post-quantum keys (docs/formats.md §13.4), for checkpoints that are handed out.

use base64::Engine as _;
use tabellion_model::{KeyId, Micros, Purpose};
use tabellion_tlog::{MlDsaPublicKey, MlDsaSigningKey};
use zeroize::Zeroizing;

use super::file::{Head, KeyFile, bytes_of, write_new};
use super::{BASE64, KEY_DIR, KeyAccess};
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::OpenError;

/// What the names of these files begin with. `ml-dsa-44.key`, without an id, is what earlier versions wrote.
const STEM: &str = "ml-dsa-44";
const ML_DSA_44: &str = "ml-dsa-44";

/// A file of a second key, and whose it says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MlDsaFile {
    /// The file.
    pub path: String,
    /// Id of its key.
    pub key_id: KeyId,
}

/// Every file of a second key, by name. Nothing is opened.
pub(crate) fn list_ml_dsa(disk: &dyn Disk) -> Result<Vec<MlDsaFile>, OpenError> {
    let names = match disk.list(KEY_DIR) {
        // A copy of a log without its keys.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.map_err(OpenError::io("list", KEY_DIR))?,
    };
    let is_one = |name: &&String| {
        let rest = name.strip_suffix(".key").and_then(|stem| stem.strip_prefix(STEM));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let files = names.iter().filter(is_one).map(|name| {
        let file = KeyFile::read(disk, &format!("{KEY_DIR}/{name}"))?;
        Ok(MlDsaFile { key_id: KeyId(public_of(&file)?.key_id()), path: file.path })
    });
    files.collect()
}

impl KeyAccess {
    /// Makes a second key and writes its file durably. An existing file is never replaced.
    pub fn create_ml_dsa(
        &self,
        disk: &dyn Disk,
        created_at: Micros,
        entropy: &dyn Entropy,
    ) -> Result<MlDsaFile, OpenError> {
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(seed.as_mut()).map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
        let key = MlDsaSigningKey::from_seed(&seed);
        let mut head = Head::new(ML_DSA_44, created_at.0, Purpose::Log.as_str());
        head.public = Some(BASE64.encode(key.public().as_bytes()));
        let key_id = KeyId(key.public().key_id());
        let id = key_id.to_hex();
        let path = format!("{KEY_DIR}/{STEM}-{}.key", id.get(..16).unwrap_or(&id));
        write_new(disk, &path, &bytes_of(head, Some(&seed), self.encrypts(disk, entropy)?)?)?;
        Ok(MlDsaFile { path, key_id })
    }

    /// Opens the file of a second key.
    pub(crate) fn load_ml_dsa(
        &self,
        disk: &dyn Disk,
        listed: &MlDsaFile,
    ) -> Result<MlDsaSigningKey, OpenError> {
        let file = KeyFile::read(disk, &listed.path)?;
        let public = public_of(&file)?;
        let key = MlDsaSigningKey::from_seed(&*file.secret(self)?);
        if *key.public() != public || KeyId(public.key_id()) != listed.key_id {
            return Err(file.wrong("its secret does not belong to its public key"));
        }
        Ok(key)
    }
}

/// The public key that a file's line names.
fn public_of(file: &KeyFile) -> Result<MlDsaPublicKey, OpenError> {
    if file.head.alg != ML_DSA_44 || file.head.purpose != Purpose::Log.as_str() {
        return Err(file.wrong("it is no ML-DSA-44 key of a log"));
    }
    let bytes = file.head.public.as_deref().and_then(|text| BASE64.decode(text).ok());
    let public = bytes.and_then(|bytes| Some(MlDsaPublicKey::from_bytes(bytes.as_slice().try_into().ok()?)));
    public.ok_or_else(|| file.wrong("it names no public key"))
}
