//! The logs that a witness knows: every trust file in its directory `logs/`.
//!
//! A log's own `trust.txt` can be put there as it is. Promises: a file that cannot be read is refused and named, for a log that is quietly
//! left out would be a log without its witness.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tabellion_tlog::VerifierKey;

use crate::failure::Failure;
use crate::trust;

/// Where the trust files are.
pub(crate) const LOGS_DIR: &str = "logs";
/// What the name of a trust file ends with.
const ENDING: &str = "txt";
/// What the key name of a root key has after the origin: it signs no checkpoints.
const ROOT_SUFFIX: &str = "/root";
/// Most trust files: each log's state is kept in memory, some ten kilobytes.
const MAX_LOGS: usize = 10_000;

/// The keys of each log, by its origin.
pub(crate) fn load(dir: &Path) -> Result<BTreeMap<String, Vec<VerifierKey>>, Failure> {
    let place = dir.join(LOGS_DIR);
    let failed = |error: std::io::Error| Failure::io("look into", &place, &error);
    let mut paths: Vec<PathBuf> = fs::read_dir(&place)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
    paths.sort();
    if paths.len() > MAX_LOGS {
        return Err(Failure::malformed(format!(
            "{} holds more than {MAX_LOGS} trust files",
            place.display()
        )));
    }
    let mut logs: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
    for path in &paths {
        let keys = trust::read(path)?.logs.into_iter().map(|line| line.key);
        for key in keys.filter(|key| !key.name().ends_with(ROOT_SUFFIX)) {
            let known = logs.entry(key.name().to_owned()).or_default();
            if !known.contains(&key) {
                known.push(key);
            }
        }
    }
    if logs.is_empty() {
        return Err(Failure::malformed(format!(
            "no log is configured: put the trust file of each log that this witness is to watch into {}, with a name that ends in .txt",
            place.display()
        )));
    }
    Ok(logs)
}
