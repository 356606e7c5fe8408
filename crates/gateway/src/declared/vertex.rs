//! Declared paths of Vertex.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "passthrough.vertex.generate",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/v1/projects/{id}/locations/{id}/publishers/{id}/models/{model}:generateContent",
        api: Api::Vertex,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Google,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "passthrough.vertex.stream",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/v1/projects/{id}/locations/{id}/publishers/{id}/models/{model}:streamGenerateContent",
        api: Api::Vertex,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Google,
        query: &["alt"],
        special: Special::Nothing,
    },
    Declared {
        name: "passthrough.vertex.raw_predict",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/v1/projects/{id}/locations/{id}/publishers/{id}/models/{model}:rawPredict",
        api: Api::Vertex,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Raw,
        query: &[],
        special: Special::Nothing,
    },
];
