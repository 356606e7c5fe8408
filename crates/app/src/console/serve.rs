//! One visit from its head to its answer: who, from where, may they, what was typed, then the page, then the line in the access log.
//!
//! Promises: a form is taken from our own pages alone; a visit without a session is led to where one comes in; a refusal is a page that helps.
//! Must never: run what may wait for a disk on the threads that serve connections.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::http::{HeaderMap, HeaderValue, Request, Response, header, request::Parts};
use axum::routing::{MethodFilter, get, on};
use tabellion_model::body::Role;

use super::answer::{Answer, Answered, Reply};
use super::assets::ASSETS;
use super::link::{Link, own_path};
use super::moment;
use super::names::Names;
use super::page::refusals;
use super::pages::{Method, PAGES, Page};
use super::pairs::Pairs;
use super::past;
use super::visit::{Theme, Visit};
use super::words::role as role_word;
use crate::api::Access;
use crate::api::credentials::{self, Presented};
use crate::api::dispatch::{
    MAX_STRANGERS_BODY_BYTES, STRANGERS_BODY_WITHIN, Service, blocking, query_pairs, request_id,
};
use crate::permission::{Permission, Reach, permitted};
use crate::refusal::{Code, Refusal};
use crate::work::{Actor, Desk};

/// Largest form: the longest policy, every character of it percent-encoded.
const MAX_FORM_BYTES: usize = 1 << 20;
/// How long a form may take to arrive.
const FORM_WITHIN: Duration = Duration::from_secs(30);
/// The cookie of a chosen colour scheme.
pub(crate) const THEME_COOKIE: &str = "tabellion_theme";

/// The router with the console's pages.
pub(crate) fn mount(mut router: Router, service: &Arc<Service>) -> Router {
    for page in PAGES {
        let filter = match page.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
        };
        let service = Arc::clone(service);
        let serve = move |request: Request<Body>| answer(Arc::clone(&service), page, request);
        router = router.route(page.path, on(filter, serve));
    }
    let service = Arc::clone(service);
    router.route("/assets/{file}", get(async move |request: Request<Body>| asset(&service, &request)))
}

/// Whether a request that no route takes is a person's, who reads pages.
fn reads_pages(request: &Request<Body>) -> bool {
    let accept =
        request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("text/html") && !request.uri().path().starts_with("/api/")
}

/// The page for an address that leads nowhere; `None` for a program's request.
pub(crate) fn nowhere(service: &Service, request: &Request<Body>) -> Option<Response<Body>> {
    let refusal = Refusal::new(Code::NotFound, "there is no page at this address");
    reads_pages(request).then(|| refusals::bare(&refusal).response(service.settings.is_https()))
}

fn asset(service: &Service, request: &Request<Body>) -> Response<Body> {
    let began = Instant::now();
    let id = request_id(service, request.headers());
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let reply = match ASSETS.find(request.uri().path()) {
        Some(asset) => {
            let (bytes, coding) = asset.sent(accepted);
            Reply::Asset(asset.media, bytes, coding)
        }
        None => Reply::Html(404, String::new()),
    };
    finish(service, began, ("GET", "/assets/{file}", "asset"), &id, reply.into())
}

async fn answer(service: Arc<Service>, page: &'static Page, request: Request<Body>) -> Response<Body> {
    let began = Instant::now();
    let id = request_id(&service, request.headers());
    let answer = match visited(&service, page, request).await {
        Ok(answer) => answer,
        Err(refusal) => refusals::bare(&refusal),
    };
    finish(&service, began, (page.method.word(), page.path, page.name), &id, answer)
}

fn finish(
    service: &Service,
    began: Instant,
    named: (&str, &str, &'static str),
    id: &str,
    answer: Answer,
) -> Response<Body> {
    let mut response = answer.response(service.settings.is_https());
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", value);
    }
    service.account(began, named, id, response.status().as_u16());
    response
}

