//! The parts of an answer: `TimeStampResp` (RFC 3161 §2.4.2), the signed data around the token (RFC 5652), and `TSTInfo`.
//!
//! Reads and compares nothing; every part is borrowed from the answer.

use super::TimeStampError;
use crate::anchor::dates::generalized_time;
use crate::anchor::der::{
    BIT_STRING, BOOLEAN, Der, DerError, Element, GENERALIZED_TIME, INTEGER, OCTET_STRING, OID, SEQUENCE, SET,
    UTF8_STRING, context, context_primitive, magnitude, unsigned,
};

/// id-signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// id-ct-TSTInfo.
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// id-contentType.
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// id-messageDigest.
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// id-aa-signingCertificate (RFC 2634), whose hash is SHA-1.
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0c];
/// id-aa-signingCertificateV2 (RFC 5035).
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
/// Most certificates in a token: chains have three. It bounds the search for a path, which tries every order of them: at most 8,659 steps.
const MAX_CERTIFICATES: usize = 8;
/// Most signed attributes: tokens have four to six.
const MAX_ATTRIBUTES: usize = 32;
/// How much of an authority's own words is repeated.
const MAX_STATUS_CHARS: usize = 200;

/// An answer that grants a token.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// The bytes of `TSTInfo`.
    pub(super) content: &'a [u8],
    pub(super) info: Info<'a>,
    /// The certificates it brings, whole.
    pub(super) certificates: Vec<&'a [u8]>,
    pub(super) signer: SignerInfo<'a>,
}

/// What the token says.
#[derive(Debug)]
pub(super) struct Info<'a> {
    pub(super) policy: &'a [u8],
    pub(super) imprint_algorithm: &'a [u8],
    pub(super) imprint: &'a [u8],
    /// Digits of its number.
    pub(super) serial: &'a [u8],
    /// Microseconds since 1970.
    pub(super) time_us: u64,
    pub(super) accuracy_us: u64,
    /// Digits of the nonce.
    pub(super) nonce: Option<&'a [u8]>,
}

/// Who signed, and how.
#[derive(Debug)]
pub(super) struct SignerInfo<'a> {
    pub(super) id: SignerId<'a>,
    pub(super) digest_algorithm: &'a [u8],
    /// The content of the signed attributes; what is signed is a SET of it.
    pub(super) attributes: &'a [u8],
    pub(super) message_digest: &'a [u8],
    pub(super) bound: BoundCertificate<'a>,
    pub(super) signature_algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

/// How the signer's certificate is named.
#[derive(Debug)]
pub(super) enum SignerId<'a> {
    IssuerAndSerial { issuer: &'a [u8], serial: &'a [u8] },
    KeyId(&'a [u8]),
}

/// The digest by which the signed attributes bind the signer's certificate.
#[derive(Debug)]
pub(super) enum BoundCertificate<'a> {
    Sha1(&'a [u8]),
    /// Algorithm and digest.
    Other(&'a [u8], &'a [u8]),
}

/// Reads an answer.
pub(super) fn read(response: &[u8]) -> Result<Token<'_>, TimeStampError> {
    let mut outer = Der::new(response);
    let mut answer = outer.enter(SEQUENCE, "a TimeStampResp")?;
    outer.finish("the end of the answer")?;
    read_status(answer.enter(SEQUENCE, "a PKIStatusInfo")?)?;
    let mut content = answer.enter(SEQUENCE, "a time-stamp token")?;
    answer.finish("the end of the TimeStampResp")?;
    if content.expect(OID, "the token's content type")? != SIGNED_DATA {
        return Err(DerError("id-signedData").into());
    }
    let mut explicit = content.enter(context(0), "signed data")?;
    content.finish("the end of the token")?;
    let data = explicit.enter(SEQUENCE, "SignedData")?;
    explicit.finish("the end of the signed data")?;
    read_signed_data(data)
}

fn read_status(mut status: Der<'_>) -> Result<(), TimeStampError> {
    let number = unsigned(status.expect(INTEGER, "a PKIStatus")?).ok_or(DerError("a PKIStatus"))?;
    let mut text = String::new();
    if let Some(strings) = status.optional(SEQUENCE, "a status text")? {
        let mut strings = Der::new(strings.content);
        while !strings.is_empty() {
            let line = strings.expect(UTF8_STRING, "a status text")?;
            text.push_str(": ");
            text.push_str(&String::from_utf8_lossy(line));
        }
    }
    if let Some(failure) = status.optional(BIT_STRING, "a PKIFailureInfo")? {
        text.push_str(" (failure ");
        text.push_str(&hex::encode(failure.content));
        text.push(')');
    }
    status.finish("the end of the status")?;
    // 0 granted, 1 granted with modifications (RFC 3161 §2.4.2).
    if number <= 1 {
        return Ok(());
    }
    let text = text.chars().filter(|c| !c.is_control()).take(MAX_STATUS_CHARS).collect();
    Err(TimeStampError::Refused { status: number, text })
}

