//! Conversations in real time at a provider with the interface of `OpenAI`, over a socket.
//!
//! The socket alone passes, under its system's key. A secret for a client lets one past the gateway altogether, and a call that media servers carry never comes by
//! here: both are refused under a code of their own, so that nobody looks for a mistake in their address.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[Declared {
    name: "opaque.realtime.session",
    class: RouteClass::Realtime,
    method: "GET",
    path: "/v1/realtime",
    api: Api::OpenAi,
    body: BodyKind::Nothing,
    model: ModelAt::Query,
    counts: Counts::Session,
    query: &["model"],
    special: Special::Session,
}];

/// Where everything of that kind begins that is not declared.
pub(super) const PATHS: [&str; 2] = ["/v1/realtime", "/v1/live"];
