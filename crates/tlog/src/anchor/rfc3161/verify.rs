//! What a time-stamp shows, checked from the inside out: the imprint, the binding, the signature, the chain.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use sha1::{Digest as _, Sha1};
use webpki::{EndEntityCert, Error, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

use super::certificate::{Certificate, TIME_STAMPING, may_certify};
use super::signature::{ALGORITHMS, Digest, digest_of, over};
use super::token::{self, BoundCertificate, SignerId, Token};
use super::{Expected, MAX_RESPONSE_BYTES, SHA256, TimeStampError};
use crate::anchor::der::{self, SET, dotted, element};
use crate::hash::{Hash, sha256};

/// A time-stamp that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamp {
    /// The authority's clock, microseconds since 1970.
    pub time_us: u64,
    /// How far it may be off either way, as the authority says; 0 when it says nothing.
    pub accuracy_us: u64,
    /// The policy it was made under, in dotted decimals.
    pub policy: String,
    /// The time-stamp's number, in hex.
    pub serial: String,
    /// SHA-256 of the signer's certificate.
    pub signer: Hash,
}

/// Checks an authority's answer. `roots`: certificates (DER) of the authorities that the reader trusts.
pub fn verify(
    response: &[u8],
    expected: &Expected<'_>,
    roots: &[Vec<u8>],
) -> Result<TimeStamp, TimeStampError> {
    if response.len() > MAX_RESPONSE_BYTES {
        return Err(TimeStampError::TooLong(response.len()));
    }
    let token = token::read(response)?;
    let policy = check_info(&token, expected)?;
    let digest = digest_named(token.signer.digest_algorithm)?;
    if digest.hash(token.content) != token.signer.message_digest {
        return Err(TimeStampError::Binding("the signed digest is not that of the content"));
    }
    let signer = signer_of(&token)?;
    check_chain(&token, signer, roots)?;
    check_signature(&token, signer, digest)?;
    Ok(TimeStamp {
        time_us: token.info.time_us,
        accuracy_us: token.info.accuracy_us,
        policy,
        serial: hex::encode(token.info.serial),
        signer: sha256(signer),
    })
}

fn check_info(token: &Token<'_>, expected: &Expected<'_>) -> Result<String, TimeStampError> {
    let info = &token.info;
    if info.imprint_algorithm != SHA256 || info.imprint != expected.imprint.as_bytes() {
        return Err(TimeStampError::Imprint { due: *expected.imprint, given: hex::encode(info.imprint) });
    }
    if let Some(nonce) = expected.nonce {
        let zeros = nonce.iter().take_while(|digit| **digit == 0).count();
        if info.nonce != nonce.get(zeros..) {
            return Err(TimeStampError::Nonce);
        }
    }
    let given = dotted(info.policy).ok_or(der::DerError("the policy"))?;
    match expected.policy {
        Some(due) if due != given => Err(TimeStampError::Policy { due: due.to_owned(), given }),
        _ => Ok(given),
    }
}

fn digest_named(oid: &[u8]) -> Result<Digest, TimeStampError> {
    Digest::of(oid).ok_or_else(|| {
        let name = dotted(oid).unwrap_or_default();
        TimeStampError::Unsupported(format!("the digest algorithm {name}"))
    })
}

/// The signer's certificate: the one that is named, bound into the signed attributes, and for time-stamps alone.
fn signer_of<'a>(token: &Token<'a>) -> Result<&'a [u8], TimeStampError> {
    let mut found = None;
    for bytes in &token.certificates {
        let certificate = Certificate::read(bytes)?;
        let named = match &token.signer.id {
            SignerId::IssuerAndSerial { issuer, serial } => {
                certificate.issuer == *issuer && certificate.serial == *serial
            }
            SignerId::KeyId(id) => certificate.key_id == Some(id),
        };
        if named {
            found = Some((*bytes, certificate));
            break;
        }
    }
    let (bytes, certificate) =
        found.ok_or(TimeStampError::Signer("has no certificate in it; ask for one with certReq"))?;
    let bound = match token.signer.bound {
        BoundCertificate::Sha1(digest) => Sha1::digest(bytes).as_slice() == digest,
        BoundCertificate::Other(algorithm, digest) => digest_named(algorithm)?.hash(bytes) == digest,
    };
    if !bound {
        return Err(TimeStampError::Binding("another certificate than the signer's is signed"));
    }
    if !certificate.only_time_stamping {
        return Err(TimeStampError::Signer(
            "has no certificate for time-stamping alone (critical extended key usage, RFC 3161 §2.3)",
        ));
    }
    Ok(bytes)
}

