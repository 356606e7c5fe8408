//! Files that commands read and write for their user.
//!
//! Promises: nothing larger than its limit is read into memory; a file that is written appears whole or not at all. Must never: follow a
//! half-written file of an earlier run.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Reads a whole file of at most `limit` bytes. `what` names it in refusals.
pub(crate) fn read_limited(path: &Path, limit: u64, what: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::io(&format!("read the {what}"), path, &error);
    // Asked before it is opened: opening a pipe waits for whoever writes into it.
    let facts = fs::metadata(path).map_err(failed).map_err(|failure| malformed_input(&failure))?;
    if !facts.is_file() {
        let kind = if facts.is_dir() { "a directory" } else { "a device or pipe" };
        return Err(Failure::malformed(format!(
            "{} is {kind}, a {what} is a file; name the file",
            path.display()
        )));
    }
    let file = File::open(path).map_err(failed).map_err(|failure| malformed_input(&failure))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Failure::malformed(format!(
            "{} has more than the {limit} bytes a {what} may have",
            path.display()
        )));
    }
    Ok(bytes)
}

/// What cannot be read was named wrongly, as far as a script is concerned.
fn malformed_input(failure: &Failure) -> Failure {
    Failure::malformed(failure.to_string())
}

/// Puts `bytes` at `path`, whole or not at all; replaces what was there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let temporary = beside(path, ".part");
    let written =
        File::create(&temporary).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    let placed = written.and_then(|()| fs::rename(&temporary, path));
    placed.map_err(|error| {
        drop(fs::remove_file(&temporary));
        Failure::io("write", path, &error)
    })
}

/// Refuses an output path that would replace something, or that lies among the files of the data directory.
pub(crate) fn check_new(path: &Path, data: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(Failure::malformed(format!(
            "{} exists; name a file that does not, or move it away",
            path.display()
        )));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let inside = |part: &str| match (parent.canonicalize(), data.join(part).canonicalize()) {
        (Ok(parent), Ok(part)) => parent.starts_with(part),
        _ => false,
    };
    if ["log", "vault", "keys"].into_iter().any(inside) {
        let shown = path.display();
        return Err(Failure::malformed(format!(
            "{shown} lies among the log's own files; name a place outside {}",
            data.display()
        )));
    }
    Ok(())
}

/// The path with `suffix` after its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beyond_its_limit_is_refused_and_one_at_the_limit_is_read() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("file");
        write_whole(&path, &[7; 10]).expect("a file can be written");
        assert_eq!(
            read_limited(&path, 10, "file").expect("it fits"),
            vec![7; 10],
            "what was written must come back"
        );
        let refused = read_limited(&path, 9, "file").expect_err("a huge file would fill the memory");
        assert_eq!(refused.code(), 2, "{refused}");
        assert!(!beside(&path, ".part").exists(), "a temporary file would be left behind");
    }

    #[test]
    fn a_missing_file_is_named() {
        let refused = read_limited(Path::new("no/such/file"), 1, "trust file").expect_err("there is none");
        assert!(refused.to_string().contains("no/such/file"), "the user must learn which file: {refused}");
    }
}
