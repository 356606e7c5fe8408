//! Declared routes: what may pass that nothing looks into, where an opening permits it. Each family is one file of data below.
//!
//! Promises: a path passes only if it is written here, segment by segment; what stands for a parameter has a narrow form. Must never: decide who may use one.

mod anthropic;
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
use crate::dialect::Dialect;
use crate::words;

/// Stands for the model where a route names none: in records, rules, stops and prices.
pub(crate) const NO_MODEL: &str = "none";
/// Longest id of a provider's file or batch, and of a project or place.
const MAX_ID_BYTES: usize = 128;
/// Most members of a query.
const MAX_QUERY: usize = 8;
/// The query that Anthropic's library puts behind the address of what is not yet final there. It means nothing: the features themselves are named in a header.
pub(crate) const BETA: &str = "beta=true";

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
    /// In the member `model` of the query.
    Query,
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
    /// `usage` of each response of a conversation over a socket.
    Session,
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
    /// A batch that has its requests in it: each is masked.
    MessageBatch,
    /// What came of such a batch, line by line: what it took is read as it passes.
    Results,
    /// A file of which no batch can be begun: what stands beside it in its form is known.
    File,
    /// A socket: bytes pass both ways until one side ends it.
    Session,
}

/// Every one.
const FAMILIES: [&[Declared]; 11] = [
    files::ROUTES,
    anthropic::FILES,
    images::ROUTES,
    audio::ROUTES,
    batches::ROUTES,
    anthropic::BATCHES,
    moderations::ROUTES,
    realtime::ROUTES,
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

    /// Whether it is a socket.
    pub(crate) fn is_session(&self) -> bool {
        self.special == Special::Session
    }

    /// Whether a request has a body.
    pub(crate) fn has_body(&self) -> bool {
        self.body != BodyKind::Nothing
    }
}

impl Found {
    /// The declared route of a request, if it is one. Where two interfaces have the same path, it is that of the interface that the caller `speaks`.
    pub(crate) fn of(method: &Method, target: &Uri, speaks: Dialect) -> Option<Self> {
        let path = target.path();
        let routes = FAMILIES.into_iter().flatten().filter(|declared| declared.method == method.as_str());
        let mut routes = routes.filter_map(|declared| Some((declared, matched(declared, path)?)));
        let first = routes.next()?;
        let is_own = |(declared, _): &(&Declared, Named)| {
            (declared.api == Api::Anthropic) == (speaks == Dialect::Anthropic)
        };
        let own = if is_own(&first) { None } else { routes.find(is_own) };
        let (declared, named) = own.unwrap_or(first);
        // Google's interfaces take what follows a colon for what is to be done with the model.
        let of_google = matches!(declared.api, Api::Gemini | Api::Vertex);
        if of_google && named.model.as_ref().is_some_and(|model| model.contains(':')) {
            return None;
        }
        let is_anthropic = declared.api == Api::Anthropic;
        let query = target.query().filter(|query| !is_anthropic || *query != BETA).unwrap_or_default();
        // The base URL of a provider with one of these interfaces holds the version already.
        let has_version = is_anthropic || declared.api == Api::OpenAi;
        let below = if has_version { path.strip_prefix("/v1")? } else { path };
        let route = if query.is_empty() { below.to_owned() } else { format!("{below}?{query}") };
        let Named { model, id } = named;
        let model = if declared.model == ModelAt::Query { model_of(query) } else { model };
        Some(Self { declared, route, model, id, query_fits: query_fits(query, declared.query) })
    }
}

/// The model that a query names; none: none, twice, or in another form.
fn model_of(query: &str) -> Option<String> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix("model="));
    let (model, None) = (values.next()?, values.next()) else { return None };
    words::is_model(model).then(|| model.to_owned())
}

/// Whether a declared route is called so.
pub(crate) fn is_name(name: &str) -> bool {
    FAMILIES.into_iter().flatten().any(|declared| declared.name == name)
}

/// Whether somebody asks for a conversation in real time in a way that is not declared, or for what would let them have one past the gateway.
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

/// What `path` names when it is one of `declared`.
fn matched(declared: &Declared, path: &str) -> Option<Named> {
    let mut named = Named::default();
    let (mut wanted, mut given) = (declared.path.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(named),
            (Some(wanted), Some(given)) => {
                let of_segment = segment(wanted, given, declared.api)?;
                named.model = of_segment.model.or(named.model);
                named.id = of_segment.id.or(named.id);
            }
            _ => return None,
        }
    }
}

