//! One request from its head to its answer: who, may they, what, then the handler, then the log line.
//!
//! Promises: nobody's body is read before they are known, where a route needs somebody; who sends slowly holds a connection and nothing else; a
//! probe is answered however much is being worked on. Must never: run what may wait for a disk on the
//! threads that serve connections.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use axum::routing::{MethodFilter, on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::catalogue::{CATALOGUE, has_input};
use super::concise;
use super::credentials::{self, Presented};
use super::numbers::Requests;
use super::problem;
use super::route::{Access, Asked, Headers, JSON_MEDIA, Raw, Reply, Route, Shapes};
use super::settings::Settings;
use super::strict;
use crate::console;
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::sessions::is_key;
use crate::work::{Actor, Desk, Given};

/// Largest body: a record with its file as base64, and the JSON around it.
const MAX_BODY_BYTES: usize = 2 << 20;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Largest body of somebody who is not known: a link's token and what stands around it.
pub(crate) const MAX_STRANGERS_BODY_BYTES: usize = 16 << 10;
/// How long the body of somebody who is not known may take: it fits a few packets.
pub(crate) const STRANGERS_BODY_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may take: a package of the largest size.
const ANSWER_WITHIN: Duration = Duration::from_mins(2);
/// Most requests that are worked on at a time; each is a thread.
const MAX_IN_WORK: usize = 64;
/// What a stranger's body is measured by.
const STRANGERS: (usize, Duration) = (MAX_STRANGERS_BODY_BYTES, STRANGERS_BODY_WITHIN);
/// Largest body that is worked on by the threads that serve connections: to seal it takes a millisecond. A larger one takes a thread, so that probes and
/// other connections do not wait for it.
const MAX_PROMPT_BODY_BYTES: usize = 64 << 10;
/// Longest request id that is taken over from a client or proxy.
const MAX_REQUEST_ID: usize = 64;

/// What every request needs.
pub(crate) struct Service {
    pub(crate) desk: Arc<Desk>,
    pub(crate) settings: Settings,
    pub(super) requests: Requests,
    in_work: Arc<Semaphore>,
}

/// Method, path as it is in the table, and name of a route: what the access log and the numbers may say.
pub(crate) type Named<'a> = (&'a str, &'a str, &'static str);

/// The address that a connection came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

impl Service {
    pub(super) fn new(desk: Arc<Desk>, settings: Settings) -> Self {
        Self { desk, settings, requests: Requests::default(), in_work: Arc::new(Semaphore::new(MAX_IN_WORK)) }
    }

    /// A place among the requests that are worked on at a time.
    pub(crate) fn permit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let busy = |_| {
            Refusal::new(Code::Unavailable, format!("{MAX_IN_WORK} requests are being worked on, the most"))
        };
        Arc::clone(&self.in_work).try_acquire_owned().map_err(busy)
    }

    /// Counts an answered request and writes its line in the access log.
    pub(crate) fn account(&self, began: Instant, (method, path, name): Named<'_>, id: &str, status: u16) {
        let took = began.elapsed();
        self.requests.count(name, status, took);
        let micros = took.as_micros();
        (self.settings.log)(&format!("{method} {path} {status} {micros}us id={id}"));
    }
}

/// The router over all routes.
pub(super) fn router(service: &Arc<Service>) -> Router {
    let mut router = Router::new();
    for (route, shapes) in &CATALOGUE.routes {
        let Ok(filter) = MethodFilter::try_from(route.method.clone()) else { continue };
        let service = Arc::clone(service);
        let answer = move |request: Request<Body>| answer(Arc::clone(&service), route, shapes, request);
        router = router.route(route.path, on(filter, answer));
    }
    router = console::mount(router, service);
    let (unknown, unfit) = (Arc::clone(service), Arc::clone(service));
    router
        .fallback(async move |request: Request<Body>| refuse(&unknown, Code::NotFound, &request))
        .method_not_allowed_fallback(async move |request: Request<Body>| {
            refuse(&unfit, Code::MethodNotAllowed, &request)
        })
}

fn refuse(service: &Service, code: Code, request: &Request<Body>) -> Response<Body> {
    let began = Instant::now();
    let id = request_id(service, request.headers());
    if let Some(page) = console::nowhere(service, request) {
        service.account(began, (request.method().as_str(), "(none)", "none"), &id, page.status().as_u16());
        return page;
    }
    let refusal = Refusal::new(code, "there is no such route; /api/openapi.json lists all");
    let response = problem_response(&refusal, &id, false);
    finish(service, began, (request.method().as_str(), "(none)", "none"), &id, response)
}

async fn answer(
    service: Arc<Service>,
    route: &'static Route,
    shapes: &'static Shapes,
    request: Request<Body>,
) -> Response<Body> {
    let began = Instant::now();
    let id = request_id(&service, request.headers());
    let response = match worked(&service, route, shapes, request).await {
        Ok(reply) => success(route, reply),
        Err(refusal) => problem_response(&refusal, &id, route.concise),
    };
    finish(&service, began, (route.method.as_str(), route.path, route.name), &id, response)
}

