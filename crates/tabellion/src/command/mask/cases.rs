//! Tables of texts and what must become of them, as TOML that people write beside their rules.
//!
//! Promises: a member that is not known is refused with its line. Must never: pass over a case.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use tabellion_gateway::Masking;
use tabellion_model::SystemId;

use super::nobody;
use crate::failure::Failure;
use crate::files;

/// Largest table that is read: some ten thousand cases.
const MAX_TABLE_BYTES: u64 = 4 << 20;

/// A table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default, rename = "case")]
    cases: Vec<Case>,
}

/// One text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    system: Option<SystemId>,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    upstream: String,
    text: String,
    /// As it must be sent, with `*` for what depends on the installation's key.
    sent: Option<String>,
    /// Classes for which it must not be sent.
    #[serde(default)]
    blocked: BTreeSet<String>,
}

/// The cases of the table at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<Case>, Failure> {
    let bytes = files::read_limited(path, MAX_TABLE_BYTES, "table of texts")?;
    let malformed = |why: String| Failure::malformed(format!("{} {why}", path.display()));
    let text = String::from_utf8(bytes).map_err(|error| malformed(format!("is not UTF-8: {error}")))?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        let why = error.to_string().trim_end().replace('\n', " ");
        malformed(format!("is no table of texts: {why}; docs/masking.md has one"))
    })?;
    if let Some(case) = table.cases.iter().find(|case| case.sent.is_some() != case.blocked.is_empty()) {
        let name = &case.name;
        return Err(malformed(format!(
            "has a case {name:?} that says both or neither of sent and blocked; say what must become of it"
        )));
    }
    Ok(table.cases)
}

impl Case {
    /// What came otherwise than the case says; `None`: nothing.
    pub(super) fn fault(&self, rules: &Masking) -> Result<Option<String>, String> {
        let system = self.system.unwrap_or_else(nobody);
        let preview = rules.preview(system, &self.purpose, &self.upstream, &self.text)?;
        let blocked: BTreeSet<String> = preview.blocked.iter().map(|class| (*class).to_owned()).collect();
        if blocked != self.blocked {
            let said = |classes: &BTreeSet<String>| match classes.len() {
                0 => "be sent".to_owned(),
                _ => format!("be blocked for {}", classes.iter().cloned().collect::<Vec<_>>().join(", ")),
            };
            return Ok(Some(format!("must {}, would {}", said(&self.blocked), said(&blocked))));
        }
        let differs = |sent: &&String| **sent != preview.sent;
        let wanted = self.sent.as_ref().filter(differs);
        Ok(wanted.map(|sent| format!("must be sent as {sent:?}, would be sent as {:?}", preview.sent)))
    }
}
