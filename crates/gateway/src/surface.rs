//! The routes on which models are asked, and what each one's requests and answers look like.
//!
//! Promises: every route goes the same way through the gateway; what differs between them is said here and in the files below, and nowhere else.

pub(crate) mod alike;
pub(crate) mod anthropic_messages;
pub(crate) mod asks;
pub(crate) mod identifiers;
pub(crate) mod kept;
pub(crate) mod models;
pub(crate) mod offers;
pub(crate) mod openai_chat;
pub(crate) mod openai_embeddings;
pub(crate) mod openai_responses;
pub(crate) mod request;

use tabellion_policy::Action;

use crate::config::Api;
use crate::dialect::Dialect;
use crate::surface::request::Form;

/// A route on which a model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/responses`.
    OpenAiResponses,
    /// `POST /v1/embeddings`.
    OpenAiEmbeddings,
    /// `POST /v1/messages`.
    AnthropicMessages,
    /// `POST /v1/messages/count_tokens`.
    AnthropicCountTokens,
}

impl Surface {
    /// Every one.
    pub(crate) const ALL: [Self; 5] = [
        Self::OpenAiChat,
        Self::OpenAiResponses,
        Self::OpenAiEmbeddings,
        Self::AnthropicMessages,
        Self::AnthropicCountTokens,
    ];

    /// As records and rules name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai.chat_completions",
            Self::OpenAiResponses => "openai.responses",
            Self::OpenAiEmbeddings => "openai.embeddings",
            Self::AnthropicMessages => "anthropic.messages",
            Self::AnthropicCountTokens => "anthropic.count_tokens",
        }
    }

    /// Its path below the base URL of a provider with its interface, which is also its path here below `/v1`.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::OpenAiChat => "/chat/completions",
            Self::OpenAiResponses => "/responses",
            Self::OpenAiEmbeddings => "/embeddings",
            Self::AnthropicMessages => "/messages",
            Self::AnthropicCountTokens => "/messages/count_tokens",
        }
    }

    /// Whose interface it is.
    pub(crate) const fn api(self) -> Api {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::OpenAiEmbeddings => Api::OpenAi,
            Self::AnthropicMessages | Self::AnthropicCountTokens => Api::Anthropic,
        }
    }

    /// What its callers speak.
    pub(crate) const fn dialect(self) -> Dialect {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses | Self::OpenAiEmbeddings => Dialect::OpenAi,
            Self::AnthropicMessages | Self::AnthropicCountTokens => Dialect::Anthropic,
        }
    }

    /// What rules know it as. Counting the tokens of a prompt shows it to the provider just as asking does.
    pub(crate) const fn action(self) -> Action {
        match self {
            Self::OpenAiEmbeddings => Action::Embed,
            _ => Action::Chat,
        }
    }

    /// What its requests look like.
    pub(crate) const fn form(self) -> &'static Form {
        match self {
            Self::OpenAiChat => &openai_chat::FORM,
            Self::OpenAiResponses => &openai_responses::FORM,
            Self::OpenAiEmbeddings => &openai_embeddings::FORM,
            Self::AnthropicMessages => &anthropic_messages::FORM,
            Self::AnthropicCountTokens => &anthropic_messages::COUNTING,
        }
    }
}
