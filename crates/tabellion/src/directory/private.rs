//! Key material must be private: a directory whose keys others can read is refused before anything is opened.
//!
//! Promises: names the path, its permissions and the command that repairs them. Must never: repair them itself, because whoever could read
//! the keys until now may have done so, and that is for the operator to judge.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Below the data directory: what holds secrets or content keys.
const SECRET_PLACES: [&str; 2] = ["keys", "vault"];
/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Those of them that let others change something.
const OTHERS_WRITE: u32 = 0o022;

/// Refuses `dir` when anybody but its owner may read or write its keys.
pub(crate) fn check_private(dir: &Path) -> Result<(), Failure> {
    let exposed = exposed(dir)?;
    let Some((path, mode)) = exposed.first() else { return Ok(()) };
    let others = match exposed.len() - 1 {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Err(Failure::failed(format!(
        "{}{others} can be read or changed by other users (mode {mode:04o}), and keys are kept there. Run: chmod -R go= {}\n\
         Whoever could read a key may have copied it: rotate the keys if that matters (tabellion key rotate)",
        path.display(),
        SECRET_PLACES.map(|place| dir.join(place).display().to_string()).join(" ")
    )))
}

/// Refuses when anybody but its owner may change `files` or what is in `dir`: whoever can decides how the log is run, and which keys it is run with.
pub(crate) fn check_unchanged_by_others(dir: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    for path in std::iter::once(dir).chain(files.iter().map(PathBuf::as_path)) {
        if let Some(mode) = mode_of(path)?.filter(|mode| mode & OTHERS_WRITE != 0) {
            return Err(Failure::failed(format!(
                "{0} can be changed by other users (mode {mode:04o}), and with it how this log is run. Run: chmod go-w {0}\n\
                 Then see what they may have changed",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Every key directory and file that others have access to, with its permission bits.
fn exposed(dir: &Path) -> Result<Vec<(PathBuf, u32)>, Failure> {
    let mut found = Vec::new();
    for place in SECRET_PLACES.map(|place| dir.join(place)) {
        let Some(mode) = mode_of(&place)? else { continue };
        if mode & OTHERS != 0 {
            found.push((place.clone(), mode));
        }
        let names = fs::read_dir(&place).map_err(|error| Failure::io("look into", &place, &error))?;
        for name in names {
            let path = name.map_err(|error| Failure::io("look into", &place, &error))?.path();
            if let Some(mode) = mode_of(&path)?.filter(|mode| mode & OTHERS != 0) {
                found.push((path, mode));
            }
        }
    }
    Ok(found)
}

/// Permission bits; `None` when the path is not there (any more).
fn mode_of(path: &Path) -> Result<Option<u32>, Failure> {
    match fs::metadata(path) {
        Ok(facts) => Ok(Some(facts.permissions().mode() & 0o7777)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("look at", path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_to_run() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keys = dir.path().join("keys");
        fs::create_dir(&keys).expect("a directory for keys");
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).expect("permissions can be set");
        let key = keys.join("root.key");
        fs::write(&key, "secret").expect("a key file");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("permissions can be set");
        check_private(dir.path()).expect("a private directory is accepted");

        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("permissions can be set");
        let refused = check_private(dir.path()).expect_err("a readable key would go unnoticed").to_string();
        assert!(refused.contains("root.key") && refused.contains("0640"), "which file is it? {refused}");
        assert!(refused.contains("chmod -R go="), "the operator is not told what to run: {refused}");
    }

    #[test]
    fn a_directory_or_configuration_that_others_can_change_is_named() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("tabellion.toml");
        fs::write(&file, "").expect("a configuration");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions can be set");
        };
        let check = || check_unchanged_by_others(dir.path(), std::slice::from_ref(&file));
        mode(dir.path(), 0o755);
        mode(&file, 0o644);
        check().expect("others may look");
        mode(&file, 0o664);
        let refused = check().expect_err("whoever writes the configuration runs the log").to_string();
        assert!(refused.contains("tabellion.toml") && refused.contains("0664"), "which file? {refused}");
        mode(&file, 0o644);
        mode(dir.path(), 0o777);
        let refused = check().expect_err("whoever writes the directory puts other keys there").to_string();
        assert!(refused.contains("chmod go-w"), "the operator is not told what to run: {refused}");
    }
}
