//! The little CBOR that COSE needs, in its deterministic form (RFC 8949 §4.2).
//!
//! Promises to read no list longer than asked for. Readers here accept longer spellings; their callers write what they read again
//! and compare, which refuses those.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::decode::{Decoder, Error};
use minicbor::encode::Error as EncodeError;

/// Runs `write` on an empty buffer.
#[expect(clippy::expect_used, reason = "minicbor fails only where the writer fails, and a Vec does not")]
pub(crate) fn encode(
    write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<(), EncodeError<Infallible>>,
) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).expect("writing to memory");
    encoder.into_writer()
}

/// The length of a definite array of at most `max` items.
pub(crate) fn array(decoder: &mut Decoder<'_>, max: usize) -> Result<usize, Error> {
    let length = decoder.array()?;
    bounded(length, max)
}

/// The length of a definite map of at most `max` pairs.
pub(crate) fn map(decoder: &mut Decoder<'_>, max: usize) -> Result<usize, Error> {
    let length = decoder.map()?;
    bounded(length, max)
}

/// An array of byte strings, 1 to `max` of them, each at most `max_bytes` long.
pub(crate) fn byte_strings(
    decoder: &mut Decoder<'_>,
    max: usize,
    max_bytes: usize,
) -> Result<Vec<Vec<u8>>, Error> {
    let count = array(decoder, max)?;
    if count == 0 {
        return Err(Error::message("an empty list"));
    }
    (0..count).map(|_| Ok(bytes(decoder, max_bytes)?.to_vec())).collect()
}

/// A byte string of at most `max` bytes.
pub(crate) fn bytes<'b>(decoder: &mut Decoder<'b>, max: usize) -> Result<&'b [u8], Error> {
    let bytes = decoder.bytes()?;
    if bytes.len() > max { Err(Error::message("a byte string that is too long")) } else { Ok(bytes) }
}

/// A byte string of exactly `N` bytes.
pub(crate) fn exact_bytes<const N: usize>(decoder: &mut Decoder<'_>) -> Result<[u8; N], Error> {
    decoder.bytes()?.try_into().map_err(|_| Error::message("a byte string of another length"))
}

/// A text of 1 to `max` bytes.
pub(crate) fn text(decoder: &mut Decoder<'_>, max: usize) -> Result<String, Error> {
    let text = decoder.str()?;
    if text.is_empty() || text.len() > max {
        return Err(Error::message("a text that is empty or too long"));
    }
    Ok(text.to_owned())
}

fn bounded(length: Option<u64>, max: usize) -> Result<usize, Error> {
    let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= max);
    length.ok_or_else(|| Error::message("a list without length or with too many items"))
}
