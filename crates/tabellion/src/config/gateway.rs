//! The sections `[gateway]`, `[limits]` and `[upstream.NAME]`, and with them the guards and the rules of masking.
//!
//! Their keys are those of the gateway's own configuration; what is unknown there is unknown here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;
use tabellion_gateway::{
    Api, CircuitConfig, EnrichConfig, GatewayConfig, GuardConfig, IdentityConfig, Limits, MaskedName,
    MaskingConfig, ProbeConfig, RetryConfig, TlsConfig, UpstreamConfig,
};
use toml::{Table, Value};

use super::enrich::EnrichSettings;
use super::guard::GuardSettings;
use super::identity::IdentitySettings;
use super::masking::MaskingSettings;
use super::{OFF, Setting, probes, provider, provider_key};
use crate::failure::Failure;

/// Keys of `[gateway]`.
pub(super) const GATEWAY_KEYS: &[&str] = &[
    "listen",
    "threads",
    "names",
    "circuit_failures",
    "circuit_window_ms",
    "circuit_open_ms",
    "retries",
    "retry_wait_ms",
    "tls_certificate",
    "tls_key",
    "client_ca",
    "client_crl",
    "client_certificates",
];
/// Keys of each `[upstream.NAME]`, but for those that say how its key is shown.
const UPSTREAM_KEYS: &[&str] = &[
    "api",
    "base_url",
    "ca_file",
    "models",
    "aliases",
    "usage_in_streams",
    "unrecorded",
    "translate",
    "max_tokens",
    "fallback",
    "region",
    "retention_days",
    "training",
    "terms",
    "terms_seen",
];
/// What the sections of providers begin with.
pub(super) const UPSTREAM_PREFIX: &str = "upstream.";
/// Longest name of a provider.
const MAX_NAME_BYTES: usize = 64;

/// What is said of the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GatewaySettings {
    config: GatewayConfig,
    off: bool,
    upstreams: BTreeMap<String, UpstreamConfig>,
    guards: GuardSettings,
    enrichments: EnrichSettings,
    masking: MaskingSettings,
    identities: IdentitySettings,
}

impl GatewaySettings {
    /// How the gateway is started; `None` where it is switched off or has no provider to forward to.
    pub(crate) fn config(&self) -> Option<GatewayConfig> {
        if self.off || self.upstreams.is_empty() {
            return None;
        }
        Some(self.as_said())
    }

    /// One key of the guard `name`.
    pub(super) fn apply_guard(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        self.guards.apply(name, setting)
    }

    /// One key of the enrichment `name`.
    pub(super) fn apply_enrichment(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        self.enrichments.apply(name, setting)
    }

    /// One key of the rule of masking `name`.
    pub(super) fn apply_masking(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        self.masking.apply(name, setting)
    }

    /// One key of the identity provider `name`.
    pub(super) fn apply_identity(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        self.identities.apply(name, setting)
    }

