//! The data path: in front of every model that an organisation uses.
//!
//! A call is authenticated, decided against one snapshot of systems, keys and policies, masked, recorded, and only then sent; its end is
//! recorded, and only then released. `docs/gateway.md` is for those who call it.
//!
//! Promises: nothing leaves before `call.authorised` is durable, nothing that ends an answer is released before `call.completed` is. Bodies are
//! never serialised again: they pass with edits at named places. Everything waited for has an end.
//!
//! Must never: let a call through because something failed, forward a client's key, or write content anywhere but into a record.

mod answer;
mod attempts;
mod authenticate;
mod body;
mod budget;
mod call;
mod circuit;
mod code;
mod config;
mod decide;
mod declared;
mod dialect;
mod ending;
mod enrich;
mod evidence;
mod forward;
mod gateway;
mod guards;
mod identity;
mod input;
mod masking;
mod metrics;
mod names;
mod noise;
mod opaque;
mod open_calls;
mod outbound;
mod playground;
mod prepare;
mod presidio;
mod probes;
mod race;
mod references;
mod route;
mod salt;
mod server;
mod sse;
mod stops;
mod stopwatch;
mod surface;
mod translate;
mod upstream;
mod words;
mod worker;

pub use authenticate::KEY_PREFIX;
pub use circuit::{CircuitNow, OpenCircuit};
pub use code::Code;
pub use config::{
    Api, Auth, CircuitConfig, DEFAULT_PORT, GatewayConfig, Limits, Log, MaskedName, RetryConfig, StartError,
    UpstreamConfig,
};
pub use enrich::config::{EnrichConfig, Kind as EnrichKind};
pub use evidence::OnFatal;
pub use gateway::{Foundations, Gateway};
pub use guards::after::config::AfterConfig as GuardAfterConfig;
pub use guards::after::{ASSESSED_WITHIN_US, assess_lost};
pub use guards::config::{GuardConfig, Kind as GuardKind, Mode as GuardMode, Side as GuardSide, TopicConfig};
pub use guards::cost::CostConfig as GuardCostConfig;
pub use guards::outside::config::{
    OnError as GuardOnError, ServiceConfig as GuardServiceConfig, Shape as GuardShape,
};
pub use guards::rego::RegoConfig as GuardRegoConfig;
pub use guards::schema::config::{SchemaConfig as GuardSchemaConfig, SchemaOf as GuardSchemaOf};
pub use identity::certificate::TlsConfig;
pub use identity::config::{Algorithm as TokenAlgorithm, IdentityConfig};
pub use masking::{
    Applied as AppliedMasking, Masking, MaskingConfig, Preview as MaskingPreview, Rehydrate,
    Said as SaidOfPlaceholders, ShownRule as ShownMasking,
};
pub use metrics::Metrics;
pub use open_calls::close_open_calls;
pub use outbound::Outbound;
pub use playground::{NotTried, Playground, TriedAnswer, TriedCall, TriedRequest, TryCall};
pub use probes::config::{MAX_CORPUS_S, MAX_EVERY_S as MAX_PROBE_EVERY_S, OnProbeFailure, ProbeConfig};
pub use probes::{ProbeError, Probing, RoundBefore};
pub use tabellion_mask::{Operator as MaskingOperator, subject_names};
pub use upstream::aws::config::{AwsConfig, KeptAt};
