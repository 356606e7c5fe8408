//! The log's keys, from its first entry on (formats §6), and what the package must show about them.
//!
//! Promises that a key counts only from the record that grants it and only when no key record before it is left out.

use tabellion_tlog::PublicKey;

use super::outside::Outside;
use super::proof::RangeProof;
use super::tree::HashedBundle;
use crate::entry::Entry;
use crate::key::KeyChain;
use crate::manifest::Manifest;
use crate::registry::{Purpose, is_key_record};
use crate::seal::BatchSealEntry;
use crate::statement::Statement;
use crate::verdict::Problems;
use crate::workers::in_parallel;

/// How stream `keys` looks in every key record: JCS has no other spelling, and inside a string the quotes would be escaped.
const KEY_STREAM_BYTES: &[u8] = b"\"stream\":\"keys\"";
/// The chain and what speaks against it.
pub(crate) struct Keys {
    /// As far as it could be followed; nothing when there is no genesis.
    pub(crate) chain: Option<KeyChain>,
    /// Index of every key record, ascending.
    indexes: Vec<u64>,
    pub(crate) problems: Problems,
}

fn candidates(first: u64, entries: &[&[u8]]) -> Vec<(u64, Statement)> {
    let holds_stream =
        |entry: &[u8]| entry.windows(KEY_STREAM_BYTES.len()).any(|window| window == KEY_STREAM_BYTES);
    (first..)
        .zip(entries)
        .filter(|(_, entry)| entry.first() == Some(&0xd2) && holds_stream(entry))
        .filter_map(|(index, entry)| match Entry::parse(entry) {
            Ok(Entry::Statement(statement)) if is_key_record(&statement.record.header) => {
                Some((index, statement))
            }
            // An entry that cannot be read is reported where all entries are.
            _ => None,
        })
        .collect()
}

impl Keys {
    /// Follows the chain through the extra entries and the range.
    pub(crate) fn follow(proof: &RangeProof, bundles: &[HashedBundle<'_>]) -> Self {
        let mut records: Vec<(u64, Statement)> =
            proof.extra.iter().flat_map(|placed| candidates(placed.index, &[&placed.entry])).collect();
        records.extend(
            in_parallel(bundles, |bundle| candidates(bundle.first, &bundle.entries)).into_iter().flatten(),
        );
        records.sort_by_key(|(index, _)| *index);
        let mut keys = Self { chain: None, indexes: Vec::new(), problems: Problems::default() };
        let genesis = bundles
            .first()
            .filter(|bundle| bundle.first == 0)
            .and_then(|bundle| bundle.entries.first().copied())
            .or_else(|| {
                proof.extra.first().filter(|placed| placed.index == 0).map(|placed| placed.entry.as_slice())
            });
        let Some(genesis) = genesis else {
            keys.problems
                .broken(|| "entry 0, the genesis, is neither in the range nor in proof.json".to_owned());
            return keys;
        };
        let mut chain = match KeyChain::genesis(genesis) {
            Ok(chain) => chain,
            Err(error) => {
                keys.problems.broken(|| format!("entry 0, the genesis: {error}"));
                return keys;
            }
        };
        keys.indexes.push(0);
        for (index, statement) in records.iter().filter(|(index, _)| *index > 0) {
            if let Err(error) = chain.apply(*index, statement) {
                let id = statement.record.header.record_id;
                keys.problems.broken(|| format!("entry {index}, record {id}: {error}"));
                break;
            }
            keys.indexes.push(*index);
        }
        keys.chain = Some(chain);
        keys
    }

    /// Number of key records before an index.
    pub(crate) fn before(&self, index: u64) -> u64 {
        self.indexes.partition_point(|at| *at < index) as u64
    }

    /// The key in force for a position, or why there is none.
    pub(crate) fn in_force(&self, purpose: Purpose, position: u64) -> Result<&PublicKey, String> {
        let chain = self.chain.as_ref().ok_or_else(|| "there is no genesis to take keys from".to_owned())?;
        let key = chain.in_force(purpose, position);
        key.map(|key| &key.public).ok_or_else(|| format!("no {purpose} key is in force at {position}"))
    }

    /// Compares with the manifest and with every known seal, the last of the tree included: each counts the key records that
    /// must be here.
    pub(crate) fn check_complete<'s>(
        &mut self,
        manifest: &Manifest,
        last_seal: Option<&BatchSealEntry>,
        seals: impl Iterator<Item = &'s (u64, BatchSealEntry)>,
    ) {
        let Some(chain) = &self.chain else { return };
        let version = chain.version();
        let facts = [
            ("log", chain.origin().as_str() == manifest.log.as_str()),
            ("env", chain.env() == manifest.env),
            ("tenant", chain.tenant() == manifest.tenant),
            ("genesis", *chain.genesis_hash() == manifest.genesis),
            ("keys", version == manifest.keys),
        ];
        for (name, agrees) in facts {
            if !agrees {
                self.problems.broken(|| format!("the manifest's `{name}` is not what the key records say"));
            }
        }
        if last_seal.is_none() {
            let last = manifest.size.saturating_sub(1);
            self.problems.broken(|| format!("entry {last}, the last of the tree, is not here as a seal"));
        }
        for (index, entry) in seals {
            let (counted, here) = (entry.seal.keys, self.before(*index));
            if counted != here {
                self.problems.broken(|| {
                    format!("the seal at entry {index} counts {counted} key records up to there and {here} are here: one is left out")
                });
            }
        }
    }
}

/// The last entry of the tree when it is a seal: in the range or outside.
pub(crate) fn last_seal<'a>(
    manifest: &Manifest,
    outside: &'a Outside,
    range: &'a [(u64, BatchSealEntry)],
) -> Option<&'a BatchSealEntry> {
    let last = manifest.size.checked_sub(1)?;
    range.last().filter(|(index, _)| *index == last).map(|(_, seal)| seal).or_else(|| outside.at(last))
}
