//! What is wrong with a token, as whoever sent it is told.
//!
//! Promises: nothing that a token claims is judged aloud before its signature is found good. Must never: repeat a value of a token.

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// Larger than any real one.
    TooLarge,
    /// Not three parts of base64url, or not JSON that every reader reads alike.
    Malformed,
    /// Its header asks for what is never done: a key that it brings along, an extension, another kind of token.
    Header,
    /// Signed in a way that is not allowed.
    Algorithm,
    /// Of nobody who is configured.
    Issuer,
    /// Signed by a key that its issuer does not have.
    Key,
    /// The signature is not of these bytes.
    Signature,
    /// For somebody else.
    Audience,
    /// Over.
    Expired,
    /// Not begun.
    NotYet,
    /// Good for longer than is allowed.
    Lifetime,
    /// A claim is missing, or is of another form.
    Claims,
    /// Of a client that no key is written down for.
    Client,
    /// The keys of its issuer could not be read for too long.
    Unavailable,
}

impl TokenFault {
    /// What and what to do, in one line.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::TooLarge => "the token is larger than 16 KiB; ask its issuer for one with fewer claims",
            Self::Malformed => {
                "no valid key, and not an access token either (three parts of base64url with JSON in the first two); send one of them as Authorization: Bearer"
            }
            Self::Header => {
                "the header of the token asks for what is never done here: a key that it brings along, an extension, or another kind of token. Send an access token (at+jwt)"
            }
            Self::Algorithm => {
                "the token is signed in a way that is not allowed here; an operator can look at algorithms of [identity.NAME]"
            }
            Self::Issuer => {
                "the token is of an issuer that is not known here; an operator can add [identity.NAME]"
            }
            Self::Key => {
                "the token is signed by a key that its issuer does not have (any more); ask it for a new token"
            }
            Self::Signature => "the signature of the token does not hold; ask its issuer for a new token",
            Self::Audience => {
                "the token is for somebody else: ask its issuer for one for this gateway (audience, resource)"
            }
            Self::Expired => "the token is over; ask its issuer for a new one",
            Self::NotYet => {
                "the token is not good yet; have the clocks of its issuer and of this gateway set"
            }
            Self::Lifetime => {
                "the token is good for longer than is allowed here; have its issuer give shorter ones, or an operator raise lifetime_seconds of [identity.NAME]"
            }
            Self::Claims => {
                "a claim of the token is missing or of another form: exp, iat and that of the client are needed, and texts are of at most 256 bytes; an operator can look at [identity.NAME]"
            }
            Self::Client => {
                "no key is written down for the client of the token; an operator can add it to clients of [identity.NAME]"
            }
            Self::Unavailable => {
                "the keys of the token's issuer could not be read for too long, so nobody can be told by it; try again later, or use a key"
            }
        }
    }
}
