//! What an answer, or one event of a stream, says, read where it stands.
//!
//! Promises: unknown members are passed over and left as they are. Must never: be the reason that a byte of an answer changes.

use std::ops::Range;

use tabellion_mask::json::{JsonFault, Limits, RawString};
use tabellion_mask::{Content, Place};
use tabellion_model::body::Usage;
use tabellion_model::charge::Tokens as Charged;

use crate::answer::{anthropic, openai_chat, openai_embeddings, openai_responses};
use crate::names::Named;
use crate::surface::Surface;
use crate::words;

/// Most names of called tools that a record keeps: what an end record has room for.
pub(crate) const MAX_TOOLS: usize = 32;
/// Choices, blocks, items and calls are counted far below this.
const MAX_INDEX: usize = 4096;

/// Which text of a choice (of `OpenAI`'s chat), a block (of Anthropic's message) or an item (of a response).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Channel {
    /// A chat message's `content`, `refusal`, `reasoning_content`, `reasoning`.
    Member(&'static str),
    /// Arguments of the tool call with this index.
    Tool(usize),
    /// Input of the custom tool call with this index: text, not JSON.
    Custom(usize),
    /// Arguments of the one function call of the older form.
    Function,
    /// What the deltas of a block are: `text_delta`, `input_json_delta`.
    Block(&'static str),
    /// A part of an item: what its deltas are (`output_text`, `function_call_arguments`), and which part.
    Item(&'static str, usize),
}

/// Text that a client will show or act on: a piece of it, in a stream.
#[derive(Clone)]
pub(crate) struct Text<'b> {
    /// Choice, block or item.
    pub(crate) choice: usize,
    pub(crate) channel: Channel,
    pub(crate) place: Place<'b>,
}

/// Where an event stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stage {
    /// More is to come.
    #[default]
    Goes,
    /// It has the token counts and nothing else, which only some clients asked for.
    Counts,
    /// It begins the end: it and all that follows waits for the end record.
    Closing,
    /// It is the end.
    Whole,
    /// It, or the whole answer, is the provider's own error.
    Refused,
}

/// Token counts, as far as they were said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tokens {
    pub(crate) prompt: Option<u64>,
    pub(crate) completion: Option<u64>,
    /// Of the prompt, taken from the provider's cache.
    pub(crate) cached: Option<u64>,
    /// Of the prompt, put into it.
    pub(crate) cache_write: Option<u64>,
    /// All of them, as the provider adds up: more than its parts where it counts what it thought here alone.
    pub(crate) total: Option<u64>,
    /// Whether an answer of this kind has no tokens, so that those of the prompt are all.
    pub(crate) prompt_alone: bool,
}

impl Tokens {
    /// These beside those of events before. On every route a later count has all that was counted until then, so the largest is the whole; one that is smaller is a
    /// provider's slip, and takes nothing back. What of the prompt was in the cache goes with the prompt that it is of.
    pub(crate) fn merge(&mut self, newer: Self) {
        if newer.prompt >= self.prompt {
            self.prompt = newer.prompt;
            self.cached = newer.cached.or(self.cached);
            self.cache_write = newer.cache_write.or(self.cache_write);
        }
        self.completion = self.completion.max(newer.completion);
        self.total = self.total.max(newer.total);
        self.prompt_alone |= newer.prompt_alone;
    }

    /// As a call is charged; none: not all of it was counted. No prompt has no tokens: who says so has not counted. Of a total and its parts the larger is charged,
    /// what is more as of the answer, whose tokens are the dearer.
    pub(crate) fn charged(self) -> Option<Charged> {
        let mut input = self.prompt.filter(|prompt| *prompt > 0)?;
        let mut output = self.completion.or(self.prompt_alone.then_some(0))?;
        let total = self.total.unwrap_or(0);
        if self.prompt_alone {
            input = input.max(total);
        } else {
            output = output.max(total.saturating_sub(input));
        }
        let (cached, cache_write) = (self.cached.unwrap_or(0), self.cache_write.unwrap_or(0));
        Some(Charged { input, cached, cache_write, output })
    }

    /// As a record has them, in the provider's own words: without those of the prompt nothing was counted.
    pub(crate) fn usage(self) -> Option<Usage> {
        let prompt_tokens = self.prompt?;
        Some(Usage { prompt_tokens, completion_tokens: self.completion.unwrap_or(0) })
    }
}

