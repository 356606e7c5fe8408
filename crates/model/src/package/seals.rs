//! The seals of the range: one per batch, in order, over the leaves they claim (formats §5).

use tabellion_tlog::{Hash, root_of};

use super::outside::Outside;
use super::tree::HashedBundle;
use crate::manifest::Manifest;
use crate::seal::{BatchSeal, BatchSealEntry};
use crate::time::Micros;
use crate::verdict::Problems;

/// The leaf hashes of a range by index, as they lie in the bundles.
pub(crate) struct Leaves<'a> {
    bundles: &'a [HashedBundle<'a>],
}

impl<'a> Leaves<'a> {
    pub(crate) fn of(bundles: &'a [HashedBundle<'a>]) -> Self {
        Self { bundles }
    }

    /// The leaves of `[first, end)`; fewer when the range does not hold them all.
    fn between(&self, first: u64, end: u64) -> impl Iterator<Item = Hash> {
        self.bundles.iter().flat_map(move |bundle| {
            let bundle_end = bundle.first.saturating_add(bundle.leaves.len() as u64);
            let from = first.clamp(bundle.first, bundle_end) - bundle.first;
            let to = end.clamp(bundle.first, bundle_end) - bundle.first;
            // Both are at most the number of leaves, so they fit.
            let (from, to) = (usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0));
            bundle.leaves.get(from..to).unwrap_or_default().iter().copied()
        })
    }
}

/// Checks the seals of the range against its leaves, each other and the seals at the edges.
pub(crate) fn check_seals(
    manifest: &Manifest,
    seals: &[(u64, BatchSealEntry)],
    outside: &Outside,
    leaves: &Leaves<'_>,
) -> Problems {
    let mut problems = Problems::default();
    let mut due = manifest.first;
    let mut last_time = outside.before(manifest).map_or(Micros(0), |seal| seal.seal.committed_at);
    for (index, entry) in seals {
        let seal = &entry.seal;
        check_common(&mut problems, manifest, *index, seal);
        if seal.first != due {
            problems.broken(|| {
                format!(
                    "seal at entry {index}: covers from entry {}, and the batch begins at {due}",
                    seal.first
                )
            });
        } else if root_of(leaves.between(seal.first, *index)) != seal.root {
            problems.broken(|| {
                format!(
                    "seal at entry {index}: the entries {} to {} are not the ones it sealed; one of them was changed",
                    seal.first,
                    index.saturating_sub(1)
                )
            });
        }
        if seal.committed_at < last_time {
            problems.broken(|| {
                format!(
                    "seal at entry {index}: commit time {} is before the seal before it",
                    seal.committed_at
                )
            });
        }
        last_time = last_time.max(seal.committed_at);
        due = index.saturating_add(1);
    }
    for (index, entry) in &outside.seals {
        check_common(&mut problems, manifest, *index, &entry.seal);
        if *index >= manifest.end() && entry.seal.committed_at < last_time {
            problems.broken(|| {
                format!("seal at entry {index}: its commit time is before that of an earlier seal")
            });
        }
    }
    problems
}

/// What holds of every seal, wherever it stands.
fn check_common(problems: &mut Problems, manifest: &Manifest, index: u64, seal: &BatchSeal) {
    if seal.log != manifest.log {
        problems.broken(|| format!("seal at entry {index}: was made for log {}", seal.log));
    }
    if seal.index() != index {
        problems.broken(|| format!("seal at entry {index}: says {} entries from {}", seal.count, seal.first));
    }
}

/// Checks that the range is whole batches and, with a period, exactly the batches of that period. Returns the text for when
/// everything holds.
pub(crate) fn check_edges(
    manifest: &Manifest,
    seals: &[(u64, BatchSealEntry)],
    outside: &Outside,
) -> (Problems, String) {
    let mut problems = Problems::default();
    let before = outside.before(manifest);
    if manifest.first > 0 && before.is_none() {
        problems.broken(|| {
            format!("entry {} is not here as a seal: the range may begin inside a batch", manifest.first - 1)
        });
    }
    let last = seals
        .last()
        .map(|(index, _)| index.saturating_add(1))
        .or((manifest.count == 0).then_some(manifest.first));
    if last != Some(manifest.end()) {
        problems.broken(|| "the range does not end with a seal: its last batch is not whole".to_owned());
    }
    let after = outside.after(manifest);
    let ends_log = manifest.end() == manifest.size;
    match after {
        None if !ends_log => {
            problems.broken(|| "the first seal after the range is not in proof.json".to_owned());
        }
        Some((index, entry)) if entry.seal.first != manifest.end() => {
            problems.broken(|| format!("seal at entry {index}: is not of the batch right after the range"));
        }
        _ => {}
    }
    let Some(period) = manifest.period else {
        return (problems, "the range is whole batches; no period was asked for".to_owned());
    };
    for (index, entry) in seals {
        if !(period.from..period.to).contains(&entry.seal.committed_at) {
            problems.broken(|| {
                format!(
                    "seal at entry {index}: commit time {} is outside the period",
                    entry.seal.committed_at
                )
            });
        }
    }
    if before.is_some_and(|entry| entry.seal.committed_at >= period.from) {
        problems.broken(|| {
            format!("the batch before entry {} belongs to the period and is left out", manifest.first)
        });
    }
    if after.is_some_and(|(_, entry)| entry.seal.committed_at < period.to) {
        problems.broken(|| {
            format!("the batch at entry {} belongs to the period and is left out", manifest.end())
        });
    }
    let span = format!("{} to {}", period.from, period.to);
    let text = if ends_log {
        format!(
            "every batch of {span} as of size {}; later batches may still belong to the period",
            manifest.size
        )
    } else {
        format!("every batch of {span}; the batches before and after lie outside")
    };
    (problems, text)
}
