//! Packages, receipts, transparent statements and trust files cut out of a log of [`super::fixture`].

use std::convert::Infallible;
use std::ops::Range;

use tabellion_model::package::{
    ErasedUnit, PackageInput, RangeProof, ShownUnit, WrittenPackage, range_proof, write_package,
};
use tabellion_model::registry::{Facts, Purpose, facts};
use tabellion_model::{
    AnchorFile, BatchSealEntry, Disclosure, DisclosurePolicy, Entry, KeyId, Manifest, Period, PlacedEntry,
    Receipt, SealProof, Statement,
};
use tabellion_tlog::{
    CoseReceipt, Hash, InclusionProof, NodeSource, SigningKey, VerifierKey, attach_receipts, inclusion_path,
    root_of,
};

use super::fixture::{Held, Log, at};

/// Leaves of a log as a source of perfect nodes.
pub(crate) struct Leaves<'a>(pub(crate) &'a [Hash]);

impl NodeSource for Leaves<'_> {
    type Error = Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        let width = 1_usize << level;
        let from = at(index) * width;
        Ok(root_of(self.0[from..from + width].iter().copied()))
    }
}

/// How to cut a package out of a log.
pub(crate) struct Cut<'a> {
    /// First and last batch, inclusive; a first one after the last cuts nothing, right before the first.
    pub(crate) batches: (usize, usize),
    /// Size of the checkpoint; the whole log by default.
    pub(crate) size: Option<u64>,
    pub(crate) period: Option<Period>,
    pub(crate) disclosure: DisclosurePolicy,
    pub(crate) framework: Option<&'a str>,
}

impl Default for Cut<'_> {
    fn default() -> Self {
        Self {
            batches: (0, usize::MAX),
            size: None,
            period: None,
            disclosure: DisclosurePolicy::All,
            framework: None,
        }
    }
}

/// The parts of a package.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) first: u64,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) shown: Vec<ShownUnit>,
    pub(crate) erased: Vec<ErasedUnit>,
    pub(crate) proof: RangeProof,
    pub(crate) checkpoint: String,
    pub(crate) keys: u64,
    pub(crate) anchors: Vec<AnchorFile>,
}

impl Log {
    /// An entry with its place in the tree of `size`.
    pub(crate) fn placed(&self, index: u64, size: u64) -> PlacedEntry {
        let path = inclusion_path(index, size, &Leaves(&self.leaves[..at(size)])).unwrap();
        PlacedEntry { entry: self.entries[at(index)].clone(), index, path }
    }

    fn shown(&self, range: &Range<u64>, policy: DisclosurePolicy) -> Vec<ShownUnit> {
        let chosen = |held: &&Held| {
            let by_policy = match policy {
                DisclosurePolicy::All => true,
                DisclosurePolicy::Business => !held.has_subject,
                DisclosurePolicy::None => false,
            };
            by_policy && range.contains(&held.index) && !held.is_tombstone && !held.disclosures.is_empty()
        };
        let line = |held: &Held| ShownUnit {
            index: held.index,
            unit: held.unit,
            disclosures: held.disclosures.iter().map(Disclosure::encode).collect(),
        };
        let mut lines: Vec<ShownUnit> = self.held.iter().filter(chosen).map(line).collect();
        lines.sort_by_key(|line| (line.index, line.unit));
        lines
    }

    fn erased(&self, range: &Range<u64>, size: u64) -> Vec<ErasedUnit> {
        let line = |held: &Held| {
            let (tombstone, disclosure) = held.erased.clone()?;
            let proved = range.contains(&held.index) && tombstone < size;
            proved.then_some(ErasedUnit { index: held.index, unit: held.unit, tombstone, disclosure })
        };
        let mut lines: Vec<ErasedUnit> = self.held.iter().filter_map(line).collect();
        lines.sort_by_key(|line| (line.index, line.unit));
        lines
    }

