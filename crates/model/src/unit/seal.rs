//! Sealing: from fields to digests for the header and disclosures for the vault.

use super::{Disclosure, MAX_UNIT_BYTES, MAX_UNIT_FIELDS, UnitDigests, UnitError, check_names};
use crate::id::UnitId;
use crate::jcs::Json;
use crate::secret::Salts;

/// Seals the fields of one unit under salts derived from `seed` (`docs/formats.md` §3).
///
/// The disclosures come in the order of the digests: disclosure k belongs to digest k. Names must be unique in the whole record;
/// within the unit that is checked here, across units with [`check_names`].
pub fn seal_unit(
    id: UnitId,
    seed: &[u8; 32],
    fields: &[(String, Json)],
) -> Result<(UnitDigests, Vec<Disclosure>), UnitError> {
    if fields.is_empty() || fields.len() > MAX_UNIT_FIELDS {
        return Err(UnitError::FieldCount(fields.len()));
    }
    let salts = Salts::new(seed);
    let mut sealed = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let disclosure = Disclosure::new(salts.of(name), name, value.clone())?;
        sealed.push((disclosure.digest(), disclosure));
    }
    check_names(sealed.iter().map(|(_, disclosure)| disclosure))?;
    sealed.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    let (digests, disclosures): (Vec<_>, Vec<_>) = sealed.into_iter().unzip();
    check_size(&disclosures)?;
    Ok((UnitDigests { id, digests }, disclosures))
}

/// The plaintext of the unit is the decoded disclosures, one separator or bracket each, and one bracket more.
fn check_size(disclosures: &[Disclosure]) -> Result<(), UnitError> {
    let size = disclosures.iter().map(|disclosure| disclosure.as_str().len() / 4 * 3 + 3).sum::<usize>() + 1;
    if size > MAX_UNIT_BYTES { Err(UnitError::TooLarge(size)) } else { Ok(()) }
}
