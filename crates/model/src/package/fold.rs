//! What a range of entries holds, counted bundle by bundle: the one source of a manifest's numbers.
//!
//! The exporter computes the manifest with this code and the verifier recomputes it with the same, so the two cannot drift
//! apart. It judges disclosures and tombstones against headers, and no signature.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::{ErasedUnit, ShownUnit};
use super::shards::{ShardWord, shard_word};
use crate::entry::Entry;
use crate::header::Header;
use crate::manifest::Totals;
use crate::seal::BatchSealEntry;
use crate::source::SourceLedger;
use crate::tombstone::erased_unit;
use crate::unit::{Disclosure, UnitDigests, digest as digest_of};
use crate::verdict::Problems;

/// The record type whose units are tombstones.
pub(crate) const ERASURE_DONE: &str = "erasure.done";

/// Tombstones that lines of `erasures.jsonl` point at, by entry index.
pub(crate) type Claims<'a> = BTreeMap<u64, Vec<&'a ErasedUnit>>;

/// Groups the lines of `erasures.jsonl` by the entry that must prove them.
pub(crate) fn claims_of(erased: &[ErasedUnit]) -> Claims<'_> {
    let mut claims = Claims::new();
    for line in erased {
        claims.entry(line.tombstone).or_default().push(line);
    }
    claims
}

/// One bundle and everything that a package says about its entries.
pub(crate) struct BundleInput<'a> {
    /// Name of the disclosures file, for problems.
    pub(crate) disclosures_file: &'a str,
    /// Index of the first entry.
    pub(crate) first: u64,
    /// The entries.
    pub(crate) entries: &'a [&'a [u8]],
    /// The lines of the disclosures file.
    pub(crate) shown: &'a [ShownUnit],
    /// All lines of `erasures.jsonl`.
    pub(crate) erased: &'a [ErasedUnit],
    /// The same lines by tombstone.
    pub(crate) claims: &'a Claims<'a>,
}

/// What one bundle holds.
#[derive(Debug, Default)]
pub(crate) struct BundleFold {
    pub(crate) totals: Totals,
    pub(crate) types: BTreeMap<String, u64>,
    /// Headers with their index, in order.
    pub(crate) headers: Vec<(u64, Header)>,
    /// Seals with their index, in order.
    pub(crate) seals: Vec<(u64, BatchSealEntry)>,
    /// What outside sources sent.
    pub(crate) sources: SourceLedger,
    /// What it says of shards, in order.
    pub(crate) shards: Vec<ShardWord>,
    /// Entries that are not of a known form.
    pub(crate) entries: Problems,
    /// Disclosures that do not belong where they stand.
    pub(crate) disclosures: Problems,
    /// Erasures that are not proved.
    pub(crate) erasures: Problems,
}

/// Counts one bundle; `visit` sees every entry that could be read, before it is taken apart.
pub(crate) fn fold_bundle(input: &BundleInput<'_>, mut visit: impl FnMut(u64, &Entry)) -> BundleFold {
    let mut fold = BundleFold::default();
    let end = input.first.saturating_add(input.entries.len() as u64);
    let mut shown = input.shown.iter().peekable();
    let erased_from = input.erased.partition_point(|line| line.index < input.first);
    let erased_to = input.erased.partition_point(|line| line.index < end);
    let mut erased = input.erased.get(erased_from..erased_to).unwrap_or_default().iter().peekable();
    for (index, bytes) in (input.first..).zip(input.entries) {
        let mut shown_here = Vec::new();
        while let Some(line) = shown.next_if(|line| line.index <= index) {
            shown_here.push(line);
        }
        let mut erased_here = Vec::new();
        while let Some(line) = erased.next_if(|line| line.index <= index) {
            erased_here.push(line);
        }
        fold.totals.entries += 1;
        let entry = match Entry::parse(bytes) {
            Ok(entry) => entry,
            Err(error) => {
                fold.entries.malformed(|| format!("entry {index}: {error}"));
                continue;
            }
        };
        visit(index, &entry);
        let units =
            EntryUnits { file: input.disclosures_file, index, shown: &shown_here, erased: &erased_here };
        let header = match entry {
            Entry::Record(record) => {
                fold.totals.records += 1;
                fold.sources.observe(&record.header);
                fold.shards.extend(shard_word(index, &record.header));
                record.header
            }
            Entry::Statement(statement) => {
                fold.totals.statements += 1;
                statement.record.header
            }
            Entry::Seal(seal) => {
                fold.totals.seals += 1;
                units.refuse_all(&mut fold, "is a seal and has no units");
                fold.seals.push((index, seal));
                continue;
            }
        };
        *fold.types.entry(header.record_type.as_str().to_owned()).or_default() += 1;
        units.count(&mut fold, &header, input.claims.get(&index).map_or(&[], Vec::as_slice));
        fold.headers.push((index, header));
    }
    for line in shown {
        let file = input.disclosures_file;
        let _ = read_shown(&mut fold, file, line);
        fold.disclosures
            .broken(|| format!("{file}: names entry {}, which is not in its entries file", line.index));
    }
    fold
}

/// What a package says about the units of one entry.
struct EntryUnits<'a> {
    file: &'a str,
    index: u64,
    shown: &'a [&'a ShownUnit],
    erased: &'a [&'a ErasedUnit],
}

