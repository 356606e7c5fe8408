//! Switching to a socket (RFC 6455, 4): what a client must wish, what a provider must answer, and what we say to each.
//!
//! Promises: nothing is agreed that we could not follow, so no extension is. Must never: take a key out of the list of protocols, where logs show it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use sha1::{Digest as _, Sha1};
use tabellion_ledger::{Entropy as _, OsEntropy};

/// What is hashed behind a key (RFC 6455, 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes of a key.
const KEY_BYTES: usize = 16;
/// The protocol that we speak, and its version.
const WEBSOCKET: &str = "websocket";
const VERSION: &str = "13";
/// Protocols that may be asked for: names of the conversation, none of a key.
const PROTOCOLS: [&str; 2] = ["realtime", "openai-beta.realtime-v1"];

/// Somebody's wish to switch, and what it takes to agree.
pub(super) struct Wish {
    accept: HeaderValue,
    /// Protocols asked for, in order.
    protocols: Vec<&'static str>,
}

impl Wish {
    /// Of a request with these headers; the error says what is wrong with it and what to do.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, &'static str> {
        if !has_token(headers, &UPGRADE, WEBSOCKET) || !has_token(headers, &CONNECTION, "upgrade") {
            return Err(
                "this route is a socket: ask with Upgrade: websocket and Connection: Upgrade, as your library's realtime client does",
            );
        }
        if only(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION) {
            return Err("Sec-WebSocket-Version is not 13, the only one that there is");
        }
        let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
        let accept = key.and_then(|key| HeaderValue::from_str(&accept_of(key)).ok());
        let accept = accept.ok_or("Sec-WebSocket-Key is missing, there twice, or not 16 bytes in base64")?;
        let protocols = asked(headers).ok_or(
            "Sec-WebSocket-Protocol names something else than realtime and openai-beta.realtime-v1; a key goes into Authorization, where no log shows it",
        )?;
        Ok(Self { accept, protocols })
    }

    /// The headers that agree to it.
    pub(super) fn agree(&self, Agreed(protocol): Agreed, headers: &mut HeaderMap) {
        switching(headers);
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
    }
}

/// The protocol that both sides speak over a socket, where one was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed(pub(super) Option<&'static str>);

/// Our own wish, to a provider.
pub(super) struct Asking<'a> {
    accept: String,
    key: HeaderValue,
    protocols: &'a [&'static str],
}

impl<'a> Asking<'a> {
    /// The same as `wish`, under a key of our own; none: the machine gives no random bytes.
    pub(super) fn like(wish: &'a Wish) -> Option<Self> {
        let mut key = [0; KEY_BYTES];
        OsEntropy.fill(&mut key).ok()?;
        let key = STANDARD.encode(key);
        let accept = accept_of(&key);
        Some(Self { accept, key: HeaderValue::from_str(&key).ok()?, protocols: &wish.protocols })
    }

    /// Puts it into a request.
    pub(super) fn put_into(&self, headers: &mut HeaderMap) {
        switching(headers);
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        headers.insert(SEC_WEBSOCKET_KEY, self.key.clone());
        if let Ok(protocols) = HeaderValue::from_str(&self.protocols.join(", "))
            && !self.protocols.is_empty()
        {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols);
        }
    }

    /// What the provider agreed to; none: it did not, or to something else.
    pub(super) fn agreed(&self, headers: &HeaderMap) -> Option<Agreed> {
        let agrees = has_token(headers, &UPGRADE, WEBSOCKET)
            && has_token(headers, &CONNECTION, "upgrade")
            && only(headers, &SEC_WEBSOCKET_ACCEPT) == Some(&self.accept)
            // An extension changes what frames are.
            && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS);
        if !agrees {
            return None;
        }
        if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
            return Some(Agreed(None));
        }
        let chosen = only(headers, &SEC_WEBSOCKET_PROTOCOL)?;
        self.protocols.iter().find(|asked| **asked == chosen).map(|asked| Agreed(Some(asked)))
    }
}

fn switching(headers: &mut HeaderMap) {
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
}

/// The one value of a header.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    value.to_str().ok().map(str::trim)
}

/// Whether a list in a header has `token`, in any letters.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// The protocols asked for; none: one of them is not ours to pass on.
fn asked(headers: &HeaderMap) -> Option<Vec<&'static str>> {
    let mut asked = Vec::new();
    for list in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        for name in list.to_str().ok()?.split(',').map(str::trim) {
            let known = PROTOCOLS.iter().find(|known| **known == name)?;
            if !asked.contains(known) {
                asked.push(known);
            }
        }
    }
    Some(asked)
}

fn is_key(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES)
}

fn accept_of(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key.as_bytes()).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changed: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in changed {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// The example of RFC 6455, 1.3. Requirement: N22.
    #[test]
    fn a_wish_is_agreed_to_as_the_standard_has_it() {
        let wish = Wish::of(&headers(&[("sec-websocket-protocol", "realtime, openai-beta.realtime-v1")]));
        let mut agreed = HeaderMap::new();
        wish.unwrap_or_else(|why| panic!("{why}")).agree(Agreed(Some("realtime")), &mut agreed);
        assert_eq!(agreed[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(agreed[SEC_WEBSOCKET_PROTOCOL], "realtime");
    }

    /// Requirement: N22.
    #[test]
    fn what_is_no_such_wish_is_refused_with_what_is_wrong() {
        for (change, says) in [
            (("upgrade", "h2c"), "Upgrade: websocket"),
            (("connection", "close"), "Upgrade: websocket"),
            (("sec-websocket-version", "8"), "13"),
            (("sec-websocket-key", "short"), "Sec-WebSocket-Key"),
            (("sec-websocket-protocol", "realtime, openai-insecure-api-key.tbl_x"), "Authorization"),
        ] {
            let why = Wish::of(&headers(&[change])).err().unwrap_or_else(|| panic!("{change:?} is taken"));
            assert!(why.contains(says), "{change:?}: {why}");
        }
    }

    /// Requirement: N22.
    #[test]
    fn a_provider_that_agrees_to_something_else_has_not_agreed() {
        let wish = Wish::of(&headers(&[("sec-websocket-protocol", "realtime")]));
        let wish = wish.unwrap_or_else(|why| panic!("{why}"));
        let ours = Asking::like(&wish).expect("random bytes");
        let accept = HeaderValue::from_str(&ours.accept).expect("base64");
        let answered = |change: &dyn Fn(&mut HeaderMap)| {
            let mut headers = headers(&[]);
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept.clone());
            change(&mut headers);
            ours.agreed(&headers)
        };
        let put = |name: HeaderName, value: &'static str| {
            move |headers: &mut HeaderMap| drop(headers.insert(name.clone(), HeaderValue::from_static(value)))
        };
        assert_eq!(answered(&|_| {}), Some(Agreed(None)));
        assert_eq!(answered(&put(SEC_WEBSOCKET_PROTOCOL, "realtime")), Some(Agreed(Some("realtime"))));
        assert_eq!(answered(&put(SEC_WEBSOCKET_PROTOCOL, "other")), None, "a protocol that nobody asked for");
        assert_eq!(answered(&put(SEC_WEBSOCKET_EXTENSIONS, "permessage-deflate")), None, "frames are packed");
        assert_eq!(
            answered(&put(SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
            None,
            "another's key"
        );
    }
}
