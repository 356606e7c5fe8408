//! Texts that a provider with the interface of `OpenAI` classes.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[Declared {
    name: "opaque.moderations.create",
    class: RouteClass::Moderations,
    method: "POST",
    path: "/v1/moderations",
    api: Api::OpenAi,
    body: BodyKind::Json,
    model: ModelAt::Body,
    counts: Counts::Nothing,
    query: &[],
    special: Special::Nothing,
}];
