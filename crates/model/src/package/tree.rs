//! The range's leaves and the root they give with the rest of the tree (formats §11.2).
//!
//! Hashes every byte of the entries once, bundle by bundle, on all cores. Knows nothing about what an entry says.

use tabellion_tlog::{BundleReader, CompactRange, Hash, RangeError, SignedCheckpoint, leaf_hash};

use super::container::{BUNDLE_ENTRIES, BundleFiles, Container, ContainerError};
use super::proof::{RangeProof, RangeProofError};
use crate::manifest::{Manifest, ManifestError};
use crate::workers::in_parallel;

/// No record, statement or seal is shorter than this: a header names two ids of 32 digits, a seal a root of 64. Refusing
/// shorter ones here keeps what is held per entry below the bytes of the entry.
const MIN_ENTRY_BYTES: usize = 64;

/// Why a range of entries does not give the root of the checkpoint, or cannot be hashed at all.
#[derive(Debug, thiserror::Error)]
pub enum TreeFault {
    /// Not a package.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// No manifest to say which range this is.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No proof to complete the tree.
    #[error(transparent)]
    Proof(#[from] RangeProofError),
    /// No checkpoint to compare with.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
    /// The number of bundles is not the one that the range needs.
    #[error("the range of {count} entries needs {needed} entries files and there are {found}")]
    Bundles {
        /// Entries by the manifest.
        count: u64,
        /// Files that this takes.
        needed: u64,
        /// Files that are there.
        found: u64,
    },
    /// A bundle is cut off or holds something that cannot be an entry.
    #[error("{file}: after {whole} whole entries (entry {index} of the log): {problem}")]
    Bundle {
        /// The file.
        file: String,
        /// Entries read before.
        whole: u64,
        /// Index of the entry that could not be read.
        index: u64,
        /// What is wrong.
        problem: String,
    },
    /// A bundle holds more or fewer entries than its place allows.
    #[error("{file} holds {found} entries; the range needs {needed} there")]
    Entries {
        /// The file.
        file: String,
        /// Entries found.
        found: u64,
        /// Entries due.
        needed: u64,
    },
    /// `left` or `right` does not have the hashes that the range needs.
    #[error("proof.json: `{side}`: {source}")]
    Side {
        /// `left` or `right`.
        side: &'static str,
        /// What is wrong.
        source: RangeError,
    },
    /// The checkpoint is of another log or size than the manifest says.
    #[error("checkpoint: names {found}; the manifest says {wanted}")]
    Other {
        /// Origin and size in the checkpoint.
        found: String,
        /// Origin and size in the manifest.
        wanted: String,
    },
    /// Everything was hashed and the root is another one.
    #[error(
        "the entries and proof.json give root {computed}, and the checkpoint of size {size} names {named}: an entry was \
         changed, removed, added or moved, or the proof or the checkpoint belongs to another tree"
    )]
    Root {
        /// Root of what is here.
        computed: Hash,
        /// Root in the checkpoint.
        named: Hash,
        /// Size of the tree.
        size: u64,
    },
}

impl TreeFault {
    /// Whether the parts could be read and contradict each other, rather than not be read at all.
    pub(crate) fn is_contradiction(&self) -> bool {
        match self {
            Self::Container(_)
            | Self::Manifest(_)
            | Self::Proof(_)
            | Self::Checkpoint(_)
            | Self::Bundle { .. } => false,
            Self::Bundles { .. }
            | Self::Entries { .. }
            | Self::Side { .. }
            | Self::Other { .. }
            | Self::Root { .. } => true,
        }
    }
}

/// What the tree check covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeFigures {
    /// Entries hashed.
    pub entries: u64,
    /// Bytes of all entries files.
    pub bytes: u64,
    /// Size of the checkpoint's tree.
    pub size: u64,
    /// The root that both give.
    pub root: Hash,
}

/// The entries of one bundle file, with their leaves.
#[derive(Debug)]
pub(crate) struct HashedBundle<'a> {
    /// Index of the first entry.
    pub(crate) first: u64,
    /// The entries.
    pub(crate) entries: Vec<&'a [u8]>,
    /// Their leaf hashes.
    pub(crate) leaves: Vec<Hash>,
    range: CompactRange,
}

/// Reads one bundle into `each` and checks that it holds what its place needs.
fn read_bundle<'a>(
    file: &'a str,
    content: &'a [u8],
    first: u64,
    needed: u64,
    mut each: impl FnMut(&'a [u8]),
) -> Result<(), TreeFault> {
    let mut found = 0_u64;
    for entry in BundleReader::new(content) {
        let unreadable = |problem| {
            let index = first.saturating_add(found);
            TreeFault::Bundle { file: file.to_owned(), whole: found, index, problem }
        };
        let entry = entry.map_err(|error| unreadable(error.to_string()))?;
        if entry.len() < MIN_ENTRY_BYTES {
            return Err(unreadable(format!(
                "it has {} bytes, and no record or seal is that short",
                entry.len()
            )));
        }
        each(entry);
        found += 1;
    }
    if found == needed { Ok(()) } else { Err(TreeFault::Entries { file: file.to_owned(), found, needed }) }
}

