//! Declared paths of Gemini.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "passthrough.gemini.generate",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/v1beta/models/{model}:generateContent",
        api: Api::Gemini,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Google,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "passthrough.gemini.stream",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/v1beta/models/{model}:streamGenerateContent",
        api: Api::Gemini,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Google,
        query: &["alt"],
        special: Special::Nothing,
    },
    Declared {
        name: "passthrough.gemini.count_tokens",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/v1beta/models/{model}:countTokens",
        api: Api::Gemini,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
];
