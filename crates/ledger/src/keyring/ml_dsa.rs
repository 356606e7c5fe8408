//! The file of the log's post-quantum key (docs/formats.md §13.4): one, beside the key in force, for checkpoints that are handed out.

use base64::Engine as _;
use tabellion_model::{Micros, Purpose};
use tabellion_tlog::{MlDsaPublicKey, MlDsaSigningKey};
use zeroize::Zeroizing;

use super::file::{Head, KeyFile, bytes_of, write_new};
use super::{BASE64, KEY_DIR, KeyAccess};
use crate::disk::Disk;
use crate::entropy::Entropy;
use crate::error::OpenError;

/// The file.
const PATH: &str = "keys/ml-dsa-44.key";
const ML_DSA_44: &str = "ml-dsa-44";

impl KeyAccess {
    /// Makes the log's ML-DSA-44 key and writes its file durably. An existing file is never replaced.
    pub fn create_ml_dsa(
        &self,
        disk: &dyn Disk,
        created_at: Micros,
        entropy: &dyn Entropy,
    ) -> Result<MlDsaPublicKey, OpenError> {
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(seed.as_mut()).map_err(OpenError::io("draw random bytes for", KEY_DIR))?;
        let key = MlDsaSigningKey::from_seed(&seed);
        let mut head = Head::new(ML_DSA_44, created_at.0, Purpose::Log.as_str());
        head.public = Some(BASE64.encode(key.public().as_bytes()));
        write_new(disk, PATH, &bytes_of(head, Some(&seed), self.encrypts(disk, entropy)?)?)?;
        Ok(key.public().clone())
    }

    /// Reads that key, when there is one.
    pub fn load_ml_dsa(&self, disk: &dyn Disk) -> Result<Option<MlDsaSigningKey>, OpenError> {
        if !disk.exists(PATH).map_err(OpenError::io("look for", PATH))? {
            return Ok(None);
        }
        let file = KeyFile::read(disk, PATH)?;
        if file.head.alg != ML_DSA_44 || file.head.purpose != Purpose::Log.as_str() {
            return Err(file.wrong("it is no ML-DSA-44 key of a log"));
        }
        let key = MlDsaSigningKey::from_seed(&*file.secret(self)?);
        if file.head.public.as_deref() != Some(BASE64.encode(key.public().as_bytes()).as_str()) {
            return Err(file.wrong("its secret does not belong to its public key"));
        }
        Ok(Some(key))
    }
}
