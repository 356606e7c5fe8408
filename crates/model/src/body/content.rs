//! Captured content that somebody asked to see.

use serde::{Deserialize, Serialize};

/// `content.viewed`, stream `content/<id of the record that decided the call>`, its actor the person: they asked to see what was captured of the call's
/// prompt and answer. It is durable before any of it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentViewed {
    /// Why, in their own words.
    pub reason: String,
}
