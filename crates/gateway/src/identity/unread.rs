//! Why an issuer's keys could not be read, in words that an operator can act on.
//!
//! Must never: hold a token, a key, or more of what somebody else wrote than a short address.

use std::fmt::{Display, Formatter, Result};

use crate::config::StartError;
use crate::upstream::connect::ConnectError;

/// Longest part of an issuer's own words that is told: addresses are shorter.
const MAX_SAID_CHARACTERS: usize = 256;

/// Which of the two documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// Where the issuer says where its keys are.
    Discovery,
    /// Its keys.
    Keys,
}

/// What is wrong with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// Its address cannot be asked.
    Address(String),
    /// There is no connection.
    Connect(ConnectError),
    /// The connection ended before the answer was whole.
    BrokeOff,
    /// Another status than 200. No redirect is followed.
    Status(u16),
    /// It is told to be something else than plain JSON.
    NotJson,
    /// It has more bytes than are read.
    TooLarge(usize),
    /// It is no JSON object, or readers differ about it.
    Malformed,
    /// It is of this issuer; none: which is told elsewhere.
    OtherIssuer(Option<String>),
    /// It does not say where the keys are.
    NoAddress,
    /// It says that keys are at plain http, and is not from there itself.
    NotSecure,
    /// It is no set of keys.
    NotKeys,
    /// It is a set of keys of which none can verify anything.
    NoUsableKey,
}

/// Why there are no new keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// Both documents together took too long.
    Silent,
    /// One of them is not as it must be.
    Unusable(Document, Why),
}

impl Document {
    /// It, with what is wrong.
    pub(super) fn is(self, why: Why) -> Unread {
        Unread::Unusable(self, why)
    }

    /// Its address, which cannot be asked.
    pub(super) fn nowhere(self, error: &StartError) -> Unread {
        self.is(Why::Address(error.to_string()))
    }
}

impl Unread {
    /// The same without addresses and without what anybody said, for whoever may ask whether the program is well.
    pub(super) fn without_addresses(self) -> Self {
        match self {
            Self::Unusable(document, Why::Address(_)) => {
                document.is(Why::Address("this program's log says why".to_owned()))
            }
            Self::Unusable(document, Why::OtherIssuer(_)) => document.is(Why::OtherIssuer(None)),
            other => other,
        }
    }
}

impl Why {
    /// A document that says this of its issuer.
    pub(super) fn other_issuer(said: &str) -> Self {
        Self::OtherIssuer(Some(said.chars().take(MAX_SAID_CHARACTERS).collect()))
    }
}

impl Display for Unread {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Silent => out.write_str("it gave no whole answer within ten seconds; see whether it is up"),
            Self::Unusable(Document::Discovery, why) => write!(out, "its discovery document {why}"),
            Self::Unusable(Document::Keys, why) => write!(out, "its set of keys {why}"),
        }
    }
}

impl Display for Why {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Address(why) => write!(out, "cannot be asked for: {why}"),
            Self::Connect(ConnectError::Unreachable) => out.write_str(
                "cannot be asked for: nobody answers at its address, or its name is not known; see whether it is up and this machine may connect to it",
            ),
            Self::Connect(ConnectError::Untrusted(why)) => {
                write!(out, "cannot be asked for: its certificate is not believed. {why}")
            }
            Self::Connect(ConnectError::OutOfReach) => out.write_str(
                "cannot be asked for: its name leads to no address at which it may be; one of a private network needs private_network = true",
            ),
            Self::BrokeOff => out.write_str("broke off before it was whole; see its own log"),
            Self::Status(status @ 300..=399) => write!(
                out,
                "is answered with status {status}, and no redirect is followed; name the address that it leads to"
            ),
            Self::Status(status) => write!(out, "is answered with status {status}; see its own log"),
            Self::NotJson => out.write_str(
                "is not told to be plain JSON (content-type, content-encoding); see whether the address is right",
            ),
            Self::TooLarge(bytes) => write!(out, "has more than {bytes} bytes"),
            Self::Malformed => {
                out.write_str("is no JSON object that every reader reads alike; see whether the address is right")
            }
            Self::OtherIssuer(None) => out.write_str("is of another issuer; this program's log says of which"),
            Self::OtherIssuer(Some(said)) => {
                write!(out, "is of the issuer {said:?}; write issuer letter for letter as it stands there")
            }
            Self::NoAddress => out.write_str("has no jwks_uri; name the address of its keys in jwks_url"),
            Self::NotSecure => {
                out.write_str("has a jwks_uri of plain http, at which anybody between could give other keys")
            }
            Self::NotKeys => out.write_str("is none (RFC 7517), or has more than 64 keys"),
            Self::NoUsableKey => out.write_str(
                "has none that can verify a token by an algorithm that is known here, so every token is refused",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: G04. What an issuer wrote is told in part, and in no form that could pass for a line of our own.
    #[test]
    fn what_an_issuer_says_cannot_write_lines_of_its_own() {
        let long = format!("https://a\nidentity corp: well again{}", "x".repeat(10_000));
        let unread = Document::Discovery.is(Why::other_issuer(&long));
        let told = unread.to_string();
        assert!(!told.contains('\n'), "a line of the operator's log is somebody else's: {told}");
        assert!(told.len() < 2 * MAX_SAID_CHARACTERS, "{} bytes of somebody else's are told", told.len());
        let nowhere = Document::Keys.is(Why::Address("https://inside.example/keys".to_owned()));
        for unread in [unread, nowhere] {
            let told = unread.without_addresses().to_string();
            assert!(!told.contains("https://"), "anybody reads where an issuer is: {told}");
        }
    }
}
