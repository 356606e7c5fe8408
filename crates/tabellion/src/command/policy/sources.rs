//! Policies as files: the name of one is that of its file, without `.cedar`.

use std::fs;
use std::path::{Path, PathBuf};

use tabellion_policy::{MAX_TEXT_BYTES, NamedPolicy, PolicySet};

use crate::failure::Failure;
use crate::files;

/// The ending of a policy's file.
const ENDING: &str = "cedar";
/// Largest file that is read. Somewhat above what a policy may have, so that the refusal is the one of publication.
const MAX_FILE_BYTES: u64 = 4 * MAX_TEXT_BYTES as u64;
/// Most files: more policies than rules may be in force.
const MAX_FILES: usize = 256;

/// One policy's file, read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads the files named, and of directories the policies directly in them, by name.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(within(path)?);
        } else {
            found.push(path.clone());
        }
    }
    if found.len() > MAX_FILES {
        return Err(Failure::malformed(format!("{} policies are named, {MAX_FILES} at most", found.len())));
    }
    found.iter().map(|path| source(path)).collect()
}

/// As the engine takes them.
pub(super) fn named(sources: &[Source]) -> Vec<NamedPolicy<'_>> {
    sources.iter().map(|source| NamedPolicy { name: &source.name, text: &source.text }).collect()
}

/// The rules of all, or what publication would refuse.
pub(super) fn compiled(sources: &[Source]) -> Result<PolicySet, Failure> {
    PolicySet::compile(&named(sources)).map_err(|fault| {
        Failure::malformed(format!("{fault} [{}]; tabellion policy lint says all", fault.kind.code()))
    })
}

fn within(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::io("list", directory, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::malformed(format!(
            "{} holds no policy; policies are files that end in .{ENDING}",
            directory.display()
        )));
    }
    Ok(found)
}

fn source(path: &Path) -> Result<Source, Failure> {
    let bytes = files::read_limited(path, MAX_FILE_BYTES, "policy")?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::malformed(format!("{} is not UTF-8: {error}; save it as UTF-8", path.display()))
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Source { path: path.to_owned(), name, text })
}
