//! Which of a client's headers are sent on to the provider, and what each may say.
//!
//! Promises: a header leaves only by its name and in its form, once; the digest is of exactly what left. Must never: pass a value that the client is
//! free to choose: a header goes past the mask.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue, USER_AGENT};
use sha2::{Digest as _, Sha256};

use crate::config::Api;
use crate::translate::Interface;
use crate::words;

/// In place of the client's; what guards of others are asked by.
pub(crate) const OUR_USER_AGENT: &str = concat!("tabellion/", env!("CARGO_PKG_VERSION"));
/// Which version of its interface a client of Anthropic speaks.
pub(crate) const ANTHROPIC_VERSION: &str = "anthropic-version";
/// Longest list of features, and most of them.
const MAX_FEATURES_BYTES: usize = 512;
const MAX_FEATURES: usize = 16;
/// Longest number that a library says of itself.
const MAX_NUMBER_BYTES: usize = 8;

/// Whether a value has the form of its header.
type Form = fn(&str) -> bool;

/// The headers, by name order, with the form of each. Those that begin with the name of an interface go to providers that have it.
const SENT_ON: [(&str, Form); 14] = [
    ("anthropic-beta", is_features),
    (ANTHROPIC_VERSION, is_day),
    ("openai-beta", is_features),
    ("traceparent", is_traceparent),
    ("x-stainless-arch", words::is_word),
    ("x-stainless-async", words::is_word),
    ("x-stainless-lang", words::is_word),
    ("x-stainless-os", words::is_word),
    ("x-stainless-package-version", words::is_word),
    ("x-stainless-read-timeout", is_number),
    ("x-stainless-retry-count", is_number),
    ("x-stainless-runtime", words::is_word),
    ("x-stainless-runtime-version", words::is_word),
    ("x-stainless-timeout", is_number),
];

/// What is sent on of a client's headers.
#[derive(Debug, Clone)]
pub(crate) struct SentOn(Vec<(HeaderName, HeaderValue)>);

impl SentOn {
    /// Chooses from the headers that came, for a provider with the interface `api`.
    pub(crate) fn of(client: &HeaderMap, api: Api) -> Self {
        let own = |name: &str| match name.split_once('-') {
            Some(("openai", _)) => api == Api::OpenAi,
            Some(("anthropic", _)) => api == Api::Anthropic,
            _ => true,
        };
        let chosen = SENT_ON.iter().filter(|(name, _)| own(name)).filter_map(|(name, fits)| {
            let mut values = client.get_all(*name).iter();
            let (Some(value), None) = (values.next(), values.next()) else { return None };
            value.to_str().ok().filter(|text| fits(text))?;
            Some((HeaderName::from_static(name), value.clone()))
        });
        Self(chosen.collect())
    }

    /// The same for a provider whose interface is not the client's: features are of the interface that was left, and the version is that of the body which
    /// the gateway writes.
    pub(crate) fn translated(client: &HeaderMap, to: Interface, version: &'static str) -> Self {
        let other = match to {
            Interface::OpenAi => Api::Anthropic,
            Interface::Anthropic => Api::OpenAi,
        };
        // What is left of both is of neither.
        let Self(mut chosen) = Self::of(client, other);
        chosen.retain(|(name, _)| !["anthropic-", "openai-"].iter().any(|of| name.as_str().starts_with(of)));
        if to == Interface::Anthropic {
            let version = (HeaderName::from_static(ANTHROPIC_VERSION), HeaderValue::from_static(version));
            chosen.insert(0, version);
        }
        Self(chosen)
    }

    /// SHA-256 of a line `name: value` with its line feed for each, by name order.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (name, value) in &self.0 {
            hash.update(name.as_str());
            hash.update(b": ");
            hash.update(value.as_bytes());
            hash.update(b"\n");
        }
        hash.finalize().into()
    }

    /// Puts them into the head of the request that leaves, with our own name as its sender.
    pub(crate) fn put_into(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name.clone(), value.clone());
        }
        headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
    }
}

