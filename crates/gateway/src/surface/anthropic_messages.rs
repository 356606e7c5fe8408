//! Requests of `POST /v1/messages` and `POST /v1/messages/count_tokens`.
//!
//! A model's thinking goes back as it came: the provider refuses a conversation in which a byte of it is changed. It holds placeholders where the prompt
//! did, since answers are not given values there either.

use crate::surface::offers::Offers;
use crate::surface::request::{Form, Required};

/// What requests look like.
pub(crate) const FORM: Form = Form {
    required: &[Required::Array("messages")],
    tools: Offers { lists: &["tools", "mcp_servers"], handed_over_in: "", names: &[&["name"]] },
    encoded: &[("data", "source")],
    sealed: &[&["messages", "*", "content", "*", "thinking"]],
    opaque: &[&["messages", "*", "content", "*", "signature"], &["messages", "*", "content", "*", "data"]],
    limits: &["max_tokens"],
    refused: &[],
    streams: true,
    asks_usage: false,
};

/// The same without an answer to come.
pub(crate) const COUNTING: Form = Form { streams: false, ..FORM };