async fn visited(service: &Arc<Service>, page: &'static Page, request: Request<Body>) -> Answered {
    let (mut parts, body) = request.into_parts();
    let presented = credentials::presented(&parts.headers, service.settings.is_https())
        .filter(|presented| presented.by_cookie);
    let named = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|error| Refusal::new(Code::Malformed, format!("the path: {error}")))?;
    let named = named.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    let query = Pairs::new(query_pairs(parts.uri.query().unwrap_or_default())?);
    let form = match (page.method, page.access) {
        (Method::Post, Access::Needs(_) | Access::Log(_))
            if is_known(service, presented.as_ref()).await? =>
        {
            read_form(&parts.headers, body, (MAX_FORM_BYTES, FORM_WITHIN)).await?
        }
        (Method::Post, Access::Public | Access::Loopback) => {
            let limits = (MAX_STRANGERS_BODY_BYTES, STRANGERS_BODY_WITHIN);
            read_form(&parts.headers, body, limits).await?
        }
        // Nothing to read, or refused below, whatever they would send.
        (Method::Get, _) | (Method::Post, Access::Needs(_) | Access::Log(_)) => Pairs::default(),
    };
    let asked = Asked { parts, presented, named: Pairs::new(named), query, form };
    let service = Arc::clone(service);
    // Not before all of it is there: whoever sends slowly must not take a place from the others.
    let permit = service.permit()?;
    let work = move || {
        let _permit = permit;
        asked.worked(&service, page)
    };
    blocking(work).await
}

/// Whether a session is there, before a form is read for it.
async fn is_known(service: &Arc<Service>, presented: Option<&Presented>) -> Result<bool, Refusal> {
    let Some(token) = presented.map(|presented| presented.token.clone()) else { return Ok(false) };
    let (service, permit) = (Arc::clone(service), service.permit()?);
    let asked = move || {
        let _permit = permit;
        // By what was known last: the whole of it is asked once the form is there.
        service.desk.sign_in(&token).is_ok()
    };
    blocking(asked).await
}

/// A request that was read.
struct Asked {
    parts: Parts,
    presented: Option<Presented>,
    named: Pairs,
    query: Pairs,
    form: Pairs,
}

impl Asked {
    /// The answer; a refusal is one too.
    fn worked(self, service: &Service, page: &'static Page) -> Answer {
        let past = OnceCell::new();
        let mut visit = Visit {
            desk: &service.desk,
            settings: &service.settings,
            page,
            actor: None,
            csrf: self.presented.as_ref().map(|presented| credentials::csrf_of(&presented.token)),
            path: self.parts.uri.path().to_owned(),
            parts: self.named,
            query: self.query,
            form: self.form,
            moment: None,
            theme: theme(&self.parts.headers),
            from: from(&self.parts.headers, &service.settings.public_url),
            names: Names::default(),
        };
        let done = enter(&mut visit, &self.parts.headers, self.presented.as_ref(), &past)
            .and_then(|()| (page.handler)(&visit));
        match done {
            Ok(answer) => answer,
            Err(refusal) if refusal.code == Code::NotSignedIn && page.method == Method::Get => {
                let strange = credentials::is_cross_site(&self.parts.headers);
                to_login(&visit, self.presented.is_some(), strange)
            }
            Err(refusal) => refusals::page(&visit, &refusal),
        }
    }
}

/// Why a page is not for somebody: what they are here, and whose page it is. People know roles; a permission is a word of the API's.
fn not_for(actor: Option<&Actor>, permission: Permission) -> String {
    let own: Vec<&str> = match actor {
        Some(Actor::Person { roles, .. }) => roles.iter().map(|role| role_word(*role)).collect(),
        _ => Vec::new(),
    };
    let own = if own.is_empty() { "nothing yet".to_owned() } else { own.join(", ") };
    let able = Role::ALL.into_iter().filter(|role| permitted(*role, permission) != Reach::Nothing);
    let able: Vec<&str> = able.map(role_word).collect();
    format!(
        "you are {own} here, and this is for {}: none of your roles carries the permission {}",
        able.join(", "),
        permission.as_str()
    )
}

