//! What becomes of each event of a stream: forwarded as it came, given its placeholders' values, dropped, or held for the end.
//!
//! Promises: an event in which nothing is masked or given back is forwarded byte for byte; what clients read is the same however the provider's bytes
//! were cut. Must never: do I/O, or let the end of a stream pass.

mod key;
mod told;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use tabellion_mask::json::{Limits as JsonLimits, escaped};
use tabellion_mask::{Classes, Content, Edits, Place, Placing, Scope, StreamRestorer, restore_string};
use tabellion_model::body::{Answered, Guarded};

use crate::answer::edited::edited;
use crate::answer::masked::{AnswerMasker, Extent};
use crate::answer::parts::{Channel, MAX_TOOLS, Parts, Stage, Text, Tokens};
use crate::answer::stream::Asked;
use crate::answer::transcript::Transcript;
use crate::answer::whole::json_limits;
use crate::answer::{anthropic, openai_chat, openai_responses};
use crate::code::Code;
use crate::config::Limits;
use crate::dialect::Dialect;
use crate::guards::AnswerGuards;
use crate::guards::after::Tape;
use crate::guards::asking::Waiting;
use crate::guards::edits::{Proposals, Wanted};
use crate::names::OfAnswer;
use crate::race::Interrupt;
use crate::sse::{Event, EventReader, REMARK};
use crate::surface::Surface;
use crate::translate::stream::Translator;
use key::KeyWatch;

/// The data of a chat's last event.
pub(crate) const DONE: &[u8] = b"[DONE]";
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
    surface: Surface,
    /// What makes the provider's events those of the surface, where it has another interface: all else here looks at what the caller will get.
    translator: Option<Box<Translator>>,
    reader: EventReader,
    /// What looks for the provider's key; none: it was asked without one.
    key: Option<KeyWatch>,
    json: JsonLimits,
    scope: Scope,
    restorers: BTreeMap<(usize, Channel), StreamRestorer>,
    /// What masks what the model brings up itself, before values are given back; none: that goes on.
    masker: Option<Box<AnswerMasker>>,
    /// The same where a guard may have the stream changed at the end: it masks what comes of that.
    masker_of_replay: Option<Box<AnswerMasker>>,
    /// Members that each event repeats, as the last one wrote them: for an event of our own.
    head: Vec<u8>,
    /// The newest event's number as the provider counts, and how many of our own came before it.
    number: u64,
    inserted: u64,
    transcript: Transcript,
    guards: Option<Box<AnswerGuards>>,
    /// Where events are kept for guards that look when the call is over.
    tape: Option<Tape>,
    /// Every event that is no remark, where a guard may have them changed at the end.
    events: Option<Vec<Event>>,
    received_bytes: u64,
    answered: Answered,
    names: OfAnswer,
    tokens: Tokens,
    /// The same as a call is charged: a message's first word on its answer is none.
    counted: Tokens,
    /// Choices seen, and of these how many said why they stopped.
    open: BTreeMap<usize, bool>,
    usage_wanted: bool,
    /// The end has begun: everything waits for its record.
    holding: bool,
    held: Vec<Bytes>,
    held_bytes: usize,
    /// Whether the provider's own error came with a piece of an answer.
    error_has_text: bool,
    limit: usize,
}

impl Relay {
    /// A stream whose request issued the placeholders of `scope`; `classes` are looked for in what the model says, `guards` look at it, and then `masker` masks it;
    /// `tape` takes it, as it came, for those that look when the call is over.
    pub(crate) fn new(
        limits: &Limits,
        classes: Classes,
        scope: Scope,
        asked: Asked,
        (guards, masker): (Option<Box<AnswerGuards>>, Option<Box<AnswerMasker>>),
        tape: Option<Tape>,
    ) -> Self {
        let is_replayed = guards.as_ref().is_some_and(|guards| guards.may_edit());
        let (masker, masker_of_replay) = if is_replayed { (None, masker) } else { (masker, None) };
        Self {
            surface: asked.surface,
            translator: asked.translation.map(|translation| Box::new(translation.stream(limits.event_bytes))),
            reader: EventReader::new(limits.event_bytes),
            key: None,
            json: json_limits(limits),
            scope,
            restorers: BTreeMap::new(),
            masker,
            masker_of_replay,
            head: Vec::new(),
            number: 0,
            inserted: 0,
            transcript: Transcript::new(limits.capture_bytes, classes),
            events: is_replayed.then(Vec::new),
            guards,
            tape,
            received_bytes: 0,
            answered: Answered::default(),
            names: OfAnswer::default(),
            tokens: Tokens::default(),
            counted: Tokens::default(),
            open: BTreeMap::new(),
            usage_wanted: asked.usage_wanted,
            holding: false,
            held: Vec::new(),
            held_bytes: 0,
            error_has_text: false,
            limit: limits.event_bytes,
        }
    }

