//! Declared routes: what may pass that nothing looks into, where an opening permits it. Each family is one file of data below.
//!
//! Promises: a path passes only if it is written here, segment by segment; what stands for a parameter has a narrow form. Must never: decide who may use one.

mod audio;
mod batches;
mod bedrock;
mod files;
mod gemini;
mod images;
mod moderations;
mod realtime;
mod vertex;

use hyper::{Method, Uri};
use tabellion_model::body::RouteClass;
use tabellion_policy::Action;

use crate::config::Api;
use crate::words;

/// Stands for the model where a route names none: in records, rules, stops and prices.
pub(crate) const NO_MODEL: &str = "none";
/// Longest id of a provider's file or batch, and of a project or place.
const MAX_ID_BYTES: usize = 128;
/// Most members of a query.
const MAX_QUERY: usize = 8;

/// A route.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// As records and rules name it: `opaque.files.create`.
    pub(crate) name: &'static str,
    pub(crate) class: RouteClass,
    pub(crate) method: &'static str,
    /// Its path, whole. `{id}` stands for an id, `{model}` for a name of a model; what follows in the same segment is compared as it stands.
    pub(crate) path: &'static str,
    /// Whose interface it is.
    pub(crate) api: Api,
    pub(crate) body: BodyKind,
    pub(crate) model: ModelAt,
    pub(crate) counts: Counts,
    /// Members that a query may have, each with a plain word.
    pub(crate) query: &'static [&'static str],
    /// What is looked at all the same.
    pub(crate) special: Special,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// Nothing.
    Nothing,
    /// A JSON object.
    Json,
    /// A form with files.
    Multipart,
    /// Either.
    JsonOrMultipart,
}

/// Where the model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelAt {
    /// Nowhere.
    Nowhere,
    /// In the member or field `model` of the body.
    Body,
    /// In the path.
    Path,
}

/// How an answer tells what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// It does not; the call counts as one.
    Nothing,
    /// `usage` of `OpenAI`'s interface, where there is one.
    OpenAi,
    /// `usageMetadata`, whole or in the events of a stream.
    Google,
    /// `usage` of a model of somebody else's behind Vertex.
    Raw,
    /// `usage` of a whole answer, or the metadata event of a binary stream.
    Bedrock,
}

/// What is looked at all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    /// Nothing.
    Nothing,
    /// A file: one of a batch is masked line by line.
    BatchFile,
    /// A batch: of a file alone that was masked so.
    Batch,
}

/// Every one.
const FAMILIES: [&[Declared]; 8] = [
    files::ROUTES,
    images::ROUTES,
    audio::ROUTES,
    batches::ROUTES,
    moderations::ROUTES,
    gemini::ROUTES,
    vertex::ROUTES,
    bedrock::ROUTES,
];

/// A declared route that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) declared: &'static Declared,
    /// Path and query as they are sent on, below the base URL.
    pub(crate) route: String,
    /// The model, where the path names one.
    pub(crate) model: Option<String>,
    /// The last id that the path names, where it does.
    pub(crate) id: Option<String>,
    /// Whether its query is one that the route takes.
    pub(crate) query_fits: bool,
}

impl Declared {
    /// What rules know it as.
    pub(crate) fn action(&self) -> Action {
        if self.class == RouteClass::Passthrough { Action::Passthrough } else { Action::Opaque }
    }

    /// Whether a request has a body.
    pub(crate) fn has_body(&self) -> bool {
        self.body != BodyKind::Nothing
    }
}

impl Found {
    /// The declared route of a request, if it is one.
    pub(crate) fn of(method: &Method, target: &Uri) -> Option<Self> {
        let path = target.path();
        let mut routes = FAMILIES.into_iter().flatten().filter(|declared| declared.method == method.as_str());
        let (declared, named) =
            routes.find_map(|declared| Some((declared, matched(declared.path, path)?)))?;
        // Google's interfaces take what follows a colon for what is to be done with the model.
        let of_google = matches!(declared.api, Api::Gemini | Api::Vertex);
        if of_google && named.model.as_ref().is_some_and(|model| model.contains(':')) {
            return None;
        }
        let query = target.query().unwrap_or_default();
        // The base URL of a provider with the interface of OpenAI holds the version already.
        let below = if declared.api == Api::OpenAi { path.strip_prefix("/v1")? } else { path };
        let route = if query.is_empty() { below.to_owned() } else { format!("{below}?{query}") };
        let Named { model, id } = named;
        Some(Self { declared, route, model, id, query_fits: query_fits(query, declared.query) })
    }
}

/// Whether a declared route is called so.
pub(crate) fn is_name(name: &str) -> bool {
    FAMILIES.into_iter().flatten().any(|declared| declared.name == name)
}

/// Whether somebody asks for a conversation in real time, or for what would let them have one past the gateway.
pub(crate) fn is_realtime(target: &Uri) -> bool {
    let path = target.path();
    realtime::PATHS
        .iter()
        .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// What a path, or a segment of one, that fits names.
#[derive(Default)]
struct Named {
    model: Option<String>,
    id: Option<String>,
}

/// What `path` names when it is one of `pattern`.
fn matched(pattern: &str, path: &str) -> Option<Named> {
    let mut named = Named::default();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(named),
            (Some(wanted), Some(given)) => {
                let of_segment = segment(wanted, given)?;
                named.model = of_segment.model.or(named.model);
                named.id = of_segment.id.or(named.id);
            }
            _ => return None,
        }
    }
}

