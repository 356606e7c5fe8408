//! Signature Version 4 of AWS, over the bytes of one request.
//!
//! Promises: what AWS describes for every service but S3 (segments of the path are escaped once more, dots in it are resolved), held against the vectors that AWS
//! publishes. Must never: read a clock, or keep a key.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::words::hex_of;

/// Name of the algorithm, in what is signed and in the header.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Ends the scope of every key.
const TERMINATOR: &str = "aws4_request";
/// Letters of a day in a time as AWS writes it: `20150830` of `20150830T123600Z`.
const DAY_LETTERS: usize = 8;

/// What of a request is signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// As it leaves, with its escapes.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// Names in small letters, each once, in their order.
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) payload: &'a [u8],
}

/// For what a signature holds.
pub(super) struct Scope<'a> {
    /// As `x-amz-date` says it: `20150830T123600Z`.
    pub(super) time: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

impl Scope<'_> {
    fn day(&self) -> &str {
        self.time.get(..DAY_LETTERS).unwrap_or_default()
    }

    /// As it stands behind the id of the key.
    pub(super) fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.day(), self.region, self.service)
    }

    /// The signature of `request` under `secret`, as 64 hex digits.
    pub(super) fn sign(&self, request: &Signed<'_>, secret: &str) -> String {
        let digest = hex_of(Sha256::digest(request.canonical()).into());
        let to_sign = format!("{ALGORITHM}\n{}\n{}\n{digest}", self.time, self.text());
        hex_of(mac(self.key(secret).as_slice(), &to_sign))
    }

    /// The key of one day, region and service.
    fn key(&self, secret: &str) -> Zeroizing<[u8; 32]> {
        let first = Zeroizing::new(format!("AWS4{secret}"));
        let of_day = Zeroizing::new(mac(first.as_bytes(), self.day()));
        [self.region, self.service, TERMINATOR]
            .into_iter()
            .fold(of_day, |key, part| Zeroizing::new(mac(key.as_slice(), part)))
    }
}

impl Signed<'_> {
    /// Names of the headers, as they stand in the signature.
    pub(super) fn names(&self) -> String {
        self.headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }

    /// The one form of the request that both sides compute.
    pub(super) fn canonical(&self) -> String {
        let header = |(name, value): &(&str, &str)| {
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            format!("{name}:{}", words.join(" "))
        };
        let mut lines = vec![self.method.to_owned(), canonical_path(self.path), canonical_query(self.query)];
        lines.extend(self.headers.iter().map(header));
        lines.extend([String::new(), self.names(), hex_of(Sha256::digest(self.payload).into())]);
        lines.join("\n")
    }
}

/// `path` as services and libraries of AWS write it: everything is escaped but letters, digits, `-._~` and slashes. What is escaped already stays.
pub(super) fn written(path: &str) -> String {
    escaped(path, "/%")
}

/// Dots resolved, empty segments left out, and every escape escaped once more.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let end = if segments.is_empty() || !path.ends_with('/') { "" } else { "/" };
    format!("/{}{end}", escaped(&segments.join("/"), "/"))
}

/// Members by name and value, escaped once.
fn canonical_query(query: &str) -> String {
    let member = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (escaped(name, "%"), escaped(value, "%"))
    };
    let mut members: Vec<_> = query.split('&').filter(|pair| !pair.is_empty()).map(member).collect();
    members.sort();
    members.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Every byte escaped but those that need it nowhere (RFC 3986, 2.3) and those of `kept`.
fn escaped(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let letter = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(letter) || kept.contains(letter) {
            out.push(letter);
        } else {
            // Writing into a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}
