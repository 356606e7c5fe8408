//! The sections `[anchor.NAME]`: who is to vouch for checkpoints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use tabellion_ledger::anchor::MAX_SERVICES;
use tabellion_tlog::anchor::AnchorKind;

use super::Setting;
use super::gateway::items;
use crate::failure::Failure;

/// Keys of each `[anchor.NAME]`.
pub(super) const ANCHOR_KEYS: &[&str] = &[
    "kind",
    "url",
    "gateway_url",
    "ca_file",
    "every_minutes",
    "ask_again_seconds",
    "root_file",
    "policy",
    "key_file",
    "chain_id",
    "to",
    "max_fee_gwei",
    "confirmations",
    "token_file",
    "every_seconds",
    "more_urls",
    "more_gateway_urls",
    "overdue_minutes",
];
/// What the sections of anchors begin with.
pub(super) const ANCHOR_PREFIX: &str = "anchor.";
/// Longest name of an anchor.
const MAX_NAME_BYTES: usize = 64;
/// A month: an anchor that is asked more rarely bounds nothing that matters.
const MAX_EVERY_MINUTES: u64 = 31 * 24 * 60;
/// Once an hour: public services are free for that, and evidence is dated to the hour.
const EVERY_MINUTES: u64 = 60;
/// A root log is handed every checkpoint that is a second younger than the last: what it has not seen could still be changed.
const EVERY_SECONDS: u64 = 1;
/// A day: rarer is what `every_minutes` of another kind is for.
const MAX_EVERY_SECONDS: u64 = 24 * 3_600;
/// How old a checkpoint may be that waits: a time-stamp is an answer, and a transaction takes minutes.
const OVERDUE_MINUTES: u64 = 60;
/// The same of what others gather first: calendars wait for a Bitcoin block, usually hours; bundles for their place on Arweave.
const GATHERED_OVERDUE_MINUTES: u64 = 24 * 60;
/// The same of a root log, which is asked all the time.
const ROOT_LOG_OVERDUE_MINUTES: u64 = 5;
/// Usual fees are 1 to 50 gwei; above this somebody should look.
const MAX_FEE_GWEI: u64 = 100;
/// Blocks on top, when nobody says otherwise: Ethereum's take two and a half minutes.
const CONFIRMATIONS: u64 = 12;

/// One anchor as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AnchorConfig {
    #[serde(skip)]
    pub(crate) kind: Option<AnchorKind>,
    pub(crate) url: String,
    pub(crate) gateway_url: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) every_minutes: u64,
    pub(crate) ask_again_seconds: Option<u64>,
    pub(crate) root_file: Option<PathBuf>,
    pub(crate) policy: Option<String>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) chain_id: Option<u64>,
    pub(crate) to: Option<String>,
    pub(crate) max_fee_gwei: u64,
    pub(crate) confirmations: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "is_usual")]
    pub(crate) every_seconds: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) more_urls: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) more_gateway_urls: Vec<String>,
    pub(crate) overdue_minutes: Option<u64>,
}

impl AnchorConfig {
    /// How often a checkpoint is anchored while the log grows, in seconds; 0: only when somebody asks.
    pub(crate) fn every_s(&self) -> u64 {
        match self.kind {
            Some(AnchorKind::RootLog) => self.every_seconds,
            _ => self.every_minutes * 60,
        }
    }

    /// How old a checkpoint may be that waits to be confirmed, in seconds; 0: as old as it likes.
    pub(crate) fn overdue_s(&self) -> u64 {
        let minutes = self.overdue_minutes.unwrap_or(match self.kind {
            Some(AnchorKind::OpenTimestamps | AnchorKind::Arweave) => GATHERED_OVERDUE_MINUTES,
            Some(AnchorKind::RootLog) => ROOT_LOG_OVERDUE_MINUTES,
            _ => OVERDUE_MINUTES,
        });
        minutes * 60
    }
}

/// Whether a setting stands as it does for everybody, so that records of before it existed stay as they were.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_usual(every_seconds: &u64) -> bool {
    *every_seconds == EVERY_SECONDS
}

