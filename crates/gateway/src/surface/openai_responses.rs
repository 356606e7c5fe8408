//! Requests of `POST /v1/responses`.
//!
//! What a provider keeps of a conversation (`store`, `previous_response_id`) went through here when it was sent. An answer that is made in the background
//! is fetched on another route, which is not governed: it is refused.

use crate::surface::offers::Offers;
use crate::surface::request::{Form, Refused, Required};

/// What they look like.
pub(crate) const FORM: Form = Form {
    required: &[Required::ArrayOrString("input")],
    tools: Offers {
        lists: &["tools", "additional_tools"],
        handed_over_in: "input",
        names: &[&["name"], &["server_label"], &["function", "name"], &["custom", "name"]],
    },
    encoded: &[("image_url", "*"), ("file_data", "*"), ("data", "input_audio")],
    // Reasoning that only the provider can read; it takes no other bytes back.
    sealed: &[],
    opaque: &[&["input", "*", "encrypted_content"]],
    limits: &["max_output_tokens"],
    refused: &[Refused {
        member: "background",
        unless: "false",
        why: "background is not possible here: its answer would be fetched past the gateway; ask with background false, or stream",
    }],
    streams: true,
    asks_usage: false,
};