    /// Everything was said: takes the guards, the rules of masking and the identity providers as the gateway has them.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        self.config.guards = self.guards.configs()?;
        self.config.enrichments = self.enrichments.configs()?;
        self.config.masking = self.masking.configs();
        self.config.identities = self.identities.configs()?;
        Ok(())
    }

    /// For the record: what is looked for.
    pub(super) fn guards(&self) -> &[GuardConfig] {
        &self.config.guards
    }

    /// For the record: what is told of calls that are over.
    pub(super) fn enrichments(&self) -> &[EnrichConfig] {
        &self.config.enrichments
    }

    /// For the record: how it speaks TLS; `None`: it does not.
    pub(super) fn tls(&self) -> Option<&TlsConfig> {
        self.config.tls.as_ref()
    }

    /// For the record: whose tokens are taken, for which keys.
    pub(super) fn identities(&self) -> &[IdentityConfig] {
        &self.config.identities
    }

    /// For the record: what becomes of which personal data.
    pub(super) fn masking(&self) -> &[MaskingConfig] {
        &self.config.masking
    }

    /// Names of the upstreams, whether or not a gateway is to listen.
    pub(crate) fn upstream_names(&self) -> Vec<String> {
        self.upstreams.values().map(|upstream| upstream.name.clone()).collect()
    }

    /// As a gateway would be set up, whether or not one is to listen.
    pub(crate) fn as_said(&self) -> GatewayConfig {
        GatewayConfig { upstreams: self.upstreams.values().cloned().collect(), ..self.config.clone() }
    }

    /// For the record: where it listens with how many threads (`None`: nowhere).
    pub(super) fn serves(&self) -> Option<(SocketAddr, usize)> {
        self.config().map(|config| (config.listen, config.threads))
    }

    /// For the record: which names it masks; `None` where nobody said otherwise.
    pub(super) fn names(&self) -> Option<Vec<&'static str>> {
        let masked = |name: &MaskedName| self.config.names.contains(name);
        let is_default = MaskedName::ALL.into_iter().filter(masked).eq(MaskedName::DEFAULT);
        (!is_default).then(|| MaskedName::ALL.into_iter().filter(masked).map(MaskedName::as_str).collect())
    }

    /// For the record: its limits, and the providers by name.
    pub(super) fn settings(&self) -> (Limits, &BTreeMap<String, UpstreamConfig>) {
        (self.config.limits, &self.upstreams)
    }

    /// Where it is to listen.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.config.listen
    }

    /// Has it listen at `listen` and forward to `upstreams`, whatever was configured.
    pub(crate) fn set_up(&mut self, listen: SocketAddr, upstreams: Vec<UpstreamConfig>) {
        self.off = false;
        self.config.listen = listen;
        self.upstreams = upstreams.into_iter().map(|upstream| (upstream.name.clone(), upstream)).collect();
    }

    pub(super) fn apply_gateway(&mut self, setting: &Setting) -> Result<(), Failure> {
        match (setting.key.as_str(), setting.value.as_str()) {
            ("listen", OFF) => self.off = true,
            ("listen", value) => {
                self.off = false;
                self.config.listen = value.parse().map_err(|_| {
                    setting.refused("is not an address with a port such as 127.0.0.1:8088, nor off")
                })?;
            }
            ("threads", value) => {
                self.config.threads = value
                    .parse()
                    .map_err(|_| setting.refused("is not a number of threads; 0 is one for each core"))?;
            }
            ("names", OFF) => self.config.names.clear(),
            ("names", value) => {
                let known = |item: &str| MaskedName::ALL.into_iter().find(|name| name.as_str() == item);
                let chosen = items(value).map(known).collect::<Option<_>>();
                self.config.names = chosen.ok_or_else(|| {
                    setting.refused(
                        "is not a list of person, location and organisation, nor off: which names are masked",
                    )
                })?;
            }
            ("tls_certificate" | "tls_key" | "client_ca" | "client_crl" | "client_certificates", _) => {
                super::identity::apply_tls(self.config.tls.get_or_insert_default(), setting)?;
            }
            _ => provider::apply_failing(&mut self.config, setting)?,
        }
        Ok(())
    }

    /// For the record: what is done about providers that fail; `None` where nobody said otherwise.
    pub(super) fn failing(&self) -> Option<[(&'static str, serde_json::Value); 2]> {
        let GatewayConfig { circuit, retry, .. } = &self.config;
        let is_default = *circuit == CircuitConfig::default() && *retry == RetryConfig::default();
        (!is_default).then(|| [("circuit", json!(circuit)), ("retry", json!(retry))])
    }

    /// One key of how guards are tried.
    pub(super) fn apply_probes(&mut self, setting: &Setting) -> Result<(), Failure> {
        probes::apply(&mut self.config.probes, setting)
    }

    /// For the record: how guards are tried; `None` where nobody said otherwise.
    pub(super) fn probes(&self) -> Option<ProbeConfig> {
        Some(self.config.probes).filter(|probes| !probes.is_default())
    }

    /// Has guards tried and measured only when somebody asks.
    pub(crate) fn probe_when_asked(&mut self) {
        self.config.probes.every_s = None;
        self.config.probes.corpus_s = None;
    }

    pub(super) fn apply_limit(&mut self, setting: &Setting) -> Result<(), Failure> {
        let mut limits = limits_table(&self.config.limits);
        if !limits.contains_key(&setting.key) {
            return Err(setting.unknown());
        }
        let refused = || setting.refused("is not a whole number above zero");
        let number: i64 = setting.value.parse().ok().filter(|number| *number > 0).ok_or_else(refused)?;
        limits.insert(setting.key.clone(), Value::Integer(number));
        self.config.limits = limits.try_into().map_err(|_| refused())?;
        Ok(())
    }

    /// One key of the provider `name`.
    pub(super) fn apply_upstream(&mut self, name: &str, setting: &Setting) -> Result<(), Failure> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(plain) {
            return Err(setting
                .refused("belongs to a provider whose name is not of a-z, 0-9 and -, at most 64 letters"));
        }
        let upstream = self.upstreams.entry(name.to_owned()).or_insert_with(|| UpstreamConfig::new(name, ""));
        let value = setting.value.as_str();
        match setting.key.as_str() {
            "api" => {
                upstream.api = match value {
                    "openai" => Api::OpenAi,
                    "anthropic" => Api::Anthropic,
                    "gemini" => Api::Gemini,
                    "vertex" => Api::Vertex,
                    "bedrock" => Api::Bedrock,
                    _ => {
                        return Err(
                            setting.refused("is not openai, anthropic, gemini, vertex or bedrock: whose interface the provider has")
                        );
                    }
                };
            }
            // A password or token in a URL would be on record, and in every error that names the URL.
            "base_url" if value.contains(['@', '?', '#']) => {
                return Err(setting
                    .refused_unseen("holds more than host and path; name a key by key_env or key_file"));
            }
            "base_url" => value.clone_into(&mut upstream.base_url),
            "ca_file" => upstream.ca_file = Some(PathBuf::from(value)),
            "models" => upstream.models = items(value).map(str::to_owned).collect(),
            "unrecorded" => upstream.unrecorded = items(value).map(str::to_owned).collect(),
            "aliases" => {
                let pair = |item: &str| {
                    item.split_once('=')
                        .map(|(alias, model)| (alias.trim().to_owned(), model.trim().to_owned()))
                };
                let pairs = items(value).map(pair).collect::<Option<_>>();
                upstream.aliases = pairs.ok_or_else(|| setting.refused("is not a list of alias=model"))?;
            }
            "usage_in_streams" => {
                upstream.usage_in_streams =
                    value.parse().map_err(|_| setting.refused("is not true or false"))?;
            }
            key if provider_key::KEYS.contains(&key) => return provider_key::apply(upstream, setting),
            _ => return provider::apply(upstream, setting),
        }
        Ok(())
    }
}

/// Whether `name` can be a variable: a key that was written in its place cannot.
pub(super) fn is_variable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(plain) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// The items of a list that is written with commas.
pub(super) fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Keys of each `[upstream.NAME]`.
pub(super) fn upstream_keys() -> Vec<String> {
    UPSTREAM_KEYS.iter().chain(provider_key::KEYS).map(|key| (*key).to_owned()).collect()
}

/// Names of the limits.
pub(super) fn limit_keys() -> Vec<String> {
    limits_table(&Limits::default()).keys().cloned().collect()
}

fn limits_table(limits: &Limits) -> Table {
    // Plain numbers always make a table.
    Table::try_from(limits).unwrap_or_default()
}

/// The value of a key of `[upstream.NAME]` as one line: lists and tables with commas.
pub(super) fn flat(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        Value::Table(pairs) => {
            let pairs: Option<Vec<String>> =
                pairs.iter().map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
            pairs.map(|pairs| pairs.join(","))
        }
        Value::Float(_) | Value::Datetime(_) => None,
    }
}
