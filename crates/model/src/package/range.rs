//! The whole range of a package: its bundles folded on all cores, with every signature in it checked.
//!
//! Holds the parsed entries of a few bundles at a time; what it returns is bounded by the number of epochs and seals.

use super::alarms::Alarms;
use super::container::{BundleFiles, Container};
use super::fold::{BundleFold, BundleInput, Claims, fold_bundle};
use super::keys::Keys;
use super::lines::{ErasedUnit, ShownUnit, parse_lines};
use super::numbers::RangeNumbers;
use super::shards::RangeShards;
use super::source_keys::RangeSourceKeys;
use super::statements::{Speakers, check_speaker};
use super::tree::HashedBundle;
use crate::id::KeyId;
use crate::manifest::{DisclosurePolicy, Manifest, RangeSummary};
use crate::number::Coverage;
use crate::seal::BatchSealEntry;
use crate::source::SourceLedger;
use crate::verdict::Problems;
use crate::workers::{in_parallel, threads_for};

/// What the whole range holds.
pub(crate) struct Range {
    pub(crate) summary: RangeSummary,
    pub(crate) numbers: RangeNumbers,
    sources: SourceLedger,
    pub(crate) seals: Vec<(u64, BatchSealEntry)>,
    pub(crate) seal_signatures: Problems,
    pub(crate) statements: Problems,
    pub(crate) entries: Problems,
    pub(crate) disclosures: Problems,
    pub(crate) erasures: Problems,
    pub(crate) alarms: Alarms,
    pub(crate) shards: RangeShards,
    pub(crate) source_keys: RangeSourceKeys,
    /// Key and index of each statement whose signature holds, when somebody asks for them.
    pub(crate) signers: Vec<(KeyId, u64)>,
}

/// One bundle's fold and its signatures.
struct Folded {
    fold: BundleFold,
    speakers: Speakers,
}

/// Folds the range in waves of one bundle per core, so that parsed entries of a few bundles exist at a time.
pub(crate) fn fold_range(
    container: &Container<'_>,
    manifest: &Manifest,
    hashed: &[HashedBundle<'_>],
    keys: &Keys,
    erased: &[ErasedUnit],
    claims: &Claims<'_>,
    names_signers: bool,
) -> Range {
    let mut range = Range {
        summary: RangeSummary::default(),
        numbers: RangeNumbers::from(manifest.first),
        sources: SourceLedger::new(Coverage::from_first(manifest.first)),
        seals: Vec::new(),
        seal_signatures: Problems::default(),
        statements: Problems::default(),
        entries: Problems::default(),
        disclosures: Problems::default(),
        erasures: Problems::default(),
        alarms: Alarms::default(),
        shards: RangeShards::default(),
        source_keys: RangeSourceKeys::default(),
        signers: Vec::new(),
    };
    let pairs: Vec<(&HashedBundle<'_>, &BundleFiles<'_>)> = hashed.iter().zip(&container.bundles).collect();
    for wave in pairs.chunks(threads_for(pairs.len()).max(1)) {
        let folded =
            in_parallel(wave, |(hashed, files)| fold_one(manifest, hashed, files, keys, erased, claims));
        for Folded { fold, speakers } in folded {
            range.summary.totals.add(&fold.totals);
            range.summary.add_types(fold.types);
            range.sources.absorb(fold.sources);
            fold.shards.iter().for_each(|word| range.shards.take(word));
            speakers.sources.iter().for_each(|word| range.source_keys.take(word));
            for (index, header) in &fold.headers {
                range.numbers.observe(*index, header);
                range.alarms.observe(*index, header);
            }
            range.seals.extend(fold.seals);
            range.seal_signatures.absorb(speakers.seals);
            range.statements.absorb(speakers.statements);
            if names_signers {
                range.signers.extend(speakers.signers);
            }
            range.entries.absorb(fold.entries);
            range.disclosures.absorb(fold.disclosures);
            range.erasures.absorb(fold.erasures);
        }
    }
    range.summary.epochs = range.numbers.rows();
    range.summary.sources = range.sources.rows();
    range
}

fn fold_one(
    manifest: &Manifest,
    hashed: &HashedBundle<'_>,
    files: &BundleFiles<'_>,
    keys: &Keys,
    erased: &[ErasedUnit],
    claims: &Claims<'_>,
) -> Folded {
    let mut speakers = Speakers::default();
    let (file, lines) = match files.disclosures {
        None => ("", Ok(Vec::new())),
        Some(file) => (file.name, parse_lines::<ShownUnit>(file.name, file.content)),
    };
    let (shown, unreadable) = match lines {
        Ok(lines) => (lines, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let input = BundleInput {
        disclosures_file: file,
        first: hashed.first,
        entries: &hashed.entries,
        shown: &shown,
        erased,
        claims,
    };
    let mut fold =
        fold_bundle(&input, |index, entry| check_speaker(&mut speakers, index, entry, manifest, keys));
    fold.entries.absorb(std::mem::take(&mut speakers.entries));
    if let Some(fault) = unreadable {
        fold.disclosures.malformed(|| fault.to_string());
    }
    if manifest.disclosure == DisclosurePolicy::None && files.disclosures.is_some() {
        fold.disclosures.broken(|| format!("{file}: the manifest says that nothing is disclosed"));
    }
    Folded { fold, speakers }
}
