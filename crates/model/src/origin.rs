//! The name of a log: `<public host>/log/<tenant>` (`docs/formats.md` §1).

use std::fmt;
use std::sync::Arc;

/// Longest origin in bytes: it is a key name in signed notes and part of every record.
pub const MAX_ORIGIN_BYTES: usize = 255;
/// Longest tenant name: one DNS label.
pub const MAX_TENANT_BYTES: usize = 63;
/// What stands between host and tenant.
const SEPARATOR: &str = "/log/";

/// Why a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Longer than [`MAX_ORIGIN_BYTES`].
    #[error("an origin has at most {MAX_ORIGIN_BYTES} bytes")]
    TooLong,
    /// No `/log/` between host and tenant.
    #[error("an origin has the form <public host>/log/<tenant>")]
    Shape,
    /// No host, or one with characters that the formats do not allow.
    #[error("the host of an origin is printable ASCII without space, plus, quote and backslash")]
    Host,
    /// The tenant is not `[a-z0-9][a-z0-9-]{0,62}`.
    #[error(
        "the tenant of an origin is 1 to {MAX_TENANT_BYTES} characters a-z 0-9 -, and does not begin with -"
    )]
    Tenant,
}

/// The name of one log: one tenant in one environment. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// Checks and keeps an origin.
    pub fn new(text: &str) -> Result<Self, OriginError> {
        if text.len() > MAX_ORIGIN_BYTES {
            return Err(OriginError::TooLong);
        }
        let (host, tenant) = text.rsplit_once(SEPARATOR).ok_or(OriginError::Shape)?;
        if host.is_empty() || !host.bytes().all(is_host_byte) {
            return Err(OriginError::Host);
        }
        if !is_tenant(tenant) {
            return Err(OriginError::Tenant);
        }
        Ok(Self(text.into()))
    }

    /// The origin of `tenant`'s log at `host`.
    pub fn with(host: &str, tenant: &str) -> Result<Self, OriginError> {
        Self::new(&format!("{host}{SEPARATOR}{tenant}"))
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the last `/log/`.
    pub fn host(&self) -> &str {
        self.0.rsplit_once(SEPARATOR).map_or("", |(host, _)| host)
    }

    /// The part after the last `/log/`.
    pub fn tenant(&self) -> &str {
        self.0.rsplit_once(SEPARATOR).map_or("", |(_, tenant)| tenant)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "origin:{self}")
    }
}

/// `+` separates the parts of a verifier key; `"` and `\` would be written as escapes in JSON.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"+\"\\".contains(&byte)
}

fn is_tenant(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= MAX_TENANT_BYTES
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_names_its_host_and_tenant() {
        let origin = Origin::with("notary.example:8443", "acme-eu").expect("a plain origin must be accepted");
        assert_eq!(
            (origin.as_str(), origin.host(), origin.tenant()),
            ("notary.example:8443/log/acme-eu", "notary.example:8443", "acme-eu"),
            "a verifier would look for the wrong log"
        );
    }

    #[test]
    fn texts_that_could_be_mistaken_for_another_log_are_refused() {
        let long = format!("{}/log/acme", "h".repeat(250));
        for (text, why) in [
            ("", OriginError::Shape),
            ("notary.example/acme", OriginError::Shape),
            ("/log/acme", OriginError::Host),
            ("a b/log/acme", OriginError::Host),
            ("a+b/log/acme", OriginError::Host),
            ("a\"b/log/acme", OriginError::Host),
            ("a\\b/log/acme", OriginError::Host),
            ("a\u{7f}b/log/acme", OriginError::Host),
            ("münchen.example/log/acme", OriginError::Host),
            ("notary.example/log/", OriginError::Tenant),
            ("notary.example/log/-acme", OriginError::Tenant),
            ("notary.example/log/Acme", OriginError::Tenant),
            ("notary.example/log/a/b", OriginError::Tenant),
            ("notary.example/log/a\n", OriginError::Tenant),
            (long.as_str(), OriginError::TooLong),
        ] {
            assert_eq!(Origin::new(text), Err(why), "{text:?} would be taken for a log's name");
        }
        let nested = Origin::new("example.org/notary/log/a/log/b").expect("a host may be followed by a path");
        assert_eq!(
            (nested.host(), nested.tenant()),
            ("example.org/notary/log/a", "b"),
            "the last part names the tenant"
        );
        let longest_tenant = "a".repeat(MAX_TENANT_BYTES);
        assert!(Origin::with("h", &longest_tenant).is_ok(), "the longest tenant name must work");
        assert!(Origin::with("h", &format!("{longest_tenant}a")).is_err(), "one more must not");
    }
}
