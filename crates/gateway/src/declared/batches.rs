//! Batches at a provider with the interface of `OpenAI`.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "opaque.batches.create",
        class: RouteClass::Batches,
        method: "POST",
        path: "/v1/batches",
        api: Api::OpenAi,
        body: BodyKind::Json,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Batch,
    },
    Declared {
        name: "opaque.batches.list",
        class: RouteClass::Batches,
        method: "GET",
        path: "/v1/batches",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &["limit", "after"],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.batches.read",
        class: RouteClass::Batches,
        method: "GET",
        path: "/v1/batches/{id}",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.batches.cancel",
        class: RouteClass::Batches,
        method: "POST",
        path: "/v1/batches/{id}/cancel",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
];
