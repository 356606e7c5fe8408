//! Views of tables that people keep for themselves.

use serde::{Deserialize, Serialize};

/// `view.saved`, stream `view/<person>/<view>`, its actor the person: they keep a list as they look at it now, under a name. About them as a data subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewSaved {
    /// What they call it.
    pub name: String,
    /// Path of the list's page.
    pub page: String,
    /// Filters, search, order and columns, as the query of the page's address has them.
    pub query: String,
}

/// `view.removed`, the same stream, its actor the person: they keep it no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewRemoved {}
