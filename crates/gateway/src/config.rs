//! How a gateway is set up: where it listens, which providers it forwards to, and its limits.
//!
//! Promises: every limit has a name, a default and a reason; an unknown key is refused. Must never: hold a secret. A provider's key is named
//! by the variable or file that holds it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tabellion_mask::{Class, Classes};
use tabellion_model::body::DataTerms;

use crate::enrich::config::EnrichConfig;
use crate::guards::config::GuardConfig;
use crate::identity::certificate::TlsConfig;
use crate::identity::config::IdentityConfig;
use crate::masking::MaskingConfig;
use crate::probes::config::ProbeConfig;
use crate::upstream::aws::config::AwsConfig;

/// What a translated request asks for where its caller names no limit: every model of today can give it, and an answer that needs more says that it was cut.
const DEFAULT_MAX_TOKENS: u64 = 4_096;

/// Default port of the gateway, on loopback.
pub const DEFAULT_PORT: u16 = 8088;

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve; 0: one for each core.
    pub threads: usize,
    /// Which names are masked, beside all that a form tells. They are found by a model, which is wrong at times: an operator may choose.
    pub names: Vec<MaskedName>,
    /// Where calls go.
    pub upstreams: Vec<UpstreamConfig>,
    /// When a provider that fails is left alone for a while.
    #[serde(skip_serializing_if = "CircuitConfig::is_default")]
    pub circuit: CircuitConfig,
    /// When the same provider is asked again.
    #[serde(skip_serializing_if = "RetryConfig::is_default")]
    pub retry: RetryConfig,
    /// What is looked for in prompts and answers, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<GuardConfig>,
    /// What is told of calls that are over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enrichments: Vec<EnrichConfig>,
    /// What becomes of which personal data, where it is not the usual.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masking: Vec<MaskingConfig>,
    /// How it speaks TLS; none: plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// Whose access tokens are taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<IdentityConfig>,
    /// How it is tried whether guards and masking do what they must.
    #[serde(skip_serializing_if = "ProbeConfig::is_default")]
    pub probes: ProbeConfig,
    /// What may be how large and last how long.
    pub limits: Limits,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            threads: 0,
            names: MaskedName::DEFAULT.to_vec(),
            upstreams: Vec::new(),
            circuit: CircuitConfig::default(),
            retry: RetryConfig::default(),
            guards: Vec::new(),
            enrichments: Vec::new(),
            masking: Vec::new(),
            tls: None,
            identities: Vec::new(),
            probes: ProbeConfig::default(),
            limits: Limits::default(),
        }
    }
}

impl GatewayConfig {
    /// What is masked where no rule says otherwise, and in what is kept always: everything that a form tells, and the names that are asked for.
    pub(crate) fn classes(&self) -> Classes {
        self.names.iter().fold(Classes::FORMS, |classes, name| classes.with(name.class()))
    }

    /// How many guards and rules of masking may say something of a call at its end.
    pub(crate) fn said_at_ends(&self) -> (usize, usize) {
        (self.guards.len(), self.masking.len())
    }
}

/// When the circuit to a provider opens: nothing is sent to it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitConfig {
    /// Failures in a row that open it; 0: it never opens. Ten: a provider of which a few calls fail is still one that answers.
    pub failures: u32,
    /// Within this time, milliseconds. A minute: failures of hours apart say nothing of now.
    pub window_ms: u64,
    /// For how long, before one call may try, milliseconds. Half a minute: most troubles of providers last longer, and nobody waits much longer than
    /// they do.
    pub open_ms: u64,
}

impl Default for CircuitConfig {
    fn default() -> Self {
        Self { failures: 10, window_ms: 60_000, open_ms: 30_000 }
    }
}

impl CircuitConfig {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// When a call is sent to the same provider again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// How often; 0: never. None: clients' libraries ask again by themselves, and both together multiply.
    pub times: u32,
    /// The longest `retry-after` of a provider that is waited for, milliseconds. Five seconds: whoever is told to wait longer is better told.
    pub wait_ms: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { times: 0, wait_ms: 5_000 }
    }
}

impl RetryConfig {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A kind of name that is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaskedName {
    /// Of a person.
    Person,
    /// Of a place: a city, a country, an address.
    Location,
    /// Of a company, a school, an authority.
    Organisation,
}

impl MaskedName {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Person, Self::Location, Self::Organisation];
    /// Those masked unless somebody says otherwise. A place or a company alone says of nobody who they are, and questions about them need them.
    pub const DEFAULT: [Self; 1] = [Self::Person];