    /// The entries of a cut.
    pub(crate) fn range(&self, cut: &Cut<'_>) -> Range<u64> {
        let (from, to) = cut.batches;
        let to = to.min(self.seals.len() - 1);
        let first = self.seals[from].1.first;
        if from > to { first..first } else { first..self.seals[to].0 + 1 }
    }

    /// Indexes of the entries outside the range that formats §11.2 asks for.
    pub(crate) fn extra_indexes(&self, range: &Range<u64>, size: u64, erased: &[ErasedUnit]) -> Vec<u64> {
        let mut extra: Vec<u64> = self.key_records.iter().copied().filter(|index| *index < size).collect();
        extra.extend(erased.iter().map(|line| line.tombstone));
        extra.extend(range.start.checked_sub(1));
        if range.end < size {
            extra.extend(self.seals.iter().map(|(index, _)| *index).find(|index| *index >= range.end));
            extra.push(size - 1);
        }
        extra.retain(|index| !range.contains(index));
        extra.sort_unstable();
        extra.dedup();
        extra
    }

    /// The proof of a range, with the entries outside that it needs.
    pub(crate) fn proof(&self, range: &Range<u64>, size: u64, erased: &[ErasedUnit]) -> RangeProof {
        let extra = self.extra_indexes(range, size, erased);
        let extra = extra.iter().map(|index| (*index, self.entries[at(*index)].clone())).collect();
        range_proof(range.start, range.end - range.start, size, &Leaves(&self.leaves[..at(size)]), extra)
            .unwrap()
    }

    /// Everything a package of this cut holds, before it is written.
    pub(crate) fn parts(&self, cut: &Cut<'_>) -> Parts {
        let size = cut.size.unwrap_or(self.size());
        let range = self.range(cut);
        let erased = self.erased(&range, size);
        Parts {
            shown: self.shown(&range, cut.disclosure),
            proof: self.proof(&range, size, &erased),
            checkpoint: self.checkpoint(size),
            keys: self.key_records.iter().filter(|index| **index < size).count() as u64,
            entries: self.entries[at(range.start)..at(range.end)].to_vec(),
            first: range.start,
            erased,
            anchors: Vec::new(),
        }
    }

    /// Writes a package of these parts, signed by the package key of now.
    pub(crate) fn write(&self, cut: &Cut<'_>, parts: &Parts) -> (Vec<u8>, WrittenPackage) {
        let mut bytes = Vec::new();
        let report =
            |manifest: &Manifest| format!("<!doctype html><title>{}</title>\n", manifest.log).into_bytes();
        let input = PackageInput {
            log: self.origin.clone(),
            env: self.env,
            genesis: self.leaves[0],
            keys: parts.keys,
            checkpoint: &parts.checkpoint,
            first: parts.first,
            count: parts.entries.len() as u64,
            period: cut.period,
            framework: cut.framework,
            disclosure: cut.disclosure,
            shown: &parts.shown,
            erased: &parts.erased,
            anchors: &parts.anchors,
            proof: &parts.proof,
            verify_txt: "Verify with sha256sum and openssl.\n",
            verify_html: b"<!doctype html><title>verify</title>\n",
            report_html: &report,
            framework_files: None,
            software: "tabellion test",
        };
        let entries = parts.entries.iter().map(Ok::<_, Infallible>);
        let written = write_package(&input, entries, &self.keys[&Purpose::Package], &mut bytes).unwrap();
        (bytes, written)
    }

    /// A package of this cut.
    pub(crate) fn package(&self, cut: &Cut<'_>) -> Vec<u8> {
        self.write(cut, &self.parts(cut)).0
    }

