//! Entry bundles (C2SP tlog-tiles): each entry behind its length as a big-endian `uint16`.
//!
//! Promises that the concatenation of what a reader yields, written again, is the bundle. Knows nothing about what an entry says,
//! and copies none.

/// Most bytes of an entry: what a `uint16` can count.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// Why a bundle cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is too long.
    #[error("an entry of {0} bytes does not fit into a bundle; the most is 65535")]
    TooLong(usize),
    /// The bundle ends in the middle of an entry.
    #[error("the bundle is cut off inside entry {entry}, at byte {at}")]
    CutOff {
        /// Number of the entry within the bundle, from 0.
        entry: usize,
        /// Where the entry's length starts.
        at: usize,
    },
}

/// Appends one entry to a bundle.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Yields the entries of a bundle in order; after an error it ends.
#[derive(Clone, Debug)]
pub struct BundleReader<'a> {
    rest: &'a [u8],
    at: usize,
    entry: usize,
}

impl<'a> BundleReader<'a> {
    /// Reads from the bundle's first byte.
    pub fn new(bundle: &'a [u8]) -> Self {
        Self { rest: bundle, at: 0, entry: 0 }
    }
}

impl<'a> Iterator for BundleReader<'a> {
    type Item = Result<&'a [u8], BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self
            .rest
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let Some((entry, rest)) = read else {
            self.rest = &[];
            return Some(Err(BundleError::CutOff { entry: self.entry, at: self.at }));
        };
        self.rest = rest;
        self.at += 2 + entry.len();
        self.entry += 1;
        Some(Ok(entry))
    }
}
