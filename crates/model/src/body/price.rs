//! Prices of models. The numbers stand in the header's `clear` ([`crate::charge::Rates`]), since calls are rated by them for ever.

use serde::{Deserialize, Serialize};

/// `price.set`, stream `price/<name>`: what a model costs in the time that its rates name. A later version corrects the one before, also for the calls
/// that were rated by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceSet {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`; the stream's name after `price/`.
    pub name: String,
    /// Upstream, by its name in the configuration.
    pub upstream: String,
    /// Model as the upstream is given it.
    pub model: String,
    /// Most tokens that the model answers with: reserved where a request names no limit of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output_limit: Option<u64>,
    /// Most tokens that the model reads: reserved where what it reads is not in the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub input_limit: Option<u64>,
    /// Where the price is from, and what changed.
    pub source: String,
}

/// `price.withdrawn`, stream `price/<name>`: no further call is rated by it; those that were stay so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceWithdrawn {
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
}
