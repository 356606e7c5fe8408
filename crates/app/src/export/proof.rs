//! What places the range in the checkpoint's tree, and the entries outside it that a verifier needs (`docs/formats.md` §11.2).
//!
//! Promises: brings along nothing that a verifier has no use for.

use std::collections::BTreeSet;

use tabellion_model::PlacedEntry;
use tabellion_model::package::RangeProof;

use super::{ExportError, Subject, Survey};

/// The sides of the range and the extra entries: key records, tombstones that the package points at, alarms that were never lifted, and the seals at its
/// edges.
pub(super) fn range_proof(subject: &Subject<'_>, survey: &Survey) -> Result<RangeProof, ExportError> {
    let (reader, span) = (subject.reader, &subject.span);
    let mut outside: BTreeSet<u64> = reader.key_records(span.size).into_iter().collect();
    outside.extend(survey.erased.iter().map(|line| line.tombstone));
    outside.extend(reader.alarm_records(span.first, span.end(), span.size));
    outside.extend(span.first.checked_sub(1));
    outside.extend(span.seal_after);
    outside.extend(span.size.checked_sub(1));
    outside.retain(|index| !(span.first..span.end()).contains(index));
    let extra = outside
        .into_iter()
        .map(|index| reader.placed(index, span.size))
        .collect::<Result<Vec<PlacedEntry>, _>>()?;
    Ok(RangeProof {
        extra,
        left: reader.subtrees(0, span.first)?,
        right: reader.subtrees(span.end(), span.size)?,
    })
}
