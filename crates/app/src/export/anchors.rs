//! Which anchors travel in a package: those that bound the entries of its range in time (`docs/formats.md` §11.3).
//!
//! Promises: a choice that follows from the log as of the package's size alone. Must never: leave out an anchor that would contradict another while
//! keeping that other.

use std::collections::BTreeMap;

use tabellion_ledger::anchor::Anchored;
use tabellion_model::AnchorFile;
use tabellion_model::package::MAX_ANCHOR_FILES;

use super::{ExportError, Subject};

/// The anchor files of the package, and what was left out because its files are damaged.
pub(crate) fn of(subject: &Subject<'_>) -> Result<(Vec<AnchorFile>, Vec<String>), ExportError> {
    let size = subject.checkpoint.checkpoint.size;
    let all = subject.reader.anchored(size)?;
    let chosen = choose(&all.whole, subject.span.first, subject.span.end());
    let files: Result<_, ExportError> = chosen
        .into_iter()
        .map(|one| {
            Ok(AnchorFile {
                anchor: one.kind,
                consistency: subject.reader.consistency(one.size, size)?,
                record: subject.reader.placed(one.record, size)?,
                checkpoint: one.checkpoint,
                evidence: one.evidence,
            })
        })
        .collect();
    Ok((files?, all.damaged))
}

/// Of each kind: the last one on record before the range, every one of a checkpoint inside it, and the first that covers all of it. Where these are too
/// many, some inside are left out evenly, which makes intervals wider and none wrong.
fn choose(all: &[Anchored], first: u64, end: u64) -> Vec<Anchored> {
    let (mut before, mut covered) = (BTreeMap::new(), BTreeMap::new());
    for (place, one) in all.iter().enumerate() {
        if one.record < first {
            before.insert(one.kind, place);
        }
        if one.size >= end {
            covered.entry(one.kind).or_insert(place);
        }
    }
    let needed = |place: &usize, one: &Anchored| {
        let inside = one.size > first && one.size < end;
        inside || before.get(&one.kind) == Some(place) || covered.get(&one.kind) == Some(place)
    };
    let chosen: Vec<Anchored> = all
        .iter()
        .enumerate()
        .filter(|(place, one)| needed(place, one))
        .map(|(_, one)| one.clone())
        .collect();
    let step = chosen.len().div_ceil(MAX_ANCHOR_FILES - 1).max(1);
    let last = chosen.len().saturating_sub(1);
    chosen
        .into_iter()
        .enumerate()
        .filter(|(place, _)| place % step == 0 || *place == last)
        .map(|(_, one)| one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tabellion_tlog::anchor::AnchorKind;

    fn at(size: u64) -> Anchored {
        Anchored {
            kind: AnchorKind::Rfc3161,
            checkpoint: String::new(),
            size,
            record: size + 2,
            evidence: Vec::new(),
        }
    }

    #[test]
    fn a_range_gets_the_anchors_around_it_and_no_others() {
        let all: Vec<Anchored> = (1..=9).map(|number| at(number * 10)).collect();
        let sizes = |first, end| choose(&all, first, end).iter().map(|one| one.size).collect::<Vec<_>>();
        assert_eq!(sizes(35, 55), [30, 40, 50, 60], "a bound of the range is missing, or others came along");
        assert_eq!(sizes(0, 5), [10], "the beginning of a log has no bound");
        assert_eq!(sizes(95, 99), [90], "the end of a log has no beacon before it");
        let many: Vec<Anchored> = (1..=5_000).map(at).collect();
        let chosen = choose(&many, 0, 5_000);
        assert!(chosen.len() <= MAX_ANCHOR_FILES, "{} files are more than a package may have", chosen.len());
        assert_eq!(chosen.last().map(|one| one.size), Some(5_000), "the end of the range lost its bound");
    }
}
