//! AI systems: what is governed, and who answers for it.

use serde::{Deserialize, Serialize};

use super::Capture;
use crate::CredentialId;

/// `system.registered`, stream `system/<id>`: a system enters the inventory, in stage [`SystemStage::Draft`]; recorded again, it replaces what
/// was said before. The header names the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRegistered {
    /// What people call it.
    pub name: String,
    /// The person who answers for it. A system without a known owner cannot go live.
    pub owner: CredentialId,
    /// What it may be used for, each a short word such as `loan-support`; the first is the default of its keys.
    pub purposes: Vec<String>,
    /// One or two sentences for a reader who does not know it.
    pub description: String,
    /// How much of prompts and answers is kept.
    pub capture: Capture,
    /// Why this much is kept, in the words of whoever switched it; what is said of the system later carries it on until the next switch.
    /// Absent: nobody was asked, as before there was this field, or as where a system enters the inventory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capture_reason: Option<String>,
    /// Where its costs are booked, a short word such as `retail-4711`; absent: nobody said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost_centre: Option<String>,
}

/// Where a system stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemStage {
    /// Registered; its calls are denied.
    Draft,
    /// In use.
    Live,
    /// Stopped for now; its calls are denied.
    Paused,
    /// Out of use for good.
    Retired,
}

/// `system.stage_changed`, stream `system/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemStageChanged {
    /// The stage from now on.
    pub stage: SystemStage,
    /// Why.
    pub reason: String,
}
