//! Envelopes in the order in which they name each other: each signer's chains, and where one is broken.
//!
//! A `previous_hash` is the `payload_hash` of the envelope before it (SHA-256 over the RFC 8785 form of its record, as the family's vectors have it), or the digest of that whole envelope; which of the two is
//! the profile's matter, so both are looked for, among envelopes of the same signer. `GENESIS` begins a chain, and a signer may begin several.
//!
//! Several events may have the same payload, so a payload's hash may name any of them. The envelopes of a signer are therefore read as steps from the hash before them to their own, and put into as few
//! runs as use each step once: a fork is said only where more envelopes follow a hash than have it.
//!
//! Promises: pure; every envelope stands in exactly one run, copies of one as one; what is missing, forked or another signer's is named; what others signed changes nothing where the signer's own predecessor is
//! there. Must never: call a chain whole whose beginning is not there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tabellion_tlog::{Hash, sha256};

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
    /// The envelope itself is not kept any more: only what its record says in clear is known.
    NotKept,
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
    /// SHA-256 over the bytes that its signature covers ([`Envelope::signed_digest`]), by which copies with other members outside of them are one; absent: it is not kept any more.
    pub signed: Option<Hash>,
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
    /// With a predecessor that another one follows already: somebody signed two successors of one envelope, or of two with the same payload, of which one is not there.
    Forked {
        /// The entry of an envelope that has another successor.
        from: u64,
    },
    /// With a predecessor that is not there, while another key signed one with that hash.
    OtherSigner {
        /// The entry of that other one.
        from: u64,
    },
    /// With itself, in the end: each names another of the run as its predecessor.
    Circular,
    /// The envelope does not say.
    NotSaid,
    /// The envelope is not kept any more, so what it said is not known.
    NotKept,
}

/// Envelopes of one signer of which each follows the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The key.
    pub signer: [u8; 32],
    /// How it begins.
    pub start: ChainStart,
    /// Entries of its envelopes, the first first; of copies, the first that is still kept.
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

    /// SHA-256 over the bytes that its signature covers: whoever adds members outside of them makes a copy, and no other envelope.
    pub fn signed_digest(&self) -> Hash {
        sha256(&self.signed_bytes(|_| false))
    }
}

/// The chains of `links`, by signer and then by the entry that each begins at. The earlier of two envelopes that follow the same one goes on with its chain.
pub fn chains(links: &[ChainLink]) -> Vec<Chain> {
    let steps = Steps::of(links);
    let mut order = Order::default();
    order.follow_digests(&steps);
    order.follow_payloads(&steps);
    let mut left: BTreeSet<u64> = steps.links.keys().copied().collect();
    order.open_circles(&steps, &mut left.clone());
    let mut found: Vec<Chain> = Vec::new();
    let mut run = |first: u64, start: ChainStart, left: &mut BTreeSet<u64>| {
        let Some(link) = steps.links.get(&first) else { return };
        found.push(Chain { signer: link.signer, start, entries: order.run(first, left) });
    };
    for (first, start) in &order.starts {
        run(*first, *start, &mut left);
    }
    // What no start leads to leads to itself.
    while let Some(first) = left.first().copied() {
        run(first, ChainStart::Circular, &mut left);
    }
    found.sort_by(|a, b| (a.signer, a.entries.first()).cmp(&(b.signer, b.entries.first())));
    found
}

/// A signer, and a hash by which they name an envelope of theirs.
type Named = ([u8; 32], Hash);

/// The envelopes, copies as one, and by what each may be named.
#[derive(Debug, Default)]
struct Steps {
    links: BTreeMap<u64, ChainLink>,
    by_digest: BTreeMap<Named, u64>,
    by_payload: BTreeMap<Named, Vec<u64>>,
    /// By either hash, whoever signed: the first.
    by_any: BTreeMap<Hash, u64>,
}

impl Steps {
    fn of(links: &[ChainLink]) -> Self {
        let mut steps = Self::default();
        let mut by_signed: BTreeMap<Named, u64> = BTreeMap::new();
        // What is kept first: a copy that is not kept says nothing beyond it.
        let mut links: Vec<&ChainLink> = links.iter().collect();
        links.sort_by_key(|link| (link.previous == Previous::NotKept, link.entry));
        for link in links {
            let signed = link.signed.map(|signed| (link.signer, signed));
            let copy = signed.and_then(|signed| by_signed.get(&signed).copied());
            let digest = (link.signer, link.digest);
            let entry = copy.or_else(|| steps.by_digest.get(&digest).copied()).unwrap_or(link.entry);
            // A copy may be named by its own digest too.
            steps.by_digest.entry(digest).or_insert(entry);
            if let Some(signed) = signed {
                by_signed.entry(signed).or_insert(entry);
            }
            if entry == link.entry {
                steps.links.insert(entry, *link);
            }
        }
        for link in steps.links.values() {
            steps.by_payload.entry((link.signer, link.payload_hash)).or_default().push(link.entry);
            for hash in [link.payload_hash, link.digest] {
                steps.by_any.entry(hash).or_insert(link.entry);
            }
        }
        steps
    }

