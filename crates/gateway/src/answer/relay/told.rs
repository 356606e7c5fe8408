//! What is told of a stream when it is over, or broke off.
//!
//! Must never: change what it has given or holds, but for taking what is kept of it.

use tabellion_model::body::{Answered, Guarded, Masked};

use super::Relay;
use super::key::KeyWatch;
use crate::answer::parts::Tokens;
use crate::answer::transcript::Transcript;
use crate::guards::after::Tape;
use crate::names::OfAnswer;

impl Relay {
    /// Bytes that had to wait.
    pub(crate) fn held_bytes(&self) -> usize {
        let by_guards = self.guards.as_ref().map_or(0, |guards| guards.waiting_bytes());
        self.held_bytes + by_guards + self.key.as_ref().map_or(0, KeyWatch::waiting_bytes)
    }

    /// The provider's own account, so far.
    pub(crate) fn answered(&self) -> Answered {
        self.answered.clone()
    }

    /// By which names later prompts can refer to what it keeps, so far.
    pub(crate) fn names(&self) -> &OfAnswer {
        &self.names
    }

    /// What the provider counted, so far.
    pub(crate) fn counted(&self) -> Tokens {
        self.counted
    }

    /// Personal data that the model brought up, and what became of it.
    pub(crate) fn found(&self) -> Vec<Masked> {
        let found = self.transcript.found();
        match &self.masker {
            Some(masker) => masker.told(found),
            None => found,
        }
    }

    /// Rules of masking that stop the stream, as guards are told.
    pub(crate) fn stopped(&self) -> Vec<Guarded> {
        self.masker.as_ref().map(|masker| masker.stopped()).unwrap_or_default()
    }

    /// What the model said.
    pub(crate) fn said(&self) -> &Transcript {
        &self.transcript
    }

    /// What is kept of it for guards that look when the call is over.
    pub(crate) fn take_tape(&mut self) -> Option<Tape> {
        self.tape.take()
    }

    /// The answer as it may be kept.
    pub(crate) fn transcript(&mut self) -> Option<String> {
        self.transcript.masked(&mut self.scope)
    }
}
