//! What becomes of each event of a stream: forwarded as it came, given its placeholders' values, dropped, or held for the end.
//!
//! Promises: an event in which nothing is given back is forwarded byte for byte; what clients read is the same however the provider's bytes
//! were cut. Must never: do I/O, or let the end of a stream pass.

use std::collections::BTreeMap;

use bytes::Bytes;
use tabellion_mask::json::{Limits as JsonLimits, escaped};
use tabellion_mask::{Content, Edits, Placing, Scope, StreamRestorer};
use tabellion_model::body::{Answered, Masked};

use crate::answer::parts::{Channel, Parts, Text};
use crate::answer::transcript::Transcript;
use crate::answer::whole::json_limits;
use crate::code::Code;
use crate::config::Limits;
use crate::sse::{Event, EventReader, event_of};

/// The data of the last event.
const DONE: &[u8] = b"[DONE]";
/// Most names of called tools that a record keeps.
const MAX_TOOLS: usize = 32;
/// Choices of one stream that are told apart; providers allow fewer.
const MAX_CHANNELS: usize = 1024;

/// Where a stream stands after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// More is to come.
    Goes,
    /// Its end is there, and held.
    Whole,
    /// The provider's own error is there, and held.
    Refused,
}

/// The state of one stream.
pub(crate) struct Relay {
    reader: EventReader,
    json: JsonLimits,
    scope: Scope,
    restorers: BTreeMap<(usize, Channel), StreamRestorer>,
    /// Members that each event repeats, as the last one wrote them: for an event of our own.
    head: Vec<u8>,
    transcript: Transcript,
    answered: Answered,
    /// Choices seen, and of these how many said why they stopped.
    open: BTreeMap<usize, bool>,
    usage_wanted: bool,
    held: Vec<Bytes>,
    held_bytes: usize,
    limit: usize,
}

impl Relay {
    /// A stream whose request issued the placeholders of `scope`.
    pub(crate) fn new(limits: &Limits, scope: Scope, usage_wanted: bool) -> Self {
        Self {
            reader: EventReader::new(limits.event_bytes),
            json: json_limits(limits),
            scope,
            restorers: BTreeMap::new(),
            head: Vec::new(),
            transcript: Transcript::new(limits.capture_bytes),
            answered: Answered::default(),
            open: BTreeMap::new(),
            usage_wanted,
            held: Vec::new(),
            held_bytes: 0,
            limit: limits.event_bytes,
        }
    }

