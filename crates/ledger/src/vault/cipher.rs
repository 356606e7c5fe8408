//! Encrypting one unit: AES-256-GCM under a key that is derived for that unit alone and used once.

use aes_gcm::aead::{Aead as _, AeadInOut as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use tabellion_model::{Disclosure, RecordId, UnitId, derive_data_key, open_unit_plaintext, unit_plaintext};
use zeroize::Zeroizing;

/// First bytes of the additional data of every unit.
const DOMAIN: &[u8] = b"tabellion.unit/1";
/// What a ciphertext is longer than its plaintext.
pub(crate) const TAG_BYTES: usize = 16;
/// The data key encrypts one message in its life, so the nonce carries no information.
const NONCE: [u8; 12] = [0; 12];

/// Encrypts the disclosures of `unit` in `record` under `vault_key`.
pub(crate) fn encrypt_unit(
    vault_key: &[u8; 32],
    unit: &UnitId,
    record: &RecordId,
    disclosures: &[Disclosure],
) -> Result<Vec<u8>, String> {
    let plaintext = Zeroizing::new(unit_plaintext(disclosures));
    let aad = additional_data(unit, record);
    cipher(vault_key, unit)
        .encrypt(&Nonce::from(NONCE), Payload { msg: &plaintext, aad: &aad })
        .map_err(|_| "the unit is too large to encrypt".to_owned())
}

/// Encrypts what stands in `buffer` from `begin` on, where it stands, and appends the tag: the rest of `buffer` is then what [`encrypt_unit`] makes of that
/// plaintext. On an error `buffer` is not to be used.
pub(crate) fn encrypt_from(
    data_key: &[u8; 32],
    unit: &UnitId,
    record: &RecordId,
    buffer: &mut Vec<u8>,
    begin: usize,
) -> Result<(), String> {
    let too_large = || "the unit is too large to encrypt".to_owned();
    let plaintext = buffer.get_mut(begin..).ok_or_else(too_large)?;
    let tag = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*data_key))
        .encrypt_inout_detached(&Nonce::from(NONCE), &additional_data(unit, record), plaintext.into())
        .map_err(|_| too_large())?;
    buffer.extend_from_slice(&tag);
    Ok(())
}

/// Decrypts what [`encrypt_unit`] made. Fails when the key, the unit, the record or a byte is another.
pub(crate) fn decrypt_unit(
    vault_key: &[u8; 32],
    unit: &UnitId,
    record: &RecordId,
    ciphertext: &[u8],
) -> Result<Vec<Disclosure>, String> {
    let plaintext = decrypt_plain(vault_key, unit, record, ciphertext)?;
    open_unit_plaintext(&plaintext).map_err(|error| error.to_string())
}

/// The same, for whoever reads the plaintext by themselves.
pub(crate) fn decrypt_plain(
    vault_key: &[u8; 32],
    unit: &UnitId,
    record: &RecordId,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, String> {
    let aad = additional_data(unit, record);
    cipher(vault_key, unit)
        .decrypt(&Nonce::from(NONCE), Payload { msg: ciphertext, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| "the unit's content does not open with its key".to_owned())
}

fn cipher(vault_key: &[u8; 32], unit: &UnitId) -> Aes256Gcm {
    let key = derive_data_key(vault_key, unit);
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

/// [`DOMAIN`], unit, record.
fn additional_data(unit: &UnitId, record: &RecordId) -> [u8; DOMAIN.len() + 32] {
    let mut data = [0; DOMAIN.len() + 32];
    for (to, from) in data.iter_mut().zip(DOMAIN.iter().chain(unit.as_bytes()).chain(record.as_bytes())) {
        *to = *from;
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disclosure() -> Disclosure {
        Disclosure::new([7; 16], "name", "Ada".into()).expect("a plain field")
    }

    /// Requirement: P17
    #[test]
    fn the_key_of_one_unit_opens_no_other() {
        let (key, record) = ([1; 32], RecordId::from_bytes([2; 16]));
        let (a, b) = (UnitId::from_bytes([3; 16]), UnitId::from_bytes([4; 16]));
        let sealed = encrypt_unit(&key, &a, &record, &[disclosure()]).expect("a small unit encrypts");
        assert_eq!(decrypt_unit(&key, &a, &record, &sealed), Ok(vec![disclosure()]), "content would be lost");
        assert!(
            decrypt_unit(&key, &b, &record, &sealed).is_err(),
            "content could be shown as another unit's"
        );
        assert!(
            decrypt_unit(&[9; 32], &a, &record, &sealed).is_err(),
            "an erased subject's content would open"
        );
        assert!(
            decrypt_unit(&key, &a, &RecordId::from_bytes([5; 16]), &sealed).is_err(),
            "content could move to another record"
        );
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(
                decrypt_unit(&key, &a, &record, &damaged).is_err(),
                "damage at byte {at} would be shown as content"
            );
        }
    }

    /// The nonce is always zero, so each unit must have a key of its own.
    ///
    /// Requirement: P17
    #[test]
    fn no_two_units_are_encrypted_under_one_key_and_nonce() {
        let (vault_key, record) = ([1; 32], RecordId::from_bytes([2; 16]));
        let sealed: std::collections::BTreeSet<Vec<u8>> = (0..4096_u128)
            .map(|n| UnitId::from_bytes(n.to_be_bytes()))
            .map(|unit| {
                encrypt_unit(&vault_key, &unit, &record, &[disclosure()]).expect("a small unit encrypts")
            })
            .map(|mut sealed| sealed.drain(..sealed.len() - 16).collect())
            .collect();
        assert_eq!(
            sealed.len(),
            4096,
            "equal content under one key stream would show as equal, and open each other"
        );
    }
}