async fn worked(
    service: &Arc<Service>,
    route: &'static Route,
    shapes: &'static Shapes,
    request: Request<Body>,
) -> Result<Reply<Vec<u8>>, Refusal> {
    let (mut parts, body) = request.into_parts();
    let presented = credentials::presented(&parts.headers, service.settings.is_https());
    let csrf_token =
        presented.as_ref().filter(|presented| presented.by_cookie).map(|p| credentials::csrf_of(&p.token));
    check_loopback(route, &parts.extensions)?;
    let needs = route.access.needs(service.settings.public_log);
    if let (Some(_), Some(presented)) = (needs, &presented) {
        credentials::check_page(&parts.method, &parts.headers, presented)?;
    }
    let actor = match needs {
        None => None,
        Some(permission) if is_prompt(service, route, presented.as_ref()) => {
            Some(signed_in(service, permission, presented)?)
        }
        Some(permission) => {
            let (access, permit) = (Arc::clone(service), service.permit()?);
            let admission = move || {
                let _permit = permit;
                admitted(&access, route, permission, presented)
            };
            Some(blocking(admission).await??)
        }
    };
    let given = given(route, &parts.headers)?;
    let cross_site = credentials::is_cross_site(&parts.headers);
    let params = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|error| Refusal::new(Code::Malformed, format!("the path: {error}")))?;
    let path = params.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    // A route without a query takes none and is not bothered by one, such as a cache's.
    let query =
        if has_input(shapes) { query_pairs(parts.uri.query().unwrap_or_default())? } else { Vec::new() };
    let query = if shapes.query.get("properties").is_some() { query } else { Vec::new() };
    let limits = if actor.is_some() { (MAX_BODY_BYTES, BODY_WITHIN) } else { STRANGERS };
    let (body, bytes) = match route.body_media {
        Some(media) => {
            read_body(&parts.headers, body, media, limits).await.map(|(body, n)| (Some(body), n))?
        }
        None => (None, 0),
    };
    let raw = Raw { path, query, body };
    let actor = match (&route.prompt, actor) {
        (Some(prompt), Some(key)) if key.is_key() && bytes <= MAX_PROMPT_BODY_BYTES => {
            return in_time(prompt(Arc::clone(&service.desk), key, given, raw, shapes)).await?;
        }
        (_, actor) => actor,
    };
    // Not before all of it is there: whoever sends slowly must not take a place from the others.
    let permit = if route.is_probe() { None } else { Some(service.permit()?) };
    let service = Arc::clone(service);
    let work = move || {
        let _permit = permit;
        let asked = Asked {
            desk: &service.desk,
            settings: &service.settings,
            requests: &service.requests,
            actor,
            given,
            csrf_token,
            cross_site,
        };
        (route.handler)(&asked, raw, shapes, &CATALOGUE.definitions)
    };
    blocking(work).await?
}

/// Whether a request can be answered without a thread that waits: an API key's, where the route has such a way and the gateway's snapshot may be judged by.
fn is_prompt(service: &Service, route: &Route, presented: Option<&Presented>) -> bool {
    route.prompt.is_some()
        && presented.is_some_and(|presented| is_key(&presented.token))
        && service.desk.is_up_to_date()
}

/// Runs what may wait for a disk on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = in_time(tokio::task::spawn_blocking(work)).await?;
    done.map_err(|_| Refusal::new(Code::Broken, "the request could not be worked on to its end"))
}

/// What `work` gives, within the time that an answer may take.
async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Refusal> {
    let late = |_| Refusal::new(Code::Unavailable, "the answer takes too long; it may still be carried out");
    tokio::time::timeout(ANSWER_WITHIN, work).await.map_err(late)
}

/// Who is asking, when they have what the route needs, as of now.
fn admitted(
    service: &Service,
    route: &Route,
    permission: Permission,
    presented: Option<Presented>,
) -> Result<Actor, Refusal> {
    if route.takes_authority {
        // What is not known then is denied by the gateway; who asks is judged by what was known last.
        service.desk.refresh_for_taking();
    } else {
        service.desk.refresh()?;
    }
    signed_in(service, permission, presented)
}

/// The same as of what is known.
fn signed_in(
    service: &Service,
    permission: Permission,
    presented: Option<Presented>,
) -> Result<Actor, Refusal> {
    let nobody =
        || Refusal::new(Code::NotSignedIn, "neither a bearer token nor a session's cookie came with it");
    let actor = service.desk.sign_in(&presented.ok_or_else(nobody)?.token)?;
    if actor.reach(permission) == Reach::Nothing {
        let what = if actor.is_key() { "no API key" } else { "none of your roles" };
        return Err(Refusal::new(
            Code::NotPermitted,
            format!("{what} carries the permission {}", permission.as_str()),
        ));
    }
    Ok(actor)
}