fn check_chain(token: &Token<'_>, signer: &[u8], roots: &[Vec<u8>]) -> Result<(), TimeStampError> {
    let roots: Vec<CertificateDer<'_>> = roots.iter().map(|root| root.as_slice().into()).collect();
    let anchors = trust_anchors(&roots)?;
    let others: Vec<CertificateDer<'_>> =
        token.certificates.iter().filter(|other| **other != signer).map(|other| (*other).into()).collect();
    let signer: CertificateDer<'_> = signer.into();
    let end = EndEntityCert::try_from(&signer).map_err(|error| chain_error(&error))?;
    let time = UnixTime::since_unix_epoch(Duration::from_micros(token.info.time_us));
    // The signer's own use was looked at more strictly; authorities above it need not name theirs.
    let usage = KeyUsage::required_if_present(TIME_STAMPING);
    end.verify_for_usage(&ALGORITHMS, &anchors, &others, time, usage, None, Some(&check_uses))
        .map(drop)
        .map_err(|error| chain_error(&error))
}

/// Whether every authority between the signer and the root may sign certificates, which the path's other checks do not ask.
fn check_uses(path: &VerifiedPath<'_>) -> Result<(), Error> {
    let may = |bytes: &[u8]| may_certify(bytes).unwrap_or(false);
    if path.intermediate_certificates().all(|one| may(&one.der())) {
        Ok(())
    } else {
        Err(Error::EndEntityUsedAsCa)
    }
}

/// Whether `roots` (DER) are certificates that authorities can be trusted by.
pub fn check_roots(roots: &[Vec<u8>]) -> Result<(), TimeStampError> {
    let roots: Vec<CertificateDer<'_>> = roots.iter().map(|root| root.as_slice().into()).collect();
    trust_anchors(&roots).map(drop)
}

fn trust_anchors<'a>(roots: &'a [CertificateDer<'a>]) -> Result<Vec<TrustAnchor<'a>>, TimeStampError> {
    if roots.is_empty() {
        return Err(TimeStampError::Roots("no time-stamp authority is named as trusted"));
    }
    roots.iter().map(anchor_from_trusted_cert).collect::<Result<_, _>>().map_err(|_| {
        TimeStampError::Roots("what is named as a trusted time-stamp authority is no certificate")
    })
}

fn chain_error(error: &Error) -> TimeStampError {
    let text = match error {
        Error::CertExpired { .. } => "a certificate had expired at the time stated".to_owned(),
        Error::CertNotValidYet { .. } => "a certificate was not yet valid at the time stated".to_owned(),
        Error::UnknownIssuer => return TimeStampError::UnknownAuthority,
        other => other.to_string(),
    };
    TimeStampError::Chain(text)
}

fn check_signature(token: &Token<'_>, signer: &[u8], digest: Digest) -> Result<(), TimeStampError> {
    let algorithm = digest_of(token.signer.signature_algorithm, digest).ok_or_else(|| {
        let name = dotted(token.signer.signature_algorithm).unwrap_or_default();
        TimeStampError::Unsupported(format!("the signature algorithm {name}"))
    })?;
    let signer: CertificateDer<'_> = signer.into();
    let end = EndEntityCert::try_from(&signer).map_err(|error| chain_error(&error))?;
    // RFC 5652 §5.4: what is signed is the SET OF, not the implicit tag that stands in the message.
    let message = element(SET, token.signer.attributes);
    let verified = over(algorithm)
        .iter()
        .any(|algorithm| end.verify_signature(algorithm, &message, token.signer.signature).is_ok());
    if verified { Ok(()) } else { Err(TimeStampError::Signature) }
}
