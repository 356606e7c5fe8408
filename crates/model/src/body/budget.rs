//! Budgets: how much of what somebody may use, and when it begins anew.

use serde::{Deserialize, Serialize};

use crate::charge::{Currency, Window};
use crate::{CredentialId, Micros, SystemId};

/// Whose calls a budget is for. Another kind of caller is another variant: a gateway that does not know it denies every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum BudgetScope {
    /// Everybody of this log.
    Tenant,
    /// All keys of a system.
    System(SystemId),
    /// One key.
    Key(CredentialId),
}

impl BudgetScope {
    /// The word of its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::System(_) => "system",
            Self::Key(_) => "key",
        }
    }

    /// Whether a call of `key`, of `system`, is one of these.
    pub fn holds(self, system: SystemId, key: CredentialId) -> bool {
        match self {
            Self::Tenant => true,
            Self::System(known) => known == system,
            Self::Key(known) => known == key,
        }
    }
}

/// What a budget caps. Each is one of several limits that hold together; none: not capped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// Money in the window, in millionths of the currency's unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub micros: Option<u64>,
    /// The currency of `micros`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// Tokens in the window, of prompts and answers together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<u64>,
    /// Calls in the window.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls: Option<u64>,
    /// Calls in a minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls_per_minute: Option<u64>,
    /// Calls at the same time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calls_at_once: Option<u64>,
}

/// `budget.set`, stream `budget/<name>`: this holds from here on, in place of the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSet {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`; the stream's name after `budget/`.
    pub name: String,
    /// Whose calls.
    pub scope: BudgetScope,
    /// The time that it is for.
    pub window: Window,
    /// The limits.
    #[serde(flatten)]
    pub caps: Caps,
    /// From this share on, in per cent of a cap, it counts as nearly used up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alert_percent: Option<u64>,
    /// Shares of a cap, in per cent, of which it is recorded when they are passed (`budget.crossed`); that of `alert_percent` is one too.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alert_at: Vec<u64>,
    /// What changed and why, for the reader of the history.
    pub note: String,
}

/// What a budget caps in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapKind {
    /// Money.
    Micros,
    /// Tokens.
    Tokens,
    /// Calls.
    Calls,
}

impl CapKind {
    /// The word in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Micros => "micros",
            Self::Tokens => "tokens",
            Self::Calls => "calls",
        }
    }
}

/// `budget.crossed`, stream `budget/<name>/crossed`: a share of a cap was passed; once for each share, cap and window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetCrossed {
    /// Name of the budget.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// The cap.
    pub cap: CapKind,
    /// What it is.
    pub limit: u64,
    /// The share, in per cent.
    pub percent: u64,
    /// What was used and reserved when it was noticed.
    pub used: u64,
    /// Where the window begins.
    pub window_start: Micros,
}

/// `budget.ended`, stream `budget/<name>`: nothing of this name holds any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetEnded {
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
}