    /// What names the envelope of `entry` by its payload.
    fn payload_of(&self, entry: u64) -> Option<Named> {
        self.links.get(&entry).map(|link| (link.signer, link.payload_hash))
    }
}

/// Which envelope follows which.
#[derive(Debug, Default)]
struct Order {
    /// The successor of each that has one.
    follows: BTreeMap<u64, u64>,
    /// Those whose successor names them by their digest, so that it can follow no other.
    exact: BTreeSet<u64>,
    /// How each run begins that does not begin in a circle.
    starts: BTreeMap<u64, ChainStart>,
}

impl Order {
    /// The ones that name no predecessor, and those that name one by its digest.
    fn follow_digests(&mut self, steps: &Steps) {
        for link in steps.links.values() {
            let start = match link.previous {
                Previous::Genesis => ChainStart::Genesis,
                Previous::NotSaid => ChainStart::NotSaid,
                Previous::NotKept => ChainStart::NotKept,
                Previous::Hash(hash) => match steps.by_digest.get(&(link.signer, hash)) {
                    None => continue,
                    Some(before) if self.exact.contains(before) => ChainStart::Forked { from: *before },
                    Some(before) => {
                        self.follows.insert(*before, link.entry);
                        self.exact.insert(*before);
                        continue;
                    }
                },
            };
            self.starts.insert(link.entry, start);
        }
    }

    /// Those that name their predecessor by its payload's hash: any of their signer's with that payload that no other follows.
    fn follow_payloads(&mut self, steps: &Steps) {
        let mut waiting: BTreeMap<Named, Vec<u64>> = BTreeMap::new();
        for link in steps.links.values() {
            let Previous::Hash(hash) = link.previous else { continue };
            let named = (link.signer, hash);
            if !steps.by_digest.contains_key(&named) {
                waiting.entry(named).or_default().push(link.entry);
            }
        }
        for (named, successors) in waiting {
            let with_it = steps.by_payload.get(&named).map(Vec::as_slice).unwrap_or_default();
            let mut free: VecDeque<u64> =
                with_it.iter().copied().filter(|before| !self.follows.contains_key(before)).collect();
            let mut last: Option<(u64, u64)> = None;
            for entry in successors {
                // None follows itself, also when its payload is that of the one before it.
                let is_first = free.front() == Some(&entry);
                let before = if is_first { free.remove(1) } else { free.pop_front() };
                if let Some(before) = before {
                    self.follows.insert(before, entry);
                    last = Some((before, entry));
                } else if let Some((before, after)) = last.filter(|_| is_first) {
                    // Only itself is left: it goes between the two that were put together last.
                    self.follows.insert(before, entry);
                    self.follows.insert(entry, after);
                    free.clear();
                    last = Some((before, entry));
                } else {
                    let taken = with_it.iter().copied().find(|before| *before != entry);
                    let elsewhere = steps.by_any.get(&named.1).copied().filter(|from| *from != entry);
                    let start = match (taken, elsewhere) {
                        (Some(from), _) => ChainStart::Forked { from },
                        (None, Some(from)) => ChainStart::OtherSigner { from },
                        (None, None) => ChainStart::Missing(named.1),
                    };
                    self.starts.insert(entry, start);
                }
            }
        }
    }

    /// Puts circles into the runs that pass by: where an envelope of a circle has the payload of one in a run, the successors of the two may change places, and the run goes through the circle. `left` holds every entry.
    fn open_circles(&mut self, steps: &Steps, left: &mut BTreeSet<u64>) {
        let firsts: Vec<u64> = self.starts.keys().copied().collect();
        let mut reached: Vec<u64> = firsts.into_iter().flat_map(|first| self.run(first, left)).collect();
        let mut in_circles: BTreeMap<Named, Vec<u64>> = BTreeMap::new();
        for entry in left.iter().filter(|entry| !self.exact.contains(entry)) {
            if let Some(named) = steps.payload_of(*entry) {
                in_circles.entry(named).or_default().push(*entry);
            }
        }
        while let Some(entry) = reached.pop() {
            let named = steps.payload_of(entry).filter(|_| !self.exact.contains(&entry));
            let Some(named) = named else { continue };
            let Some(members) = in_circles.get_mut(&named) else { continue };
            while let Some(member) = members.pop() {
                // One that its circle brought into a run meanwhile.
                if !left.contains(&member) {
                    continue;
                }
                let Some(after) = self.follows.get(&member).copied() else { continue };
                reached.extend(self.run(member, left));
                match self.follows.insert(entry, after) {
                    Some(before) => self.follows.insert(member, before),
                    None => self.follows.remove(&member),
                };
            }
        }
    }

    /// The entries from `first` on, taken out of `left`.
    fn run(&self, first: u64, left: &mut BTreeSet<u64>) -> Vec<u64> {
        let (mut entries, mut next) = (Vec::new(), Some(first));
        while let Some(entry) = next.filter(|entry| left.remove(entry)) {
            entries.push(entry);
            next = self.follows.get(&entry).copied();
        }
        entries
    }
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
            signed: Some(hash(200 + n)),
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

