//! Which paths the gateway governs. Whatever is not here is denied.

use hyper::{Method, Uri};

/// Most bytes of a model's name in a path or a record.
pub(crate) const MAX_MODEL_BYTES: usize = 256;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `POST /v1/chat/completions`.
    ChatCompletions,
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/models/{model}`.
    Model(String),
    /// Anything else.
    Unknown,
}

/// What the first line of a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) route: Route,
    /// Whether it has a query. None of the routes takes one.
    pub(crate) has_query: bool,
}

impl Route {
    /// The route of a request. Paths are compared as they are: an encoded or doubled slash makes another path. A target that names a host (RFC
    /// 9112, 3.2.2 and 3.2.3) asks for a proxy, which the gateway is not.
    pub(crate) fn of(method: &Method, target: &Uri) -> Self {
        if target.authority().is_some() {
            return Self::Unknown;
        }
        match (method, target.path()) {
            (&Method::POST, "/v1/chat/completions") => Self::ChatCompletions,
            (&Method::GET, "/v1/models") => Self::Models,
            (&Method::GET, path) => match path.strip_prefix("/v1/models/") {
                Some(model) if !model.is_empty() && model.len() <= MAX_MODEL_BYTES => {
                    Self::Model(model.to_owned())
                }
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    /// Its name in records and policies.
    pub(crate) fn surface(&self) -> &'static str {
        match self {
            Self::ChatCompletions => "openai.chat_completions",
            Self::Models | Self::Model(_) => "openai.models",
            Self::Unknown => "unknown",
        }
    }
}
