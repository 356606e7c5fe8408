//! Files at a provider with the interface of `OpenAI`.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "opaque.files.create",
        class: RouteClass::Files,
        method: "POST",
        path: "/v1/files",
        api: Api::OpenAi,
        body: BodyKind::Multipart,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::BatchFile,
    },
    Declared {
        name: "opaque.files.list",
        class: RouteClass::Files,
        method: "GET",
        path: "/v1/files",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &["limit", "after", "order", "purpose"],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.files.read",
        class: RouteClass::Files,
        method: "GET",
        path: "/v1/files/{id}",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.files.content",
        class: RouteClass::Files,
        method: "GET",
        path: "/v1/files/{id}/content",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.files.delete",
        class: RouteClass::Files,
        method: "DELETE",
        path: "/v1/files/{id}",
        api: Api::OpenAi,
        body: BodyKind::Nothing,
        model: ModelAt::Nowhere,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
];
