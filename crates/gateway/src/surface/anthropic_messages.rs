//! Requests of `POST /v1/messages` and `POST /v1/messages/count_tokens`.
//!
//! A model's thinking goes back as it came: the provider refuses a conversation in which a byte of it is changed. It holds placeholders where the prompt
//! did, since answers are not given values there either.

use crate::surface::request::{Form, Required};

/// What requests look like.
pub(crate) const FORM: Form = Form {
    required: &[Required::Array("messages")],
    tool_names: &[&["tools", "*", "name"], &["mcp_servers", "*", "name"]],
    // Tools that the provider itself runs (`web_search_20250305`) are known by their kind as well.
    tool_kinds: &["tools", "*", "type"],
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