/// A decimal number.
fn is_number(text: &str) -> bool {
    (1..=MAX_NUMBER_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// A day as `2023-06-01`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    [(year, 4), (month, 2), (day, 2)]
        .into_iter()
        .all(|(part, digits)| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// W3C Trace Context, version 00: `00-<32 hex digits>-<16>-<2>`, lower case.
fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts.as_slice() else { return false };
    *version == "00" && hex(trace, 32) && hex(parent, 16) && hex(flags, 2)
}

/// Features by name and version, such as `assistants=v2, responses=v1`.
fn is_features(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    let is_feature = |item: &str| {
        let (name, version) =
            item.trim_matches(' ').split_once('=').unwrap_or((item.trim_matches(' '), "v1"));
        !name.is_empty() && !version.is_empty() && name.bytes().chain(version.bytes()).all(plain)
    };
    text.len() <= MAX_FEATURES_BYTES
        && text.split(',').count() <= MAX_FEATURES
        && text.split(',').all(is_feature)
        && words::is_impersonal(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_on(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut from = HeaderMap::new();
        for (name, value) in headers {
            from.append(*name, HeaderValue::from_static(value));
        }
        let mut sent = HeaderMap::new();
        SentOn::of(&from, Api::OpenAi).put_into(&mut sent);
        sent
    }

    #[test]
    fn what_a_library_says_of_itself_is_sent_on() {
        let own = [
            ("openai-beta", "assistants=v2, responses=v1"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("x-stainless-async", "async:asyncio"),
            ("x-stainless-lang", "python"),
            ("x-stainless-package-version", "2.54.0"),
            ("x-stainless-read-timeout", "600"),
            ("x-stainless-runtime", "CPython"),
        ];
        let sent = sent_on(&own);
        for (name, value) in own {
            assert_eq!(sent.get(name).map(HeaderValue::as_bytes), Some(value.as_bytes()), "{name} is lost");
        }
    }

    #[test]
    fn what_an_application_could_hide_stays_here() {
        for (name, value) in [
            ("user-agent", "Ada Lovelace, ada@example.org"),
            ("idempotency-key", "ada@example.org"),
            ("x-stainless-lang", "ada@example.org"),
            ("x-stainless-os", "born 10 December 1815"),
            ("x-stainless-runtime-version", "4111-1111-1111-1111"),
            ("x-stainless-customer", "Lovelace"),
            ("x-stainless-retry-count", "four"),
            ("traceparent", "00-ada-lovelace-01"),
            ("traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
            ("openai-beta", "Ada Lovelace"),
            ("openai-beta", "ada@example.org"),
            ("tracestate", "a=b"),
            ("baggage", "user=ada"),
            ("cookie", "a=b"),
        ] {
            let sent = sent_on(&[(name, value)]);
            let sent: Vec<_> = sent.iter().collect();
            assert_eq!(sent.len(), 1, "{name}: {value} goes past the mask: {sent:?}");
            assert_eq!(sent[0].1, OUR_USER_AGENT, "the provider sees who really asks");
        }
        let twice = sent_on(&[("x-stainless-lang", "python"), ("x-stainless-lang", "js")]);
        assert_eq!(twice.len(), 1, "two values of one name are a place to hide the second");
    }

    #[test]
    fn each_provider_gets_the_headers_of_its_own_interface() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("anthropic-version", "2026-10-21"),
            ("anthropic-beta", "prompt-caching-2024-07-31,context-1m-2025-08-07"),
            ("openai-beta", "assistants=v2"),
        ] {
            from.append(name, HeaderValue::from_static(value));
        }
        for (api, due) in [
            (Api::OpenAi, vec!["openai-beta"]),
            (Api::Anthropic, vec!["anthropic-beta", "anthropic-version"]),
        ] {
            let names: Vec<String> =
                SentOn::of(&from, api).0.iter().map(|(name, _)| name.to_string()).collect();
            assert_eq!(names, due, "{api:?} would be told of another's features, or not of its own");
        }
        from.clear();
        from.append("anthropic-version", HeaderValue::from_static("born-10-12"));
        assert!(SentOn::of(&from, Api::Anthropic).0.is_empty(), "a version is a day and holds nothing else");
    }

    #[test]
    fn features_of_one_interface_do_not_cross_to_the_other() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("anthropic-version", "2026-10-21"),
            ("anthropic-beta", "x-1"),
            ("openai-beta", "y=v2"),
            ("x-stainless-lang", "js"),
        ] {
            from.append(name, HeaderValue::from_static(value));
        }
        let sent = |api| {
            let SentOn(sent) = SentOn::translated(&from, api, "2023-06-01");
            sent.iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        assert_eq!(sent(Interface::Anthropic), ["anthropic-version: 2023-06-01", "x-stainless-lang: js"]);
        assert_eq!(
            sent(Interface::OpenAi),
            ["x-stainless-lang: js"],
            "it would be told of another's features"
        );
    }

    #[test]
    fn the_digest_can_be_computed_by_hand() {
        let mut from = HeaderMap::new();
        from.append("x-stainless-lang", HeaderValue::from_static("js"));
        from.append("openai-beta", HeaderValue::from_static("assistants=v2"));
        let due: [u8; 32] = Sha256::digest("openai-beta: assistants=v2\nx-stainless-lang: js\n").into();
        assert_eq!(SentOn::of(&from, Api::OpenAi).sha256(), due, "nobody could check what left");
        assert!(SENT_ON.is_sorted_by(|(one, _), (other, _)| one < other), "the order of the lines is fixed");
    }
}
