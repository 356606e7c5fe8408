//! Declared paths of Bedrock: the interface Converse.

use tabellion_model::body::RouteClass;

use super::{BodyKind, Counts, Declared, ModelAt, Special};
use crate::config::Api;

/// Its routes.
pub(super) const ROUTES: &[Declared] = &[
    Declared {
        name: "passthrough.bedrock.converse",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/model/{model}/converse",
        api: Api::Bedrock,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Bedrock,
        query: &[],
        special: Special::Nothing,
    },
    Declared {
        name: "passthrough.bedrock.converse_stream",
        class: RouteClass::Passthrough,
        method: "POST",
        path: "/model/{model}/converse-stream",
        api: Api::Bedrock,
        body: BodyKind::Json,
        model: ModelAt::Path,
        counts: Counts::Bedrock,
        query: &[],
        special: Special::Nothing,
    },
];
