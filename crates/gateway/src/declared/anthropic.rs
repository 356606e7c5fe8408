//! Batches of messages and files at a provider with the interface of Anthropic.
//!
//! The paths of its files are those of `OpenAI`'s interface: whoever sends `anthropic-version` means these.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes for batches.
pub(super) const BATCHES: &[Declared] = &[
    Declared {
        name: "opaque.batches.anthropic.create",
        method: "POST",
        path: "/v1/messages/batches",
        body: BodyKind::Json,
        special: Special::MessageBatch,
        ..BATCH
    },
    Declared {
        name: "opaque.batches.anthropic.list",
        path: "/v1/messages/batches",
        query: &["limit", "after_id", "before_id"],
        ..BATCH
    },
    Declared { name: "opaque.batches.anthropic.read", ..BATCH },
    Declared {
        name: "opaque.batches.anthropic.cancel",
        method: "POST",
        path: "/v1/messages/batches/{id}/cancel",
        ..BATCH
    },
    Declared { name: "opaque.batches.anthropic.delete", method: "DELETE", ..BATCH },
    Declared {
        name: "opaque.batches.anthropic.results",
        path: "/v1/messages/batches/{id}/results",
        special: Special::Results,
        ..BATCH
    },
];

/// Its routes for files.
pub(super) const FILES: &[Declared] = &[
    Declared {
        name: "opaque.files.anthropic.create",
        method: "POST",
        path: "/v1/files",
        body: BodyKind::Multipart,
        special: Special::File,
        ..FILE
    },
    Declared {
        name: "opaque.files.anthropic.list",
        path: "/v1/files",
        query: &["limit", "after_id", "before_id"],
        ..FILE
    },
    Declared { name: "opaque.files.anthropic.read", ..FILE },
    Declared { name: "opaque.files.anthropic.content", path: "/v1/files/{id}/content", ..FILE },
    Declared { name: "opaque.files.anthropic.delete", method: "DELETE", ..FILE },
];

/// What one is asked for by its id.
const BATCH: Declared = Declared {
    name: "",
    class: RouteClass::Batches,
    method: "GET",
    path: "/v1/messages/batches/{id}",
    api: Api::Anthropic,
    body: BodyKind::Nothing,
    model: ModelAt::Nowhere,
    counts: Counts::Nothing,
    query: &[],
    special: Special::Nothing,
};

/// The same of a file.
const FILE: Declared = Declared { class: RouteClass::Files, path: "/v1/files/{id}", ..BATCH };
