//! The provider's key in a stream of events: in one of them, or in pieces of what a reader of several puts together.
//!
//! Promises: an event that holds it goes nowhere, nor does one with a piece of it, but for its first few characters: three of a text, seven of anything else. What could be the
//! beginning of it is known to the stream's end, whatever the provider says has ended before. Must never: keep a stream from its caller over a text that merely ends as keys begin.

mod members;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use tabellion_mask::json::Limits as JsonLimits;

use super::{Flow, Relay};
use crate::answer::parts::{Channel, Parts};
use crate::code::Code;
use crate::sse::{Beside, Event};
use crate::surface::Surface;
use crate::upstream::told::KeySearch;
use members::Member;

/// From so many characters on what could be a key keeps events waiting: the first three are what all keys of a vendor begin with (`sk-`), and many a text ends so
/// by chance, after which another may go on for long.
const WAITS_FROM: usize = 4;
/// The same of what is no text, or half of a shorter key: ids are drawn, four characters of a key that is all digits stand at the end of one in ten thousand of them, and nothing
/// may follow there until the stream ends.
const OTHERS_WAIT_FROM: usize = 8;

/// Most of what is gathered that ends as the key begins: a response of a thousand items, each with a dozen members that do.
const MAX_GATHERED: usize = 1 << 14;

/// What a reader puts together of what several events bring.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Gathered {
    /// A text of the answer, as its interface has it.
    Text(usize, Channel),
    /// All texts of the answer, in the order in which they come.
    Texts,
    /// A member of the events' data by its name, with the numbers of what it belongs to, as many as the reader tells apart.
    Member(String, Vec<usize>),
    /// Lines of one kind beside the data.
    Lines(Beside),
}

impl Gathered {
    /// From how many characters of a key of `key_bytes` on it keeps events waiting.
    fn waits_from(&self, key_bytes: usize) -> usize {
        match self {
            Self::Text(..) | Self::Texts => WAITS_FROM,
            Self::Member(..) | Self::Lines(_) => OTHERS_WAIT_FROM.min(key_bytes / 2).max(WAITS_FROM),
        }
    }
}

/// Looks at a stream for its provider's key.
pub(super) struct KeyWatch {
    /// It has seen nothing but while a single piece is looked at.
    search: KeySearch,
    /// Of all that ends as the key begins, what goes on with it.
    gathered: BTreeMap<Gathered, KeySearch>,
    /// What waits until it is known, in order.
    waiting: Vec<Bytes>,
    /// Most bytes of it.
    limit: usize,
}

impl KeyWatch {
    pub(super) fn new(search: KeySearch, limit: usize) -> Self {
        Self { search, gathered: BTreeMap::new(), waiting: Vec::new(), limit }
    }

    /// Whether these bytes of an event hold it.
    pub(super) fn is_in(&mut self, event: &[u8]) -> bool {
        self.search.is_in(event)
    }

    /// Takes in the lines beside an event's data; the error is that one of them ends the key.
    pub(super) fn look_beside(&mut self, event: &Event) -> Result<(), Code> {
        for (kind, said) in event.beside() {
            let begins = begins_or_tells(&mut self.search, said);
            self.take(said, begins, || Gathered::Lines(kind))?;
        }
        Ok(())
    }

    /// Takes in the pieces that an event's data brings; the error is that one of them ends the key.
    pub(super) fn look(
        &mut self,
        surface: Surface,
        data: &[u8],
        parts: &Parts<'_>,
        limits: &JsonLimits,
    ) -> Result<(), Code> {
        if self.gathered.is_empty() && !self.search.begins_in(data) {
            return Ok(());
        }
        for text in parts.texts.iter().chain(&parts.untouched) {
            let value = text.place.string.value();
            let begins = begins_or_tells(&mut self.search, value.as_bytes());
            self.take(value.as_bytes(), begins, || Gathered::Text(text.choice, text.channel.clone()))?;
            self.take(value.as_bytes(), begins, || Gathered::Texts)?;
        }
        let is_idle = self.gathered.is_empty();
        let members = members::read(surface, data, limits, |value| {
            // Most texts neither go on with what could be the key nor end as it begins.
            !is_idle || begins_or_tells(&mut self.search, value)
        });
        for member in members.map_err(|_| Code::UpstreamMalformed)? {
            self.take_member(&member)?;
        }
        Ok(())
    }

    fn take_member(&mut self, member: &Member<'_>) -> Result<(), Code> {
        let value = member.value.as_bytes();
        let begins = begins_or_tells(&mut self.search, value);
        for name in &member.names {
            for count in 0..=member.numbers.len() {
                let numbers = member.numbers.get(..count).unwrap_or_default();
                self.take(value, begins, || Gathered::Member(name.clone(), numbers.to_vec()))?;
            }
        }
        Ok(())
    }

    /// Takes a piece in that `begins` the key at its end, holds it, or does neither.
    fn take(&mut self, value: &[u8], begins: bool, gathered: impl FnOnce() -> Gathered) -> Result<(), Code> {
        if self.gathered.is_empty() && !begins {
            return Ok(());
        }
        let gathered = gathered();
        let mut search = match self.gathered.remove(&gathered) {
            Some(search) => search,
            None if begins => self.search.anew(),
            None => return Ok(()),
        };
        // Where in the text it begins is nobody's question.
        search.push(value, 0).map_err(|_| Code::UpstreamMalformed)?;
        if search.begun().is_some() {
            if self.gathered.len() >= MAX_GATHERED {
                return Err(Code::UpstreamMalformed);
            }
            self.gathered.insert(gathered, search);
        }
        Ok(())
    }

    fn waits(&self) -> bool {
        let key_bytes = self.search.key_bytes();
        self.gathered.iter().any(|(gathered, search)| search.matched() >= gathered.waits_from(key_bytes))
    }

    /// Takes back what stands in `out` from `from` on, while what came could be a part of the key; else lets go what waited, before it.
    pub(super) fn withhold(&mut self, from: usize, out: &mut Vec<Bytes>) -> Result<(), Code> {
        if !self.waits() {
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

/// Whether a piece ends as the key begins, or holds it; `search` has seen nothing before, and nothing after.
fn begins_or_tells(search: &mut KeySearch, piece: &[u8]) -> bool {
    search.forget();
    let tells = search.push(piece, 0).is_err();
    let begins = search.begun().is_some();
    search.forget();
    tells || begins
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
                    key.gathered.clear();
                }
                key.withhold(from, out)?;
            }
        }
        flow
    }

    /// The stream is over, and no text goes on: nothing that waited is a key.
    pub(super) fn closed(&mut self, out: &mut Vec<Bytes>) -> Result<(), Code> {
        let Some(key) = &mut self.key else { return Ok(()) };
        key.gathered.clear();
        key.withhold(out.len(), out)
    }
}