    const fn class(self) -> Class {
        match self {
            Self::Person => Class::Person,
            Self::Location => Class::Location,
            Self::Organisation => Class::Organisation,
        }
    }

    /// As configuration and records say it.
    pub fn as_str(self) -> &'static str {
        self.class().name()
    }
}

/// Whose interface a provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// That of `OpenAI`, which most others offer as well.
    #[default]
    OpenAi,
    /// That of Anthropic.
    Anthropic,
    /// That of Gemini; reached by passthrough alone.
    Gemini,
    /// That of Vertex; reached by passthrough alone.
    Vertex,
    /// Converse of Bedrock; reached by passthrough alone.
    Bedrock,
}

/// How a provider is shown whose requests they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// By its key, in the header of its interface.
    #[default]
    Key,
    /// By its key, in the header `api-key`, as Azure has it.
    AzureApiKey,
    /// By a signature of AWS, Version 4.
    AwsSigv4,
}

impl Auth {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::Key
    }
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Its name in policies and records: `[a-z0-9-]`, at most 64.
    pub name: String,
    /// Whose interface it has.
    #[serde(default)]
    pub api: Api,
    /// Up to and including `/v1`: `https://api.example.com/v1`.
    pub base_url: String,
    /// Environment variable that holds its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// File that holds its key, alone on its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// How it is shown whose requests they are.
    #[serde(default, skip_serializing_if = "Auth::is_usual")]
    pub auth: Auth,
    /// What its requests are signed with.
    #[serde(default, skip_serializing_if = "AwsConfig::is_silent")]
    pub aws: AwsConfig,
    /// What it wants as `api-version` in the address of every request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// File with the certificate authorities (PEM) that alone may vouch for it. Absent: the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Models it serves: exact names, or a prefix followed by `*`.
    #[serde(default)]
    pub models: Vec<String>,
    /// Names of our own for its models: alias → its name.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// What is declared of its use of data, as rules may look at it.
    #[serde(default, skip_serializing_if = "DataTerms::is_silent")]
    pub data: DataTerms,
    /// Where that is written: an address, or the name of a contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    /// The day on which somebody last read it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_seen: Option<String>,
    /// Which models are asked instead when one of its own fails, in this order: as it stands in `models` or `aliases` → names of models.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallback: BTreeMap<String, Vec<String>>,
    /// Ask for token counts in streams (`stream_options.include_usage`). Off for a provider that refuses the member.
    #[serde(default = "yes")]
    pub usage_in_streams: bool,
    /// What prompts may name there although no record says whose it is: kinds of things, or single ones as `kind:name`. Absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrecorded: Vec<String>,
    /// Whether callers of the other interface reach it too, their requests and its answers translated.
    #[serde(default, skip_serializing_if = "is_off")]
    pub translate: bool,
    /// Most tokens of an answer that a translated request asks it for when the caller names no limit and its interface wants one.
    #[serde(default = "default_max_tokens", skip_serializing_if = "is_default_max_tokens")]
    pub max_tokens: u64,
}