/// What one segment names when it fits.
fn segment(wanted: &str, given: &str) -> Option<Named> {
    let Some((name, rest)) = wanted.strip_prefix('{').and_then(|wanted| wanted.split_once('}')) else {
        return (wanted == given).then(Named::default);
    };
    let value = given.strip_suffix(rest)?;
    if name == "model" {
        // A colon in a segment needs no escape, and some libraries write one all the same.
        let model = value.replace("%3A", ":");
        return words::is_model(&model).then_some(Named { model: Some(model), id: None });
    }
    is_id(value).then(|| Named { model: None, id: Some(value.to_owned()) })
}

/// Whether a provider may call a file, a batch, a project or a place so.
pub(crate) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(plain) && words::is_impersonal(text)
}

fn query_fits(query: &str, members: &[&str]) -> bool {
    if query.is_empty() {
        return true;
    }
    let mut seen: Vec<&str> = Vec::new();
    query.split('&').count() <= MAX_QUERY
        && query.split('&').all(|pair| {
            let Some((name, value)) = pair.split_once('=') else { return false };
            let fits = members.contains(&name) && !seen.contains(&name) && words::is_word(value);
            seen.push(name);
            fits
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &Method, target: &str) -> Option<Found> {
        Found::of(method, &target.parse().expect("a target"))
    }

    /// Requirement: N22. Nothing passes that is not written down, in any spelling.
    #[test]
    fn a_path_passes_as_it_is_written_and_no_other_does() {
        for (method, path, name, model) in [
            (Method::POST, "/v1/files", "opaque.files.create", None),
            (Method::GET, "/v1/files/file-abc_1/content", "opaque.files.content", None),
            (Method::DELETE, "/v1/files/file-abc", "opaque.files.delete", None),
            (Method::POST, "/v1/batches/batch_1/cancel", "opaque.batches.cancel", None),
            (
                Method::POST,
                "/v1beta/models/gemini-2.5-pro:generateContent",
                "passthrough.gemini.generate",
                Some("gemini-2.5-pro"),
            ),
            (
                Method::POST,
                "/v1/projects/p-1/locations/eu/publishers/anthropic/models/claude-x:rawPredict",
                "passthrough.vertex.raw_predict",
                Some("claude-x"),
            ),
            (
                Method::POST,
                "/model/anthropic.claude-v1%3A0/converse-stream",
                "passthrough.bedrock.converse_stream",
                Some("anthropic.claude-v1:0"),
            ),
        ] {
            let found = found(&method, path).unwrap_or_else(|| panic!("{path} is not declared"));
            assert_eq!((found.declared.name, found.model.as_deref()), (name, model), "{path}");
        }
        for (method, path) in [
            (Method::PUT, "/v1/files"),
            (Method::POST, "/v1/files/"),
            (Method::POST, "/v1//files"),
            (Method::POST, "/files"),
            (Method::GET, "/v1/files/a/content/b"),
            (Method::GET, "/v1/files/a%2Fcontent"),
            (Method::GET, "/v1/files/.."),
            (Method::GET, "/v1/files/4111-1111-1111-1111"),
            (Method::POST, "/v1beta/models/gemini:batchGenerateContent"),
            (Method::POST, "/v1beta/models/:generateContent"),
            (Method::POST, "/v1beta/models/gemini:batchEmbedContents:generateContent"),
            (Method::POST, "/v1beta/models/gemini%3AcountTokens:generateContent"),
            (Method::POST, "/v1beta/models/a%2F..%2Fb:generateContent"),
            (Method::POST, "/model/m/invoke"),
            (Method::POST, "/v1/uploads"),
        ] {
            assert!(found(&method, path).is_none(), "{method} {path} passes, and nobody declared it");
        }
    }

    /// Requirement: N22.
    #[test]
    fn a_query_says_only_what_the_route_takes() {
        let fits = |target: &str| found(&Method::GET, target).expect("declared").query_fits;
        assert!(fits("/v1/files") && fits("/v1/files?limit=20&order=desc&after=file-1&purpose=batch"));
        for query in ["user=ada", "limit", "limit=1&limit=2", "after=ada@example.org", "limit=a%20b"] {
            assert!(!fits(&format!("/v1/files?{query}")), "{query} goes past everything");
        }
    }

    /// Requirement: N22. A name stands once, and says which class of rules it is for.
    #[test]
    fn every_route_has_a_name_of_its_own_by_its_class() {
        let mut names: Vec<&str> = FAMILIES.into_iter().flatten().map(|declared| declared.name).collect();
        for declared in FAMILIES.into_iter().flatten() {
            let family = if declared.class == RouteClass::Passthrough { "passthrough." } else { "opaque." };
            assert!(declared.name.starts_with(family), "rules would take {} for another", declared.name);
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "records could not tell two routes apart");
    }

    /// Requirement: N22.
    #[test]
    fn real_time_is_known_for_what_it_is() {
        for (path, is) in [
            ("/v1/realtime", true),
            ("/v1/realtime?model=x", true),
            ("/v1/realtime/client_secrets", true),
            ("/v1/realtimes", false),
        ] {
            assert_eq!(is_realtime(&path.parse().expect("a target")), is, "{path}");
        }
    }
}
