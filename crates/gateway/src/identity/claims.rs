//! What a token claims, held against what an operator wrote down for its issuer. The signature was found good before.
//!
//! Promises: a claim that is missing where it is needed, or of another form, refuses the token. Must never: take a system or a purpose from a token.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tabellion_model::Micros;
use tabellion_model::body::{CallerShown, Chain, Proof, ProofKind};

use super::config::IdentityConfig;
use super::fault::TokenFault;
use crate::words::hex_of;

/// How far the clocks of an issuer and of this gateway may be apart, seconds.
const LEEWAY_S: u64 = 60;
/// Longest text of a claim.
const MAX_TEXT_BYTES: usize = 256;
/// Most groups; providers that have more to say leave them out and refer to elsewhere.
const MAX_GROUPS: usize = 256;
const MICROS_PER_SECOND: u64 = 1_000_000;

/// The claims of a token of the issuer that `config` describes.
pub(super) struct Claims<'c> {
    pub(super) config: &'c IdentityConfig,
    pub(super) members: &'c Map<String, Value>,
}

impl<'c> Claims<'c> {
    /// Whether they hold at `now`, for this gateway.
    pub(super) fn hold(&self, now: Micros) -> Result<(), TokenFault> {
        if !self
            .audiences()?
            .into_iter()
            .any(|audience| self.config.audiences.iter().any(|ours| ours == audience))
        {
            return Err(TokenFault::Audience);
        }
        let now = now.0 / MICROS_PER_SECOND;
        let (expires, issued) = (self.needed_time("exp")?, self.needed_time("iat")?);
        if expires.saturating_add(LEEWAY_S) <= now {
            return Err(TokenFault::Expired);
        }
        let begins = self.time("nbf")?.unwrap_or(issued).max(issued);
        if begins > now.saturating_add(LEEWAY_S) {
            return Err(TokenFault::NotYet);
        }
        if expires.saturating_sub(issued) > self.config.lifetime_seconds {
            return Err(TokenFault::Lifetime);
        }
        Ok(())
    }

    /// The client that it was given to.
    pub(super) fn client(&self) -> Result<&'c str, TokenFault> {
        self.text(&self.config.client_claim)?.ok_or(TokenFault::Claims)
    }

    /// Who is behind it, and how `token` shows it.
    pub(super) fn shown(&self, client: &str, token: &str) -> Result<CallerShown, TokenFault> {
        let named = |value: &str| format!("{}|{value}", self.config.name);
        let person = match &self.config.person_claim {
            // A client that acts for nobody is its own subject (RFC 9068 §2.2).
            Some(claim) => self.text(claim)?.filter(|person| *person != client),
            None => None,
        };
        let chain = Chain {
            person: person.map(named),
            agent: Some(named(client)),
            groups: self.groups()?.into_iter().map(named).collect(),
        };
        let (kind, of) = self.text("jti")?.map_or((ProofKind::Token, token), |id| (ProofKind::TokenId, id));
        let sha256 = hex_of(Sha256::digest(of).into());
        let proof = Proof { kind, by: self.config.name.clone(), sha256 };
        Ok(CallerShown { chain, proof, input_salt: None, person_apart: false })
    }

    fn audiences(&self) -> Result<Vec<&'c str>, TokenFault> {
        match self.members.get("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) => {
                all.iter().map(|audience| audience.as_str().ok_or(TokenFault::Claims)).collect()
            }
            _ => Err(TokenFault::Claims),
        }
    }

    fn groups(&self) -> Result<Vec<&'c str>, TokenFault> {
        let Some(claim) = &self.config.groups_claim else { return Ok(Vec::new()) };
        // A rule that forbids a group must not fall silent because there are too many to say (OpenID Connect Core §5.6.2).
        let elsewhere = match self.members.get("_claim_names") {
            Some(names) => names.as_object().is_none_or(|names| names.contains_key(claim)),
            None => false,
        };
        // Some providers say so in a word of their own.
        let too_many = self.members.contains_key("hasgroups");
        let groups = match self.members.get(claim) {
            _ if elsewhere || too_many => return Err(TokenFault::Claims),
            None => return Ok(Vec::new()),
            Some(groups) => groups.as_array().filter(|groups| groups.len() <= MAX_GROUPS),
        };
        let mut groups: Vec<&str> =
            groups.ok_or(TokenFault::Claims)?.iter().map(plain).collect::<Result<_, _>>()?;
        groups.sort_unstable();
        groups.dedup();
        Ok(groups)
    }

    fn text(&self, name: &str) -> Result<Option<&'c str>, TokenFault> {
        self.members.get(name).map(plain).transpose()
    }

    fn needed_time(&self, name: &str) -> Result<u64, TokenFault> {
        self.time(name)?.ok_or(TokenFault::Claims)
    }

    /// Seconds since 1970, whole: no provider gives others.
    fn time(&self, name: &str) -> Result<Option<u64>, TokenFault> {
        self.members.get(name).map(|time| time.as_u64().ok_or(TokenFault::Claims)).transpose()
    }
}

/// A text that can stand in policies and records.
fn plain(value: &Value) -> Result<&str, TokenFault> {
    let is_plain =
        |text: &&str| (1..=MAX_TEXT_BYTES).contains(&text.len()) && !text.contains(char::is_control);
    value.as_str().filter(is_plain).ok_or(TokenFault::Claims)
}
