//! Findings: what happened outside of what is governed or declared. Opened once by the program, closed by a person who says why.

use serde::{Deserialize, Serialize};

use crate::charge::Currency;
use crate::usage::Amounts;
use crate::{FindingId, Micros, RecordId};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A provider counted more than went to it through the gateway.
    OffGateway,
    /// A model was asked for or answered that no approved entry of the inventory names.
    UnknownModel,
    /// A path was asked for that the gateway does not govern.
    UnknownRoute,
    /// A provider's invoice asks for more, or less, than calls can have taken by the prices on record.
    InvoiceDiffers,
}

impl FindingKind {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OffGateway => "off_gateway",
            Self::UnknownModel => "unknown_model",
            Self::UnknownRoute => "unknown_route",
            Self::InvoiceDiffers => "invoice_differs",
        }
    }
}

/// `finding.opened`, stream `finding/<finding>`: the program found something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingOpened {
    /// The finding, as in the stream.
    pub finding: FindingId,
    /// What was found.
    pub kind: FindingKind,
    /// The provider that counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// The account or key at the provider.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Where the window begins.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Micros>,
    /// Where it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Micros>,
    /// What the provider counted beyond everything that can have come through the gateway.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub beyond: Option<Amounts>,
    /// Of an invoice, by how much it differs at least, in millionths.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub micros: Option<u64>,
    /// The currency of that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// The record that showed it: the report or invoice, or the first call.
    pub cause: RecordId,
}

/// `finding.closed`, same stream: a person says why nothing more is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingClosed {
    /// The finding.
    pub finding: FindingId,
    /// Why.
    pub reason: String,
}
