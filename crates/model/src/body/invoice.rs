//! Invoices of providers, held against what calls took by the prices on record.

use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::charge::Currency;

/// `invoice.recorded`, stream `invoice/<provider>`: what a provider asks for the calls of a time. A later one of the same number takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceRecorded {
    /// The provider, as in the stream.
    pub provider: String,
    /// Its number at the provider.
    pub number: String,
    /// From when on its calls are.
    pub from: Micros,
    /// Before when.
    pub until: Micros,
    /// What it asks for, in millionths, without taxes.
    pub micros: u64,
    /// In which currency.
    pub currency: Currency,
    /// The upstreams whose calls it is for, by their names in the configuration.
    pub upstreams: Vec<String>,
    /// Difference that is let pass as rounding, in thousandths of what it asks for.
    pub tolerance_per_mille: u64,
    /// What it is, in words.
    pub note: String,
}
