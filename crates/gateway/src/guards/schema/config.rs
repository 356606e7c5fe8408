//! A guard of answers by schema, as an operator writes it down.

use serde::{Deserialize, Serialize};

/// Which schema texts of answers are held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaOf {
    /// The one that the request itself asks for, where it does.
    Requested,
    /// This one, as it is written: records hold no numbers but integers, and a schema may.
    Given(String),
}

/// What answers are held against.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaConfig {
    /// Of texts; none: of arguments of tools alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<SchemaOf>,
    /// Whether arguments of tools are held against what the request declares of them.
    #[serde(default)]
    pub tools: bool,
}
