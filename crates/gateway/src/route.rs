//! Which paths the gateway governs. Whatever is not here is denied.

use hyper::{HeaderMap, Method, Uri};

use crate::config::Api;
use crate::declared::{self, BETA, Found};
use crate::dialect::Dialect;
use crate::presidio::{self, Tool};
use crate::surface::Surface;

/// Most bytes of a model's name in a path or a record.
pub(crate) const MAX_MODEL_BYTES: usize = 256;
/// Where the routes begin.
const ROOT: &str = "/v1";
/// Where those of Bedrock begin.
const BEDROCK: &str = "/model/";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `POST` on one of the surfaces.
    Ask(Surface),
    /// A declared route, which nothing looks into.
    Declared(Box<Found>),
    /// A conversation in real time.
    Realtime,
    /// One of Presidio's, answered by the gateway itself.
    Presidio(Tool),
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/models/{model}`.
    Model(String),
    /// Anything else.
    Unknown,
}

/// What the first line of a request asks for, and whose interface its caller speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) route: Route,
    pub(crate) dialect: Dialect,
    /// Whether it has a query that means something. None of the routes takes one.
    pub(crate) has_query: bool,
}

impl Target {
    /// The target of a request with these headers.
    pub(crate) fn of(method: &Method, target: &Uri, headers: &HeaderMap) -> Self {
        let route = Route::of(method, target, Dialect::of(headers));
        let dialect = match route {
            Route::Ask(surface) => surface.dialect(),
            Route::Unknown if target.path().starts_with("/v1/messages") => Dialect::Anthropic,
            Route::Presidio(_) => Dialect::Presidio,
            Route::Unknown if target.path().starts_with(presidio::ROOT) => Dialect::Presidio,
            Route::Declared(ref found) if found.declared.api == Api::Bedrock => Dialect::Amazon,
            Route::Unknown if target.path().starts_with(BEDROCK) => Dialect::Amazon,
            Route::Declared(ref found) if found.declared.api == Api::Anthropic => Dialect::Anthropic,
            Route::Declared(_) | Route::Realtime => Dialect::OpenAi,
            Route::Models | Route::Model(_) | Route::Unknown => Dialect::of(headers),
        };
        let query = target.query().unwrap_or_default();
        let means_nothing = query.is_empty() || (dialect == Dialect::Anthropic && query == BETA);
        let has_query = match &route {
            Route::Declared(found) => !found.query_fits,
            Route::Presidio(tool) => !tool.takes(query),
            _ => !means_nothing,
        };
        Self { route, dialect, has_query }
    }

    /// The same place for a wish to switch protocols: governed on a socket's route, and nowhere else.
    pub(crate) fn switching(self) -> Self {
        let route = match self.route {
            Route::Declared(found) if found.declared.is_session() => Route::Declared(found),
            Route::Realtime => Route::Realtime,
            _ => Route::Unknown,
        };
        Self { route, ..self }
    }
}

impl Route {
    /// The route of a request. Paths are compared as they are: an encoded or doubled slash makes another path. A target that names a host (RFC
    /// 9112, 3.2.2 and 3.2.3) asks for a proxy, which the gateway is not. A path that two interfaces have is that of the one that the caller `speaks`.
    pub(crate) fn of(method: &Method, target: &Uri, speaks: Dialect) -> Self {
        if target.authority().is_some() {
            return Self::Unknown;
        }
        // Nearly every request asks a model, on a path that no declared route has.
        if let Some(surface) = Self::asked(method, target) {
            return Self::Ask(surface);
        }
        if let Some(found) = Found::of(method, target, speaks) {
            return Self::Declared(Box::new(found));
        }
        if declared::is_realtime(target) {
            return Self::Realtime;
        }
        if let Some(tool) = Tool::of(method, target) {
            return Self::Presidio(tool);
        }
        let Some(path) = target.path().strip_prefix(ROOT) else { return Self::Unknown };
        match *method {
            Method::GET if path == "/models" => Self::Models,
            Method::GET => match path.strip_prefix("/models/") {
                Some(model) if !model.is_empty() && model.len() <= MAX_MODEL_BYTES => {
                    Self::Model(model.to_owned())
                }
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    /// The surface that a request asks a model on.
    fn asked(method: &Method, target: &Uri) -> Option<Surface> {
        let path = target.path().strip_prefix(ROOT).filter(|_| method == Method::POST)?;
        Surface::ALL.into_iter().find(|surface| surface.path() == path)
    }

    /// Whether the gateway answers it by itself: no model is asked, and nothing leaves.
    pub(crate) fn asks_no_model(&self) -> bool {
        matches!(self, Self::Presidio(_) | Self::Models | Self::Model(_))
    }

    /// Its name in records and policies.
    pub(crate) fn surface(&self) -> &'static str {
        match self {
            Self::Ask(surface) => surface.name(),
            Self::Declared(found) => found.declared.name,
            Self::Realtime => "realtime",
            Self::Presidio(tool) => tool.surface(),
            Self::Models | Self::Model(_) => "openai.models",
            Self::Unknown => "unknown",
        }
    }
}