/// What one segment names when it fits.
fn segment(wanted: &str, given: &str, api: Api) -> Option<Named> {
    let Some((name, rest)) = wanted.strip_prefix('{').and_then(|wanted| wanted.split_once('}')) else {
        return (wanted == given).then(Named::default);
    };
    let value = given.strip_suffix(rest)?;
    if name == "model" {
        // A colon in a segment needs no escape, and some libraries write one all the same.
        let mut model = value.replace("%3A", ":");
        if api == Api::Bedrock {
            // The whole name of a resource (ARN) has a slash, which no library writes as one.
            model = model.replace("%2F", "/");
        }
        let fits = words::is_model(&model) && !model.split('/').any(|part| ["", ".", ".."].contains(&part));
        return fits.then_some(Named { model: Some(model), id: None });
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
        Found::of(method, &target.parse().expect("a target"), Dialect::OpenAi)
    }

    /// Requirement: N22. Nothing passes that is not written down, in any spelling.
    #[test]
    fn a_path_passes_as_it_is_written_and_no_other_does() {
        for (method, path, name, model) in [
            (Method::POST, "/v1/files", "opaque.files.create", None),
            (Method::GET, "/v1/files/file-abc_1/content", "opaque.files.content", None),
            (Method::DELETE, "/v1/files/file-abc", "opaque.files.delete", None),
            (Method::GET, "/v1/realtime?model=gpt-x", "opaque.realtime.session", Some("gpt-x")),
            (Method::GET, "/v1/realtime?model=gpt-x&model=gpt-y", "opaque.realtime.session", None),
            (Method::POST, "/v1/batches/batch_1/cancel", "opaque.batches.cancel", None),
            (Method::POST, "/v1/messages/batches", "opaque.batches.anthropic.create", None),
            (Method::GET, "/v1/messages/batches/b-1/results", "opaque.batches.anthropic.results", None),
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
            (
                Method::POST,
                "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0/converse",
                "passthrough.bedrock.converse",
                Some("arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"),
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
            (Method::POST, "/model/a%2F..%2Fb/converse"),
            (Method::POST, "/model/a%2F%2Fb/converse"),
            (Method::POST, "/model/a%2f..%2fb/converse"),
            (Method::POST, "/v1/uploads"),
            (Method::POST, "/v1/messages/batches/"),
            (Method::POST, "/v1/messages/batches/b-1"),
            (Method::GET, "/v1/messages/batches/b-1/cancel"),
            (Method::GET, "/v1/messages/batches/b-1/results/1"),
            (Method::GET, "/v1/messages/batches/../files"),
            (Method::POST, "/v1/realtime?model=gpt-x"),
            (Method::GET, "/v1/realtime/calls"),
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

    /// Requirement: N22. Two interfaces have one path for files: the caller's own is meant, and a path that only the other has is the other's.
    #[test]
    fn a_path_that_two_interfaces_have_is_the_callers_own() {
        for (method, path, openai, anthropic) in [
            (Method::POST, "/v1/files", "opaque.files.create", "opaque.files.anthropic.create"),
            (Method::GET, "/v1/files", "opaque.files.list", "opaque.files.anthropic.list"),
            (Method::GET, "/v1/files/f-1", "opaque.files.read", "opaque.files.anthropic.read"),
            (Method::GET, "/v1/files/f-1/content", "opaque.files.content", "opaque.files.anthropic.content"),
            (Method::DELETE, "/v1/files/f-1", "opaque.files.delete", "opaque.files.anthropic.delete"),
            (Method::POST, "/v1/batches", "opaque.batches.create", "opaque.batches.create"),
            (
                Method::DELETE,
                "/v1/messages/batches/b-1",
                "opaque.batches.anthropic.delete",
                "opaque.batches.anthropic.delete",
            ),
        ] {
            let target = path.parse().expect("a target");
            for (speaks, due) in [(Dialect::OpenAi, openai), (Dialect::Anthropic, anthropic)] {
                let found = Found::of(&method, &target, speaks).expect("declared");
                assert_eq!(found.declared.name, due, "{method} {path} goes to the other's provider");
                assert_eq!(format!("/v1{}", found.route), path, "the base URL has the version already");
            }
        }
    }

    /// Requirement: N22. What the library of Anthropic puts behind an address is nothing and stays here; anything else behind one is refused, also with it.
    #[test]
    fn what_anthropics_library_puts_behind_an_address_stays_here() {
        let found = found(&Method::POST, "/v1/messages/batches?beta=true").expect("declared");
        assert!(found.query_fits && found.route == "/messages/batches", "{found:?}");
        for query in ["beta=false", "beta=true&note=ada", "note=ada"] {
            let target = format!("/v1/messages/batches/b-1/results?{query}");
            let found = Found::of(&Method::GET, &target.parse().expect("a target"), Dialect::Anthropic);
            assert!(!found.expect("declared").query_fits, "{query} goes past everything");
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
