//! A provider's stream, event by event, as a stream of the other interface.
//!
//! Promises: what comes out is the same however the provider's bytes were cut; nothing after the end is looked at; an event that is not understood ends the
//! stream as malformed, and one that is missing as broken off. Must never: let the end pass that the provider did not send.

use crate::code::Code;
use crate::sse::{EventReader, REMARK, event_of};
use crate::translate::Interface;
use crate::translate::failure;
use crate::translate::inner_limits;
use crate::translate::members::Lost;
use crate::translate::stream_to_chat::ToChat;
use crate::translate::stream_to_message::ToMessage;
use crate::translate::tree::Node;

/// The data of a chat's last event.
const DONE: &[u8] = b"[DONE]";
/// In a stream an error has no status of its own; what is said of one that has none.
const STATUS_OF_ERRORS: u16 = 500;

/// Where the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// More is to come.
    Goes,
    /// That was the end.
    Over,
}

/// What is written of one event, piece by piece.
pub(crate) type Out = Vec<u8>;

/// The state of one stream.
pub(crate) struct Translator {
    reader: EventReader,
    event_bytes: usize,
    machine: Machine,
    over: bool,
}

enum Machine {
    ToChat(ToChat),
    ToMessage(ToMessage),
}

impl Translator {
    /// Of a provider that has the interface `from`.
    pub(crate) fn new(from: Interface, created_s: u64, event_bytes: usize) -> Self {
        let machine = match from {
            Interface::Anthropic => Machine::ToChat(ToChat::new(created_s)),
            Interface::OpenAi => Machine::ToMessage(ToMessage::default()),
        };
        Self { reader: EventReader::new(event_bytes), event_bytes, machine, over: false }
    }

    /// Takes bytes of the provider in; what they say is appended to `out`, also before an error.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Out) -> Result<(), Code> {
        if self.over {
            return Ok(());
        }
        self.reader.push(bytes);
        while let Some(event) = self.reader.next().map_err(|_| Code::UpstreamTooLarge)? {
            self.event(event.data().as_deref(), out)?;
            if self.over {
                break;
            }
        }
        Ok(())
    }

    /// The provider ended the body.
    pub(crate) fn finish(&mut self, out: &mut Out) -> Result<(), Code> {
        if self.over {
            return Ok(());
        }
        if let Some(event) = self.reader.finish().map_err(|_| Code::UpstreamTooLarge)? {
            // What cannot be read here was not all sent.
            self.event(event.data().as_deref(), out).map_err(|_| Code::UpstreamBrokeOff)?;
        }
        if !self.over {
            // Some providers of chats close without a last event, when every choice has said why it stopped.
            let Machine::ToMessage(machine) = &mut self.machine else { return Err(Code::UpstreamBrokeOff) };
            machine.end(out).map_err(|_| Code::UpstreamBrokeOff)?;
            self.over = true;
        }
        Ok(())
    }

    fn event(&mut self, data: Option<&[u8]>, out: &mut Out) -> Result<(), Code> {
        let Some(data) = data else {
            out.extend_from_slice(REMARK);
            return Ok(());
        };
        let malformed = |_: Lost| Code::UpstreamMalformed;
        if data.trim_ascii() == DONE
            && let Machine::ToMessage(machine) = &mut self.machine
        {
            machine.end(out).map_err(malformed)?;
            self.over = true;
            return Ok(());
        }
        let limits = inner_limits(self.event_bytes);
        let node = Node::parse(data, &limits).map_err(|_| Code::UpstreamMalformed)?;
        if let Some(failure) = failure::of(&node) {
            match &self.machine {
                Machine::ToChat(_) => out.extend_from_slice(&event_of(failure.as_chat().as_bytes())),
                Machine::ToMessage(_) => {
                    let failure = failure.as_message(STATUS_OF_ERRORS);
                    out.extend_from_slice(&crate::sse::named_event("error", failure.as_bytes()));
                }
            }
            self.over = true;
            return Ok(());
        }
        let step = match &mut self.machine {
            Machine::ToChat(machine) => machine.event(&node, out),
            Machine::ToMessage(machine) => machine.event(&node, out),
        };
        self.over = step.map_err(malformed)? == Step::Over;
        Ok(())
    }
}

/// A remark in place of an event that has no counterpart, so that the connection stays alive.
pub(crate) fn remark(out: &mut Out) {
    out.extend_from_slice(REMARK);
}
