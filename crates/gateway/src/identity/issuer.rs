//! One identity provider: its keys, kept fresh beside the calls, and its tokens.
//!
//! Promises: its keys are read at most once in a while, whatever tokens are sent; those read last are gone by while it cannot be asked, and no longer than an
//! operator said. Must never: make a call wait for more than a moment, or take a token by keys that are too old.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Uri;
use tabellion_model::{CredentialId, Micros};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::claims::Claims;
use super::config::IdentityConfig;
use super::fault::TokenFault;
use super::jose::{Token, object};
use super::keys::{KeySet, MAX_SET_BYTES};
use super::standing::Trouble;
use super::unread::{Document, Unread, Why};
use super::{Proved, certificate, fetch};
use crate::config::{Log, StartError, span};
use crate::upstream::connect::{Address, Endpoint, KeyIn};
use crate::upstream::reach::Reach;
use crate::upstream::tls::SystemTls;

/// Where an issuer says where its keys are (`OpenID` Connect Discovery §4).
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Largest such document.
const MAX_DISCOVERY_BYTES: usize = 64 << 10;
/// How long reading the keys may take, both documents together.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// How long a call waits for keys that are being read because of it. Shorter than anybody's patience, longer than a provider takes that is there.
const WAIT: Duration = Duration::from_secs(2);
/// Longest name: it stands in policies and records.
const MAX_NAME_BYTES: usize = 64;
/// Most clients of one issuer: the configuration has so many lines at most.
const MAX_CLIENTS: usize = 4096;

/// What is known of its keys.
#[derive(Default)]
struct Known {
    keys: Arc<KeySet>,
    /// When they were read.
    read_at: Option<Instant>,
    /// When reading them last ended, well or not.
    tried_at: Option<Instant>,
    /// What came of readings, for the operator.
    trouble: Trouble,
}

/// One of them.
pub(super) struct Issuer {
    pub(super) name: String,
    /// Letter for letter as its tokens say it.
    pub(super) url: String,
    config: IdentityConfig,
    clients: BTreeMap<String, CredentialId>,
    known: watch::Sender<Known>,
    /// When it began to be followed: its keys were not read before.
    since: Instant,
    /// Somebody wants the keys read again.
    wanted: Notify,
}

