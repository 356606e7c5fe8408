//! A signed token in its compact form (RFC 7515 §7.1, RFC 7519), read but not yet believed.
//!
//! Promises: what was read is what any other reader of the same bytes reads; one that asks for more than a signature by a published key is refused. Must
//! never: look at a key that a token brings along, or at where it says that one is.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use tabellion_mask::json::{Limits, Path, Scalar, Visitor, walk};

use super::config::Algorithm;
use super::fault::TokenFault;

/// Largest token; those with hundreds of groups have half of it.
const MAX_TOKEN_BYTES: usize = 16 << 10;
/// Deepest nesting of its JSON. Claims of usual providers have three levels.
const MAX_DEPTH: usize = 8;
/// Longest name of a key.
pub(super) const MAX_KID_BYTES: usize = 256;
/// Kinds of token that can be an access token (RFC 9068 §4, and those of before it). Whoever says another kind means another use.
const KINDS: [&str; 3] = ["at+jwt", "application/at+jwt", "jwt"];
/// Members of a header that would change what is verified, or by which key (RFC 7515 §4.1, RFC 7516, RFC 7797).
const NEVER: [&str; 9] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "cty"];

/// A token as it says of itself.
pub(super) struct Token<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
    /// The bytes that are signed.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Reads `text`.
    pub(super) fn read(text: &'t str) -> Result<Self, TokenFault> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::TooLarge);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        // The engine takes one spelling of each value, and no dot: a fourth part is refused here.
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed);
        let header = object(&decoded(header)?, MAX_TOKEN_BYTES).ok_or(TokenFault::Malformed)?;
        let claims = object(&decoded(claims)?, MAX_TOKEN_BYTES).ok_or(TokenFault::Malformed)?;
        let signature = decoded(signature)?;
        if NEVER.into_iter().any(|member| header.contains_key(member)) {
            return Err(TokenFault::Header);
        }
        let typed = header.get("typ").map(|typed| typed.as_str().unwrap_or_default());
        if typed.is_some_and(|typed| !KINDS.into_iter().any(|known| typed.eq_ignore_ascii_case(known))) {
            return Err(TokenFault::Header);
        }
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= MAX_KID_BYTES => Some(kid.clone()),
            Some(_) => return Err(TokenFault::Malformed),
        };
        let algorithm = algorithm.ok_or(TokenFault::Algorithm)?;
        Ok(Self { algorithm, kid, claims, signed: signed.as_bytes(), signature })
    }
}

/// The object that `bytes` are; `None` where they are none, or readers differ about it.
pub(super) fn object(bytes: &[u8], max_bytes: usize) -> Option<Map<String, Value>> {
    walk(bytes, &Limits { max_bytes, max_depth: MAX_DEPTH }, &mut Nobody).ok()?;
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// Looks at nothing: the walk itself refuses.
struct Nobody;

impl<'b> Visitor<'b> for Nobody {
    fn scalar(&mut self, _: Path<'_, 'b>, _: Scalar<'b>, _: Range<usize>) {}
}
