//! The tagged array of a `COSE_Sign1` message, and the bytes that are signed.

use minicbor::data::{Tag, Type};
use minicbor::decode::Decoder;

use super::header::{parse_protected, parse_unprotected, write_unprotected};
use super::{CoseError, MAX_COSE_BYTES, MAX_PAYLOAD_BYTES, Sign1};
use crate::cbor;

/// CBOR tag of `COSE_Sign1`.
const SIGN1_TAG: u64 = 18;
/// Most bytes of a protected header: three texts of at most 512 bytes, a key id and labels.
const MAX_PROTECTED_BYTES: usize = 2048;
/// `["Signature1", …` up to the protected header: an array of four and a text of ten bytes (RFC 9052 §4.4).
const SIGNATURE1: &[u8] = b"\x84\x6aSignature1";

/// The `Sig_structure` that a signature covers (RFC 9052 §4.4), without external data.
pub fn tbs(protected_bytes: &[u8], payload: &[u8]) -> Vec<u8> {
    let rest = cbor::encode(|out| out.bytes(protected_bytes)?.bytes(&[])?.bytes(payload)?.ok());
    [SIGNATURE1, &rest].concat()
}

pub(super) fn encode(message: &Sign1) -> Vec<u8> {
    cbor::encode(|out| {
        out.tag(Tag::new(SIGN1_TAG))?.array(4)?.bytes(&message.protected_bytes)?;
        write_unprotected(out, &message.unprotected)?;
        match &message.payload {
            Some(payload) => out.bytes(payload)?,
            None => out.null()?,
        };
        out.bytes(&message.signature)?.ok()
    })
}

/// Reads the first item of `bytes`; the caller writes it again, which refuses other spellings and what follows.
pub(super) fn parse(bytes: &[u8]) -> Result<Sign1, CoseError> {
    if bytes.len() > MAX_COSE_BYTES {
        return Err(CoseError::TooLong { found: bytes.len(), most: MAX_COSE_BYTES });
    }
    let form = |text: &str| CoseError::Form(text.to_owned());
    let mut decoder = Decoder::new(bytes);
    if decoder.tag()?.as_u64() != SIGN1_TAG {
        return Err(form("not tagged as COSE_Sign1 (18)"));
    }
    if cbor::array(&mut decoder, 4)? != 4 {
        return Err(form("not an array of four"));
    }
    let protected_bytes = cbor::bytes(&mut decoder, MAX_PROTECTED_BYTES)?.to_vec();
    let protected = parse_protected(&protected_bytes)?;
    let unprotected = parse_unprotected(&mut decoder)?;
    let payload = if decoder.datatype()? == Type::Null {
        decoder.null()?;
        None
    } else {
        Some(cbor::bytes(&mut decoder, MAX_PAYLOAD_BYTES)?.to_vec())
    };
    let signature = cbor::exact_bytes(&mut decoder)?;
    Ok(Sign1 { protected, unprotected, payload, signature, protected_bytes })
}
