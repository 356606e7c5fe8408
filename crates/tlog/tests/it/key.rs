//! Ed25519: published vectors, and everything that a lax verifier would accept.

use tabellion_tlog::{PublicKey, PublicKeyError, SignatureError, SigningKey};

use crate::reference::key;

/// RFC 8032 §7.1, tests 1 and 2: seed, public key, message, signature.
const RFC_8032: [[&str; 4]; 2] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
];

/// Order of the group's prime subgroup, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn published_vectors_hold() {
    for [seed, public, message, signature] in RFC_8032 {
        let key = SigningKey::from_seed(&bytes(seed));
        let message = hex::decode(message).unwrap();
        assert_eq!(hex::encode(key.public().as_bytes()), public, "a seed gives another key than elsewhere");
        assert_eq!(hex::encode(key.sign(&message)), signature, "a signature is another than elsewhere");
        assert_eq!(*key.seed(), bytes(seed), "a key file would hold another secret");
        let read = PublicKey::from_bytes(&bytes(public)).unwrap();
        assert_eq!(read.verify(&message, &bytes(signature)), Ok(()), "a published signature was refused");
        assert_eq!(
            read.verify(b"other", &bytes(signature)),
            Err(SignatureError),
            "another message was accepted"
        );
    }
}

#[test]
fn key_ids_are_rfc_9679_thumbprints() {
    let public = PublicKey::from_bytes(&bytes(RFC_8032[0][1])).unwrap();
    // SHA-256 of the deterministic CBOR of {1: 1, -1: 6, -2: key}, computed with another CBOR library (cbor2).
    let thumbprint = "866eefbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a415743";
    assert_eq!(public.key_id().to_hex(), thumbprint, "a foreign verifier would not find the key by its id");
}

#[test]
fn keys_of_small_order_are_refused() {
    let small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];
    for key in small {
        let read = PublicKey::from_bytes(&bytes(key));
        assert_eq!(
            read,
            Err(PublicKeyError::SmallOrder),
            "one signature would fit every message under {key}"
        );
    }
}

#[test]
fn second_encodings_of_keys_are_refused() {
    // The field's prime is 2^255 − 19: y + p fits into 255 bits for y below 19.
    let mut second_encodings = 0;
    for y in 0u8..19 {
        for sign in [0u8, 0x80] {
            let mut key = [0xff; 32];
            key[0] = 0xed + y;
            key[31] = 0x7f | sign;
            let read = PublicKey::from_bytes(&key);
            assert!(read.is_err(), "a second encoding of a key was accepted: {}", hex::encode(key));
            second_encodings += u32::from(read == Err(PublicKeyError::NotCanonical));
        }
    }
    assert!(second_encodings >= 4, "the test found no point with a second encoding ({second_encodings})");
}

#[test]
fn second_forms_of_signatures_are_refused() {
    let key = key(1);
    let (message, order) = (b"message", bytes::<32>(ORDER));
    let signature = key.sign(message);
    let mut larger = signature;
    let mut carry = 0u16;
    for (byte, add) in larger[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(
        key.public().verify(message, &larger),
        Err(SignatureError),
        "S + L was accepted: a signature has two forms"
    );
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            key.public().verify(message, &changed),
            Err(SignatureError),
            "bit {bit} of a signature does not matter"
        );
    }
    let mut small_r = signature;
    small_r[..32]
        .copy_from_slice(&bytes::<32>("0100000000000000000000000000000000000000000000000000000000000000"));
    assert_eq!(
        key.public().verify(message, &small_r),
        Err(SignatureError),
        "a commitment of small order was accepted"
    );
}

#[test]
fn a_secret_key_is_not_printed() {
    let shown = format!("{:?}", key(7));
    assert!(!shown.contains(&hex::encode([7; 32])), "the seed is in the debug output: {shown}");
    assert!(
        shown.contains(&hex::encode(key(7).public().as_bytes())),
        "the debug output does not say which key it is"
    );
}
