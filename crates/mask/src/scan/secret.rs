//! Secrets: keys whose form says who issued them, private keys, tokens, and values that are named as secrets.
//!
//! Promises not to take a placeholder (`<your key>`, `${TOKEN}`, `changeme`), a call or a name of something else for one.

use std::ops::Range;

use super::vendor::VENDORS;
use super::window::Window;
use super::words::{self, lookup};

/// Longest private key or token: RSA of 8,192 bits has 6,400 characters.
pub const MAX_SECRET_BYTES: usize = 8192;
/// Longest value that a name or its place in a URL makes a secret.
const MAX_NAMED: usize = 192;
/// Shortest password behind `password=`.
const MIN_PASSWORD: usize = 6;
/// Shortest value of what may as well be the name of something: `token: next`.
const MIN_KEY: usize = 12;
/// Longest name of a secret, or scheme and user of a URL.
const MAX_NAME: usize = 64;
/// Longest first part of a vendor's prefix.
const MAX_PREFIX: usize = 14;
/// Longest key of a vendor.
const MAX_KEY: usize = 240;

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A key whose prefix begins at `start`.
pub(crate) fn vendor_key(window: &Window<'_>, start: usize) -> Option<Range<usize>> {
    let before = window.before(start);
    if before.is_ascii_alphanumeric() && !window.behind_escape(start) || matches!(before, b'_' | b'-') {
        return None;
    }
    let first = window.at(start);
    for vendor in VENDORS.iter().filter(|vendor| vendor.prefix.as_bytes().first() == Some(&first)) {
        let body = start.saturating_add(vendor.prefix.len());
        if window.ahead(start, vendor.prefix.len()) != vendor.prefix.as_bytes() {
            continue;
        }
        let end = window.end_of(body, MAX_KEY, |byte| vendor.alphabet.has(byte));
        let key = window.text.as_bytes().get(body..end)?;
        let long = key.len() >= vendor.shortest && key.len() <= vendor.longest;
        if long && !window.at(end).is_ascii_alphanumeric() && is_random(key) {
            return Some(start..end);
        }
    }
    None
}

/// The key whose prefix has the underscore or dash here.
pub(crate) fn vendor_key_at(window: &Window<'_>, sign: usize) -> Option<Range<usize>> {
    // Words with underscores are short; keys go on.
    let start = window.start_of(sign, MAX_PREFIX, |byte| byte.is_ascii_alphanumeric());
    if start == sign || sign.saturating_sub(start) == MAX_PREFIX {
        return None;
    }
    vendor_key(window, start)
}

/// A signed token: three parts in base 64, of which the first two begin as JSON objects do (RFC 7519).
pub(crate) fn web_token(window: &Window<'_>, start: usize) -> Option<Range<usize>> {
    if window.ahead(start, 3) != b"eyJ" {
        return None;
    }
    let header = window.end_of(start, MAX_SECRET_BYTES, is_key);
    if window.at(header) != b'.' || window.ahead(header.saturating_add(1), 2) != b"ey" {
        return None;
    }
    let left = MAX_SECRET_BYTES.saturating_sub(header.saturating_sub(start));
    let payload = window.end_of(header.saturating_add(1), left, is_key);
    if window.at(payload) != b'.' {
        return None;
    }
    let left = MAX_SECRET_BYTES.saturating_sub(payload.saturating_sub(start));
    let end = window.end_of(payload.saturating_add(1), left, is_key);
    (end.saturating_sub(start) > 30).then_some(start..end)
}

/// A private key in PEM form, from its first dash on. One that is cut off is taken as far as it goes.
pub(crate) fn private_key(window: &Window<'_>, start: usize) -> Option<Range<usize>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----END ";
    if window.before(start) == b'-' || window.ahead(start, BEGIN.len()) != BEGIN {
        return None;
    }
    let label = start.saturating_add(BEGIN.len());
    let label_end = window.end_of(label, MAX_NAME, is_label);
    let name = window.text.as_bytes().get(label..label_end)?;
    if !name.ends_with(b"PRIVATE KEY") && !name.ends_with(b"PRIVATE KEY BLOCK") {
        return None;
    }
    let body = window.end_of(label_end, 5, |byte| byte == b'-');
    let text = window.ahead(body, MAX_SECRET_BYTES);
    let stop = text.windows(5).position(|part| part == b"-----").unwrap_or(text.len());
    let rest = text.get(stop..).unwrap_or_default();
    if rest.starts_with(END) {
        let label = body.saturating_add(stop).saturating_add(END.len());
        return Some(start..window.end_of(window.end_of(label, MAX_NAME, is_label), 5, |byte| byte == b'-'));
    }
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\n\r\\ :,-".contains(byte);
    let len = text.iter().take(stop).take_while(|byte| is_body(byte)).count();
    (len > 0).then_some(start..body.saturating_add(len))
}

