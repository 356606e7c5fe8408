//! Sealing: from fields to digests for the header and disclosures for the vault.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use tabellion_tlog::sha256;
use zeroize::Zeroizing;

use super::disclosure::check_field;
use super::{Disclosure, MAX_UNIT_BYTES, MAX_UNIT_FIELDS, UnitDigests, UnitError, check_names};
use crate::id::UnitId;
use crate::jcs::{self, Json};
use crate::secret::Salts;

/// Bytes that most fields of our own records stay below, brackets, salt and name included.
const USUAL_FIELD_BYTES: usize = 128;

/// Seals the fields of one unit under salts derived from `seed` (`docs/formats.md` §3).
///
/// The disclosures come in the order of the digests: disclosure k belongs to digest k. Names must be unique in the whole record;
/// within the unit that is checked here, across units with [`check_names`].
pub fn seal_unit(
    id: UnitId,
    seed: &[u8; 32],
    fields: &[(String, Json)],
) -> Result<(UnitDigests, Vec<Disclosure>), UnitError> {
    check_count(fields.len())?;
    let salts = Salts::new(seed);
    let mut sealed = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let disclosure = Disclosure::new(salts.of(name), name, value.clone())?;
        sealed.push((disclosure.digest(), disclosure));
    }
    check_names(sealed.iter().map(|(_, disclosure)| disclosure))?;
    sealed.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    let (digests, disclosures): (Vec<_>, Vec<_>) = sealed.into_iter().unzip();
    check_size(disclosures.iter().map(|disclosure| disclosure.as_str().len()))?;
    Ok((UnitDigests { id, digests }, disclosures))
}

/// [`seal_unit`] for whoever needs the disclosures only encrypted: appends the unit's plaintext, byte for byte what [`super::unit_plaintext`] makes of
/// them, to `out`, and makes no disclosure. On an error `out` may have grown.
pub fn seal_fields(
    id: UnitId,
    seed: &[u8; 32],
    fields: &Map<String, Json>,
    out: &mut Vec<u8>,
) -> Result<UnitDigests, UnitError> {
    check_count(fields.len())?;
    let salts = Salts::new(seed);
    // Both hold content, and what they grew out of is not wiped; so they seldom grow.
    let mut parts = Zeroizing::new(Vec::with_capacity(fields.len() * USUAL_FIELD_BYTES));
    let mut text = Zeroizing::new(Vec::with_capacity(2 * USUAL_FIELD_BYTES));
    let mut sealed: Vec<(String, Range<usize>)> = Vec::with_capacity(fields.len());
    let mut sizes = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let begin = parts.len();
        write_disclosure(&salts.of(name), name, value, &mut parts)?;
        let encoded = encode(parts.get(begin..).unwrap_or_default(), &mut text)?;
        sizes.push(encoded.len());
        sealed.push((URL_SAFE_NO_PAD.encode(sha256(encoded).as_bytes()), begin..parts.len()));
    }
    check_size(sizes.into_iter())?;
    sealed.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    out.reserve(parts.len() + sealed.len() + 1);
    for (position, (_, range)) in sealed.iter().enumerate() {
        out.push(if position == 0 { b'[' } else { b',' });
        out.extend_from_slice(parts.get(range.clone()).unwrap_or_default());
    }
    out.push(b']');
    Ok(UnitDigests { id, digests: sealed.into_iter().map(|(digest, _)| digest).collect() })
}

/// Appends the JCS of `[salt, name, value]`.
fn write_disclosure(salt: &[u8; 16], name: &str, value: &Json, out: &mut Vec<u8>) -> Result<(), UnitError> {
    check_field(name, value)?;
    let begin = out.len();
    out.extend_from_slice(b"[\"");
    let mut salt_text = [0; 22];
    // INVARIANT: 16 bytes are 22 characters.
    let written = URL_SAFE_NO_PAD.encode_slice(salt, &mut salt_text).map_err(|_| UnitError::Salt)?;
    out.extend_from_slice(salt_text.get(..written).unwrap_or_default());
    // INVARIANT: a field name that passed the check needs no escape.
    for part in ["\",\"", name, "\","] {
        out.extend_from_slice(part.as_bytes());
    }
    jcs::write_into(value, out).map_err(|source| UnitError::Value { name: name.to_owned(), source })?;
    out.push(b']');
    let size = out.len() - begin;
    if size > MAX_UNIT_BYTES { Err(UnitError::TooLarge(size)) } else { Ok(()) }
}

/// base64url of `bytes`, in the memory of `text`.
fn encode<'t>(bytes: &[u8], text: &'t mut Vec<u8>) -> Result<&'t [u8], UnitError> {
    let wanted = bytes.len() / 3 * 4 + 4;
    if text.len() < wanted {
        text.resize(wanted, 0);
    }
    let written =
        URL_SAFE_NO_PAD.encode_slice(bytes, text.as_mut_slice()).map_err(|_| UnitError::Encoding)?;
    text.get(..written).ok_or(UnitError::Encoding)
}

fn check_count(fields: usize) -> Result<(), UnitError> {
    if (1..=MAX_UNIT_FIELDS).contains(&fields) { Ok(()) } else { Err(UnitError::FieldCount(fields)) }
}

/// The plaintext of the unit is the decoded disclosures, one separator or bracket each, and one bracket more.
fn check_size(encoded: impl Iterator<Item = usize>) -> Result<(), UnitError> {
    let size = encoded.map(|length| length / 4 * 3 + 3).sum::<usize>() + 1;
    if size > MAX_UNIT_BYTES { Err(UnitError::TooLarge(size)) } else { Ok(()) }
}
