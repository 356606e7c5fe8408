//! Where random bytes come from: a seam, so that a test can repeat what it found.
//!
//! Promises: bytes fit for keys, ids and nonces. Must never: return bytes it could not draw.

use std::io;

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`. After an error its content must not be used.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The operating system's generator (`getrandom(2)`).
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}
