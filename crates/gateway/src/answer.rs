//! A provider's answer on its way back: read, metered, given its placeholders' values, released when its record allows.

pub(crate) mod anthropic;
pub(crate) mod edited;
pub(crate) mod masked;
pub(crate) mod openai_chat;
pub(crate) mod openai_embeddings;
pub(crate) mod openai_responses;
pub(crate) mod parts;
pub(crate) mod relay;
mod spots;
pub(crate) mod stream;
pub(crate) mod transcript;
pub(crate) mod whole;
