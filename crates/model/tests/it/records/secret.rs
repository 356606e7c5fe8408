//! Derivations from secret keys, against values computed with another implementation (Python's `hmac` and `hashlib`).

use tabellion_model::{
    ProducerId, UnitId, derive_data_key, derive_idem_key, derive_seed, fingerprint, idem_tag, salt,
};

const VAULT_KEY: [u8; 32] = [0x0b; 32];

fn unit() -> UnitId {
    UnitId::from_hex("000102030405060708090a0b0c0d0e0f").unwrap()
}

#[test]
fn derivations_are_those_of_the_formats() {
    assert_eq!(
        hex::encode(*derive_seed(&VAULT_KEY, &unit())),
        "fab40f431661a1e6bd2930b07f7de7248282b8dd2effc9c4444d6fbe9edbb548",
        "no disclosure could be sealed again"
    );
    assert_eq!(
        hex::encode(*derive_data_key(&VAULT_KEY, &unit())),
        "87a60bf1219dd840b907d0abaca7ae325f6e68a0537d80fbe14501c3351f9869",
        "the vault could not be opened"
    );
    assert_eq!(
        hex::encode(*derive_idem_key(&VAULT_KEY, &unit())),
        "a92875cc91a85dc6ecd0e8baaba87e5600ca31807041ccedd6c155332467947f",
        "retries would be refused"
    );
    assert_eq!(
        hex::encode(salt(&derive_seed(&VAULT_KEY, &unit()), "prompt")),
        "76dabed3544f2ede511f0ea55037a836",
        "digests would differ"
    );
    let producer = ProducerId::from_bytes([0x33; 16]);
    let tag = idem_tag(&VAULT_KEY, &producer, "order \"7\"").unwrap();
    assert_eq!(
        tag.to_hex(),
        "5c1d938eb2ef6f78eabc43bf57184c7b639b52542857d21e981c6c468a6d0ffe",
        "a retry would be recorded twice"
    );
    let keys = [derive_idem_key(&VAULT_KEY, &unit()), derive_idem_key(&[1; 32], &unit())];
    assert_eq!(
        hex::encode(fingerprint(&VAULT_KEY, &keys, b"request")),
        "801f7e77087f0dcaf6f5b5ad65e2338e0bcf74448e7f7e25435413154e327bb4",
        "a retry would be refused"
    );
}

#[test]
fn everything_that_goes_in_changes_what_comes_out() {
    let seed = derive_seed(&VAULT_KEY, &unit());
    let others = [
        derive_seed(&[0x0c; 32], &unit()),
        derive_seed(&VAULT_KEY, &UnitId::from_bytes([0; 16])),
        derive_data_key(&VAULT_KEY, &unit()),
        derive_idem_key(&VAULT_KEY, &unit()),
    ];
    assert!(others.iter().all(|other| **other != *seed), "two secrets would be the same");
    assert_ne!(salt(&seed, "a"), salt(&seed, "b"), "two fields would share their salt");
    let (one, two) = (derive_idem_key(&[1; 32], &unit()), derive_idem_key(&[2; 32], &unit()));
    let whole = fingerprint(&VAULT_KEY, &[one.clone(), two], b"request");
    assert_ne!(
        whole,
        fingerprint(&VAULT_KEY, &[one], b"request"),
        "the fingerprint must die with each unit's key"
    );
}