fn check_loopback(route: &Route, extensions: &axum::http::Extensions) -> Result<(), Refusal> {
    if route.access != Access::Loopback {
        return Ok(());
    }
    match extensions.get::<Peer>() {
        Some(Peer(address)) if address.to_canonical().is_loopback() => Ok(()),
        _ => Err(Refusal::new(Code::NotPermitted, "this is answered to the same machine alone")),
    }
}

fn given(route: &Route, headers: &HeaderMap) -> Result<Given, Refusal> {
    let text = |name: &'static str| {
        let value = headers.get(name).map(|value| value.to_str().map(str::to_owned));
        value
            .transpose()
            .map_err(|_| Refusal::new(Code::Malformed, format!("the header {name} is not ASCII")))
    };
    let mut given = Given::default();
    if route.headers != Headers::Plain {
        given.idempotency_key = text("idempotency-key")?;
    }
    if route.headers == Headers::Change {
        given.version = text("if-match")?.map(|tag| version_of(&tag)).transpose()?;
    }
    Ok(given)
}

fn version_of(tag: &str) -> Result<u64, Refusal> {
    let digits = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let version = digits.parse::<u64>().ok().filter(|version| version.to_string() == digits);
    version.filter(|_| digits.len() <= 15).ok_or_else(|| {
        Refusal::new(
            Code::Malformed,
            "If-Match has to be one ETag as the resource had it, for instance \"3\"",
        )
    })
}

/// The body and how many bytes it had.
async fn read_body(
    headers: &HeaderMap,
    body: Body,
    wanted: &'static str,
    (max_bytes, within): (usize, Duration),
) -> Result<(serde_json::Value, usize), Refusal> {
    let is_json = wanted == JSON_MEDIA;
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case(wanted) {
        let code = if is_json { Code::NotJson } else { Code::NotCose };
        return Err(Refusal::new(code, format!("the body's Content-Type is not {wanted}")));
    }
    // Nothing is unpacked here, so that nothing can unpack to more than it is.
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| !is_plain(coding)) {
        return Err(Refusal::new(
            Code::EncodingUnsupported,
            "the body has a Content-Encoding, and none is taken",
        ));
    }
    let too_large = || Refusal::new(Code::TooLarge, format!("the body is larger than {max_bytes} bytes"));
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > max_bytes as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(within, to_bytes(body, max_bytes)).await {
        Err(_) => Err(Refusal::new(Code::TooSlow, "the body did not arrive in time")),
        Ok(Ok(bytes)) if is_json => Ok((strict::parse(&bytes)?, bytes.len())),
        Ok(Ok(bytes)) => Ok((serde_json::Value::from(STANDARD.encode(&bytes)), bytes.len())),
        // The only other cause is a client that went away, which reads no answer.
        Ok(Err(_)) => Err(too_large()),
    }
}

pub(crate) fn query_pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (decoded(name), decoded(value)) {
                (Some(name), Some(value)) => Ok((name, value)),
                _ => Err(Refusal::new(Code::Malformed, "the query is not percent-encoded UTF-8")),
            }
        })
        .collect()
}

/// Decodes one part of `application/x-www-form-urlencoded`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn success(route: &Route, reply: Reply<Vec<u8>>) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.answer));
    *response.status_mut() = StatusCode::from_u16(route.success).unwrap_or(StatusCode::OK);
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    };
    if let Some(media) = route.media {
        set("content-type", media);
    }
    if let Some(version) = reply.version {
        set("etag", &format!("\"{version}\""));
    }
    if let Some(written) = reply.written {
        set("tabellion-entry", &written.index.to_string());
        set("tabellion-record", &written.record_id.to_hex());
        if written.repeated {
            set("idempotency-replayed", "true");
        }
    }
    for (name, value) in &reply.headers {
        set(name, value);
    }
    response
}

fn problem_response(refusal: &Refusal, request_id: &str, is_concise: bool) -> Response<Body> {
    let (media, body) = if is_concise {
        (concise::CONCISE_MEDIA, Body::from(concise::of(refusal, request_id)))
    } else {
        (problem::PROBLEM_MEDIA, Body::from(problem::of(refusal, request_id).to_string()))
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    match refusal.code {
        Code::NotSignedIn => {
            drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        Code::Unavailable | Code::ViewBehind | Code::StorageFull => {
            drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1")));
        }
        _ => {}
    }
    response
}

/// What every answer has, the count and the log line.
fn finish(
    service: &Service,
    began: Instant,
    named: Named<'_>,
    id: &str,
    mut response: Response<Body>,
) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
    // What never changes says so itself.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    service.account(began, named, id, response.status().as_u16());
    response
}

/// The id that came with the request, when it is one, else a new one.
pub(crate) fn request_id(service: &Service, headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let plain = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match given.filter(plain) {
        Some(id) => id.to_owned(),
        None => service.desk.random_id().map(hex::encode).unwrap_or_default(),
    }
}