    /// Takes bytes of the provider in; what may go on now is appended to `out`, also before an error.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        self.reader.push(bytes);
        while let Some(event) = self.reader.next().map_err(|_| Code::UpstreamTooLarge)? {
            let flow = self.event(&event, out)?;
            if flow != Flow::Goes {
                return Ok(flow);
            }
        }
        Ok(Flow::Goes)
    }

    /// The provider ended the body.
    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        if let Some(event) = self.reader.finish().map_err(|_| Code::UpstreamTooLarge)? {
            // What cannot be read here was not all sent.
            let flow = self.event(&event, out).map_err(|_| Code::UpstreamBrokeOff)?;
            if flow != Flow::Goes {
                return Ok(flow);
            }
        }
        let finished = !self.open.is_empty() && self.open.values().all(|finished| *finished);
        // Some providers close without a last event; a stream in which no choice is open is whole all the same.
        if finished { Ok(Flow::Whole) } else { Err(Code::UpstreamBrokeOff) }
    }

    fn event(&mut self, event: &Event, out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        let Some(data) = event.data() else {
            out.push(event.raw.clone());
            return Ok(Flow::Goes);
        };
        if data.trim_ascii() == DONE {
            self.flush(None, out);
            self.hold(event.raw.clone())?;
            return Ok(Flow::Whole);
        }
        let parts = Parts::read(&data, &self.json).map_err(|_| Code::UpstreamMalformed)?;
        if !parts.is_object {
            return Err(Code::UpstreamMalformed);
        }
        if parts.error {
            self.hold(event.raw.clone())?;
            return Ok(Flow::Refused);
        }
        self.meter(&parts);
        if parts.choices == 0 && parts.usage.is_some() {
            if self.usage_wanted {
                self.hold(event.raw.clone())?;
            }
            return Ok(Flow::Goes);
        }
        let mut ready = Vec::new();
        self.restore(event, &data, &parts, &mut ready)?;
        for piece in ready {
            // Nothing overtakes what is held.
            if self.held.is_empty() {
                out.push(piece);
            } else {
                self.hold(piece)?;
            }
        }
        Ok(Flow::Goes)
    }

    fn meter(&mut self, parts: &Parts<'_>) {
        if self.answered.model.is_none() {
            self.answered.model.clone_from(&parts.model);
        }
        if let Some((_, reason)) = parts.finished.first() {
            self.answered.finish_reason.get_or_insert_with(|| reason.clone());
        }
        if parts.usage.is_some() {
            self.answered.usage = parts.usage;
        }
        let room = MAX_TOOLS.saturating_sub(self.answered.tools.len());
        self.answered.tools.extend(parts.tools.iter().take(room).cloned());
        for text in &parts.texts {
            self.transcript.push(text);
            self.open.entry(text.choice).or_insert(false);
        }
        for (choice, _) in &parts.finished {
            self.open.insert(*choice, true);
        }
    }

    /// Gives placeholders their values in the texts of one event.
    fn restore(
        &mut self,
        event: &Event,
        data: &Bytes,
        parts: &Parts<'_>,
        out: &mut Vec<Bytes>,
    ) -> Result<(), Code> {
        if self.scope.is_empty() {
            out.push(event.raw.clone());
            return Ok(());
        }
        self.remember_head(data, parts);
        let mut edits = Edits::new();
        for text in &parts.texts {
            let value = text.place.string.value();
            let released = self.restored(text, &value, parts)?;
            if released != value {
                self.held_bytes += value.len().saturating_sub(released.len());
                let range = text.place.at..text.place.at + text.place.string.raw().len();
                edits
                    .replace(range, format!("\"{}\"", escaped(&released)))
                    .map_err(|_| Code::UpstreamMalformed)?;
            }
        }
        // What a choice still holds back goes out before the event in which it ends.
        for (choice, _) in &parts.finished {
            self.flush(Some(*choice), out);
        }
        out.push(if edits.is_empty() { event.raw.clone() } else { event.with_data(&edits.apply(data)) });
        Ok(())
    }

    /// What of `value` may go on, with what was held back before it.
    fn restored(&mut self, text: &Text<'_>, value: &str, parts: &Parts<'_>) -> Result<String, Code> {
        let key = (text.choice, text.channel.clone());
        if !self.restorers.contains_key(&key) && self.restorers.len() >= MAX_CHANNELS {
            return Err(Code::UpstreamMalformed);
        }
        let placing = match text.place.content {
            Content::Text => Placing::Text,
            Content::Json => Placing::Json,
        };
        let mut released = String::new();
        let mut restorer = self.restorers.remove(&key).unwrap_or_else(|| StreamRestorer::new(placing));
        restorer.push(value, &self.scope, &mut released);
        if parts.finished.iter().any(|(choice, _)| *choice == text.choice) {
            restorer.finish(&self.scope, &mut released);
        } else {
            self.restorers.insert(key, restorer);
        }
        Ok(released)
    }

    /// Puts out what `choice`, or every one, still holds back, in events of our own.
    fn flush(&mut self, choice: Option<usize>, out: &mut Vec<Bytes>) {
        let keys: Vec<(usize, Channel)> = self
            .restorers
            .keys()
            .filter(|(known, _)| choice.is_none_or(|choice| choice == *known))
            .cloned()
            .collect();
        for key in keys {
            let Some(restorer) = self.restorers.remove(&key) else { continue };
            let mut rest = String::new();
            restorer.finish(&self.scope, &mut rest);
            if !rest.is_empty() {
                out.push(self.own_event(key.0, &key.1, &rest));
            }
        }
    }

    /// An event with `text` alone, in the form of those around it.
    fn own_event(&self, choice: usize, channel: &Channel, text: &str) -> Bytes {
        let text = escaped(text);
        let delta = match channel {
            Channel::Member(name) => format!("\"{name}\":\"{text}\""),
            Channel::Tool(index) => {
                format!("\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":\"{text}\"}}}}]")
            }
            Channel::Custom(index) => {
                format!("\"tool_calls\":[{{\"index\":{index},\"custom\":{{\"input\":\"{text}\"}}}}]")
            }
            Channel::Function => format!("\"function_call\":{{\"arguments\":\"{text}\"}}"),
        };
        let mut data = b"{".to_vec();
        data.extend_from_slice(&self.head);
        data.extend_from_slice(
            format!("\"choices\":[{{\"index\":{choice},\"delta\":{{{delta}}},\"finish_reason\":null}}]}}")
                .as_bytes(),
        );
        event_of(&data)
    }

    fn remember_head(&mut self, data: &[u8], parts: &Parts<'_>) {
        self.head.clear();
        for (name, range) in &parts.head {
            let value = data.get(range.clone()).unwrap_or_default();
            self.head.extend_from_slice(format!("\"{name}\":").as_bytes());
            self.head.extend_from_slice(value);
            self.head.push(b',');
        }
    }

    fn hold(&mut self, piece: Bytes) -> Result<(), Code> {
        let held: usize = self.held.iter().map(Bytes::len).sum();
        if held + piece.len() > self.limit {
            return Err(Code::UpstreamMalformed);
        }
        self.held_bytes += piece.len();
        self.held.push(piece);
        Ok(())
    }

    /// What waits for the end record.
    pub(crate) fn take_held(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.held)
    }

    /// Bytes that had to wait.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The provider's own account, so far.
    pub(crate) fn answered(&self) -> Answered {
        self.answered.clone()
    }

    /// Personal data that the model brought up.
    pub(crate) fn found(&self) -> Vec<Masked> {
        self.transcript.found()
    }

    /// The answer as it may be kept.
    pub(crate) fn transcript(&mut self) -> Option<String> {
        self.transcript.masked(&mut self.scope)
    }
}
