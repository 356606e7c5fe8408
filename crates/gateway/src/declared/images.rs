//! Pictures, made and edited, at a provider with the interface of `OpenAI`.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "opaque.images.generate",
        class: RouteClass::Images,
        method: "POST",
        path: "/v1/images/generations",
        api: Api::OpenAi,
        body: BodyKind::Json,
        model: ModelAt::Body,
        counts: Counts::OpenAi,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.images.edit",
        class: RouteClass::Images,
        method: "POST",
        path: "/v1/images/edits",
        api: Api::OpenAi,
        body: BodyKind::JsonOrMultipart,
        model: ModelAt::Body,
        counts: Counts::OpenAi,
        query: &[],
        special: Special::Nothing,
    },
];
