//! What a page answers, and the headers that every answer of the console has.
//!
//! Promises: no script or style but our own files, no frame, no form to another host, nothing kept by a cache but files whose address is their
//! digest.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::refusal::Refusal;

/// Scripts, styles, images and connections from here alone; nothing inline, nothing evaluated, nothing framed.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
/// What the pages never ask a browser for.
const FEATURES: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
/// A year: the address changes when the bytes do.
const KEEP: &str = "public, max-age=31536000, immutable";

/// What a page answers.
pub(crate) enum Reply {
    /// A page.
    Html(u16, String),
    /// Another page, to be read next.
    See(String),
    /// A file to keep: its name, media type and bytes.
    File(String, &'static str, Vec<u8>),
    /// A file that pages load, kept for good: its media type, bytes, and how they are packed.
    Asset(&'static str, &'static [u8], Option<&'static str>),
}

/// A reply with cookies.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) cookies: Vec<String>,
}

/// What a page gives back.
pub(crate) type Answered = Result<Answer, Refusal>;

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, cookies: Vec::new() }
    }
}

impl Answer {
    /// The same with a cookie.
    pub(crate) fn cookie(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// As HTTP has it.
    pub(crate) fn response(self, https: bool) -> Response<Body> {
        let (status, media, body, cache) = match self.reply {
            Reply::Html(status, text) => (status, "text/html; charset=utf-8", text.into_bytes(), "no-store"),
            Reply::See(href) => {
                let mut response = plain(303, "text/plain; charset=utf-8", Vec::new(), "no-store", https);
                set(response.headers_mut(), header::LOCATION, &href);
                return with_cookies(response, &self.cookies);
            }
            Reply::File(name, media, bytes) => {
                let mut response = plain(200, media, bytes, "no-store", https);
                let disposition = format!("attachment; filename=\"{name}\"");
                set(response.headers_mut(), header::CONTENT_DISPOSITION, &disposition);
                return with_cookies(response, &self.cookies);
            }
            Reply::Asset(media, bytes, coding) => {
                let mut response = plain(200, media, bytes.to_vec(), KEEP, https);
                set(response.headers_mut(), header::VARY, "accept-encoding");
                if let Some(coding) = coding {
                    set(response.headers_mut(), header::CONTENT_ENCODING, coding);
                }
                return with_cookies(response, &self.cookies);
            }
        };
        with_cookies(plain(status, media, body, cache, https), &self.cookies)
    }
}

fn plain(
    status: u16,
    media: &'static str,
    body: Vec<u8>,
    cache: &'static str,
    https: bool,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut fixed =
        |name: HeaderName, value: &'static str| drop(headers.insert(name, HeaderValue::from_static(value)));
    fixed(header::CONTENT_TYPE, media);
    fixed(header::CACHE_CONTROL, cache);
    fixed(header::CONTENT_SECURITY_POLICY, POLICY);
    fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // A form's Origin is part of the check that it is ours; `no-referrer` would have browsers send `null` in its place.
    fixed(header::REFERRER_POLICY, "same-origin");
    fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    fixed(HeaderName::from_static("permissions-policy"), FEATURES);
    if https {
        fixed(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn with_cookies(mut response: Response<Body>, cookies: &[String]) -> Response<Body> {
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}