    /// The record that brought in a key, and the key it replaced.
    fn key_record_of(&self, key_id: &KeyId) -> Option<(u64, Option<KeyId>)> {
        self.key_records.iter().find_map(|index| {
            let Ok(Entry::Statement(statement)) = Entry::parse(&self.entries[at(*index)]) else {
                return None;
            };
            match facts(&statement.record.header).unwrap()? {
                Facts::KeyGranted(granted) if granted.key.key_id == *key_id => Some((*index, None)),
                Facts::KeyRotated(rotated) if rotated.key.key_id == *key_id => {
                    Some((*index, Some(rotated.old)))
                }
                _ => None,
            }
        })
    }

    /// The key records that a receipt with these keys needs.
    fn needed_keys(&self, mut needed: Vec<KeyId>) -> Vec<u64> {
        let mut records = vec![0];
        while let Some(key_id) = needed.pop() {
            if let Some((index, old)) = self.key_record_of(&key_id) {
                records.push(index);
                needed.extend(old);
            }
        }
        records.sort_unstable();
        records.dedup();
        records
    }

    /// The parts of a receipt for the entry at `index` at the log's end, everything shown that is left.
    pub(crate) fn receipt(&self, index: u64) -> Receipt {
        let size = self.size();
        let placed = self.placed(index, size);
        let entry = Entry::parse(&placed.entry).unwrap();
        let mut needed = vec![KeyId::of(&self.keys[&Purpose::Log].public())];
        let seal = if let Entry::Seal(seal) = &entry {
            needed.push(seal.kid);
            None
        } else {
            let (sealed_at, seal) = self.seals.iter().find(|(sealed_at, _)| *sealed_at > index).unwrap();
            needed.push(BatchSealEntry::parse(&self.entries[at(*sealed_at)]).unwrap().kid);
            let batch = &self.leaves[at(seal.first)..at(*sealed_at)];
            SealProof::of_batch(self.placed(*sealed_at, size), batch, index - seal.first)
        };
        if let Entry::Statement(statement) = &entry {
            needed.push(statement.kid);
        }
        let held = self.held.iter().filter(|held| held.index == index);
        let mut disclosures: Vec<Disclosure> = held.flat_map(|held| held.disclosures.clone()).collect();
        disclosures.sort_by_key(Disclosure::digest);
        Receipt {
            anchors: Vec::new(),
            index,
            path: placed.path,
            checkpoint: self.checkpoint(size),
            entry: placed.entry,
            disclosures: disclosures.iter().map(Disclosure::encode).collect(),
            keys: self.needed_keys(needed).into_iter().map(|index| self.placed(index, size)).collect(),
            seal,
        }
    }

    /// A transparent statement of the entry at `index`.
    pub(crate) fn transparent(&self, index: u64) -> Vec<u8> {
        let placed = self.placed(index, self.size());
        let statement = Statement::parse(&placed.entry).unwrap();
        let proof = InclusionProof { size: self.size(), index, path: placed.path };
        let subject = statement.record.header.record_id.to_hex();
        let root = self.root_at(self.size());
        let signer = &self.keys[&Purpose::Log];
        let receipt = CoseReceipt::issue(&root, &proof, self.origin.as_str(), &subject, signer).unwrap();
        attach_receipts(&placed.entry, &[receipt]).unwrap()
    }

    /// A trust file that pins the root key.
    pub(crate) fn root_trust(&self) -> String {
        let key = VerifierKey::new(&format!("{}/root", self.origin), self.root.public()).unwrap();
        format!("log {key}\nquorum none\n")
    }

    /// A trust file that pins the log key of now.
    pub(crate) fn log_trust(&self) -> String {
        let key = VerifierKey::new(self.origin.as_str(), self.keys[&Purpose::Log].public()).unwrap();
        format!("log {key}\nquorum none\n")
    }

    /// A trust file that pins both.
    pub(crate) fn trust(&self) -> String {
        format!("{}{}", self.log_trust().replace("quorum none\n", ""), self.root_trust())
    }
}

/// A signer that only depends on its name, for whoever is not of the log.
pub(crate) fn stranger() -> SigningKey {
    super::fixture::key("stranger")
}