/// What a PEM label is of: `RSA PRIVATE KEY`.
fn is_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b' ' || byte.is_ascii_digit()
}

/// The password of `scheme://user:password@host`, where `colon` is that behind the user.
pub(crate) fn url_password(window: &Window<'_>, colon: usize) -> Option<Range<usize>> {
    let user =
        window.start_of(colon, MAX_NAME, |byte| byte.is_ascii_alphanumeric() || b"._%+-~$!*".contains(&byte));
    if !window.until(user).ends_with("://") {
        return None;
    }
    let start = colon.saturating_add(1);
    let end =
        window.end_of(start, MAX_NAMED, |byte| byte.is_ascii_graphic() && !b"@/\"'<>`\\".contains(&byte));
    let password = window.text.get(start..end)?;
    (window.at(end) == b'@' && !password.is_empty() && !is_stand_in(password)).then_some(start..end)
}

/// The value behind the equals sign or colon here, when the name before it is that of a secret.
pub(crate) fn named(window: &Window<'_>, sign: usize) -> Option<Range<usize>> {
    let name = name_before(window, sign)?;
    let kind = secret_kind(name)?;
    let mut at = sign.saturating_add(1);
    if matches!(window.at(at), b'=' | b'>') {
        at = at.saturating_add(1); // `==`, `=>`
    }
    let line = window.end_of(at, 3, |byte| byte == b' ');
    at = bearer(window, line);
    let escaped = usize::from(window.at(at) == b'\\');
    let quote = window.at(at.saturating_add(escaped));
    let quoted = matches!(quote, b'"' | b'\'' | b'`');
    if quoted {
        at = at.saturating_add(escaped).saturating_add(1);
        at = bearer(window, at);
    }
    let end = if quoted {
        window.end_of(at, MAX_NAMED, |byte| byte >= b' ' && byte != quote && byte != b'\\')
    } else {
        window.end_of(at, MAX_NAMED, |byte| {
            (byte.is_ascii_graphic() || byte >= 0x80) && !b"\"'`,;<>)]}&\\|".contains(&byte)
        })
    };
    let whole = window.at(end);
    let end = if quoted { end } else { trimmed(window, at, end) };
    let mut end = end;
    while !window.text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let value = window.text.get(at..end)?;
    let call = !quoted && matches!(whole, b')' | b']') && value.contains(['(', '[']);
    (!call && is_secret(value, kind, quoted)).then_some(at..end)
}

/// Behind the scheme of a credential: `Bearer …`, `Basic …`.
fn bearer(window: &Window<'_>, at: usize) -> usize {
    let ahead = window.ahead(at, 7);
    let scheme = [&b"bearer "[..], b"basic ", b"token "]
        .into_iter()
        .find(|scheme| ahead.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme)));
    at.saturating_add(scheme.map_or(0, <[u8]>::len))
}

/// Without the full stop of the sentence.
fn trimmed(window: &Window<'_>, start: usize, end: usize) -> usize {
    let text = window.text.as_bytes().get(start..end).unwrap_or_default();
    let behind = text.iter().rev().take_while(|byte| b".:?".contains(byte)).count();
    end.saturating_sub(behind)
}

