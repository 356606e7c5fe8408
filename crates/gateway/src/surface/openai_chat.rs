//! Requests of `POST /v1/chat/completions`.

use crate::surface::offers::Offers;
use crate::surface::request::{Form, Required};

/// What they look like.
pub(crate) const FORM: Form = Form {
    required: &[Required::Array("messages")],
    tools: Offers {
        lists: &["tools", "functions"],
        handed_over_in: "",
        names: &[&["name"], &["function", "name"], &["custom", "name"]],
    },
    limits: &["max_tokens", "max_completion_tokens"],
    encoded: &[("url", "image_url"), ("file_data", "file"), ("data", "input_audio")],
    sealed: &[],
    opaque: &[],
    refused: &[],
    streams: true,
    asks_usage: true,
};
