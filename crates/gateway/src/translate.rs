//! Between the chats of `OpenAI` and the messages of Anthropic, so that a caller of one reaches a provider of the other.
//!
//! Promises: pure; what the other interface cannot say is refused by the name of its member and never left out, but for what docs/translation.md lists as
//! harmless; what is moved is moved as it was written. Must never: invent text, or let an answer pass that it does not understand.

pub(crate) mod chat_to_messages;
pub(crate) mod failure;
pub(crate) mod members;
pub(crate) mod messages_to_chat;
pub(crate) mod stream;
pub(crate) mod stream_to_chat;
pub(crate) mod stream_to_message;
pub(crate) mod tree;
pub(crate) mod turns;
pub(crate) mod usage;
pub(crate) mod whole_to_chat;
pub(crate) mod whole_to_message;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_model::Micros;

use crate::code::Code;
use crate::config::Api;
use crate::decide::Refusal;
use crate::dialect::sent_on::SentOn;
use crate::surface::Surface;
use crate::surface::asks::Asks;
use crate::translate::members::Lost;
use crate::translate::tree::Node;
use crate::upstream::catalogue::Upstream;

/// On an answer that was translated: whose interface its provider has.
pub(crate) const TRANSLATED: HeaderName = HeaderName::from_static("tabellion-translated");
/// The version of Anthropic's interface that translated requests are written for.
pub(crate) const ANTHROPIC_VERSION: &str = "2023-06-01";
/// Times of calls are in microseconds, those of chats in seconds.
const MICROS_IN_A_SECOND: u64 = 1_000_000;
/// Longest identifier or model's name of an answer that each event of a translated stream repeats: longer ones would multiply what a provider sends.
const MAX_REPEATED_BYTES: usize = 512;
/// Two levels of arrays and objects that the other interface has around a tool's input.
const DEPTH: usize = 130;

/// An interface that requests are translated to and answers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    /// Chats of `OpenAI`.
    OpenAi,
    /// Messages of Anthropic.
    Anthropic,
}

impl Interface {
    /// That of a provider; none: it is reached by passthrough alone.
    fn of(api: Api) -> Option<Self> {
        match api {
            Api::OpenAi => Some(Self::OpenAi),
            Api::Anthropic => Some(Self::Anthropic),
            Api::Gemini | Api::Vertex | Api::Bedrock => None,
        }
    }
}

/// How a call crosses from its caller's interface to its provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Translation {
    /// Whose interface the provider has.
    to: Interface,
    /// When the call came, in seconds: a chat's answer says when it was made, a message does not.
    created_s: u64,
    /// Most tokens of an answer where the caller names none and the provider wants to be told.
    max_tokens: u64,
    /// Whether the provider can be asked for token counts in streams.
    ask_usage: bool,
}

impl Translation {
    /// Whether callers of another interface can reach a provider with this one.
    pub(crate) fn reaches(api: Api) -> bool {
        Interface::of(api).is_some()
    }

    /// How a call that came on `surface` reaches `upstream`: `None`, as it is.
    pub(crate) fn of(surface: Surface, upstream: &Upstream, created_s: u64) -> Result<Option<Self>, Refusal> {
        if upstream.api == surface.api() {
            return Ok(None);
        }
        let reason = match (surface, Interface::of(upstream.api)) {
            (Surface::OpenAiChat | Surface::AnthropicMessages, Some(to)) if upstream.translate => {
                return Ok(Some(Self {
                    to,
                    created_s,
                    max_tokens: upstream.max_tokens,
                    ask_usage: upstream.usage_in_streams,
                }));
            }
            (Surface::OpenAiChat | Surface::AnthropicMessages, Some(_)) => {
                "the provider of this model does not have this interface, and translate is off for it; ask on a route of its own, or for another model"
            }
            _ => {
                "the provider of this model does not have this interface; ask on a route of its own, or for another model"
            }
        };
        Err(Refusal::new(Code::UnknownModel, reason))
    }