    /// Takes bytes of the provider in; what may go on now is appended to `out`, also before an error.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        let Some(translator) = &mut self.translator else { return self.take(bytes, out) };
        let mut translated = Vec::new();
        let read = translator.push(bytes, &mut translated);
        self.translated(&translated, read, out)
    }

    /// Takes in what was translated, before what went wrong after it.
    fn translated(
        &mut self,
        bytes: &[u8],
        read: Result<(), Code>,
        out: &mut Vec<Bytes>,
    ) -> Result<Flow, Code> {
        match self.take(bytes, out)? {
            Flow::Goes => read.map(|()| Flow::Goes),
            flow => Ok(flow),
        }
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        self.reader.push(bytes);
        self.received_bytes += bytes.len() as u64;
        while let Some(event) = self.reader.next().map_err(|_| Code::UpstreamTooLarge)? {
            let flow = self.unless_key(&event, out)?;
            if flow != Flow::Goes {
                return Ok(flow);
            }
        }
        Ok(Flow::Goes)
    }

    /// The provider ended the body.
    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        if let Some(translator) = &mut self.translator {
            let mut translated = Vec::new();
            let read = translator.finish(&mut translated);
            return match self.translated(&translated, read, out)? {
                // It said that the stream is over, and that is none.
                Flow::Goes => Err(Code::UpstreamMalformed),
                flow => Ok(flow),
            };
        }
        if let Some(event) = self.reader.finish().map_err(|_| Code::UpstreamTooLarge)? {
            // What cannot be read here was not all sent.
            let flow = self.unless_key(&event, out).map_err(|_| Code::UpstreamBrokeOff)?;
            if flow != Flow::Goes {
                return Ok(flow);
            }
        }
        // Some providers of chats close without a last event; a stream in which no choice is open is whole all the same.
        let finished = self.surface == Surface::OpenAiChat
            && !self.open.is_empty()
            && self.open.values().all(|finished| *finished);
        if !finished {
            return Err(Code::UpstreamBrokeOff);
        }
        self.closed(out).map(|()| Flow::Whole)
    }

    fn event(&mut self, event: &Event, out: &mut Vec<Bytes>) -> Result<Flow, Code> {
        let tells_key = self.key.as_mut().is_some_and(|key| key.is_in(&event.raw));
        let is_looked_at = self.guards.is_some() || self.masker.is_some();
        let bare = if is_looked_at { event.without_more() } else { None };
        let event = bare.as_ref().unwrap_or(event);
        // Of what tells it nothing more is asked.
        if let Some(key) = self.key.as_mut().filter(|_| !tells_key) {
            key.look_beside(event)?;
        }
        let Some(data) = event.data() else {
            if tells_key {
                return Err(Code::UpstreamMalformed);
            }
            // A remark is for nobody, and no guard could look at it in pieces: what is left of it keeps the connection alive.
            out.push(if is_looked_at { Bytes::from_static(REMARK) } else { event.raw.clone() });
            return Ok(Flow::Goes);
        };
        if let Some(events) = &mut self.events {
            events.push(event.clone());
        }
        if self.surface == Surface::OpenAiChat && data.trim_ascii() == DONE && !tells_key {
            let mut ready = Vec::new();
            self.flush(None, &mut ready)?;
            self.pass(&mut ready, &Parts::default(), out)?;
            self.clear(out)?;
            self.hold(event.raw.clone())?;
            return Ok(Flow::Whole);
        }
        let parts = Parts::read(self.surface, &data, &self.json).map_err(|_| Code::UpstreamMalformed)?;
        // Of an error that tells the key it is seen at the end, before it goes.
        if !parts.is_object || (tells_key && parts.stage != Stage::Refused) {
            return Err(Code::UpstreamMalformed);
        }
        if let Some(key) = self.key.as_mut().filter(|_| !tells_key) {
            key.look(self.surface, &data, &parts, &self.json)?;
        }
        self.meter(&parts);
        if let Some(tape) = &mut self.tape {
            tape.push(&data);
        }
        self.look(&data, &parts)?;
        let Some(masker) = &mut self.masker else { return self.go(event, &data, &parts, out) };
        let (what, limits) = ((self.surface, Extent::Event), &self.json);
        let Some(data) = masker.body(what, &data, limits, &mut self.scope)? else {
            return self.go(event, &data, &parts, out);
        };
        let parts = Parts::read(self.surface, &data, &self.json).map_err(|_| Code::UpstreamMalformed)?;
        self.go(&Event::new(event.with_data(&data)), &data, &parts, out)
    }

    /// Lets an event go on that nothing stops.
    fn go(
        &mut self,
        event: &Event,
        data: &Bytes,
        parts: &Parts<'_>,
        out: &mut Vec<Bytes>,
    ) -> Result<Flow, Code> {
        match parts.stage {
            Stage::Refused => {
                let is_said = |place: &Place<'_>| !place.string.value().is_empty();
                let mut texts = parts.texts.iter().map(|text| &text.place);
                if self.masker.is_some() && texts.clone().any(is_said) {
                    // A piece of a text that ends here in an error could not be held back.
                    return Err(Code::UpstreamMalformed);
                }
                let untouched = parts.untouched.iter().map(|text| &text.place);
                let mut others = untouched.chain(&parts.repeated).chain(&parts.echoed);
                self.error_has_text = texts.any(is_said) || others.any(is_said);
                self.clear(out)?;
                self.hold(event.raw.clone())?;
                return Ok(Flow::Refused);
            }
            Stage::Counts => {
                if self.usage_wanted {
                    self.hold(event.raw.clone())?;
                }
                return Ok(Flow::Goes);
            }
            Stage::Goes | Stage::Closing | Stage::Whole => {}
        }
        if !self.is_plain() {
            self.remember(data, parts);
        }
        let mut ready = Vec::new();
        if matches!(parts.stage, Stage::Closing | Stage::Whole) {
            self.flush(None, &mut ready)?;
        }
        // What was held back of texts goes on at once; the event that ends them does not.
        self.pass(&mut ready, parts, out)?;
        if parts.stage != Stage::Goes {
            self.clear(out)?;
            self.holding = true;
        }
        self.restore(event, data, parts, &mut ready)?;
        self.pass(&mut ready, parts, out)?;
        Ok(if parts.stage == Stage::Whole { Flow::Whole } else { Flow::Goes })
    }

    /// Whether texts go on as they came.
    fn is_plain(&self) -> bool {
        self.scope.is_empty() && self.masker.is_none()
    }

    /// Lets the guards look at an event before anything of it goes on.
    fn look(&mut self, json: &[u8], parts: &Parts<'_>) -> Result<(), Code> {
        let Some(guards) = &mut self.guards else { return Ok(()) };
        guards.look(json, parts, &self.json, false);
        if guards.overran() {
            return Err(Code::UpstreamMalformed);
        }
        if guards.must_stop(self.received_bytes) { Err(Code::GuardBlocked) } else { Ok(()) }
    }

    /// The texts are whole: the guards look a last time at what they had to wait with, and what waited for that goes on.
    fn clear(&mut self, out: &mut Vec<Bytes>) -> Result<(), Code> {
        let Some(guards) = &mut self.guards else { return Ok(()) };
        guards.close_all();
        if guards.must_stop(self.received_bytes) {
            return Err(Code::GuardBlocked);
        }
        guards.release(out);
        Ok(())
    }

    /// Puts pieces of an event out, or holds them: nothing overtakes what is held.
    fn pass(&mut self, ready: &mut Vec<Bytes>, parts: &Parts<'_>, out: &mut Vec<Bytes>) -> Result<(), Code> {
        let is_held = self.holding || !self.held.is_empty();
        if let Some(guards) = self.guards.as_mut().filter(|_| !is_held) {
            guards.pass(ready, parts);
        }
        for piece in ready.drain(..) {
            if self.holding || !self.held.is_empty() {
                self.hold(piece)?;
            } else {
                out.push(piece);
            }
        }
        Ok(())
    }

    fn meter(&mut self, parts: &Parts<'_>) {
        if self.answered.model.is_none() {
            self.answered.model.clone_from(&parts.model);
        }
        if let Some(reason) = &parts.reason {
            // Of a chat's choices the first one's; a response's status changes until its end.
            if self.surface != Surface::OpenAiChat || self.answered.finish_reason.is_none() {
                self.answered.finish_reason = Some(reason.clone());
            }
        }
        let is_first = self.surface == Surface::AnthropicMessages && parts.stage == Stage::Goes;
        // A chat says nothing of tokens before its end: what the translated beginning says of them counts nothing.
        if !(is_first && self.translator.is_some()) {
            self.tokens.merge(parts.tokens);
            let completion = parts.tokens.completion.filter(|_| !is_first);
            self.counted.merge(Tokens { completion, ..parts.tokens });
        }
        self.answered.usage = self.tokens.usage();
        let room = MAX_TOOLS.saturating_sub(self.answered.tools.len());
        self.answered.tools.extend(parts.tools.iter().take(room).cloned());
        self.names.take(&parts.kept);
        for text in &parts.texts {
            self.transcript.push(text);
        }
        for choice in &parts.opened {
            self.open.entry(*choice).or_insert(false);
        }
        for choice in &parts.closed {
            self.open.insert(*choice, true);
        }
    }

    /// Masks the texts of one event, and gives placeholders their values in all that it says.
    fn restore(
        &mut self,
        event: &Event,
        data: &Bytes,
        parts: &Parts<'_>,
        out: &mut Vec<Bytes>,
    ) -> Result<(), Code> {
        if self.is_plain() {
            out.push(event.raw.clone());
            return Ok(());
        }
        let malformed = |_| Code::UpstreamMalformed;
        let mut edits = Edits::new();
        for text in &parts.texts {
            let value = text.place.string.value();
            let released = self.restored(text, &value, parts)?;
            if released != value {
                self.held_bytes += value.len().saturating_sub(released.len());
                let range = text.place.at..text.place.at + text.place.string.raw().len();
                edits.replace(range, format!("\"{}\"", escaped(&released))).map_err(malformed)?;
            }
        }
        for place in parts.repeated.iter().chain(&parts.echoed) {
            restore_string(*place, &self.scope, &mut edits).map_err(malformed)?;
        }
        // What a choice still holds back goes out before the event in which it ends.
        for choice in &parts.closed {
            self.flush(Some(*choice), out)?;
        }
        if let Some((number, range)) = parts.number.as_ref().filter(|_| self.inserted > 0) {
            edits.replace(range.clone(), (number + self.inserted).to_string()).map_err(malformed)?;
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
            Content::Text | Content::Name => Placing::Text,
            Content::Json => Placing::Json,
        };
        let is_over = parts.closed.contains(&text.choice);
        let mut said = Cow::Borrowed(value);
        if let Some(masker) = &mut self.masker {
            let mut masked = String::new();
            masker.push(text, value, &mut self.scope, &mut masked)?;
            if is_over {
                masker.close(&key, &mut self.scope, &mut masked)?;
            }
            said = Cow::Owned(masked);
        }
        let mut released = String::new();
        let mut restorer = self.restorers.remove(&key).unwrap_or_else(|| StreamRestorer::new(placing));
        restorer.push(&said, &self.scope, &mut released);
        if is_over {
            restorer.finish(&self.scope, &mut released);
        } else {
            self.restorers.insert(key, restorer);
        }
        Ok(released)
    }

    /// Puts out what `choice`, or every one, still holds back, in events of our own.
    fn flush(&mut self, choice: Option<usize>, out: &mut Vec<Bytes>) -> Result<(), Code> {
        let keys: Vec<(usize, Channel)> = self
            .restorers
            .keys()
            .filter(|(known, _)| choice.is_none_or(|choice| choice == *known))
            .cloned()
            .collect();
        for key in keys {
            let Some(mut restorer) = self.restorers.remove(&key) else { continue };
            let mut rest = String::new();
            if let Some(masker) = &mut self.masker {
                let mut masked = String::new();
                masker.close(&key, &mut self.scope, &mut masked)?;
                restorer.push(&masked, &self.scope, &mut rest);
            }
            restorer.finish(&self.scope, &mut rest);
            if !rest.is_empty() {
                out.push(self.own_event(key.0, &key.1, &rest));
            }
        }
        Ok(())
    }

    /// An event with `text` alone, in the form of those around it.
    fn own_event(&mut self, choice: usize, channel: &Channel, text: &str) -> Bytes {
        let text = escaped(text);
        match self.surface.dialect() {
            Dialect::Anthropic => anthropic::own_event(choice, channel, &text),
            Dialect::OpenAi if self.surface == Surface::OpenAiResponses => {
                let number = self.number + self.inserted;
                self.inserted += 1;
                openai_responses::own_event(&self.head, number, choice, channel, &text)
            }
            Dialect::OpenAi | Dialect::Presidio | Dialect::Amazon => {
                openai_chat::own_event(&self.head, choice, channel, &text)
            }
        }
    }

    /// Keeps what an event of our own has to say again.
    fn remember(&mut self, data: &[u8], parts: &Parts<'_>) {
        if let Some((number, _)) = &parts.number {
            self.number = *number;
        }
        if self.surface == Surface::OpenAiResponses && parts.head.is_empty() {
            return;
        }
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
        let mut held = self.guards.as_mut().map(|guards| guards.take_waiting()).unwrap_or_default();
        held.append(&mut self.held);
        held
    }

    /// The same as it stands there, what waits for guards aside.
    pub(crate) fn held(&self) -> &[Bytes] {
        &self.held
    }

    /// The provider's error, with which the stream ended, without anything that waited before it.
    pub(crate) fn take_error(&mut self) -> Vec<Bytes> {
        let last = self.take_held().pop();
        last.into_iter().collect()
    }

    /// Whether a guard for which the whole stream waited did not look at it, as `results` say.
    pub(crate) fn is_unseen(&self, results: &[Guarded]) -> bool {
        self.guards.as_ref().is_some_and(|guards| guards.is_unseen(results))
    }

    /// Whether the provider's error says anything beside it that a guard would have to look at.
    pub(crate) fn error_has_text(&self) -> bool {
        self.error_has_text
    }

    /// What the guards say at the end: of a `whole` stream, or of one that broke off.
    pub(crate) fn judged(&mut self, whole: bool) -> Vec<Guarded> {
        let Some(guards) = &mut self.guards else { return Vec::new() };
        guards.close_all();
        guards.settle(&self.scope);
        guards.results(whole, self.received_bytes)
    }

    /// Has services asked about a stream that is whole, unless `results` stop it already; what they want changed is given back.
    pub(crate) async fn ask(
        &self,
        results: &mut [Guarded],
        waiting: Waiting<'_>,
    ) -> Result<Proposals, Interrupt> {
        match &self.guards {
            Some(guards) => guards.ask(results, waiting).await,
            None => Ok(Proposals::default()),
        }
    }

    /// Puts in what services want changed, where nothing stops the stream. After an error nothing of it may go.
    pub(crate) fn edit(&mut self, proposals: &Proposals, results: &mut [Guarded]) -> Result<(), Code> {
        let (Some(guards), Some(events)) = (&self.guards, &self.events) else { return Ok(()) };
        let apply = |wanted: &Wanted| edited(events, self.surface, &self.json, wanted);
        match guards.put_in(proposals, results, apply) {
            Some(events) => self.replay(&events),
            None if self.masker_of_replay.is_some() => {
                let events = self.events.take().unwrap_or_default();
                self.replay(&events)
            }
            None => Ok(()),
        }
    }

    /// Takes these events in place of those that came, none of which has left: all that is told and given back is of them.
    fn replay(&mut self, events: &[Event]) -> Result<(), Code> {
        (self.guards, self.events, self.key) = (None, None, None);
        self.masker = self.masker_of_replay.take();
        self.restorers.clear();
        self.head.clear();
        (self.number, self.inserted) = (0, 0);
        self.transcript = self.transcript.begun_anew();
        self.tape = self.tape.take().map(|_| Tape::default());
        self.answered = Answered::default();
        (self.tokens, self.counted) = (Tokens::default(), Tokens::default());
        self.open.clear();
        (self.holding, self.held_bytes) = (false, 0);
        self.held.clear();
        let mut all = Vec::new();
        for event in events {
            self.event(event, &mut all).map_err(|code| match code {
                Code::GuardBlocked => code,
                _ => Code::GuardErrored,
            })?;
        }
        all.append(&mut self.held);
        self.held = all;
        Ok(())
    }
}
