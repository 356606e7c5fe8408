//! Requests of `POST /v1/embeddings`.
//!
//! Text that comes as the numbers of its tokens cannot be read here, so that nothing in it could be masked: it is refused.

use crate::surface::offers;
use crate::surface::request::{Form, Required};

/// What they look like.
pub(crate) const FORM: Form = Form {
    required: &[Required::Text("input")],
    tools: offers::NONE,
    encoded: &[],
    sealed: &[],
    opaque: &[],
    limits: &[],
    refused: &[],
    streams: false,
    asks_usage: false,
};