    /// Whose interface the provider has, as records and headers say it.
    pub(crate) fn word(self) -> &'static str {
        match self.to {
            Interface::OpenAi => "openai",
            Interface::Anthropic => "anthropic",
        }
    }

    /// Where the provider is asked, below its base URL.
    pub(crate) fn path(self) -> &'static str {
        match self.to {
            Interface::OpenAi => Surface::OpenAiChat.path(),
            Interface::Anthropic => Surface::AnthropicMessages.path(),
        }
    }

    /// The request as the provider reads it, and the most tokens that one answer of it may have.
    pub(crate) fn request(self, body: &Bytes, limits: &JsonLimits) -> Result<(Bytes, u64), Refusal> {
        // What stands for personal data can be longer than it: the limit of what came is not that of what goes.
        let limits = JsonLimits { max_bytes: body.len(), ..*limits };
        let tree = Node::parse(body, &limits)
            .map_err(|fault| Refusal::new(Code::MalformedBody, fault.to_string()))?;
        let translated = match self.to {
            Interface::Anthropic => chat_to_messages::request(&tree, self.max_tokens),
            Interface::OpenAi => messages_to_chat::request(&tree, self.ask_usage),
        };
        translated.map(|(text, limit)| (Bytes::from(text), limit)).map_err(|Lost { at, why }| {
            let reason = format!(
                "{at} cannot be translated for this provider: {why}. Nothing was sent; leave it out, or ask for a model whose provider has this interface"
            );
            Refusal::new(Code::NotTranslatable, reason)
        })
    }

    /// A whole answer, or an error, as the caller reads it. `None`: it is neither.
    pub(crate) fn answer(self, body: &Bytes, status: u16, limits: &JsonLimits) -> Option<Bytes> {
        let tree = Node::parse(body, limits).ok()?;
        let translated = match (failure::of(&tree), self.to) {
            (Some(failure), Interface::OpenAi) => Ok(failure.as_message(status)),
            (Some(failure), Interface::Anthropic) => Ok(failure.as_chat()),
            (None, Interface::OpenAi) => whole_to_message::answer(&tree),
            (None, Interface::Anthropic) => whole_to_chat::answer(&tree, self.created_s),
        };
        translated.ok().map(Bytes::from)
    }

    /// Names it on the answer that it made.
    pub(crate) fn name_in(translation: Option<Self>, headers: &mut HeaderMap) {
        if let Some(translation) = translation {
            headers.insert(TRANSLATED, HeaderValue::from_static(translation.word()));
        }
    }

    /// What translates a stream; an event has at most `event_bytes`.
    pub(crate) fn stream(self, event_bytes: usize) -> stream::Translator {
        stream::Translator::new(self.to, self.created_s, event_bytes)
    }
}

/// How a call that came on `surface` at `at` reaches `upstream`.
pub(crate) fn translation(
    surface: Surface,
    upstream: &Upstream,
    at: Micros,
) -> Result<Option<Translation>, Refusal> {
    Translation::of(surface, upstream, at.0 / MICROS_IN_A_SECOND)
}

/// What of the client's headers is sent on.
pub(crate) fn sent_on(translation: Option<Translation>, client: &HeaderMap, surface: Surface) -> SentOn {
    match translation {
        None => SentOn::of(client, surface.api()),
        Some(Translation { to, .. }) => SentOn::translated(client, to, ANTHROPIC_VERSION),
    }
}

/// The body that is sent in place of `treated`, and what it asks for: as it is, where nothing is translated.
pub(crate) fn sent(
    translation: Option<Translation>,
    treated: &Bytes,
    asks: Asks,
    limits: &JsonLimits,
) -> Result<(Bytes, Asks), Refusal> {
    let Some(translation) = translation else { return Ok((treated.clone(), asks)) };
    let (sent, limit) = translation.request(treated, limits)?;
    Ok((sent, Asks { max_output: Some(limit), ..asks }))
}

/// Whether an identifier or name may be repeated in each event.
fn is_short(raw: &str) -> bool {
    raw.len() <= MAX_REPEATED_BYTES
}

/// How JSON within an answer's event or string is read.
fn inner_limits(max_bytes: usize) -> JsonLimits {
    JsonLimits { max_bytes, max_depth: DEPTH }
}

#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;
