//! Policies: the rules a call is decided by, as text that a person wrote.

use serde::{Deserialize, Serialize};

use crate::RecordId;

/// What a change of policies came to on recorded decisions before it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyReplayed {
    /// Log size below which decisions were asked again.
    pub size: u64,
    /// Decisions there were.
    pub decisions: u64,
    /// Of these, decisions that were asked again.
    pub replayed: u64,
    /// Decisions that no rule changes.
    pub by_no_rule: u64,
    /// Decisions that could not be asked again.
    pub not_asked: u64,
    /// Decisions that were too many to be asked again, the oldest.
    pub beyond: u64,
    /// Permitted ones that would be denied now.
    pub now_denied: u64,
    /// Denied ones that would be permitted now.
    pub now_permitted: u64,
    /// SHA-256 of all that, with every decision that turns, lower-case hex.
    pub digest: String,
    /// Whether whoever made the change acknowledged it by that digest; what leaves every decision as it is needs nobody's word.
    pub acknowledged: bool,
}

/// What a second person had come into force or go out of it, where somebody put it forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyConfirmed {
    /// The `policy.proposed` that they decided on.
    pub proposed: RecordId,
    /// Why it is to be so, in the words of the second person, whose record this is in.
    pub reason: String,
}

/// `policy.proposal_withdrawn`, stream `policy/<name>/proposed`: who put a change forward took it back; nobody can confirm it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyProposalWithdrawn {
    /// The policy's name.
    pub name: String,
    /// The `policy.proposed` that is taken back.
    pub proposed: RecordId,
    /// Why.
    pub reason: String,
}

/// `policy.proposed`, stream `policy/<name>/proposed`: somebody wants a text to come into force, or the policy to go out of it. Nothing changes by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyProposed {
    /// Name.
    pub name: String,
    /// The whole text, in Cedar; none: the policy is to go out of force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    /// SHA-256 of the text, lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
    /// What changes and why.
    pub note: String,
}

/// `policy.published`, stream `policy/<name>`: this text is in force from here on, in place of the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPublished {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`; the stream's name after `policy/`.
    pub name: String,
    /// The whole text, in Cedar.
    pub text: String,
    /// SHA-256 of the text, lower-case hex: what decisions name.
    pub digest: String,
    /// What changed and why, for the reader of the history.
    pub note: String,
    /// What it came to on recorded decisions; none: a record of before changes were replayed, or one that did not come over the control plane.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replay: Option<PolicyReplayed>,
    /// By which a second person had it come into force; none: one person published it, or an observation of it was ended by that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirmed: Option<PolicyConfirmed>,
}

/// `policy.withdrawn`, stream `policy/<name>`: nothing of this name is in force any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyWithdrawn {
    /// Name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// As in [`PolicyPublished::replay`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub replay: Option<PolicyReplayed>,
    /// As in [`PolicyPublished::confirmed`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirmed: Option<PolicyConfirmed>,
}

/// `policy.refused`, stream `policy/<name>/refused`: somebody tried to bring into force what they put under observation or forward themselves, or where
/// they and whoever did let one another in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRefused {
    /// Name.
    pub name: String,
    /// SHA-256 of the text they meant; empty where a policy was to go out of force.
    pub digest: String,
    /// Why: `own_work` or `own_link`.
    pub code: String,
}

/// `policy.observed`, stream `policy/<name>/observed`: from here on this text is tried on every call beside what is in force, and decides none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyObserved {
    /// Name of the policy that the text would be.
    pub name: String,
    /// The whole text, in Cedar.
    pub text: String,
    /// SHA-256 of the text, lower-case hex: what calls name.
    pub digest: String,
    /// What changes and why.
    pub note: String,
}

/// How an observation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservationEnd {
    /// The text came into force, by `policy.published` in the same batch.
    Enforced,
    /// The text is not tried any more, and never was in force by it.
    Dropped,
}

/// `policy.observation_ended`, stream `policy/<name>/observed`: the text is not tried any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyObservationEnded {
    /// Name.
    pub name: String,
    /// SHA-256 of the text that was observed.
    pub digest: String,
    /// Its `policy.observed`.
    pub observed: RecordId,
    /// How it ended.
    pub end: ObservationEnd,
    /// Why.
    pub reason: String,
    /// Calls that it was tried on, as far as their records could be read then.
    pub calls: u64,
    /// Of those, calls that it would have denied and that were permitted.
    pub would_deny: u64,
    /// Of those, calls that it would have permitted and that were denied.
    pub would_permit: u64,
}
