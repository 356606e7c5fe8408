//! The closed words of every register's life.

use serde::{Deserialize, Serialize};

/// How far the newest revision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// It is being written.
    Draft,
    /// It was put before an approver.
    InReview,
    /// It was approved as it stands.
    Approved,
    /// It was given back.
    Returned,
}

impl Review {
    /// Every word.
    pub const ALL: [Self; 4] = [Self::Draft, Self::InReview, Self::Approved, Self::Returned];

    /// The word in records and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Returned => "returned",
        }
    }
}

/// What an approver decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The content holds from now on.
    Approved,
    /// The content goes back to its authors.
    Returned,
}

impl Decision {
    /// The word in records and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Returned => "returned",
        }
    }
}

/// What asks for a new look at approved content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTrigger {
    /// A call of the system was answered by a model that the approved content does not name.
    ModelNotNamed,
    /// A material field of another register's item about the same system changed by an approval.
    MaterialChange,
}

impl RefreshTrigger {
    /// The word in records, in the API and in definitions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelNotNamed => "model_not_named",
            Self::MaterialChange => "material_change",
        }
    }
}
