//! Registers: what is said of an item, what was decided on it, and what asks for a new look.
//!
//! Person fields of the content hold credential ids, so no field is about a data subject and the whole body is one unit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Role;
use crate::register::{Decision, RefreshTrigger};
use crate::{ItemId, Micros, RecordId};

/// `register.saved`, stream `register/<register>/<item>`: a revision was saved, in place of the one before. Header: system when the item is about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterSaved {
    /// The register's name, as in the stream.
    pub register: String,
    /// The item, as in the stream.
    pub item: ItemId,
    /// Number of the revision, from 1.
    pub revision: u64,
    /// What it says: a member for each field that is filled in.
    pub content: Map<String, Value>,
    /// SHA-256 of the definition that the content was judged by, hex.
    pub definition: String,
    /// Required fields that are not filled in.
    pub missing: Vec<String>,
}

/// `register.submitted`, same stream: the newest revision is put before an approver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterSubmitted {
    /// The register's name.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// Number of the revision.
    pub revision: u64,
    /// Digest of the revision, hex: what is to be decided on.
    pub digest: String,
}

/// `register.decided`, same stream: an approver decided on exactly this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterDecided {
    /// The register's name.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// Number of the revision.
    pub revision: u64,
    /// Digest of the revision, hex.
    pub digest: String,
    /// Approved or returned.
    pub decision: Decision,
    /// What the approval depends on; empty: nothing.
    pub conditions: String,
    /// Why.
    pub reason: String,
    /// The role under which it was decided.
    pub role: Role,
    /// When approved content is due for review.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_review_at: Option<Micros>,
}

/// `register.moved`, same stream: the item stands elsewhere now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterMoved {
    /// The register's name.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// The state, a word of the register.
    pub state: String,
    /// Why.
    pub reason: String,
}

/// `register.refresh_opened`, stream `register/<register>/<item>/refresh`, so that nobody who is editing the item is disturbed: approved content needs
/// a new look. The next approval answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRefreshOpened {
    /// The register's name.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// Digest of the approved revision, hex.
    pub digest: String,
    /// What asks.
    pub trigger: RefreshTrigger,
    /// The model that the approved content does not name, as the provider named it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// Material fields that changed, as `<register>.<field>`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<String>,
    /// The record that showed it: a call, or the revision that changed.
    pub cause: RecordId,
}

/// `register.noted`, stream `register/<register>/<item>/notes`, so that nobody who is editing the item is disturbed: somebody remarked on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterNoted {
    /// The register's name.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// What is remarked.
    pub text: String,
}

/// `register.refused`, stream `register/<register>/<item>/refused`: somebody whose role permits it tried to decide on their own work. Recorded once for
/// each person and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterRefused {
    /// The register's name.
    pub register: String,
    /// The item.
    pub item: ItemId,
    /// Digest of the revision, hex.
    pub digest: String,
    /// Why it was refused: a code of the API.
    pub code: String,
}