/// Finds out who is here and whether this page is for them, and as of when.
fn enter<'a>(
    visit: &mut Visit<'a>,
    headers: &HeaderMap,
    presented: Option<&Presented>,
    past: &'a OnceCell<Desk>,
) -> Result<(), Refusal> {
    if visit.page.method == Method::Post {
        check_same_site(visit, headers)?;
    }
    visit.desk.refresh()?;
    let signed_in = presented.map(|presented| visit.desk.sign_in(&presented.token)).transpose();
    match visit.page.access {
        // A page is for people, also where the log itself is for everybody.
        Access::Needs(permission) | Access::Log(permission) => {
            let nobody = || Refusal::new(Code::NotSignedIn, "nobody is signed in");
            let actor =
                signed_in?.filter(|actor| matches!(actor, Actor::Person { .. })).ok_or_else(nobody)?;
            let reach = actor.reach(permission);
            visit.actor = Some(actor);
            if visit.page.method == Method::Post {
                check_proof(visit)?;
            }
            if reach == Reach::Nothing {
                return Err(Refusal::new(Code::NotPermitted, not_for(visit.actor.as_ref(), permission)));
            }
        }
        // Whoever is unknown here is not refused.
        Access::Public | Access::Loopback => visit.actor = signed_in.ok().flatten(),
    }
    let moment = visit.query.get("as_of").map(|text| moment::read(visit.desk, text)).transpose()?;
    visit.moment = moment;
    if let Some(moment) = moment
        && let Some(desk) = past::desk(visit.desk, visit.page, moment)?
    {
        visit.desk = past.get_or_init(|| desk);
    }
    Ok(())
}

/// A form must come from a page of this origin; a browser says from where it comes.
fn check_same_site(visit: &Visit<'_>, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: header::HeaderName| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let foreign = || Refusal::new(Code::CrossSite, "the form was not sent by a page of this console");
    if credentials::is_cross_site(headers) {
        return Err(foreign());
    }
    let (origin, host) = (text(header::ORIGIN), text(header::HOST));
    let hosts = origin.split_once("://").map(|(_, host)| host);
    let own = origin.is_empty() || hosts == Some(host) || origin == visit.settings.public_url;
    if own { Ok(()) } else { Err(foreign()) }
}

/// A form carries the proof that the session's own page made it.
fn check_proof(visit: &Visit<'_>) -> Result<(), Refusal> {
    if visit.csrf.as_deref().is_some_and(|proof| proof == visit.form.text("csrf")) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::CrossSite,
        "the form does not belong to your session; you may have signed in anew since you opened it",
    ))
}

/// Leads to where one comes in, unless a session may be there that the browser did not show.
fn to_login(visit: &Visit<'_>, had_session: bool, strange: bool) -> Answer {
    let here = visit.here().keep(&visit.query, &[]).href();
    let next = own_path(&here).filter(|path| *path != "/");
    match next {
        Some(next) if strange && !had_session => refusals::ask_again(next),
        _ => {
            let ended = had_session.then_some("yes");
            Reply::See(Link::to("/login").with_some("next", next).with_some("ended", ended).href()).into()
        }
    }
}

/// The page of ours that led here; the browser names it to its own origin alone.
fn from(headers: &HeaderMap, public_url: &str) -> Option<String> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let referer = text(header::REFERER)?;
    let rest = match referer.strip_prefix(public_url.trim_end_matches('/')) {
        Some(rest) if !public_url.is_empty() && rest.starts_with('/') => rest,
        _ => {
            let (_, place) = referer.split_once("://")?;
            place.strip_prefix(text(header::HOST)?)?
        }
    };
    own_path(rest.split('#').next().unwrap_or_default()).map(str::to_owned)
}

fn theme(headers: &HeaderMap) -> Option<Theme> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == THEME_COOKIE).and_then(|(_, word)| Theme::of(word))
}

/// Reads `application/x-www-form-urlencoded`; browsers end lines with two characters, records with one.
async fn read_form(
    headers: &HeaderMap,
    body: Body,
    (max_bytes, within): (usize, Duration),
) -> Result<Pairs, Refusal> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    {
        return Err(Refusal::new(Code::Malformed, "what was sent is not a form of this console"));
    }
    let too_large = || Refusal::new(Code::TooLarge, format!("the form is larger than {max_bytes} bytes"));
    let bytes = match tokio::time::timeout(within, to_bytes(body, max_bytes)).await {
        Err(_) => return Err(Refusal::new(Code::TooSlow, "the form did not arrive in time")),
        Ok(bytes) => bytes.map_err(|_| too_large())?,
    };
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Refusal::new(Code::Malformed, "the form is not UTF-8"))?;
    let pairs = query_pairs(text)?.into_iter().map(|(name, text)| (name, text.replace("\r\n", "\n")));
    Ok(Pairs::new(pairs.collect()))
}
