//! The provider's key in a stream of events: in one of them, or in pieces of a text that several bring.
//!
//! Promises: an event that holds it goes nowhere, nor does one with a piece of it, but for its first few characters, which are the vendor's. Must never: keep a stream from its
//! caller over a text that merely ends as keys begin.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Flow, MAX_CHANNELS, Relay};
use crate::answer::parts::{Channel, Parts, Text};
use crate::code::Code;
use crate::sse::Event;
use crate::upstream::told::KeySearch;

/// From so many characters on what could be a key keeps events waiting: the first three are what all keys of a vendor begin with (`sk-`), and many a text ends so
/// by chance, after which another may go on for long.
const WAITS_FROM: usize = 4;

/// Looks at a stream for its provider's key.
pub(super) struct KeyWatch {
    search: KeySearch,
    /// Of each text that ends as the key begins, what goes on with it.
    texts: BTreeMap<(usize, Channel), KeySearch>,
    /// What waits until it is known, in order.
    waiting: Vec<Bytes>,
    /// Most bytes of it.
    limit: usize,
}

impl KeyWatch {
    pub(super) fn new(search: KeySearch, limit: usize) -> Self {
        Self { search, texts: BTreeMap::new(), waiting: Vec::new(), limit }
    }

    /// Whether these bytes of an event hold it.
    pub(super) fn is_in(&mut self, event: &[u8]) -> bool {
        self.search.is_in(event)
    }

    /// Takes in the pieces of texts that an event brings; the error is that one of them ends the key.
    pub(super) fn look(&mut self, parts: &Parts<'_>) -> Result<(), Code> {
        for text in parts.texts.iter().chain(&parts.untouched) {
            self.take(text)?;
        }
        self.texts.retain(|(choice, _), _| !parts.closed.contains(choice));
        Ok(())
    }

    fn take(&mut self, text: &Text<'_>) -> Result<(), Code> {
        let value = text.place.string.value();
        if self.texts.is_empty() && !self.search.begins_in(value.as_bytes()) {
            return Ok(());
        }
        let name = (text.choice, text.channel.clone());
        let mut search = self.texts.remove(&name).unwrap_or_else(|| self.search.anew());
        // Where in the text it begins is nobody's question.
        search.push(value.as_bytes(), 0).map_err(|_| Code::UpstreamMalformed)?;
        if search.begun().is_some() {
            if self.texts.len() >= MAX_CHANNELS {
                return Err(Code::UpstreamMalformed);
            }
            self.texts.insert(name, search);
        }
        Ok(())
    }

    /// Takes back what stands in `out` from `from` on, while what came could be a part of the key; else lets go what waited, before it.
    pub(super) fn withhold(&mut self, from: usize, out: &mut Vec<Bytes>) -> Result<(), Code> {
        let waits = self.texts.values().any(|search| search.matched() >= WAITS_FROM);
        if !waits {
            if !self.waiting.is_empty() {
                let newer = out.split_off(from.min(out.len()));
                out.append(&mut self.waiting);
                out.extend(newer);
            }
            return Ok(());
        }
        self.waiting.extend(out.drain(from.min(out.len())..));
        let bytes: usize = self.waiting.iter().map(Bytes::len).sum();
        if bytes > self.limit { Err(Code::UpstreamMalformed) } else { Ok(()) }
    }

    /// Bytes that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.iter().map(Bytes::len).sum()
    }
}

impl Relay {
    /// The same, in which this key of the provider may not go on.
    pub(crate) fn without_key(self, search: Option<KeySearch>) -> Self {
        Self { key: search.map(|search| KeyWatch::new(search, self.limit)), ..self }
    }

    /// Takes an event in; what could be a part of the provider's key waits.
    pub(super) fn unless_key(&mut self, event: &Event, out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        let from = out.len();
        let flow = self.event(event, out);
        let Some(key) = &mut self.key else { return flow };
        match flow {
            // What waited may be the beginning of what was just found; and nothing overtakes it.
            Err(_) if !key.waiting.is_empty() => out.truncate(from),
            Err(_) => {}
            Ok(flow) => {
                if flow != Flow::Goes {
                    key.texts.clear();
                }
                key.withhold(from, out)?;
            }
        }
        flow
    }

    /// The stream is over, and no text goes on: nothing that waited is a key.
    pub(super) fn closed(&mut self, out: &mut Vec<Bytes>) -> Result<(), Code> {
        let Some(key) = &mut self.key else { return Ok(()) };
        key.texts.clear();
        key.withhold(out.len(), out)
    }
}