fn read_signed_data(mut data: Der<'_>) -> Result<Token<'_>, TimeStampError> {
    data.expect(INTEGER, "the version of the signed data")?;
    data.expect(SET, "digest algorithms")?;
    let mut encapsulated = data.enter(SEQUENCE, "the encapsulated content")?;
    if encapsulated.expect(OID, "the type of the content")? != TST_INFO {
        return Err(DerError("id-ct-TSTInfo").into());
    }
    let mut explicit = encapsulated.enter(context(0), "the content")?;
    let content = explicit.expect(OCTET_STRING, "the content")?;
    explicit.finish("the end of the content")?;
    encapsulated.finish("the end of the encapsulated content")?;
    let mut certificates = Vec::new();
    if let Some(set) = data.optional(context(0), "certificates")? {
        let mut set = Der::new(set.content);
        while !set.is_empty() {
            let certificate = set.any("a certificate")?;
            // Other choices (attribute certificates, foreign ones) are passed over: none of them can be the signer's.
            if certificate.tag == SEQUENCE {
                certificates.push(certificate.whole);
            }
            if certificates.len() > MAX_CERTIFICATES {
                return Err(TimeStampError::Unsupported("more than 8 certificates".to_owned()));
            }
        }
    }
    data.optional(context(1), "revocation lists")?;
    let mut signers = data.enter(SET, "signers")?;
    data.finish("the end of the signed data")?;
    let signer = read_signer(signers.enter(SEQUENCE, "a signer")?)?;
    // RFC 3161 §2.4.2: the token has no other signature than the authority's.
    signers.finish("the one signer")?;
    let info = read_info(content)?;
    Ok(Token { content, info, certificates, signer })
}

fn read_signer(mut signer: Der<'_>) -> Result<SignerInfo<'_>, TimeStampError> {
    signer.expect(INTEGER, "the signer's version")?;
    let id = signer.any("the signer's id")?;
    let id = match id.tag {
        SEQUENCE => {
            let mut parts = Der::new(id.content);
            let issuer = parts.any("the issuer of the signer's certificate")?.whole;
            let serial = parts.expect(INTEGER, "the number of the signer's certificate")?;
            SignerId::IssuerAndSerial { issuer, serial }
        }
        tag if tag == context_primitive(0) => SignerId::KeyId(id.content),
        _ => return Err(DerError("the signer's id").into()),
    };
    let digest_algorithm = algorithm(&mut signer, "the digest algorithm")?;
    let attributes = signer.expect(context(0), "signed attributes")?;
    let signature_algorithm = algorithm(&mut signer, "the signature algorithm")?;
    let signature = signer.expect(OCTET_STRING, "the signature")?;
    let (message_digest, bound) = read_attributes(attributes)?;
    Ok(SignerInfo { id, digest_algorithm, attributes, message_digest, bound, signature_algorithm, signature })
}

/// The object identifier of the next `AlgorithmIdentifier`; its parameters say nothing for the algorithms that are known here.
fn algorithm<'a>(der: &mut Der<'a>, what: &'static str) -> Result<&'a [u8], DerError> {
    der.enter(SEQUENCE, what)?.expect(OID, what)
}

fn read_attributes(attributes: &[u8]) -> Result<(&[u8], BoundCertificate<'_>), TimeStampError> {
    let (mut digest, mut typed, mut v1, mut v2) = (None, false, None, None);
    let mut list = Der::new(attributes);
    let mut count = 0;
    while !list.is_empty() {
        count += 1;
        if count > MAX_ATTRIBUTES {
            return Err(TimeStampError::Unsupported("more than 32 signed attributes".to_owned()));
        }
        let mut attribute = list.enter(SEQUENCE, "a signed attribute")?;
        let name = attribute.expect(OID, "the name of a signed attribute")?;
        let mut values = attribute.enter(SET, "the values of a signed attribute")?;
        let twice = match name {
            CONTENT_TYPE => {
                if values.expect(OID, "the signed content type")? != TST_INFO {
                    return Err(TimeStampError::Binding("the signed content type is no time-stamp"));
                }
                std::mem::replace(&mut typed, true)
            }
            MESSAGE_DIGEST => digest.replace(values.expect(OCTET_STRING, "the signed digest")?).is_some(),
            SIGNING_CERTIFICATE => v1.replace(values.enter(SEQUENCE, "the bound certificate")?).is_some(),
            SIGNING_CERTIFICATE_V2 => v2.replace(values.enter(SEQUENCE, "the bound certificate")?).is_some(),
            _ => continue,
        };
        if twice || !values.is_empty() {
            return Err(TimeStampError::Binding("a signed attribute is there twice"));
        }
    }
    if !typed {
        return Err(TimeStampError::Binding("the content type is not signed"));
    }
    let digest = digest.ok_or(TimeStampError::Binding("the digest of the content is not signed"))?;
    let bound = match (v2, v1) {
        (Some(mut v2), _) => bound_v2(&mut v2)?,
        (None, Some(mut v1)) => {
            let mut list = v1.enter(SEQUENCE, "bound certificates")?;
            let mut first = list.enter(SEQUENCE, "a bound certificate")?;
            BoundCertificate::Sha1(first.expect(OCTET_STRING, "the digest of the bound certificate")?)
        }
        (None, None) => return Err(TimeStampError::Binding("the signer's certificate is not signed")),
    };
    Ok((digest, bound))
}

fn bound_v2<'a>(attribute: &mut Der<'a>) -> Result<BoundCertificate<'a>, DerError> {
    let mut list = attribute.enter(SEQUENCE, "bound certificates")?;
    let mut first = list.enter(SEQUENCE, "a bound certificate")?;
    let algorithm = match first.optional(SEQUENCE, "the bound certificate's digest algorithm")? {
        None => super::SHA256,
        Some(Element { content, .. }) => Der::new(content).expect(OID, "a digest algorithm")?,
    };
    Ok(BoundCertificate::Other(algorithm, first.expect(OCTET_STRING, "the digest of the bound certificate")?))
}

