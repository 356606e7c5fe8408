//! Envelopes in the order in which they name each other: each signer's chains, and where one is broken.
//!
//! A `previous_hash` is the `payload_hash` of the envelope before it (SHA-256 over the RFC 8785 form of its record, as the family's vectors have it), or the digest of that whole envelope; which of the two is
//! the profile's matter, so both are looked for. It names a predecessor of the same signer; `GENESIS` begins a chain, and a signer may begin several.
//!
//! Promises: pure; every envelope stands in exactly one run; what is missing, forked or another signer's is named. Must never: call a chain whole whose beginning is not there.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_tlog::Hash;

use super::hash_of;
use super::read::{Envelope, GENESIS};

/// What an envelope says of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// There is none: it begins a chain.
    Genesis,
    /// The one with this hash.
    Hash(Hash),
    /// Its profile keeps that in the payload, so the envelope does not say.
    NotSaid,
}

/// One envelope, as a link of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainLink {
    /// Where it is kept: the index of the entry that imported it.
    pub entry: u64,
    /// The key that it names.
    pub signer: [u8; 32],
    /// What it commits to.
    pub payload_hash: Hash,
    /// SHA-256 over its canonical bytes.
    pub digest: Hash,
    /// The one before it.
    pub previous: Previous,
}

/// How a run of envelopes begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainStart {
    /// With `GENESIS`: nothing is missing before it.
    Genesis,
    /// With a predecessor that is not there.
    Missing(Hash),
    /// With a predecessor that another one follows already: somebody signed two successors of one envelope.
    Forked {
        /// The entry of the envelope that has two successors.
        from: u64,
    },
    /// With a predecessor that another key signed.
    OtherSigner {
        /// The entry of that predecessor.
        from: u64,
    },
    /// With itself, in the end: each names another of the run as its predecessor.
    Circular,
    /// The envelope does not say.
    NotSaid,
}

/// Envelopes of one signer of which each follows the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The key.
    pub signer: [u8; 32],
    /// How it begins.
    pub start: ChainStart,
    /// Entries of its envelopes, the first first.
    pub entries: Vec<u64>,
}

impl Envelope {
    /// What it says of the envelope before it.
    pub fn previous(&self) -> Previous {
        match self.text("previous_hash") {
            Some(GENESIS) => Previous::Genesis,
            Some(text) => hash_of(text).map_or(Previous::NotSaid, Previous::Hash),
            None => Previous::NotSaid,
        }
    }
}

/// The chains of `links`, by signer and then by the entry that each begins at. The earlier of two envelopes that follow the same one goes on with its chain.
pub fn chains(links: &[ChainLink]) -> Vec<Chain> {
    let mut by_entry: BTreeMap<u64, &ChainLink> = BTreeMap::new();
    let mut by_hash: BTreeMap<Hash, u64> = BTreeMap::new();
    for link in links {
        by_entry.insert(link.entry, link);
    }
    for link in by_entry.values() {
        for hash in [link.payload_hash, link.digest] {
            by_hash.entry(hash).or_insert(link.entry);
        }
    }
    let (mut starts, mut follows) = (Vec::new(), BTreeMap::<u64, u64>::new());
    for link in by_entry.values() {
        let start = match link.previous {
            Previous::Genesis => Some(ChainStart::Genesis),
            Previous::NotSaid => Some(ChainStart::NotSaid),
            Previous::Hash(hash) => match by_hash.get(&hash).and_then(|entry| by_entry.get(entry)) {
                None => Some(ChainStart::Missing(hash)),
                Some(before) if before.signer != link.signer => {
                    Some(ChainStart::OtherSigner { from: before.entry })
                }
                Some(before) => {
                    let taken = follows.contains_key(&before.entry);
                    if !taken {
                        follows.insert(before.entry, link.entry);
                    }
                    taken.then_some(ChainStart::Forked { from: before.entry })
                }
            },
        };
        starts.extend(start.map(|start| (link.entry, start)));
    }
    let mut left: BTreeSet<u64> = by_entry.keys().copied().collect();
    let mut found: Vec<Chain> = Vec::new();
    let mut run = |first: u64, start: ChainStart, left: &mut BTreeSet<u64>| {
        let Some(signer) = by_entry.get(&first).map(|link| link.signer) else { return };
        let (mut entries, mut next) = (Vec::new(), Some(first));
        while let Some(entry) = next.filter(|entry| left.remove(entry)) {
            entries.push(entry);
            next = follows.get(&entry).copied();
        }
        found.push(Chain { signer, start, entries });
    };
    for (first, start) in starts {
        run(first, start, &mut left);
    }
    // What no start leads to leads to itself.
    while let Some(first) = left.first().copied() {
        run(first, ChainStart::Circular, &mut left);
    }
    found.sort_by(|a, b| (a.signer, a.entries.first()).cmp(&(b.signer, b.entries.first())));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> Hash {
        Hash([byte; 32])
    }

    /// The envelope of entry `n`, whose payload hash is `n` and whose digest is 100 + `n`.
    fn link(n: u8, signer: u8, previous: Previous) -> ChainLink {
        ChainLink {
            entry: u64::from(n),
            signer: [signer; 32],
            payload_hash: hash(n),
            digest: hash(100 + n),
            previous,
        }
    }

    fn seen(links: &[ChainLink]) -> Vec<(u8, ChainStart, Vec<u64>)> {
        chains(links).into_iter().map(|chain| (chain.signer[0], chain.start, chain.entries)).collect()
    }

    /// Requirement: R27. A chain is followed for each key, by either hash, in whatever order it was imported.
    #[test]
    fn each_signers_chain_is_followed() {
        let links = [
            link(3, 1, Previous::Hash(hash(102))),
            link(1, 1, Previous::Genesis),
            link(2, 1, Previous::Hash(hash(1))),
            link(4, 2, Previous::Genesis),
            link(5, 1, Previous::Genesis),
            link(6, 2, Previous::NotSaid),
        ];
        assert_eq!(
            seen(&links),
            [
                (1, ChainStart::Genesis, vec![1, 2, 3]),
                (1, ChainStart::Genesis, vec![5]),
                (2, ChainStart::Genesis, vec![4]),
                (2, ChainStart::NotSaid, vec![6]),
            ]
        );
    }

    /// Requirement: R27. What is missing, forked, another's or circular is named.
    #[test]
    fn a_broken_chain_is_named() {
        let links = [
            link(1, 1, Previous::Genesis),
            link(2, 1, Previous::Hash(hash(1))),
            link(3, 1, Previous::Hash(hash(1))),
            link(4, 1, Previous::Hash(hash(3))),
            link(5, 1, Previous::Hash(hash(77))),
            link(6, 2, Previous::Hash(hash(2))),
            link(7, 3, Previous::Hash(hash(8))),
            link(8, 3, Previous::Hash(hash(7))),
        ];
        assert_eq!(
            seen(&links),
            [
                (1, ChainStart::Genesis, vec![1, 2]),
                (1, ChainStart::Forked { from: 1 }, vec![3, 4]),
                (1, ChainStart::Missing(hash(77)), vec![5]),
                (2, ChainStart::OtherSigner { from: 2 }, vec![6]),
                (3, ChainStart::Circular, vec![7, 8]),
            ],
            "a gap passes for a whole chain"
        );
        let all: usize = chains(&links).iter().map(|chain| chain.entries.len()).sum();
        assert_eq!(all, links.len(), "an envelope is in no chain, or in two");
    }
}
