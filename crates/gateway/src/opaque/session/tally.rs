//! What a conversation took, by what its provider says of each response.
//!
//! Promises: counts are of responses that were said to be over; where one was begun and not ended, or says what cannot be read, nothing is counted and what was reserved
//! stands. Must never: read more of a message than its kind and its counts.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;

use super::reader::Text;
use crate::answer::parts::Tokens;

/// Kinds of messages that say something of what it takes.
const BEGUN: &str = "response.created";
const OVER: &str = "response.done";
const HEARD: &str = "conversation.item.input_audio_transcription.completed";

/// A message, as far as it is read.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    response: Option<Response>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Response {
    usage: Option<Usage>,
}

/// Counts; a transcription that is paid by time has neither.
#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

/// The counts so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    begun: u64,
    /// Responses that are over.
    pub(super) responses: u64,
    input: u64,
    output: u64,
    unreadable: bool,
}

impl Tally {
    /// Takes in a text of the provider.
    pub(super) fn take(&mut self, text: &Text) {
        let Text::Whole(text) = text else {
            self.unreadable = true;
            return;
        };
        // Most messages are pieces of sound.
        if memmem::find(text, b"response.").is_none() && memmem::find(text, b"usage").is_none() {
            return;
        }
        let Ok(said) = serde_json::from_slice::<Said<'_>>(text) else {
            self.unreadable = true;
            return;
        };
        match said.kind.as_ref() {
            BEGUN => self.begun += 1,
            OVER => {
                self.responses += 1;
                self.add(said.response.and_then(|response| response.usage).as_ref());
            }
            HEARD if said.usage.is_some() => self.add(said.usage.as_ref()),
            _ => {}
        }
    }

    fn add(&mut self, usage: Option<&Usage>) {
        match usage {
            Some(Usage { input_tokens: Some(input), output_tokens: Some(output) }) => {
                self.input = self.input.saturating_add(*input);
                self.output = self.output.saturating_add(*output);
            }
            _ => self.unreadable = true,
        }
    }

    /// Responses that were begun and are not over.
    pub(super) fn unfinished(&self) -> u64 {
        self.begun.saturating_sub(self.responses)
    }

    /// Whether it took more than so many tokens.
    pub(super) fn exceeds(&self, input: u64, output: u64) -> bool {
        self.input > input || self.output > output
    }

    /// Whether all that it took is known.
    pub(super) fn is_settled(&self) -> bool {
        !self.unreadable && self.unfinished() == 0
    }

    /// What it took; nothing where that is not known.
    pub(super) fn tokens(&self) -> Tokens {
        if !self.is_settled() {
            return Tokens::default();
        }
        Tokens { prompt: Some(self.input), completion: Some(self.output), ..Tokens::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for text in texts {
            tally.take(&Text::Whole(text.as_bytes().to_vec()));
        }
        tally
    }

    const CREATED: &str = r#"{"type":"response.created","response":{"id":"r","usage":null}}"#;
    const DONE: &str = r#"{"type":"response.done","response":{"id":"r","usage":{"total_tokens":30,"input_tokens":20,"output_tokens":10,"input_token_details":{"audio_tokens":3}}}}"#;

    /// Requirement: N22, N23.
    #[test]
    fn responses_add_up() {
        let tally =
            of(&[CREATED, r#"{"type":"response.output_audio.delta","delta":"AAAA"}"#, DONE, CREATED, DONE]);
        let tokens = tally.tokens();
        assert_eq!((tokens.prompt, tokens.completion, tally.responses), (Some(40), Some(20), 2));
        assert!(tally.exceeds(39, 20) && tally.exceeds(40, 19) && !tally.exceeds(40, 20));
        let heard = r#"{"type":"conversation.item.input_audio_transcription.completed","transcript":"a","usage":{"type":"tokens","input_tokens":5,"output_tokens":2}}"#;
        assert_eq!(of(&[heard]).tokens().prompt, Some(5));
        assert_eq!(of(&[]).tokens().prompt, Some(0), "a conversation in which nothing was said");
    }

    /// Requirement: N22, N23. What nobody counted is not free.
    #[test]
    fn what_is_not_known_leaves_what_was_reserved() {
        let by_time = r#"{"type":"conversation.item.input_audio_transcription.completed","usage":{"type":"duration","seconds":4}}"#;
        let uncounted = r#"{"type":"response.done","response":{"usage":null}}"#;
        for texts in [&[CREATED][..], &[uncounted], &[by_time], &[r#"{"type":"response.done""#]] {
            let tally = of(texts);
            assert!(!tally.is_settled(), "{texts:?}");
            assert_eq!(tally.tokens(), Tokens::default(), "{texts:?}");
        }
        let mut tally = of(&[CREATED, DONE]);
        tally.take(&Text::TooLong);
        assert!(!tally.is_settled(), "a message that was too long to be read");
    }
}
