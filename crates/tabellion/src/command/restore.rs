//! `tabellion restore`: a data directory from a backup, checked before it is there.
//!
//! Promises: the directory appears whole, and only after every hash, signature and unit in it was checked and it was compared with what its operator has of
//! newer checkpoints; a copy that is older than those is marked, so that it never goes on. Must never: write over anything.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{BackupList, backup_list, fsck, put_back, retire};
use tabellion_tlog::SignedCheckpoint;

use super::backup::{self, KEYS, failure_of};
use super::fsck::checkpoint_in;
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::{directory, files, terminal};

/// What to restore, and what it has to contain.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The copy of the keys that belongs to it
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The data directory to make
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Receipts or checkpoints of the log that were kept elsewhere, the newest above all: the backup must contain what they say
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "nothing_newer")]
    against: Vec<PathBuf>,
    /// Say that nobody holds a receipt or checkpoint newer than the backup
    #[arg(long, conflicts_with = "against")]
    nothing_newer: bool,
    /// Restore a backup that is older than a checkpoint given, to be read only: nothing is ever appended to it
    #[arg(long, requires = "against")]
    older_copy: bool,
    /// Print what was restored as JSON
    #[arg(long)]
    json: bool,
}

/// Restores.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let dir = &options.dir;
    files::check_new(dir, Path::new("/nowhere"))?;
    let from = RealDisk::open(&options.from).map_err(|error| Failure::io("open", &options.from, &error))?;
    let list = backup_list(&from).map_err(failure_of)?;
    let kept = options.against.iter().map(|path| checkpoint_in(path)).collect::<Result<Vec<_>, _>>()?;
    let (within, beyond): (Vec<String>, Vec<String>) =
        kept.into_iter().partition(|kept| size_of(kept) <= list.size);
    let newest = beyond.iter().map(|kept| size_of(kept)).max();
    if let (Some(newest), false) = (newest, options.older_copy) {
        return Err(Failure::failed(format!(
            "the backup has {} entries, and the log has signed a checkpoint of {newest}: it is an older copy, and to go on with it would fork the log. Restore a \
             newer backup, or this one to be read only: --older-copy",
            list.size
        )));
    }
    let part = files::beside(dir, ".part");
    files::check_new(&part, Path::new("/nowhere"))?;
    let restored = fill(options, &from, &list, &part, &within, newest);
    if let Err(failure) = restored {
        drop(fs::remove_dir_all(&part)); // what was not checked to its end must not look like a log
        return Err(failure);
    }
    place(&part, dir)?;
    tell(options, &list, newest)
}

fn size_of(kept: &str) -> u64 {
    SignedCheckpoint::parse(kept.as_bytes()).map_or(u64::MAX, |signed| signed.checkpoint.size)
}

/// Makes and checks the directory.
fn fill(
    options: &Options,
    from: &RealDisk,
    list: &BackupList,
    part: &Path,
    within: &[String],
    newest: Option<u64>,
) -> Result<(), Failure> {
    let disk = backup::new_disk(part)?;
    put_back(from, disk.as_ref(), list).map_err(failure_of)?;
    backup::copy_keys(&options.keys, &part.join(KEYS))?;
    if let Some(newest) = newest {
        let why = format!(
            "it was restored from a backup of {} entries when a checkpoint of {newest} was known",
            list.size
        );
        retire(disk.as_ref(), &why).map_err(|error| Failure::io("mark", part, &error))?;
    }
    let config = Config::load(&part.join(config::FILE_NAME), false)?;
    let against = [std::slice::from_ref(&list.checkpoint), within].concat();
    let report = fsck(&disk, &directory::options(&config, false)?, &against);
    if report.is_sound() {
        return Ok(());
    }
    let findings: Vec<String> = report.findings.iter().take(5).cloned().collect();
    Err(Failure::failed(format!(
        "what the backup holds is not a sound log, and nothing was restored: {}",
        findings.join("; ")
    )))
}

/// Gives the checked directory its name, durably.
fn place(part: &Path, dir: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("create", dir, &error);
    fs::rename(part, dir).map_err(failed)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
}

fn tell(options: &Options, list: &BackupList, newest: Option<u64>) -> Result<(), Failure> {
    let dir = options.dir.display().to_string();
    if options.json {
        return terminal::json(&json!({
            "dir": dir, "newest_known": newest, "origin": list.origin, "read_only": newest.is_some(), "size": list.size,
        }));
    }
    terminal::data(&format!(
        "{}: {} with {} entries, every hash, signature and unit checked\n",
        terminal::printable(&dir),
        list.origin,
        list.size
    ))?;
    if newest.is_some() {
        terminal::say(&format!(
            "this copy is read only. To go on in a new log that cites it: tabellion init --origin HOST/log/NAME --continues {dir} --dir NEW"
        ));
    } else if options.nothing_newer {
        terminal::say(
            "it was compared with nothing that others hold. Ask your witnesses, and whoever has a receipt, before anything is appended",
        );
    }
    Ok(())
}
