//! The write-ahead log: frames, batches and segments (docs/formats.md §13.1).
//!
//! Promises: a batch is one contiguous run of frames that starts at a multiple of [`BATCH_ALIGN`] and ends with its checkpoint;
//! no byte of a committed batch is ever written again. Must never: decide what a record means.

pub(crate) mod batch;
pub(crate) mod frame;
pub(crate) mod segment;
pub(crate) mod segments;
pub(crate) mod spare;
pub(crate) mod window;

/// Batches start at page boundaries, so that writing the next one never rewrites a page of a committed one.
pub(crate) const BATCH_ALIGN: u64 = 4096;