fn read_info(content: &[u8]) -> Result<Info<'_>, TimeStampError> {
    let mut outer = Der::new(content);
    let mut info = outer.enter(SEQUENCE, "TSTInfo")?;
    outer.finish("the end of TSTInfo")?;
    if unsigned(info.expect(INTEGER, "the version of TSTInfo")?) != Some(1) {
        return Err(TimeStampError::Unsupported("another version of TSTInfo".to_owned()));
    }
    let policy = info.expect(OID, "the policy")?;
    let mut imprint = info.enter(SEQUENCE, "the imprint")?;
    let imprint_algorithm = algorithm(&mut imprint, "the imprint's algorithm")?;
    let digest = imprint.expect(OCTET_STRING, "the imprint")?;
    imprint.finish("the end of the imprint")?;
    let serial = info.expect(INTEGER, "the number of the time-stamp")?;
    let time = info.expect(GENERALIZED_TIME, "the time")?;
    let time_us = generalized_time(time).ok_or(DerError("the time"))?;
    let accuracy_us = match info.optional(SEQUENCE, "the accuracy")? {
        None => 0,
        Some(accuracy) => read_accuracy(accuracy.content)?,
    };
    info.optional(BOOLEAN, "the ordering")?;
    let nonce = match info.optional(INTEGER, "the nonce")? {
        None => None,
        Some(nonce) => Some(magnitude(nonce.content).ok_or(DerError("the nonce"))?),
    };
    info.optional(context(0), "the authority's name")?;
    if info.optional(context(1), "extensions")?.is_some() {
        return Err(TimeStampError::Unsupported("extensions in TSTInfo".to_owned()));
    }
    info.finish("the end of TSTInfo")?;
    let serial = magnitude(serial).ok_or(DerError("the number of the time-stamp"))?;
    Ok(Info { policy, imprint_algorithm, imprint: digest, serial, time_us, accuracy_us, nonce })
}

fn read_accuracy(content: &[u8]) -> Result<u64, TimeStampError> {
    const WHAT: &str = "the accuracy";
    let mut parts = Der::new(content);
    let mut total = 0u64;
    for (tag, unit_us) in [(INTEGER, 1_000_000), (context_primitive(0), 1_000), (context_primitive(1), 1)] {
        if let Some(part) = parts.optional(tag, WHAT)? {
            let value = unsigned(part.content).and_then(|value| value.checked_mul(unit_us));
            total = value.and_then(|value| total.checked_add(value)).ok_or(DerError(WHAT))?;
        }
    }
    parts.finish(WHAT)?;
    Ok(total)
}