    /// Requirement: R27. Events with the same payload follow each other; none is called a fork of another.
    #[test]
    fn events_of_one_payload_are_no_fork() {
        let same = |n: u8, previous: Previous| ChainLink { payload_hash: hash(50), ..link(n, 1, previous) };
        let after = Previous::Hash(hash(50));
        assert_eq!(
            seen(&[same(1, Previous::Genesis), same(2, after), same(3, after)]),
            [(1, ChainStart::Genesis, vec![1, 2, 3])],
            "an honest signer is accused"
        );
        // Imported in another order, and one more than there can be: the last of them is said.
        let links = [same(2, Previous::Genesis), same(1, after), link(3, 1, after), link(4, 1, after)];
        assert_eq!(
            seen(&links),
            [(1, ChainStart::Genesis, vec![2, 1, 3]), (1, ChainStart::Forked { from: 1 }, vec![4])],
            "a fork passes, because its payload stands twice"
        );
        assert_eq!(
            seen(&[same(1, after)]),
            [(1, ChainStart::Missing(hash(50)), vec![1])],
            "it follows itself"
        );
    }

    /// Requirement: R27. A run goes through what comes back to a payload, wherever that stands.
    #[test]
    fn a_payload_that_comes_back_is_no_circle() {
        // A, B, A again, C, imported so that the second A is found first.
        let links = [
            ChainLink { payload_hash: hash(60), ..link(1, 1, Previous::Hash(hash(61))) },
            ChainLink { payload_hash: hash(61), ..link(2, 1, Previous::Hash(hash(60))) },
            ChainLink { payload_hash: hash(60), ..link(3, 1, Previous::Genesis) },
            ChainLink { payload_hash: hash(62), ..link(4, 1, Previous::Hash(hash(60))) },
        ];
        assert_eq!(seen(&links), [(1, ChainStart::Genesis, vec![3, 2, 1, 4])]);
    }

    /// Requirement: R27. Whatever few payloads a chain has, and in whatever order it is imported, it is whole.
    #[test]
    fn an_honest_chain_is_whole_in_any_order() {
        for seed in 0..300_u32 {
            let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
            let mut next = |below: usize| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as usize % below
            };
            let (length, payloads) = (1 + next(14), 1 + next(4));
            let mut order: Vec<usize> = (0..length).collect();
            for at in (1..length).rev() {
                order.swap(at, next(at + 1));
            }
            let (mut links, mut previous) = (Vec::new(), Previous::Genesis);
            for entry in order {
                let (n, payload) = (u8::try_from(entry).unwrap(), u8::try_from(next(payloads)).unwrap());
                let link = ChainLink { payload_hash: hash(90 + payload), ..link(n, 1, previous) };
                // Now and then its profile names the envelope, and not the payload.
                previous = Previous::Hash(if next(5) == 0 { link.digest } else { link.payload_hash });
                links.push(link);
            }
            let found = chains(&links);
            assert_eq!(found.len(), 1, "an honest chain is in pieces, seed {seed}: {found:?}\n{links:?}");
            assert_eq!(
                (found[0].start, found[0].entries.len()),
                (ChainStart::Genesis, length),
                "seed {seed}"
            );
        }
    }

    /// Requirement: R27. What a stranger signs, or copies with other members, breaks nobody's chain.
    #[test]
    fn others_break_no_chain() {
        let links = [
            ChainLink { payload_hash: hash(2), ..link(1, 9, Previous::Genesis) },
            link(2, 1, Previous::Genesis),
            link(3, 1, Previous::Hash(hash(2))),
            // A copy of the one before, with a member outside of what was signed, and the very same once more.
            ChainLink {
                payload_hash: hash(3),
                signed: Some(hash(203)),
                ..link(4, 1, Previous::Hash(hash(2)))
            },
            ChainLink { entry: 5, ..link(3, 1, Previous::Hash(hash(2))) },
            // It names the copy.
            link(6, 1, Previous::Hash(hash(104))),
        ];
        assert_eq!(
            seen(&links),
            [(1, ChainStart::Genesis, vec![2, 3, 6]), (9, ChainStart::Genesis, vec![1])],
            "somebody else's envelope breaks a chain"
        );
    }

    /// Requirement: R27. What is not kept any more is still the predecessor that it was; what it said is open.
    #[test]
    fn what_is_not_kept_is_no_gap() {
        let gone = |n: u8| ChainLink { signed: None, ..link(n, 1, Previous::NotKept) };
        let links = [link(1, 1, Previous::Genesis), gone(2), link(3, 1, Previous::Hash(hash(2)))];
        assert_eq!(
            seen(&links),
            [(1, ChainStart::Genesis, vec![1]), (1, ChainStart::NotKept, vec![2, 3])],
            "what was erased is said never to have been there"
        );
        // Another record of the same one still has it.
        let again = ChainLink { entry: 4, ..link(2, 1, Previous::Hash(hash(1))) };
        assert_eq!(seen(&[links[0], links[1], links[2], again]), [(1, ChainStart::Genesis, vec![1, 4, 3])]);
    }
}