impl EntryUnits<'_> {
    fn refuse_all(&self, fold: &mut BundleFold, why: &str) {
        for line in self.shown {
            let _ = read_shown(fold, self.file, line);
            fold.disclosures
                .broken(|| format!("{}: entry {} {why} (unit {})", self.file, line.index, line.unit));
        }
        for line in self.erased {
            fold.erasures
                .broken(|| format!("erasures.jsonl: entry {} {why} (unit {})", line.index, line.unit));
        }
    }

    /// Counts the units of one record; `claims` are the lines that this record must prove as a tombstone.
    fn count(&self, fold: &mut BundleFold, header: &Header, claims: &[&ErasedUnit]) {
        let is_tombstone = header.record_type.as_str() == ERASURE_DONE;
        let revealed = check_claims(&mut fold.erasures, self.index, header, claims);
        let mut names = BTreeSet::new();
        for unit in &header.units {
            fold.totals.units += 1;
            let shown = self.shown.iter().find(|line| line.index == self.index && line.unit == unit.id);
            let erased = self.erased.iter().any(|line| line.index == self.index && line.unit == unit.id);
            let mut whole = false;
            if let Some(line) = shown {
                if is_tombstone {
                    fold.disclosures.broken(|| {
                        format!(
                            "{}: entry {} is an erasure.done; tombstones are shown in erasures.jsonl only",
                            self.file, self.index
                        )
                    });
                }
                whole = check_shown(fold, self.file, header, unit, line, &mut names);
            }
            if is_tombstone {
                whole = unit.digests.iter().all(|digest| revealed.contains(digest));
            }
            match (erased, whole) {
                (true, _) => fold.totals.erased += 1,
                (false, true) => fold.totals.shown += 1,
                (false, false) => fold.totals.withheld += 1,
            }
            if erased && shown.is_some() {
                fold.erasures.broken(|| {
                    format!(
                        "entry {}, record {}: unit {} is proved erased and its content is shown",
                        self.index, header.record_id, unit.id
                    )
                });
            }
        }
        self.refuse_unlisted(fold, header);
    }

    /// Lines about units that the header does not list, or about an earlier index that no entry took.
    fn refuse_unlisted(&self, fold: &mut BundleFold, header: &Header) {
        let listed = |index, id| index == self.index && header.units.iter().any(|unit| unit.id == id);
        for line in self.shown.iter().filter(|line| !listed(line.index, line.unit)) {
            let _ = read_shown(fold, self.file, line);
            fold.disclosures
                .broken(|| format!("{}: entry {} lists no unit {}", self.file, line.index, line.unit));
        }
        for line in self.erased.iter().filter(|line| !listed(line.index, line.unit)) {
            fold.erasures
                .broken(|| format!("erasures.jsonl: entry {} lists no unit {}", line.index, line.unit));
        }
    }
}

/// Reads the disclosures of one line with their digests, all of them before any is compared with anything.
fn read_shown(fold: &mut BundleFold, file: &str, line: &ShownUnit) -> Option<Vec<(Disclosure, String)>> {
    let place =
        |number: usize| format!("{file}: entry {}, unit {}: disclosure {number}", line.index, line.unit);
    let mut read: Vec<(Disclosure, String)> = Vec::with_capacity(line.disclosures.len());
    for (number, encoded) in (1..).zip(&line.disclosures) {
        let digest = digest_of(encoded);
        match Disclosure::parse(encoded) {
            Ok(_) if read.last().is_some_and(|(_, last)| *last >= digest) => {
                fold.disclosures.malformed(|| format!("{} is out of order or repeated", place(number)));
                return None;
            }
            Ok(disclosure) => read.push((disclosure, digest)),
            Err(error) => {
                fold.disclosures.malformed(|| format!("{}: {error}", place(number)));
                return None;
            }
        }
    }
    Some(read)
}

/// Checks the disclosures of one unit; returns whether all of its digests are shown.
fn check_shown(
    fold: &mut BundleFold,
    file: &str,
    header: &Header,
    unit: &UnitDigests,
    line: &ShownUnit,
    names: &mut BTreeSet<String>,
) -> bool {
    let place = || format!("{file}: entry {}, record {}, unit {}", line.index, header.record_id, unit.id);
    let Some(read) = read_shown(fold, file, line) else { return false };
    for (number, (disclosure, digest)) in (1..).zip(&read) {
        if !unit.lists(digest) {
            fold.disclosures
                .broken(|| format!("{}: disclosure {number} is not among the digests of the unit", place()));
            return false;
        }
        if !names.insert(disclosure.name().to_owned()) {
            fold.disclosures
                .broken(|| format!("{}: disclosure {number} has a field name used before", place()));
        }
    }
    line.disclosures.len() == unit.digests.len()
}

/// Checks that the record at `index` is the tombstone that the lines say, and returns the digests they reveal.
pub(crate) fn check_claims(
    problems: &mut Problems,
    index: u64,
    header: &Header,
    claims: &[&ErasedUnit],
) -> BTreeSet<String> {
    let mut revealed = BTreeSet::new();
    for line in claims {
        let place = || format!("erasures.jsonl: entry {}, unit {}, tombstone {index}", line.index, line.unit);
        let digest = digest_of(&line.disclosure);
        let problem = match Disclosure::parse(&line.disclosure) {
            Err(error) => {
                problems.malformed(|| format!("{}: the disclosure cannot be read: {error}", place()));
                continue;
            }
            Ok(_) if header.record_type.as_str() != ERASURE_DONE => {
                Some(format!("entry {index} is no erasure.done"))
            }
            Ok(_) if line.index >= index => {
                Some("the tombstone stands before the record it erases".to_owned())
            }
            Ok(disclosure) if erased_unit(&disclosure) != Some(line.unit) => {
                Some("the disclosure is not the tombstone of this unit".to_owned())
            }
            Ok(_) if !header.units.iter().any(|unit| unit.lists(&digest)) => {
                Some("the disclosure is not among the digests of the tombstone's record".to_owned())
            }
            Ok(_) => None,
        };
        match problem {
            Some(problem) => problems.broken(|| format!("{}: {problem}", place())),
            None => {
                revealed.insert(digest);
            }
        }
    }
    revealed
}
