//! Whether what a reader names as a time-stamp authority is a certificate that could vouch for anybody.
//!
//! Promises that a mistyped one is found where it was typed: one that signed itself has to be as it was signed, and every one has to have a key that is
//! read here. Must never: look at dates or purposes, which are a matter of each time-stamp.

use rustls_pki_types::{AlgorithmIdentifier, CertificateDer, SignatureVerificationAlgorithm};
use webpki::anchor_from_trusted_cert;

use super::signature::{ALGORITHMS, is_usable};
use crate::anchor::der::{BIT_STRING, Der, DerError, INTEGER, SEQUENCE, context};

/// A certificate as far as its own signature goes.
struct Signed<'a> {
    /// The body, tag and length included.
    body: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    key_algorithm: &'a [u8],
    key: &'a [u8],
}

/// Why `certificate` (DER) cannot be named as an authority.
pub(crate) fn check_authority(certificate: &[u8]) -> Result<(), &'static str> {
    let der = CertificateDer::from(certificate);
    anchor_from_trusted_cert(&der)
        .map_err(|_| "the certificate cannot be read: it is not a whole certificate in DER")?;
    let signed = Signed::read(certificate)
        .map_err(|_| "the certificate cannot be read: it is not a whole certificate in DER")?;
    let id = |id: AlgorithmIdentifier, bytes: &[u8]| id.as_ref() == bytes;
    let of_key = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
        id(algorithm.public_key_alg_id(), signed.key_algorithm)
    };
    if !ALGORITHMS.iter().any(|algorithm| of_key(&algorithm)) || !is_usable(signed.key_algorithm, signed.key)
    {
        return Err(
            "the certificate's key is of a kind that is not read: ECDSA on P-256 or P-384, or RSA of 2048 to 8192 bits",
        );
    }
    let own = ALGORITHMS
        .iter()
        .filter(of_key)
        .find(|algorithm| id(algorithm.signature_alg_id(), signed.algorithm))
        // Signed by somebody else, or in a way that is no longer used: then its key is what counts, and nothing here can check it.
        .filter(|_| signed.issuer == signed.subject);
    match own {
        Some(algorithm) if algorithm.verify_signature(signed.key, signed.body, signed.signature).is_err() => {
            Err("the certificate is not as it was made: its own signature does not verify; copy it again")
        }
        _ => Ok(()),
    }
}

impl<'a> Signed<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, DerError> {
        let mut parts = Der::new(bytes).enter(SEQUENCE, "a certificate")?;
        let whole = parts.any("a certificate's body")?;
        let algorithm = parts.expect(SEQUENCE, "a certificate's algorithm")?;
        let signature = whole_bytes(parts.expect(BIT_STRING, "a certificate's signature")?)?;
        let mut body = Der::new(whole.content);
        body.optional(context(0), "a certificate's version")?;
        body.expect(INTEGER, "a certificate's number")?;
        body.expect(SEQUENCE, "a certificate's algorithm")?;
        let issuer = body.expect(SEQUENCE, "a certificate's issuer")?;
        body.expect(SEQUENCE, "a certificate's validity")?;
        let subject = body.expect(SEQUENCE, "a certificate's subject")?;
        let mut key = body.enter(SEQUENCE, "a certificate's key")?;
        let key_algorithm = key.expect(SEQUENCE, "a key's algorithm")?;
        let key = whole_bytes(key.expect(BIT_STRING, "a key")?)?;
        Ok(Self { body: whole.whole, algorithm, signature, issuer, subject, key_algorithm, key })
    }
}

/// A BIT STRING of whole bytes.
fn whole_bytes(content: &[u8]) -> Result<&[u8], DerError> {
    content.strip_prefix(&[0]).ok_or(DerError("whole bytes"))
}
