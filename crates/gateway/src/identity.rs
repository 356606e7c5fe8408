//! Who calls by the word of somebody else: access tokens of an organisation's identity provider (docs/identity.md).
//!
//! Promises: a token stands for a key of ours that an operator wrote down for its client, and for no other; whatever it claims is believed after its signature
//! was found good, never before. Must never: keep or record a token, ask anybody about one, or go by keys that were last read too long ago.

pub(crate) mod certificate;
mod claims;
pub(crate) mod config;
mod fault;
mod fetch;
mod issuer;
mod jose;
mod keys;
mod standing;
mod unread;

use std::sync::Arc;

use tabellion_model::body::CallerShown;
use tabellion_model::{CredentialId, Micros};

pub(crate) use fault::TokenFault;

use crate::config::{Log, StartError};
use crate::identity::config::IdentityConfig;
use crate::identity::issuer::Issuer;
use crate::identity::jose::Token;

/// Most identity providers: each is asked for its keys again and again, and every token's issuer is looked for among them.
const MAX_IDENTITIES: usize = 16;

/// Everybody who vouches for callers.
#[derive(Default)]
pub(crate) struct Identities(Vec<Arc<Issuer>>);

/// Who showed a good token.
pub(crate) struct Proved {
    /// The key that it stands for.
    pub(crate) key: CredentialId,
    pub(crate) shown: Arc<CallerShown>,
}

impl Identities {
    /// Reads the configuration and the authorities that it refers to.
    pub(crate) fn new(configs: &[IdentityConfig]) -> Result<Self, StartError> {
        let refused = |why: String| Err(StartError::Setting(why));
        if configs.len() > MAX_IDENTITIES {
            return refused(format!(
                "there are more than {MAX_IDENTITIES} sections [identity.NAME]; remove some"
            ));
        }
        let mut issuers: Vec<Arc<Issuer>> = Vec::new();
        for config in configs {
            let issuer = Issuer::new(config)?;
            if issuers.iter().any(|known| known.name == issuer.name) {
                return refused(format!(
                    "two sections are [identity.{}]; give each a name of its own",
                    config.name
                ));
            }
            if issuers.iter().any(|known| known.url == issuer.url) {
                let name = &config.name;
                return refused(format!(
                    "[identity.{name}] has the issuer of another section, so that nobody knows whose rules hold; join the two"
                ));
            }
            issuers.push(Arc::new(issuer));
        }
        Ok(Self(issuers))
    }

    /// Whether nobody vouches for anybody: every key is one of ours.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the keys of each, now and from time to time; for as long as these are polled. The operator reads in `log` where that fails.
    pub(crate) fn follow(
        &self,
        log: &Log,
    ) -> impl Iterator<Item = impl Future<Output = ()> + Send + 'static> {
        self.0.iter().cloned().map(|issuer| {
            let log = Log::clone(log);
            async move { issuer.follow(&log).await }
        })
    }

    /// Has the keys of the issuer of `token` read, and waits a moment, where the one that it names is not known.
    pub(crate) async fn settle(&self, token: &str) {
        let Ok(token) = Token::read(token) else { return };
        if let Some(issuer) = self.of(&token)
            && !issuer.knows(&token)
        {
            issuer.look_again().await;
        }
    }

    /// Who is behind `text` at `now`.
    pub(crate) fn caller(&self, text: &str, now: Micros) -> Result<Proved, TokenFault> {
        let token = Token::read(text)?;
        let issuer = self.of(&token).ok_or(TokenFault::Issuer)?;
        issuer.caller(&token, text, now)
    }

    fn of(&self, token: &Token<'_>) -> Option<&Arc<Issuer>> {
        let said = token.claims.get("iss")?.as_str()?;
        self.0.iter().find(|issuer| issuer.url == said)
    }
}

#[cfg(test)]
mod tests;