/// Where each bundle starts and how many entries it must hold.
fn places<'a>(
    bundles: &[BundleFiles<'a>],
    manifest: &Manifest,
) -> Result<Vec<(BundleFiles<'a>, u64, u64)>, TreeFault> {
    let needed = manifest.count.div_ceil(BUNDLE_ENTRIES);
    let found = bundles.len() as u64;
    if needed != found {
        return Err(TreeFault::Bundles { count: manifest.count, needed, found });
    }
    let place = |(number, bundle): (u64, &BundleFiles<'a>)| {
        let before = number * BUNDLE_ENTRIES;
        (*bundle, manifest.first + before, BUNDLE_ENTRIES.min(manifest.count - before))
    };
    Ok((0..).zip(bundles).map(place).collect())
}

/// Hashes the range and keeps entries and leaves for the checks that follow.
pub(crate) fn hash_bundles<'a>(
    bundles: &[BundleFiles<'a>],
    manifest: &Manifest,
) -> Result<Vec<HashedBundle<'a>>, TreeFault> {
    let places = places(bundles, manifest)?;
    let hashed = in_parallel(&places, |(bundle, first, needed)| {
        let (mut entries, mut leaves, mut range) = (Vec::new(), Vec::new(), CompactRange::new(*first));
        read_bundle(bundle.entries.name, bundle.entries.content, *first, *needed, |entry| {
            let leaf = leaf_hash(entry);
            range.push(leaf);
            leaves.push(leaf);
            entries.push(entry);
        })?;
        Ok(HashedBundle { first: *first, entries, leaves, range })
    });
    hashed.into_iter().collect()
}

/// The root of the whole tree: `left`, the range, `right`.
fn whole_root<'r>(
    manifest: &Manifest,
    proof: &RangeProof,
    ranges: impl Iterator<Item = &'r CompactRange>,
) -> Result<Hash, TreeFault> {
    let side = |side| move |source| TreeFault::Side { side, source };
    let mut whole = CompactRange::from_nodes(0, manifest.first, proof.left.clone()).map_err(side("left"))?;
    for range in ranges {
        whole.join(range).map_err(side("range"))?;
    }
    let right = CompactRange::from_nodes(manifest.end(), manifest.size, proof.right.clone())
        .map_err(side("right"))?;
    whole.join(&right).map_err(side("right"))?;
    whole.root().map_err(side("right"))
}

fn compare(manifest: &Manifest, checkpoint: &SignedCheckpoint, computed: Hash) -> Result<(), TreeFault> {
    let named = &checkpoint.checkpoint;
    if named.origin != manifest.log.as_str() || named.size != manifest.size {
        return Err(TreeFault::Other {
            found: format!("{} at size {}", named.origin, named.size),
            wanted: format!("{} at size {}", manifest.log, manifest.size),
        });
    }
    if named.root == computed {
        Ok(())
    } else {
        Err(TreeFault::Root { computed, named: named.root, size: manifest.size })
    }
}

/// Whether the hashed range and the proof give the checkpoint's root.
pub(crate) fn check_root(
    manifest: &Manifest,
    proof: &RangeProof,
    checkpoint: &SignedCheckpoint,
    bundles: &[HashedBundle<'_>],
) -> Result<(), TreeFault> {
    compare(manifest, checkpoint, whole_root(manifest, proof, bundles.iter().map(|bundle| &bundle.range))?)
}

/// The tree check alone: container, entries, range proof and the root that the checkpoint names. No file digests, no
/// signatures: this says that the parts agree, not who made them.
pub fn verify_tree(bytes: &[u8]) -> Result<TreeFigures, TreeFault> {
    let container = Container::open(bytes)?;
    let manifest = Manifest::parse(container.manifest)?;
    let proof = RangeProof::parse(container.proof)?;
    let checkpoint = SignedCheckpoint::parse(container.checkpoint)
        .map_err(|error| TreeFault::Checkpoint(error.to_string()))?;
    let places = places(&container.bundles, &manifest)?;
    let ranges: Result<Vec<CompactRange>, TreeFault> = in_parallel(&places, |(bundle, first, needed)| {
        let mut range = CompactRange::new(*first);
        read_bundle(bundle.entries.name, bundle.entries.content, *first, *needed, |entry| {
            range.push(leaf_hash(entry));
        })?;
        Ok(range)
    })
    .into_iter()
    .collect();
    let root = whole_root(&manifest, &proof, ranges?.iter())?;
    compare(&manifest, &checkpoint, root)?;
    let bytes = container.bundles.iter().map(|bundle| bundle.entries.content.len() as u64).sum();
    Ok(TreeFigures { entries: manifest.count, bytes, size: manifest.size, root })
}
