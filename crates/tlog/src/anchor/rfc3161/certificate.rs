//! As much of a certificate (RFC 5280) as a signer's has to be looked at beside its chain: issuer, number, key id, what its key may be used for.

use crate::anchor::der::{BIT_STRING, BOOLEAN, Der, DerError, INTEGER, OCTET_STRING, OID, SEQUENCE, context};

/// id-ce-extKeyUsage.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// id-ce-subjectKeyIdentifier.
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
/// id-ce-keyUsage, and in its first byte the bit keyCertSign.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const KEY_CERT_SIGN: u8 = 0x04;
/// id-kp-timeStamping.
pub(super) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// The parts.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// The whole name, tag and length included.
    pub(super) issuer: &'a [u8],
    /// The content of the number.
    pub(super) serial: &'a [u8],
    pub(super) key_id: Option<&'a [u8]>,
    /// Whether its key may sign time-stamps and nothing else, and says so critically (RFC 3161 §2.3).
    pub(super) only_time_stamping: bool,
}

/// One extension: its name, whether it is critical, its value.
type Extension<'a> = (&'a [u8], bool, &'a [u8]);

/// Issuer, number and extensions of a certificate.
type Parts<'a> = (&'a [u8], &'a [u8], Vec<Extension<'a>>);

fn parts(bytes: &[u8]) -> Result<Parts<'_>, DerError> {
    let mut certificate = Der::new(bytes).enter(SEQUENCE, "a certificate")?;
    let mut body = certificate.enter(SEQUENCE, "a certificate's body")?;
    body.optional(context(0), "a certificate's version")?;
    let serial = body.expect(INTEGER, "a certificate's number")?;
    body.expect(SEQUENCE, "a certificate's algorithm")?;
    let issuer = body.any("a certificate's issuer")?.whole;
    body.expect(SEQUENCE, "a certificate's validity")?;
    body.expect(SEQUENCE, "a certificate's subject")?;
    body.expect(SEQUENCE, "a certificate's key")?;
    body.optional(0x81, "a certificate's unique id")?;
    body.optional(0x82, "a certificate's unique id")?;
    let mut extensions = Vec::new();
    if let Some(given) = body.optional(context(3), "a certificate's extensions")? {
        let mut list = Der::new(given.content).enter(SEQUENCE, "a certificate's extensions")?;
        while !list.is_empty() {
            let mut extension = list.enter(SEQUENCE, "an extension")?;
            let name = extension.expect(OID, "an extension's name")?;
            let critical = extension.optional(BOOLEAN, "an extension's weight")?;
            let critical = critical.is_some_and(|flag| flag.content == [0xff]);
            extensions.push((name, critical, extension.expect(OCTET_STRING, "an extension's value")?));
        }
    }
    Ok((issuer, serial, extensions))
}

/// Whether the key of an authority's certificate may sign certificates: where the certificate says what the key is for, it has to say so
/// (RFC 5280 §6.1.4 (n)).
pub(super) fn may_certify(bytes: &[u8]) -> Result<bool, DerError> {
    let (_, _, extensions) = parts(bytes)?;
    let Some((_, _, value)) = extensions.iter().find(|(name, ..)| *name == KEY_USAGE) else {
        return Ok(true);
    };
    let uses = Der::new(value).expect(BIT_STRING, "what a key is for")?;
    // The first byte counts the bits that are not used.
    Ok(uses.get(1).is_some_and(|first| first & KEY_CERT_SIGN != 0))
}

impl<'a> Certificate<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DerError> {
        let (issuer, serial, extensions) = parts(bytes)?;
        let mut read = Self { issuer, serial, key_id: None, only_time_stamping: false };
        extensions.into_iter().try_for_each(|extension| read.take_extension(extension))?;
        Ok(read)
    }

    fn take_extension(&mut self, (name, critical, value): Extension<'a>) -> Result<(), DerError> {
        if name == SUBJECT_KEY_ID {
            self.key_id = Some(Der::new(value).expect(OCTET_STRING, "a key id")?);
        }
        if name == EXTENDED_KEY_USAGE {
            let mut uses = Der::new(value).enter(SEQUENCE, "a key's uses")?;
            let first = uses.expect(OID, "a key's use")?;
            self.only_time_stamping = critical && first == TIME_STAMPING && uses.is_empty();
        }
        Ok(())
    }
}