/// The name that ends before an equals sign or colon, without quotes and blanks.
fn name_before<'t>(window: &Window<'t>, sign: usize) -> Option<&'t str> {
    let end = window.start_of(sign, 2, |byte| byte == b' ');
    let end = window.start_of(end, 2, |byte| matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b']'));
    // Most names are no secrets: their last letter tells.
    let last = window.before(end).to_ascii_lowercase();
    if !b"dtnyeshazk".contains(&last) {
        return None;
    }
    let start =
        window.start_of(end, MAX_NAME, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    window.text.get(start..end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whatever a person can think of.
    Password,
    /// Random characters.
    Key,
}

/// What a name says that its value is: of `db_password` and `githubToken` the last words count.
fn secret_kind(name: &str) -> Option<Kind> {
    let last = name.rsplit(['_', '-', '.']).next()?;
    let camel = last.char_indices().rev().find(|(at, c)| {
        *at > 0
            && c.is_ascii_uppercase()
            && last.as_bytes().get(at.saturating_sub(1)).is_some_and(u8::is_ascii_lowercase)
    });
    let word = camel.map_or(last, |(at, _)| last.get(at..).unwrap_or(last));
    if word.eq_ignore_ascii_case("key") {
        let front = name.get(..name.len().saturating_sub(3))?.to_ascii_lowercase();
        let of_secret = [
            "api",
            "secret",
            "access",
            "private",
            "account",
            "auth",
            "encryption",
            "signing",
            "subscription",
            "master",
            "service",
            "app",
            "license",
        ];
        let front = front.trim_end_matches(['_', '-', '.']);
        return of_secret.iter().any(|known| front.ends_with(known)).then_some(Kind::Key);
    }
    let lower = word.to_ascii_lowercase();
    // Where a list goes on is no secret.
    let front = name.get(..name.len().saturating_sub(word.len())).unwrap_or_default().to_ascii_lowercase();
    let front = front.trim_end_matches(['_', '-', '.']);
    if ["next", "page", "continuation", "sync"].iter().any(|place| front.ends_with(place)) {
        return None;
    }
    if ["token", "secret", "authorization", "auth", "credential", "credentials", "bearer"]
        .contains(&lower.as_str())
    {
        return Some(Kind::Key);
    }
    let joined = lookup(last.as_bytes()).touches(words::SECRET);
    if joined && (lower.ends_with("key") || lower.ends_with("token") || lower.ends_with("secret")) {
        return Some(Kind::Key);
    }
    (joined || lookup(word.as_bytes()).touches(words::SECRET)).then_some(Kind::Password)
}

/// Whether the whole text of a field with this name is a secret.
pub(crate) fn is_field_secret(name: &str, text: &str) -> bool {
    let fits = (MIN_PASSWORD..=MAX_NAMED).contains(&text.len()) && !text.contains(char::is_whitespace);
    fits && secret_kind(name).is_some_and(|kind| is_secret(text, kind, true))
}

fn is_secret(value: &str, kind: Kind, quoted: bool) -> bool {
    let text = value.as_bytes();
    if is_stand_in(value) || is_placeholder(value) {
        return false;
    }
    let digit = text.iter().any(u8::is_ascii_digit);
    let letter = text.iter().any(u8::is_ascii_alphabetic);
    let sign = text.iter().any(|byte| !byte.is_ascii_alphanumeric());
    match kind {
        Kind::Password => {
            let words = value.contains(' ');
            let varied = digit && letter || sign && (letter || digit) && !is_name(value);
            text.len() >= MIN_PASSWORD && !words && (varied || quoted && text.len() >= 8 && !is_name(value))
        }
        Kind::Key => {
            text.len() >= MIN_KEY
                && !value.contains(' ')
                && digit
                && letter
                && is_random(text)
                && !is_name(value)
        }
    }
}

/// Whether a value is code: a name of something, a call, a variable.
fn is_name(value: &str) -> bool {
    let word = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '.' | '-' | ':' | '/');
    value.chars().all(word) || value.ends_with("()") || value.contains('(') && value.contains(')')
}

/// What stands where a secret would.
fn is_stand_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let same = value.chars().all(|c| value.starts_with(c));
    let marks = [
        "${",
        "{{",
        "<",
        "%(",
        "$(",
        "process.env",
        "os.environ",
        "os.getenv",
        "env.",
        "getenv",
        "null",
        "none",
        "undefined",
        "your",
        "example",
        "changeme",
        "change_me",
        "placeholder",
        "redacted",
        "xxxx",
        "****",
        "....",
        "dummy",
        "insert",
        "secrets.",
        "config.",
    ];
    same || value.starts_with('$')
        || marks.iter().any(|mark| lower.contains(mark))
        || ["true", "false", "string", "required", "optional", "password", "secret", "token"]
            .contains(&lower.as_str())
}

/// Whether this is a placeholder that masking put there before.
fn is_placeholder(value: &str) -> bool {
    let trimmed = value.trim_matches(['<', '>']);
    trimmed.rsplit_once('_').is_some_and(|(label, code)| {
        code.len() == crate::placeholder::CODE_LEN
            && crate::class::Class::from_label(label.as_bytes()).is_some()
    })
}

/// Whether characters are as varied as random ones are: of every four, one that was not there before.
fn is_random(text: &[u8]) -> bool {
    let seen = text.iter().fold(0_u128, |seen, byte| seen | 1 << (byte & 0x7f));
    let different = seen.count_ones() as usize;
    different >= 6 && (different >= 14 || different * 10 >= text.len() * 3)
}
