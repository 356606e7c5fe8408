//! A provider's key in what the provider says back.
//!
//! Promises: where an answer repeats the key that it was asked with, it is found, in headers and bodies, whole or in pieces. Must never: show the key, or say where it stood.

mod search;

use hyper::HeaderMap;
use memchr::{memchr, memmem};

use crate::upstream::catalogue::Catalogue;
use crate::upstream::connect::Endpoint;

pub(crate) use search::{KeySearch, KeySieve, Told};

impl Endpoint {
    /// What looks for its key; none: it has none.
    pub(crate) fn key_search(&self) -> Option<KeySearch> {
        self.credential.as_ref().map(|(_, line)| KeySearch::new(line))
    }

    /// Whether `bytes` hold its key.
    fn is_key_in(&self, bytes: &[u8]) -> bool {
        let Some(mut search) = self.key_search() else { return false };
        // Written as it is sent it is found fastest, and without an escape it is written in no other way.
        memmem::find(bytes, search.key()).is_some() || (memchr(b'\\', bytes).is_some() && search.is_in(bytes))
    }

    /// Takes the headers away that hold its key, in their values or, in small letters, in their names.
    pub(crate) fn take_key_from(&self, headers: &mut HeaderMap) {
        let Some(search) = self.key_search() else { return };
        let in_names = search.in_names();
        let told = headers.iter().filter(|(name, value)| {
            memmem::find(name.as_str().as_bytes(), &in_names).is_some() || self.is_key_in(value.as_bytes())
        });
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

    /// What looks for the key of the provider with this number.
    pub(crate) fn key_search(&self, upstream: usize) -> Option<KeySearch> {
        self.upstreams.get(upstream)?.endpoint.key_search()
    }
}