impl Issuer {
    /// Reads one section.
    pub(super) fn new(config: &IdentityConfig) -> Result<Self, StartError> {
        let refused = |why: &str| StartError::Setting(format!("[identity.{}] {why}", config.name));
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=MAX_NAME_BYTES).contains(&config.name.len()) || !config.name.bytes().all(plain) {
            return Err(refused(
                "has a name that is not 1 to 64 of a-z, 0-9 and -: policies and records name it so",
            ));
        }
        if config.name == certificate::BY {
            return Err(refused(
                "has the name by which records and rules know certificates: give it another",
            ));
        }
        if config.audiences.is_empty() {
            return Err(refused(
                "takes tokens for anybody: give audiences, what its tokens for this gateway have as aud",
            ));
        }
        if config.algorithms.is_empty() {
            return Err(refused("allows no algorithm: give algorithms, or leave the key out"));
        }
        if config.clients.is_empty() || config.clients.len() > MAX_CLIENTS {
            return Err(refused(
                "lets nobody in: give clients, 1 to 4096, as CLIENT = \"id of the key that stands for it\"",
            ));
        }
        let key_of = |(client, key): (&String, &String)| Some((client.clone(), CredentialId::from_hex(key)?));
        let clients = config.clients.iter().map(key_of).collect::<Option<_>>();
        let issuer = Self {
            name: config.name.clone(),
            url: config.issuer.clone(),
            config: config.clone(),
            clients: clients.ok_or_else(|| {
                refused("has a client whose key is no id: write its 32 hex digits, the part of the key after tbl_")
            })?,
            known: watch::Sender::new(Known::default()),
            since: Instant::now(),
            wanted: Notify::new(),
        };
        // Found out at the start and not when the first token comes.
        let (url, setting) = match &config.jwks_url {
            Some(url) => (url, "jwks_url"),
            None => (&config.issuer, "issuer"),
        };
        issuer.endpoint(url, setting, &mut SystemTls::default())?;
        Ok(issuer)
    }

    /// Whether the key that `token` names is known, by keys that may still be gone by.
    pub(super) fn knows(&self, token: &Token<'_>) -> bool {
        let known = self.known.borrow();
        self.is_fresh(&known) && known.keys.find(token).is_some()
    }

    fn is_fresh(&self, known: &Known) -> bool {
        known.read_at.is_some_and(|at| at.elapsed() <= span(self.config.max_age_ms))
    }

    /// How long the keys read last are gone by yet; none: they are not, or there are none.
    pub(super) fn left(&self) -> Option<Duration> {
        let known = self.known.borrow();
        let read_at = known.read_at.filter(|_| !known.keys.is_empty())?;
        span(self.config.max_age_ms).checked_sub(read_at.elapsed())
    }

    /// Time since its keys were read; where they never were, since it was looked for first.
    pub(super) fn age(&self) -> Duration {
        self.known.borrow().read_at.unwrap_or(self.since).elapsed()
    }

    /// Readings that brought no key.
    pub(super) fn failed(&self) -> u64 {
        self.known.borrow().trouble.failed
    }

    /// Why the last reading brought none.
    pub(super) fn why(&self) -> Option<Unread> {
        self.known.borrow().trouble.why().cloned()
    }

    /// Has the keys read again, unless they just were, and waits a moment for it.
    pub(super) async fn look_again(&self) {
        let mut told = self.known.subscribe();
        let just_tried =
            told.borrow_and_update().tried_at.is_some_and(|at| at.elapsed() < span(self.config.again_ms));
        if !just_tried {
            self.wanted.notify_one();
            drop(timeout(WAIT, told.changed()).await);
        }
    }

    /// Who is behind `token`, which `text` is.
    pub(super) fn caller(&self, token: &Token<'_>, text: &str, now: Micros) -> Result<Proved, TokenFault> {
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        let keys = {
            let known = self.known.borrow();
            if !self.is_fresh(&known) {
                return Err(TokenFault::Unavailable);
            }
            Arc::clone(&known.keys)
        };
        if !keys.find(token).ok_or(TokenFault::Key)?.signed(token) {
            return Err(TokenFault::Signature);
        }
        let claims = Claims { config: &self.config, members: &token.claims };
        claims.hold(now)?;
        let client = claims.client()?;
        let key = self.clients.get(client).copied().ok_or(TokenFault::Client)?;
        Ok(Proved { key, shown: Arc::new(claims.shown(client, text)?) })
    }

    /// Reads the keys now, from time to time, and when somebody wants them; never ends. The operator reads in `log` when that fails, and when it does no more.
    pub(super) async fn follow(&self, log: &Log) {
        let (refresh, again) = (span(self.config.refresh_ms), span(self.config.again_ms));
        let mut system = SystemTls::default();
        loop {
            let read = timeout(READ_WITHIN, self.read(&mut system)).await.unwrap_or(Err(Unread::Silent));
            let is_read = read.is_ok();
            if let Some(line) = self.take(read) {
                log(&line);
            }
            // Nobody, whatever they send, has it asked more often.
            sleep(again).await;
            if is_read {
                drop(timeout(refresh.saturating_sub(again), self.wanted.notified()).await);
            }
        }
    }

    /// Takes in what came of reading the keys: a failure leaves those of before. What the operator has to be told, once.
    pub(super) fn take(&self, read: Result<KeySet, Unread>) -> Option<String> {
        let now = Instant::now();
        let mut news = None;
        self.known.send_modify(|known| {
            known.tried_at = Some(now);
            let ended = match read {
                Ok(keys) => {
                    // All of them taken away is read well, holds at once, and is hardly ever meant.
                    let unusable = keys.is_empty().then(|| Document::Keys.is(Why::NoUsableKey));
                    known.keys = Arc::new(keys);
                    known.read_at = Some(now);
                    unusable
                }
                Err(unread) => Some(unread),
            };
            news = known.trouble.take(ended, now);
        });
        news.map(|news| self.line(&news))
    }

    /// Reads the keys as they are now.
    async fn read(&self, system: &mut SystemTls) -> Result<KeySet, Unread> {
        let (url, setting) = match &self.config.jwks_url {
            Some(url) => (url.clone(), "jwks_url"),
            None => (self.discovered(system).await?, "jwks_uri"),
        };
        let endpoint =
            self.endpoint(&url, setting, system).map_err(|error| Document::Keys.nowhere(&error))?;
        let target = url.parse::<Uri>().ok().and_then(|url| url.path().parse().ok());
        let target = target.ok_or_else(|| Document::Keys.is(Why::Address("it is no URL".to_owned())))?;
        let document =
            fetch::get(&endpoint, target, MAX_SET_BYTES).await.map_err(|why| Document::Keys.is(why))?;
        KeySet::read(&document).ok_or_else(|| Document::Keys.is(Why::NotKeys))
    }

    /// Where the issuer says that its keys are.
    async fn discovered(&self, system: &mut SystemTls) -> Result<String, Unread> {
        let of = Document::Discovery;
        let endpoint = self.endpoint(&self.url, "issuer", system).map_err(|error| of.nowhere(&error))?;
        let target =
            endpoint.target(DISCOVERY).ok_or_else(|| of.is(Why::Address("it is no URL".to_owned())))?;
        let document = fetch::get(&endpoint, target, MAX_DISCOVERY_BYTES).await.map_err(|why| of.is(why))?;
        let document = object(&document, MAX_DISCOVERY_BYTES).ok_or_else(|| of.is(Why::Malformed))?;
        let text = |name: &str| document.get(name).and_then(|value| value.as_str());
        // A document of somebody else's would bring somebody else's keys (OpenID Connect Discovery §4.3).
        let issuer = text("issuer").unwrap_or_default();
        if issuer != self.url {
            return Err(of.is(Why::other_issuer(issuer)));
        }
        let keys = text("jwks_uri").ok_or_else(|| of.is(Why::NoAddress))?;
        if is_loopback(keys) && !is_loopback(&self.url) {
            return Err(of.is(Why::NotSecure));
        }
        Ok(keys.to_owned())
    }

    /// Where `url` is, which `setting` holds.
    fn endpoint(
        &self,
        url: &str,
        setting: &'static str,
        system: &mut SystemTls,
    ) -> Result<Endpoint, StartError> {
        let config = &self.config;
        let who = format!("[identity.{}]", config.name);
        let loopback = is_loopback(url);
        if !url.starts_with("https://") && !loopback {
            return Err(StartError::Setting(format!(
                "{who}: {url:?} is neither https nor on this machine: whoever is between could say who calls. Use https"
            )));
        }
        let address = Address {
            who,
            url,
            setting,
            form: "https://host/path",
            key_env: None,
            key_file: None,
            key_in: KeyIn::Bearer,
            ca_file: config.ca_file.as_deref().filter(|_| !loopback),
            reach: if config.private_network || loopback { Reach::Private } else { Reach::Public },
        };
        Endpoint::new(&address, system)
    }
}

/// Whether `url` is plain http of this machine alone.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    url.scheme_str() == Some("http") && host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