impl UpstreamConfig {
    /// The provider `name` at `base_url`, of which nothing else is said yet.
    pub fn new(name: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            api: Api::OpenAi,
            base_url: base_url.into(),
            key_env: None,
            key_file: None,
            auth: Auth::Key,
            aws: AwsConfig::default(),
            api_version: None,
            ca_file: None,
            models: Vec::new(),
            aliases: BTreeMap::new(),
            data: DataTerms::default(),
            terms: None,
            terms_seen: None,
            fallback: BTreeMap::new(),
            usage_in_streams: true,
            unrecorded: Vec::new(),
            translate: false,
            max_tokens: DEFAULT_MAX_TOKENS,
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_off(value: &bool) -> bool {
    !value
}

fn default_max_tokens() -> u64 {
    DEFAULT_MAX_TOKENS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_default_max_tokens(value: &u64) -> bool {
    *value == DEFAULT_MAX_TOKENS
}

/// Limits. Sizes in bytes, times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest request body. 10 MiB: several images in base64, or a million tokens of text.
    pub body_bytes: usize,
    /// Largest request body on a declared route that is open. 32 MiB: longer than an hour of speech; each is held in memory until it is sent.
    pub opaque_body_bytes: usize,
    /// Largest answer there, which is passed on as it comes. 512 MiB: the largest file that providers take.
    pub opaque_answer_bytes: u64,
    /// Largest answer of a provider, streamed or not. 64 MiB: far above any text, and an end for one that never stops.
    pub answer_bytes: usize,
    /// Largest single event of a stream. 1 MiB: an event is a few words; a whole tool call in one event may be large.
    pub event_bytes: usize,
    /// Largest request head.
    pub head_bytes: usize,
    /// Deepest nesting of a request body.
    pub depth: usize,
    /// Most content of one prompt or answer that a record keeps; larger is withheld as `too_large`. A record takes 1 MiB.
    pub capture_bytes: usize,
    /// Calls that wait at once for guards that look when a call is over, and the bytes of their texts; of what is above it nothing is looked at. 4096 calls: as many
    /// as go on at once. 64 MiB: with more the gateway would be a store of conversations.
    pub after_calls: usize,
    /// See `after_calls`.
    pub after_bytes: usize,
    /// Connections open at once. Each has at most one call, so this bounds memory and what waits in the ledger's queue (8192).
    pub connections: usize,
    /// A client must have sent its request's head within this time.
    pub head_ms: u64,
    /// A client must have sent its request's body within this time.
    pub body_ms: u64,
    /// A client must take the next piece of its stream within this time.
    pub client_stall_ms: u64,
    /// Making the record durable that permits a call. Beyond it the call is refused and its record ends as cut: a disk that hangs must not hang
    /// the applications. Thirty seconds: a disk that is only slow answers within it.
    pub record_ms: u64,
    /// How long the views that decisions are made from may stand behind the log. Beyond it every call is denied, since a revocation may be durable
    /// that they have not read. Two seconds: they take some milliseconds, and this is less than the five seconds after which the control
    /// plane says that it could not see a revocation take effect.
    pub lag_ms: u64,
    /// Connecting to a provider, TLS included.
    pub connect_ms: u64,
    /// From a request sent to the head of its answer. Ten minutes is what clients' libraries wait.
    pub first_byte_ms: u64,
    /// Between two pieces of an answer.
    pub idle_ms: u64,
    /// A whole call.
    pub total_ms: u64,
    /// A conversation over a socket. One hour is what providers allow.
    pub session_ms: u64,
    /// Between two pieces of one, from either side. Five minutes: libraries ask for a sign of life every twenty seconds.
    pub session_idle_ms: u64,
    /// Largest message of one. 16 MiB: what providers take of sound at once.
    pub session_message_bytes: u64,
    /// Tokens that one may read where no price of its model names a limit: it reserves so many, and ends when it has used them. Each answer reads all that was said before.
    pub session_input_tokens: u64,
    /// And that it may say.
    pub session_output_tokens: u64,
    /// How often noise is recorded, when there was any.
    pub noise_ms: u64,
    /// Requests without a valid key that one address may make at once; one more each second.
    pub noise_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 10 << 20,
            opaque_body_bytes: 32 << 20,
            opaque_answer_bytes: 512 << 20,
            answer_bytes: 64 << 20,
            event_bytes: 1 << 20,
            head_bytes: 64 << 10,
            depth: 64,
            capture_bytes: 256 << 10,
            after_calls: 4096,
            after_bytes: 64 << 20,
            connections: 4096,
            head_ms: 15_000,
            body_ms: 60_000,
            client_stall_ms: 60_000,
            record_ms: 30_000,
            lag_ms: 2_000,
            connect_ms: 10_000,
            first_byte_ms: 600_000,
            idle_ms: 120_000,
            total_ms: 1_800_000,
            session_ms: 3_600_000,
            session_idle_ms: 300_000,
            session_message_bytes: 16 << 20,
            session_input_tokens: 1_000_000,
            session_output_tokens: 100_000,
            noise_ms: 60_000,
            noise_burst: 20,
        }
    }
}

/// Takes lines for whoever watches the program, from any thread: never a secret, and nothing that callers said.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// Milliseconds of the configuration as a span of time.
pub(crate) fn span(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Why a gateway cannot be started. Each text names the setting and the way out.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is not usable.
    #[error("{0}")]
    Setting(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}. Choose another [gateway] listen, or end what uses it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A thread or its runtime cannot be started.
    #[error("cannot start a thread of the gateway: {0}")]
    Thread(std::io::Error),
}
