//! `tabellion backup`: a copy of a log, taken while it is served or not.
//!
//! Promises: what it prints as the backup's size is what a restored copy has, entry for entry. Must never: put the keys that sign, and that content's keys
//! are wrapped under, beside the rest unless told where.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{BackupError, DEFAULT_CONTENT_DAYS, MAX_CONTENT_DAYS, back_up_for};
use tabellion_model::Micros;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::{files, terminal};

/// Where the keys are, below a data directory.
pub(super) const KEYS: &str = "keys";

/// What to copy, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The backup: a directory that does not exist yet
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copy the keys as well, to a directory of their own that does not exist yet; keep it apart from the backup
    #[arg(long, value_name = "DIR")]
    keys_to: Option<PathBuf>,
    /// For how many days its content can be read; then its key is destroyed here and it gives the log alone
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CONTENT_DAYS, value_parser = clap::value_parser!(u64).range(1..=MAX_CONTENT_DAYS))]
    content_days: u64,
    /// Print what was copied as JSON
    #[arg(long)]
    json: bool,
}

/// Copies.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    for new in [Some(&options.to), options.keys_to.as_ref()].into_iter().flatten() {
        files::check_new(new, directory.path())?;
        check_outside(new, directory.path())?;
    }
    let to = new_disk(&options.to)?;
    let copied =
        back_up_for(&directory.disk()?, &directory.options(false)?, to.as_ref(), options.content_days);
    let list = copied.map_err(|error| {
        drop(fs::remove_dir(&options.to)); // only when nothing was copied yet
        failure_of(error)
    })?;
    if let Some(keys_to) = &options.keys_to {
        copy_keys(&directory.path().join(KEYS), keys_to)?;
    }
    let bytes: u64 = list.files.iter().map(|file| file.bytes).sum();
    let shown = options.to.display().to_string();
    let content = list.content.clone().unwrap_or_default();
    if options.json {
        return terminal::json(&json!({
            "bytes": bytes, "checkpoint": list.checkpoint, "content_until": content.expires_at, "files": list.files.len(), "origin": list.origin, "size": list.size, "to": shown,
        }));
    }
    terminal::data(&format!(
        "{}: {} with {} entries, {} files, {bytes} bytes\n",
        terminal::printable(&shown),
        list.origin,
        list.size,
        list.files.len()
    ))?;
    let keys = directory.path().join(KEYS);
    terminal::say(&format!(
        "its content can be read until {} by backup-{}.key in {}, which is destroyed then. Let no copy of that key stay longer",
        Micros(content.expires_at),
        content.key,
        keys.display()
    ));
    if options.keys_to.is_none() {
        terminal::say(&format!(
            "the keys are not in it, and without them no content can be read and nothing be signed: keep a copy of {} apart, anew after each backup",
            keys.display()
        ));
    }
    Ok(())
}

/// Refuses a copy inside the directory that it is a copy of: it would be lost with it.
fn check_outside(to: &Path, dir: &Path) -> Result<(), Failure> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (parent.canonicalize(), dir.canonicalize()) {
        (Ok(parent), Ok(dir)) if parent.starts_with(&dir) => Err(Failure::malformed(format!(
            "{} lies inside {}, and would be lost with it; name a place outside, best on another machine",
            to.display(),
            dir.display()
        ))),
        _ => Ok(()),
    }
}

/// A directory made for a copy, private to its owner.
pub(super) fn new_disk(path: &Path) -> Result<Arc<dyn Disk>, Failure> {
    let disk = RealDisk::create(path).map_err(|error| Failure::io("create", path, &error))?;
    Ok(Arc::new(disk))
}

/// Copies key files, each whole and private.
pub(super) fn copy_keys(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("copy the keys in", from, &error);
    let target = new_disk(to)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type().map_err(failed)?.is_file() || name.strip_suffix(".tmp").is_some() {
            continue;
        }
        let bytes = fs::read(entry.path()).map_err(failed)?;
        tabellion_ledger::disk::write_file_durably(target.as_ref(), &name, &bytes)
            .map_err(|error| Failure::io("write the keys to", to, &error))?;
    }
    Ok(())
}

/// How a command ends that could not copy.
pub(super) fn failure_of(error: BackupError) -> Failure {
    match error {
        BackupError::Ledger(error) => error.into(),
        BackupError::Open(error) => error.into(),
        BackupError::List(_) => Failure::malformed(error.to_string()),
        other => Failure::failed(other.to_string()),
    }
}
