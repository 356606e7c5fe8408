//! Usage: what a provider says it counted, and what that came to beside our own calls.

use serde::{Deserialize, Serialize};

use crate::usage::{UsageAccount, UsageCell, UsageFormat, UsageSpan};
use crate::{Micros, RecordId};

/// `usage.reported`, stream `usage/<provider>`: somebody put an export of a provider on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReported {
    /// The provider, by the name of the stream.
    pub provider: String,
    /// Whose form the export has.
    pub format: UsageFormat,
    /// Its first moment.
    pub from: Micros,
    /// The first moment after it.
    pub until: Micros,
    /// The times that it covers, in order.
    pub covered: Vec<UsageSpan>,
    /// How many buckets it has.
    pub buckets: u64,
    /// Which upstream calls with which account.
    pub accounts: Vec<UsageAccount>,
    /// Difference in tokens that is let pass as rounding, in thousandths of what was counted here.
    pub tolerance_per_mille: u64,
    /// What it counts, by day, account, key and model.
    pub cells: Vec<UsageCell>,
    /// The name of the file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// SHA-256 of the export, hex.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
    /// The newest report of the same provider and window, in whose place it stands.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub supersedes: Option<RecordId>,
    /// The export.
    pub content: String,
}

/// `usage.reconciled`, stream `usage/<provider>/reconciled`: the export was held against the calls that the gateway let through. Parent `report`; once for each, and
/// again when calls that had no end then have ended. The newest holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReconciled {
    /// The provider.
    pub provider: String,
    /// Log size whose calls were counted.
    pub size: u64,
    /// Days of models on which both counted the same.
    pub agrees: u64,
    /// Those on which the provider counted more than can have come from here.
    pub more_there: u64,
    /// Those on which it counted less.
    pub more_here: u64,
    /// Those of which it cannot be said.
    pub not_comparable: u64,
    /// Accounts and models with traffic off the gateway.
    pub off_gateway: u64,
    /// Calls of that time that had no end, and so count with the most that they can take; none: it was not recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub open: Option<u64>,
}
