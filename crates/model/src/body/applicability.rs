//! The Statement of Applicability: one decision per control, approved as a whole.

use serde::{Deserialize, Serialize};

use crate::catalogue::Reference;
use crate::status::facts::Decision;

/// `soa.decided`, stream `soa/<control in lower case>`: whether a control applies, in place of what was decided before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoaDecided {
    /// The control.
    pub control: Reference,
    /// What was decided.
    pub decision: Decision,
    /// Why: risk, law, contract, business.
    pub reason: String,
    /// Evidence of the party that carries it out, when it is inherited.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub evidence: Option<String>,
}

/// `soa.approved`, stream `soa/approval`: a second person approved all 38 rows as they stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoaApproved {
    /// Digest of the statement, hex: SHA-256 over the canonical JSON of its rows, as docs/status.md says.
    pub digest: String,
}

/// `soa.refused`, stream `soa/approval/refused`: somebody whose role permits it tried to approve a statement that is their own in part, or in a session
/// that an author let in. Recorded once for each person and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoaRefused {
    /// Digest of the statement, hex.
    pub digest: String,
    /// Why it was refused: a code of the API.
    pub code: String,
}
