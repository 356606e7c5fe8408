//! Whose request it is: the key in `Authorization`, `x-api-key` or `x-goog-api-key`, or a token in its place, held against the newest snapshot of the gate.
//!
//! Promises: a key is compared by its digest, in time that does not depend on where it differs; a key that has ended is as good as none. Must
//! never: keep or print a key or a token.

use std::hint::black_box;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tabellion_model::body::{BudgetSubject, CallerShown, Chain, NOBODY};
use tabellion_model::probe::PROBE_SYSTEM;
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_views::gate::{Gate, GateKey, GateSystem};

use crate::identity::certificate::{Certificates, Doorway};
use crate::identity::{Identities, TokenFault};

/// What every key begins with: it can be found by those who search for leaked keys.
pub const KEY_PREFIX: &str = "tbl_";
/// Where libraries of Anthropic send a key, and its provider expects one.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Where libraries of Google send a key, and Gemini expects one.
pub(crate) const GOOGLE_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
/// How the signature of a library of AWS begins, in all of its forms.
const AWS_SIGNATURE: &[u8] = b"AWS4-";
/// Hex digits of the credential id in a key.
const ID_DIGITS: usize = 32;
/// Characters of the secret: 256 random bits in base64url.
const SECRET_CHARACTERS: usize = 43;

/// Who calls, as of one snapshot. The whole call is decided against this one.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) gate: Arc<Gate>,
    pub(crate) key_id: CredentialId,
    pub(crate) system_id: SystemId,
    /// Who is behind the key, and how they showed it; none: the key itself was shown.
    pub(crate) shown: Option<Arc<CallerShown>>,
    /// For which system guards and rules of masking are chosen: its own, but of a probe, which stands in for another.
    pub(crate) stands_for: SystemId,
    /// Whether the gateway answers by itself, on this route.
    pub(crate) asks_no_model: bool,
}

impl Caller {
    /// The key. `None` never happens: the snapshot that it was found in does not change.
    pub(crate) fn key(&self) -> Option<&GateKey> {
        self.gate.keys.get(&self.key_id)
    }

    /// Whether the gateway itself calls, to see whether its guards work.
    pub(crate) fn is_probe(&self) -> bool {
        self.system_id == PROBE_SYSTEM
    }

    /// The key's system; `None` when its content was erased or it is not registered.
    pub(crate) fn system(&self) -> Option<&GateSystem> {
        self.gate.systems.get(&self.system_id)
    }

    /// Who is behind the key.
    pub(crate) fn chain(&self) -> &Chain {
        self.shown.as_deref().map_or(&NOBODY, |shown| &shown.chain)
    }

    /// The same, as records have it.
    pub(crate) fn shown(&self) -> Option<CallerShown> {
        self.shown.as_deref().cloned()
    }

    /// Whose the call is, as far as budgets look at it.
    pub(crate) fn budgeted(&self) -> BudgetSubject<'_> {
        BudgetSubject { system: self.system_id, key: self.key_id, chain: self.chain() }
    }
}

/// Why nobody is behind a request. What exactly is wrong with a key is not told to whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoCaller {
    /// No key where one belongs, or two of them.
    Missing,
    /// In its place a signature of AWS, by keys that nobody here knows.
    Signed,
    /// Not a key, or one that is unknown, revoked or expired.
    BadKey,
    /// A token that is not taken: what is wrong with it is known to whoever has it.
    BadToken(TokenFault),
}

impl From<TokenFault> for NoCaller {
    fn from(fault: TokenFault) -> Self {
        Self::BadToken(fault)
    }
}

/// By what callers are known who show no key.
pub(crate) struct Known<'k> {
    pub(crate) identities: &'k Identities,
    pub(crate) doorway: Option<&'k Doorway>,
    /// What the client showed when it connected.
    pub(crate) certificates: Option<&'k Certificates>,
}

/// Finds the caller of a request with these `headers`.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    gate: Arc<Gate>,
    known: &Known<'_>,
    now: Micros,
) -> Result<Caller, NoCaller> {
    let (key_id, shown) = match key_in(headers) {
        Some(key) => match token(key, known.identities) {
            Some(token) => {
                let proved = known.identities.caller(token, now)?;
                (proved.key, Some(proved.shown))
            }
            None => (owner_of(key, &gate).ok_or(NoCaller::BadKey)?, None),
        },
        // A header that is no key is not made good by a certificate.
        None if is_signed(headers) => return Err(NoCaller::Signed),
        None if [AUTHORIZATION, API_KEY, GOOGLE_KEY].iter().any(|name| headers.contains_key(name)) => {
            return Err(NoCaller::Missing);
        }
        None => {
            let (doorway, certificates) = known.doorway.zip(known.certificates).ok_or(NoCaller::Missing)?;
            let proved = doorway.caller(certificates).ok_or(NoCaller::BadKey)?;
            (proved.key, Some(proved.shown))
        }
    };
    let key = gate.keys.get(&key_id).ok_or(NoCaller::BadKey)?;
    if key.ends_at.is_some_and(|end| end <= now) {
        return Err(NoCaller::BadKey);
    }
    let system_id = key.system;
    Ok(Caller { gate, key_id, system_id, shown, stands_for: system_id, asks_no_model: false })
}

/// The credential that `key` is the secret of.
fn owner_of(key: &str, gate: &Gate) -> Option<CredentialId> {
    let key_id = credential_of(key)?;
    let known = gate.keys.get(&key_id)?;
    same(&Sha256::digest(key.as_bytes()).into(), &known.secret_sha256).then_some(key_id)
}

/// Has the keys of a token's issuer read, where that is needed to tell whose it is.
pub(crate) async fn settle(headers: &HeaderMap, identities: &Identities) {
    if let Some(token) = key_in(headers).and_then(|key| token(key, identities)) {
        identities.settle(token).await;
    }
}

/// `key`, where it is a token.
fn token<'k>(key: &'k str, identities: &Identities) -> Option<&'k str> {
    (!identities.is_empty() && !key.starts_with(KEY_PREFIX)).then_some(key)
}

/// The one key that a request brings. A library that sends it in both places sends the same one.
fn key_in(headers: &HeaderMap) -> Option<&str> {
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (value, None) => Some(value),
            _ => None,
        }
    };
    let plain = |name| Some(one(name)?.map(|value| value.to_str().ok().map(str::trim)));
    let given = [one(AUTHORIZATION)?.map(bearer), plain(API_KEY)?, plain(GOOGLE_KEY)?];
    let mut given = given.into_iter().flatten();
    let first = given.next()??;
    given.all(|other| other == Some(first)).then_some(first)
}

/// Whether a library of AWS signed the request.
fn is_signed(headers: &HeaderMap) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(AWS_SIGNATURE))
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

/// The credential id in a key of the form `tbl_<32 hex digits>_<43 characters>`.
fn credential_of(key: &str) -> Option<CredentialId> {
    let (id, secret) = key.strip_prefix(KEY_PREFIX)?.split_at_checked(ID_DIGITS)?;
    let secret = secret.strip_prefix('_')?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if secret.len() != SECRET_CHARACTERS || !secret.as_bytes().iter().all(plain) {
        return None;
    }
    CredentialId::from_hex(id)
}

/// Equality whose time says nothing about the place of a difference.
fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let differences = left.iter().zip(right).fold(0, |sum, (left, right)| black_box(sum | (left ^ right)));
    differences == 0
}
