//! Speech at a provider with the interface of `OpenAI`.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "opaque.audio.speech",
        class: RouteClass::Audio,
        method: "POST",
        path: "/v1/audio/speech",
        api: Api::OpenAi,
        body: BodyKind::Json,
        model: ModelAt::Body,
        counts: Counts::Nothing,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.audio.transcribe",
        class: RouteClass::Audio,
        method: "POST",
        path: "/v1/audio/transcriptions",
        api: Api::OpenAi,
        body: BodyKind::Multipart,
        model: ModelAt::Body,
        counts: Counts::OpenAi,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "opaque.audio.translate",
        class: RouteClass::Audio,
        method: "POST",
        path: "/v1/audio/translations",
        api: Api::OpenAi,
        body: BodyKind::Multipart,
        model: ModelAt::Body,
        counts: Counts::OpenAi,
        query: &[],
        special: Special::Nothing,
    },
];
