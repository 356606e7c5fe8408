//! A provider's key in what the provider says back.
//!
//! Promises: where an answer repeats the key that it was asked with, it is found, in headers and bodies. Must never: show the key, or say where it stood.

use hyper::HeaderMap;
use memchr::memmem;

use crate::upstream::catalogue::Catalogue;
use crate::upstream::connect::Endpoint;

/// What stands before a key in its header.
const BEARER: &[u8] = b"Bearer ";

impl Endpoint {
    /// Whether `bytes` hold its key.
    fn is_key_in(&self, bytes: &[u8]) -> bool {
        let Some((_, value)) = &self.credential else { return false };
        let line = value.as_bytes();
        memmem::find(bytes, line.strip_prefix(BEARER).unwrap_or(line)).is_some()
    }

    /// Takes the headers away that hold its key.
    pub(crate) fn take_key_from(&self, headers: &mut HeaderMap) {
        let told = headers.iter().filter(|(_, value)| self.is_key_in(value.as_bytes()));
        let names: Vec<_> = told.map(|(name, _)| name.clone()).collect();
        for name in names {
            headers.remove(name);
        }
    }
}

impl Catalogue {
    /// Whether `bytes` hold the key of the provider with this number.
    pub(crate) fn is_key_in(&self, upstream: usize, bytes: &[u8]) -> bool {
        self.upstreams.get(upstream).is_some_and(|upstream| upstream.endpoint.is_key_in(bytes))
    }
}
