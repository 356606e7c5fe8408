//! ML-DSA-44 (FIPS 204), the post-quantum signature of C2SP tlog-cosignature: keys, signing and verifying, with the empty context.
//!
//! Promises that a key and a signature have one byte form and one length, and that a `MlDsaSigningKey` shows its secret only through `seed`
//! and is wiped when dropped. Signs deterministically: the same message gives the same signature, and no randomness is needed. Makes no keys:
//! seeds come from the caller. The library behind it was never audited (docs/decisions/0014-witnesses.md), so nothing here rests on it alone.

use std::fmt;
use std::sync::Arc;

use ml_dsa::signature::{Keypair as _, SignatureEncoding as _, Signer as _, Verifier as _};
use ml_dsa::{EncodedVerifyingKey, MlDsa44, Seed, Signature, SigningKey as Secret, VerifyingKey};
use zeroize::Zeroizing;

use crate::hash::{Hash, sha256};
use crate::key::{SignatureError, SignerError};

/// Bytes of a public key.
pub const ML_DSA_PUBLIC_KEY_BYTES: usize = 1312;
/// Bytes of a signature.
pub const ML_DSA_SIGNATURE_BYTES: usize = 2420;

/// What the COSE Key of an ML-DSA-44 public key begins with, its map in deterministic form: kty (1) is AKP (7), alg (3) is ML-DSA-44 (−48), pub (−1) is the
/// 1,312 bytes that follow.
const COSE_KEY_BEGIN: [u8; 10] = [0xa3, 0x01, 0x07, 0x03, 0x38, 0x2f, 0x20, 0x59, 0x05, 0x20];

/// An ML-DSA-44 public key. Compared by its bytes; cheap to clone.
#[derive(Clone)]
pub struct MlDsaPublicKey(Arc<Expanded>);

/// The key as it is written, and with its matrix expanded, which is what takes the time.
struct Expanded {
    bytes: [u8; ML_DSA_PUBLIC_KEY_BYTES],
    key: VerifyingKey<MlDsa44>,
}

impl MlDsaPublicKey {
    /// Reads the encoding of FIPS 204. Every 1,312 bytes are a key, so there is nothing to refuse.
    pub fn from_bytes(bytes: &[u8; ML_DSA_PUBLIC_KEY_BYTES]) -> Self {
        let key = VerifyingKey::decode(&EncodedVerifyingKey::<MlDsa44>::from(*bytes));
        Self(Arc::new(Expanded { bytes: *bytes, key }))
    }

    /// The encoding of FIPS 204.
    pub fn as_bytes(&self) -> &[u8; ML_DSA_PUBLIC_KEY_BYTES] {
        &self.0.bytes
    }

    /// The key's id: its SHA-256 COSE Key Thumbprint (RFC 9679).
    pub fn key_id(&self) -> Hash {
        sha256(&[COSE_KEY_BEGIN.as_slice(), self.as_bytes()].concat())
    }

    /// Verifies a signature over `message` with the empty context.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8; ML_DSA_SIGNATURE_BYTES],
    ) -> Result<(), SignatureError> {
        let signature = Signature::<MlDsa44>::try_from(signature.as_slice()).map_err(|_| SignatureError)?;
        self.0.key.verify(message, &signature).map_err(|_| SignatureError)
    }
}

impl PartialEq for MlDsaPublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for MlDsaPublicKey {}

impl fmt::Debug for MlDsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaPublicKey(SHA-256 {})", sha256(self.as_bytes()))
    }
}

/// An ML-DSA-44 secret key in memory. Neither printed nor compared; wiped when dropped.
pub struct MlDsaSigningKey {
    secret: Secret<MlDsa44>,
    public: MlDsaPublicKey,
}

impl MlDsaSigningKey {
    /// The key of a FIPS 204 seed (ξ) of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mut copy = Seed::from(*seed);
        let secret = Secret::<MlDsa44>::from_seed(&copy);
        zeroize::Zeroize::zeroize(copy.as_mut_slice());
        let public = MlDsaPublicKey::from_bytes(&secret.verifying_key().encode().into());
        Self { secret, public }
    }

    /// The public key.
    pub fn public(&self) -> &MlDsaPublicKey {
        &self.public
    }

    /// The deterministic signature over `message` with the empty context.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; ML_DSA_SIGNATURE_BYTES], SignerError> {
        let refused = |_| {
            SignerError("ML-DSA-44 found no signature; this does not happen with a usable key".to_owned())
        };
        let signature: Signature<MlDsa44> = self.secret.try_sign(message).map_err(refused)?;
        Ok(signature.to_bytes().into())
    }

    /// The seed, to be written to a key file.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_seed().into())
    }
}

impl fmt::Debug for MlDsaSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MlDsaSigningKey(of {:?})", self.public)
    }
}