/// What was found.
#[derive(Default)]
pub(crate) struct Parts<'b> {
    /// Of which interface it is, where it was read.
    pub(crate) surface: Option<Surface>,
    /// Whether it is an object, with indices that all readers read alike: of others nobody knows which text goes on.
    pub(crate) is_object: bool,
    /// A whole answer of the route, and no other JSON.
    pub(crate) is_answer: bool,
    /// Of a route that answers with numbers.
    pub(crate) holds_numbers: bool,
    pub(crate) stage: Stage,
    pub(crate) model: Option<String>,
    pub(crate) tokens: Tokens,
    /// Pieces of texts, or texts.
    pub(crate) texts: Vec<Text<'b>>,
    /// Texts that are there whole although their pieces came before, or that nobody gathers.
    pub(crate) repeated: Vec<Place<'b>>,
    /// What the provider says again of what it was told: it is given its values, and is none of the model's.
    pub(crate) echoed: Vec<Place<'b>>,
    /// Texts, or pieces of them, that go on as they are, for guards alone.
    pub(crate) untouched: Vec<Text<'b>>,
    /// Choices that have begun.
    pub(crate) opened: Vec<usize>,
    /// Choices of which no more text comes.
    pub(crate) closed: Vec<usize>,
    /// That something was withheld or filtered, where the answer says it elsewhere than in its reason.
    pub(crate) flag: Option<String>,
    /// Why the answer stopped.
    pub(crate) reason: Option<String>,
    pub(crate) tools: Vec<String>,
    /// By which names later prompts can refer to what the provider keeps of it.
    pub(crate) kept: Vec<Named>,
    /// Members that an event of our own must repeat, as written: name and value.
    pub(crate) head: Vec<(&'static str, Range<usize>)>,
    /// The event's place in a stream that counts its events.
    pub(crate) number: Option<(u64, Range<usize>)>,
}

impl<'b> Parts<'b> {
    /// Reads `json`: an answer of `surface`, or the data of an event of one.
    pub(crate) fn read(surface: Surface, json: &'b [u8], limits: &Limits) -> Result<Self, JsonFault> {
        let parts = match surface {
            Surface::OpenAiChat => openai_chat::read(json, limits),
            Surface::OpenAiResponses => openai_responses::read(json, limits),
            Surface::OpenAiEmbeddings => openai_embeddings::read(json, limits),
            Surface::AnthropicMessages => anthropic::read(json, limits),
            Surface::AnthropicCountTokens => anthropic::read_count(json, limits),
        }?;
        let holds_numbers = matches!(surface, Surface::OpenAiEmbeddings | Surface::AnthropicCountTokens);
        Ok(Self { surface: Some(surface), holds_numbers, ..parts })
    }

    /// Whether it is an answer of a route whose answers are numbers alone: vectors, or a count of tokens.
    pub(crate) fn is_numbers(&self) -> bool {
        self.is_answer && self.holds_numbers && self.stage != Stage::Refused
    }

    /// Takes the name of a called tool down.
    pub(crate) fn tool(&mut self, name: &str) {
        if !name.is_empty() && self.tools.len() < MAX_TOOLS {
            self.tools.push(words::recorded(name, words::is_word));
        }
    }
}

/// A place of text.
pub(crate) fn text(string: RawString<'_>, at: usize) -> Place<'_> {
    Place { string, at, content: Content::Text }
}

/// A place of JSON within a string.
pub(crate) fn json(string: RawString<'_>, at: usize) -> Place<'_> {
    Place { string, at, content: Content::Json }
}

/// An index as providers count.
pub(crate) fn small(number: &str) -> Option<usize> {
    number.parse().ok().filter(|index| *index < MAX_INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(prompt: u64, completion: u64, total: Option<u64>) -> Tokens {
        Tokens { prompt: Some(prompt), completion: Some(completion), total, ..Tokens::default() }
    }

    /// Requirement: N22, N23. No call is charged less than its provider bills: zeros are no count, and thought that stands in the total alone is paid.
    #[test]
    fn what_is_charged_is_no_less_than_what_was_counted() {
        assert_eq!(counted(0, 0, Some(0)).charged(), None, "a provider that counts nothing would be free");
        assert_eq!(counted(0, 7, None).charged(), None, "a prompt that was sent has tokens");
        let charged = |tokens: Tokens| tokens.charged().map(|charged| (charged.input, charged.output));
        assert_eq!(charged(counted(10, 5, Some(515))), Some((10, 505)), "what it thought would be free");
        assert_eq!(
            charged(counted(10, 5, Some(3))),
            Some((10, 5)),
            "a total that is too small gives nothing back"
        );
        let vectors = Tokens { prompt: Some(4), total: Some(9), prompt_alone: true, ..Tokens::default() };
        assert_eq!(charged(vectors), Some((9, 0)));
    }

    /// Requirement: N22, N23. Of the counts of a stream the largest holds, whatever the last event says.
    #[test]
    fn the_largest_count_of_a_stream_holds() {
        let mut sum = Tokens::default();
        let first = Tokens { prompt: Some(20), cached: Some(8), ..Tokens::default() };
        for event in [first, counted(20, 9, None), counted(0, 0, None), Tokens::default()] {
            sum.merge(event);
        }
        assert_eq!(sum, Tokens { cached: Some(8), ..counted(20, 9, None) });
        sum.merge(Tokens { cached: Some(18), ..counted(19, 30, Some(80)) });
        assert_eq!(
            sum,
            Tokens { cached: Some(8), ..counted(20, 30, Some(80)) },
            "a smaller prompt has no say"
        );
    }
}
