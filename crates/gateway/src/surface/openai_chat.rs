//! Requests of `POST /v1/chat/completions`.

use crate::surface::request::{Form, Required};

/// What they look like.
pub(crate) const FORM: Form = Form {
    required: &[Required::Array("messages")],
    tool_names: &[
        &["tools", "*", "function", "name"],
        &["tools", "*", "custom", "name"],
        &["functions", "*", "name"],
        &["tools", "*", "name"],
    ],
    tool_kinds: &["tools", "*", "type"],
    limits: &["max_tokens", "max_completion_tokens"],
    encoded: &[("url", "image_url"), ("file_data", "file"), ("data", "input_audio")],
    sealed: &[],
    opaque: &[],
    refused: &[],
    streams: true,
    asks_usage: true,
};
