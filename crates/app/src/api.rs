//! The control plane over HTTP (`docs/api.md`): `/api/v1`, health, readiness, numbers.
//!
//! Promises: a route is used by whoever its row permits and nobody else; every answer has a request id; a stop answers what was read. Must
//! never: decide anything, which is for [`crate::work`]; or log an id of a person, a token or content.

mod catalogue;
mod concise;
pub(crate) mod credentials;
pub(crate) mod dispatch;
mod handlers;
mod numbers;
mod peers;
mod problem;
mod route;
mod routes;
mod server;
mod settings;
mod strict;

pub use route::Access;
pub use server::{Server, Stopper};
pub use settings::{Configured, Log, Note, Numbers, Ready, Settings};

pub(crate) use catalogue::read_body;

/// The OpenAPI 3.1 document, as it is served at `/api/openapi.json`.
pub fn openapi() -> &'static str {
    &catalogue::CATALOGUE.document
}

/// Method, path and access of every route.
pub fn routes() -> Vec<(String, String, Access)> {
    let rows = catalogue::CATALOGUE.routes.iter();
    rows.map(|(route, _)| (route.method.to_string(), catalogue::documented(route.path), route.access))
        .collect()
}