impl Default for AnchorConfig {
    fn default() -> Self {
        Self {
            kind: None,
            url: String::new(),
            gateway_url: None,
            ca_file: None,
            every_minutes: EVERY_MINUTES,
            ask_again_seconds: None,
            root_file: None,
            policy: None,
            key_file: None,
            chain_id: None,
            to: None,
            max_fee_gwei: MAX_FEE_GWEI,
            confirmations: CONFIRMATIONS,
            token_file: None,
            every_seconds: EVERY_SECONDS,
            more_urls: Vec::new(),
            more_gateway_urls: Vec::new(),
            overdue_minutes: None,
        }
    }
}

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AnchorSettings(pub(crate) BTreeMap<String, AnchorConfig>);

impl AnchorSettings {
    /// For the record: what is set; `None` where there is no anchor.
    pub(super) fn effective(&self) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let one = |(name, config): (&String, &AnchorConfig)| {
            let mut value = without_nulls(serde_json::to_value(config).unwrap_or_default());
            if let (Some(kind), Some(members)) = (config.kind, value.as_object_mut()) {
                members.insert("kind".to_owned(), kind.as_str().into());
            }
            (name.clone(), value)
        };
        Some(self.0.iter().map(one).collect())
    }

    /// One key of the anchor `name`.
    pub(super) fn apply(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(plain) {
            return Err(setting
                .refused("belongs to an anchor whose name is not of a-z, 0-9 and -, at most 64 letters"));
        }
        let anchor = self.0.entry(name.to_owned()).or_default();
        let value = setting.value.as_str();
        let number = |why: &str| value.parse::<u64>().map_err(|_| setting.refused(why));
        match setting.key.as_str() {
            "kind" => {
                let kind = AnchorKind::from_name(value).ok_or_else(|| {
                    setting.refused("is not rfc3161, opentimestamps, arweave, evm or root-log")
                })?;
                anchor.kind = Some(kind);
            }
            // A password or token in a URL would be on record, and in every error that names the URL.
            "url" | "gateway_url" | "more_urls" | "more_gateway_urls" if value.contains(['@', '?', '#']) => {
                return Err(setting.refused_unseen("holds more than host and path"));
            }
            "url" => value.clone_into(&mut anchor.url),
            "more_urls" => anchor.more_urls = urls(setting)?,
            "more_gateway_urls" => anchor.more_gateway_urls = urls(setting)?,
            "overdue_minutes" => {
                let refused =
                    format!("is not a number of minutes from 0 (never overdue) to {MAX_EVERY_MINUTES}");
                anchor.overdue_minutes = Some(number(&refused)?);
                if anchor.overdue_minutes > Some(MAX_EVERY_MINUTES) {
                    return Err(setting.refused(&refused));
                }
            }
            "gateway_url" => anchor.gateway_url = Some(value.to_owned()),
            "ca_file" => anchor.ca_file = Some(PathBuf::from(value)),
            "root_file" => anchor.root_file = Some(PathBuf::from(value)),
            "key_file" => anchor.key_file = Some(PathBuf::from(value)),
            "policy" => anchor.policy = Some(value.to_owned()),
            "to" => anchor.to = Some(value.to_owned()),
            "every_minutes" => {
                let refused =
                    format!("is not a number of minutes from 0 (only when asked) to {MAX_EVERY_MINUTES}");
                anchor.every_minutes = number(&refused)?;
                if anchor.every_minutes > MAX_EVERY_MINUTES {
                    return Err(setting.refused(&refused));
                }
            }
            "token_file" => anchor.token_file = Some(PathBuf::from(value)),
            "every_seconds" => {
                let refused = format!("is not a number of seconds from 1 to {MAX_EVERY_SECONDS}");
                anchor.every_seconds = number(&refused)?;
                if !(1..=MAX_EVERY_SECONDS).contains(&anchor.every_seconds) {
                    return Err(setting.refused(&refused));
                }
            }
            "ask_again_seconds" => anchor.ask_again_seconds = Some(number("is not a number of seconds")?),
            "chain_id" => anchor.chain_id = Some(number("is not a chain's number")?),
            "max_fee_gwei" => anchor.max_fee_gwei = number("is not a whole number of gwei")?,
            "confirmations" => anchor.confirmations = number("is not a number of blocks")?,
            _ => return Err(setting.unknown()),
        }
        Ok(())
    }
}

/// Further services, beside the one of `url`.
fn urls(setting: &Setting) -> Result<Vec<String>, Failure> {
    let urls: Vec<String> = items(&setting.value).map(str::to_owned).collect();
    if urls.len() >= MAX_SERVICES {
        return Err(setting.refused(&format!("names more than {} further services", MAX_SERVICES - 1)));
    }
    Ok(urls)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}
