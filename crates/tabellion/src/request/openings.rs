//! What requests and answers say of openings of declared routes.

use serde::{Deserialize, Serialize};

/// What to do with openings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OpeningAct {
    /// Ask for one.
    Request {
        /// The system, hex.
        system: String,
        /// The class of routes.
        class: String,
        /// The one provider; absent: every one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
        /// When it ends, a day or RFC 3339.
        until: String,
        /// Why; recorded.
        reason: String,
    },
    /// Open what somebody else asked for.
    Confirm {
        /// Which, hex.
        opening: String,
        /// Why; recorded.
        reason: String,
    },
    /// Close one.
    Withdraw {
        /// Which, hex.
        opening: String,
        /// Why; recorded.
        reason: String,
    },
    /// Every one.
    List {},
}

/// One opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningLine {
    /// Its id, hex.
    pub id: String,
    /// `requested`, `open`, `ended`, `withdrawn` or `unreadable`.
    pub state: String,
    /// The system, hex; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The class of routes; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The one provider; absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// When it ends, RFC 3339; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why it was asked for; absent: erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who asked: the id of a person, or of the operator's key.
    pub requested_by: String,
    /// Who confirmed; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
    /// Index of the record that asked.
    pub index: u64,
}
