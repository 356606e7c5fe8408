//! The file of the log's post-quantum key (docs/formats.md §13.4): one, beside the key in force, for checkpoints that are handed out.

use tabellion_model::{Micros, Purpose};
use tabellion_tlog::{MlDsaPublicKey, MlDsaSigningKey};

use super::{BASE64, FORMAT, KEY_DIR, KeyFile, read_file, secret_of, write_file};
use base64::Engine as _;
use zeroize::Zeroizing;

use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::OpenError;

/// The file.
const PATH: &str = "keys/ml-dsa-44.key";
const ML_DSA_44: &str = "ml-dsa-44";

/// Makes the log's ML-DSA-44 key and writes its file durably. An existing file is never replaced.
pub fn create_ml_dsa(
    disk: &dyn Disk,
    created_at: Micros,
    entropy: &dyn Entropy,
) -> Result<MlDsaPublicKey, OpenError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut()).map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
    let key = MlDsaSigningKey::from_seed(&seed);
    let file = KeyFile {
        alg: ML_DSA_44.to_owned(),
        created_at: created_at.0,
        credential: None,
        format: FORMAT.to_owned(),
        key_id: None,
        protection: "none".to_owned(),
        public: Some(BASE64.encode(key.public().as_bytes())),
        purpose: Purpose::Log.as_str().to_owned(),
        secret: BASE64.encode(seed.as_ref()),
    };
    write_file(disk, PATH, &file)?;
    Ok(key.public().clone())
}

/// Reads that key, when there is one.
pub fn load_ml_dsa(disk: &dyn Disk) -> Result<Option<MlDsaSigningKey>, OpenError> {
    if !disk.exists(PATH).map_err(OpenError::io("look for", PATH))? {
        return Ok(None);
    }
    let file = read_file(disk, PATH)?;
    let wrong = |what: &str| {
        OpenError::Mismatch(format!(
            "{PATH} is not a usable key file: {what}. Restore it from your key backup"
        ))
    };
    if file.alg != ML_DSA_44 || file.purpose != Purpose::Log.as_str() {
        return Err(wrong("it is no ML-DSA-44 key of a log"));
    }
    let seed = secret_of(&file).ok_or_else(|| wrong("its secret is not 32 bytes of base64"))?;
    let key = MlDsaSigningKey::from_seed(&seed);
    if file.public.as_deref() != Some(BASE64.encode(key.public().as_bytes()).as_str()) {
        return Err(wrong("its secret does not belong to its public key"));
    }
    Ok(Some(key))
}
