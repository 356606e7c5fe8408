//! Tables of cases as files: TOML that people write beside their policies.
//!
//! Promises: a member that is not known is refused with its line. Must never: pass over a case.

use std::path::Path;

use tabellion_policy::{CaseTable, Known};

use super::trials::Trial;
use crate::failure::Failure;
use crate::files;

/// Largest table that is read: some ten thousand cases.
const MAX_TABLE_BYTES: u64 = 4 << 20;

/// What a table says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) trials: Vec<Trial>,
    pub(super) known: Known,
}

/// Reads the table at `path`.
pub(super) fn read(path: &Path) -> Result<Read, Failure> {
    let table = table(path)?;
    let cases = table.cases().map_err(|why| Failure::malformed(format!("{}: {why}", path.display())))?;
    let trials = cases.into_iter().map(|case| Trial {
        suite: path.display().to_string(),
        name: case.name,
        system: case.case.system_name.clone(),
        case: Ok(case.case),
        expected: case.expected,
    });
    Ok(Read { trials: trials.collect(), known: table.known() })
}

/// The table at `path` as it is written.
pub(super) fn table(path: &Path) -> Result<CaseTable, Failure> {
    let bytes = files::read_limited(path, MAX_TABLE_BYTES, "table of cases")?;
    let text = String::from_utf8(bytes)
        .map_err(|error| Failure::malformed(format!("{} is not UTF-8: {error}", path.display())))?;
    toml::from_str(&text).map_err(|error| {
        Failure::malformed(format!(
            "{} is no table of cases: {}; docs/policies.md has one",
            path.display(),
            error.to_string().trim_end().replace('\n', " ")
        ))
    })
}
