//! Files that a reviewer reads as a diff; `UPDATE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::Path;

pub(crate) fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("the directory can be made");
        fs::write(&path, actual).expect("the file can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} is not what was reviewed; look at the difference and run again with UPDATE_GOLDEN=1 if it is meant.\n{actual}"
    );
}
