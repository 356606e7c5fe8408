//! What a request carries to say who stands behind it: a bearer token, or a browser's cookie with proof that the page is ours.
//!
//! Promises: a cookie alone changes nothing. Must never: put a token into an answer's text, a log or an error.

use axum::http::{HeaderMap, Method, header};
use tabellion_tlog::{Hash, sha256};

use crate::refusal::{Code, Refusal};
use crate::work::sessions::SESSION_HOURS;

/// Name of the session's cookie.
const COOKIE: &str = "tabellion_session";
/// The same over https: a browser takes a cookie of this prefix from the host itself alone, over https, for all of its paths.
const HOST_COOKIE: &str = "__Host-tabellion_session";
/// Header in which a page proves that it is ours.
const CSRF: &str = "x-csrf-token";
/// Domain of the derivation of that proof from the session's token.
const CSRF_DOMAIN: &str = "tabellion.csrf/1\n";

/// A token, and how it came.
pub(crate) struct Presented {
    pub(crate) token: String,
    pub(crate) by_cookie: bool,
}

/// The token of a request; a bearer token comes before a cookie.
pub(crate) fn presented(headers: &HeaderMap, https: bool) -> Option<Presented> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
        let token = if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" };
        return Some(Presented { token: token.to_owned(), by_cookie: false });
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let token = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie_name(https))
        .map(|(_, token)| token.to_owned())?;
    Some(Presented { token, by_cookie: true })
}

/// Whether a browser says that the request was not made by a page of this origin.
pub(crate) fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// A change that came with a cookie must come from a page of ours, which alone can read the proof.
pub(super) fn check_page(method: &Method, headers: &HeaderMap, presented: &Presented) -> Result<(), Refusal> {
    if !presented.by_cookie || matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let proof = headers.get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_cross_site(headers) || proof != csrf_of(&presented.token) {
        return Err(Refusal::new(
            Code::CrossSite,
            "the session came in a cookie, without the proof of a page of ours",
        ));
    }
    Ok(())
}

/// What pages send with a change: derived from the token, which they cannot read.
pub(crate) fn csrf_of(token: &str) -> String {
    Hash::to_hex(&sha256(format!("{CSRF_DOMAIN}{token}").as_bytes()))
}

/// The cookie of a new session.
pub(crate) fn session_cookie(token: &str, https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    let name = cookie_name(https);
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}", SESSION_HOURS * 3600)
}

/// The cookie that takes it away.
pub(crate) fn cleared_cookie(https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    let name = cookie_name(https);
    format!("{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}")
}

fn cookie_name(https: bool) -> &'static str {
    if https { HOST_COOKIE } else { COOKIE }
}
