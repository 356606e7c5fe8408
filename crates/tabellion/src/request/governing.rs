//! What requests say of changes of policies that two people make, and of changes of safeguards in the configuration. Answers are the resources of the API.

use serde::{Deserialize, Serialize};

/// What to do with changes of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyAct {
    /// Put a change forward.
    Propose {
        /// The policy.
        policy: String,
        /// The text, in Cedar; absent: the policy is to go out of force.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// What changes and why; recorded.
        note: String,
        /// The record of what waits whose place it takes, hex; absent: nothing waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replace: Option<String>,
    },
    /// What waits.
    List {},
    /// Have come about what somebody else put forward.
    Confirm {
        /// The policy.
        policy: String,
        /// The record of what was put forward, hex.
        proposed: String,
        /// Why; recorded.
        reason: String,
        /// What was looked at of what it comes to: a log size and a digest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acknowledged: Option<(u64, String)>,
    },
    /// What a change that waits comes to on recorded decisions.
    Replay {
        /// The policy.
        policy: String,
    },
    /// Take back what the operator put forward.
    TakeBack {
        /// The policy.
        policy: String,
        /// The record of what was put forward, hex.
        proposed: String,
        /// Why; recorded.
        reason: String,
    },
}

/// What to do with changes of safeguards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConfigurationAct {
    /// Every one.
    List {},
    /// Say why one was made.
    Explain {
        /// Which, hex.
        change: String,
        /// Why; recorded.
        reason: String,
    },
}
