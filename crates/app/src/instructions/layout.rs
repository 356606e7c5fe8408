//! Where sample entries lie in the package's files, and how their inclusion paths are folded.
//!
//! Promises: offsets count from 1, as `tail -c +N` does, and skip the two bytes of length in front of each entry of a bundle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tabellion_model::package::BUNDLE_ENTRIES;
use tabellion_tlog::{Hash, leaf_hash};

use crate::export::{ExportError, Subject};

/// Bytes of length in front of each entry of a bundle (C2SP tlog-tiles).
const LENGTH_BYTES: u64 = 2;
/// Number of the page's section about the first sample.
pub(super) const FIRST_SAMPLE_SECTION: usize = 4;

/// An entry that the page cuts out of the package and follows to the root.
pub(super) struct Sample {
    pub(super) number: usize,
    pub(super) title: &'static str,
    pub(super) index: u64,
    pub(super) file: String,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) leaf: String,
    pub(super) steps: Vec<Step>,
}

impl Sample {
    /// A line under the heading, as long as it; section numbers have one digit and two spaces.
    pub(super) fn underline(&self) -> String {
        "-".repeat(self.title.len() + 3)
    }
}

/// One neighbour on the way to the root.
pub(super) struct Step {
    pub(super) side: &'static str,
    pub(super) hash: String,
}

/// The first record, the last record (when it is another) and the last seal, which is returned in bytes too.
pub(super) fn samples(subject: &Subject<'_>) -> Result<(Vec<Sample>, Vec<u8>), ExportError> {
    let span = &subject.span;
    // A batch is at least one entry and its seal, so the entry before the last is a record.
    let (seal, last) = (span.end().saturating_sub(1), span.end().saturating_sub(2));
    let mut wanted = vec![(span.first, "THE FIRST RECORD IS IN THE TREE")];
    if last > span.first {
        wanted.push((last, "THE LAST RECORD IS IN THE TREE"));
    }
    wanted.push((seal, "THE LAST SEAL IS IN THE TREE"));
    let mut found = Vec::new();
    let mut bytes = Vec::new();
    for (number, (index, title)) in (FIRST_SAMPLE_SECTION..).zip(wanted) {
        let place = locate(subject, index)?;
        let path = subject.reader.inclusion(index, span.size)?;
        found.push(Sample {
            number,
            title,
            index,
            file: place.file,
            offset: place.offset,
            length: place.entry.len() as u64,
            leaf: leaf_hash(&place.entry).to_hex(),
            steps: steps(index, span.size, &path),
        });
        bytes = place.entry;
    }
    Ok((found, bytes))
}

struct Place {
    file: String,
    offset: u64,
    entry: Vec<u8>,
}

/// Finds entry `index` in its bundle.
fn locate(subject: &Subject<'_>, index: u64) -> Result<Place, ExportError> {
    let first = subject.span.first;
    let number = (index - first) / BUNDLE_ENTRIES;
    let mut offset = 1 + LENGTH_BYTES;
    let mut entry = Vec::new();
    subject.reader.entries(first + number * BUNDLE_ENTRIES, index + 1, |view| {
        if view.index < index {
            offset += view.bytes.len() as u64 + LENGTH_BYTES;
        } else {
            entry = view.bytes;
        }
        Ok(())
    })?;
    Ok(Place { file: format!("entries/{number:08}.bundle"), offset, entry })
}

/// The neighbours of `path` with the side on which each stands (RFC 9162 §2.1.3.2).
fn steps(index: u64, size: u64, path: &[Hash]) -> Vec<Step> {
    let (mut node, mut last) = (index, size.saturating_sub(1));
    let mut steps = Vec::with_capacity(path.len());
    for hash in path {
        let on_the_left = node % 2 == 1 || node == last;
        if on_the_left {
            // Without a neighbour on the right the node rises as it is.
            while node % 2 == 0 && node != 0 {
                (node, last) = (node / 2, last / 2);
            }
        }
        (node, last) = (node / 2, last / 2);
        let stands = if on_the_left { "left" } else { "right" };
        steps.push(Step { side: stands, hash: BASE64.encode(hash.as_bytes()) });
    }
    steps
}

/// Bytes that a CBOR byte string of `length` bytes takes with its head (RFC 8949 §3), for strings below 64 KiB.
pub(super) fn bstr_bytes(length: usize) -> usize {
    match length {
        0..24 => 1 + length,
        24..256 => 2 + length,
        _ => 3 + length,
    }
}

#[cfg(test)]
mod tests {
    use tabellion_tlog::{inclusion_path_of, node_hash, root_of};

    use super::*;

    #[test]
    fn every_path_of_every_small_tree_folds_to_its_root() {
        for size in 1..=70_u64 {
            let leaves: Vec<Hash> = (0..size).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect();
            let root = root_of(leaves.iter().copied());
            for (index, leaf) in (0..).zip(&leaves) {
                let path = inclusion_path_of(&leaves, index).unwrap();
                let folded =
                    steps(index, size, &path).iter().zip(&path).fold(*leaf, |node, (step, hash)| match step
                        .side
                    {
                        "left" => node_hash(hash, &node),
                        _ => node_hash(&node, hash),
                    });
                assert_eq!(
                    folded, root,
                    "the commands for entry {index} of {size} would refuse a good package"
                );
            }
        }
    }

    #[test]
    fn byte_strings_have_the_length_that_cbor_gives_them() {
        for (length, whole) in [(0, 1), (23, 24), (24, 26), (255, 257), (256, 259), (65_535, 65_538)] {
            assert_eq!(bstr_bytes(length), whole, "the commands would cut a seal at the wrong place");
        }
    }
}
