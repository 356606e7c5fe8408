//! What is derived from secret keys: seeds, salts, data keys, idempotency tags (`docs/formats.md` §3, §13.3, §13.5).
//!
//! Promises: pure functions; whatever comes out secret is wiped when dropped. When a vault key is destroyed, everything derived from it is gone.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tabellion_tlog::Hash;
use zeroize::Zeroizing;

use crate::id::{ProducerId, UnitId};
use crate::jcs::{JcsError, to_jcs};

const SEED_INFO: &[u8] = b"tabellion.seed/1";
const DATA_INFO: &[u8] = b"tabellion.data/1";
const IDEM_INFO: &[u8] = b"tabellion.idem/1";

/// Seed of a unit's salts: HKDF-SHA-256(ikm = unit key, salt = unit id, info = `tabellion.seed/1`).
pub fn derive_seed(vault_key: &[u8; 32], unit: &UnitId) -> Zeroizing<[u8; 32]> {
    derive(vault_key, unit, SEED_INFO)
}

/// AES-256-GCM key of a unit's content: HKDF-SHA-256(…, info = `tabellion.data/1`).
pub fn derive_data_key(vault_key: &[u8; 32], unit: &UnitId) -> Zeroizing<[u8; 32]> {
    derive(vault_key, unit, DATA_INFO)
}

/// A unit's part in fingerprint keys: HKDF-SHA-256(…, info = `tabellion.idem/1`).
pub fn derive_idem_key(vault_key: &[u8; 32], unit: &UnitId) -> Zeroizing<[u8; 32]> {
    derive(vault_key, unit, IDEM_INFO)
}

/// Salt of one field: the first 16 bytes of HMAC-SHA-256(seed, name).
pub fn salt(seed: &[u8; 32], name: &str) -> [u8; 16] {
    Salts::new(seed).of(name)
}

/// The salts of one unit's fields, for whoever needs several.
pub(crate) struct Salts(Hmac<Sha256>);

impl Salts {
    /// From the unit's seed.
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self(keyed(seed))
    }

    /// [`salt`] of the field `name`.
    pub(crate) fn of(&self, name: &str) -> [u8; 16] {
        let mac = finish(self.0.clone(), &[name.as_bytes()]);
        let mut salt = [0; 16];
        for (to, from) in salt.iter_mut().zip(mac.iter()) {
            *to = *from;
        }
        salt
    }
}

/// The `idem` member: HMAC-SHA-256(idempotency key, JCS `[producer, key]`).
pub fn idem_tag(idempotency_key: &[u8; 32], producer: &ProducerId, key: &str) -> Result<Hash, JcsError> {
    let message = to_jcs(&json!([producer.to_hex(), key]))?;
    Ok(Hash(*hmac_sha256(idempotency_key, &[&message])))
}

/// HMAC of a request under a key that dies with the record's content (`docs/formats.md` §13.5).
///
/// `unit_keys` are the [`derive_idem_key`]s of the record's units in the order of the unit ids.
pub fn fingerprint(
    idempotency_key: &[u8; 32],
    unit_keys: &[Zeroizing<[u8; 32]>],
    request: &[u8],
) -> [u8; 32] {
    let parts: Vec<&[u8]> = unit_keys.iter().map(|key| key.as_slice()).collect();
    let key = hmac_sha256(idempotency_key, &parts);
    *hmac_sha256(&key, &[request])
}

/// What several keys of one unit derive from, for whoever needs more than one.
pub struct UnitKeys(Hkdf<Sha256>);

impl UnitKeys {
    /// From the vault key that the unit is sealed under.
    pub fn new(vault_key: &[u8; 32], unit: &UnitId) -> Self {
        Self(Hkdf::new(Some(unit.as_bytes()), vault_key))
    }

    /// [`derive_seed`] of the unit.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        self.expand(SEED_INFO)
    }

    /// [`derive_data_key`] of the unit.
    pub fn data_key(&self) -> Zeroizing<[u8; 32]> {
        self.expand(DATA_INFO)
    }

    fn expand(&self, info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "HKDF-SHA-256 gives up to 8,160 bytes; 32 always fit")]
        self.0.expand(info, out.as_mut_slice()).expect("32 bytes fit");
        out
    }
}

fn derive(ikm: &[u8; 32], unit: &UnitId, info: &[u8]) -> Zeroizing<[u8; 32]> {
    UnitKeys::new(ikm, unit).expand(info)
}

fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    finish(keyed(key), parts)
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104)")]
    Hmac::<Sha256>::new_from_slice(key).expect("any length is a key")
}

fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}
