//! `tabellion restore`: a data directory from a backup, checked before it is there.
//!
//! Promises: the directory appears whole, and only after every hash, signature and unit in it was checked and it was compared with what its operator has of
//! newer checkpoints; a copy that is older than those is marked, so that it never goes on. Must never: write over anything, or run code that a backup names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{
    BackupList, LaterErasures, Reader, backup_list, fsck, put_back, restore_content, restore_without_content,
    retire,
};
use tabellion_model::Purpose;
use tabellion_tlog::{SignedCheckpoint, VerifierKey};

use super::backup::{self, KEYS, failure_of};
use super::fsck::checkpoint_in;
use crate::config::{self, Config};
use crate::directory::{Directory, Place, TRUST_FILE};
use crate::failure::Failure;
use crate::{files, terminal, trust};

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
    /// The configuration of the restored log, in the place of the backup's, which nobody signed; has to be given where keys are in a token
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say that nobody holds a receipt or checkpoint newer than the backup
    #[arg(long, conflicts_with = "against")]
    nothing_newer: bool,
    /// Restore it to be read only, because newer checkpoints are known: nothing is ever appended to it
    #[arg(long, requires = "against", conflicts_with = "nothing_newer")]
    older_copy: bool,
    #[command(flatten)]
    content: Content,
    /// Print what was restored as JSON
    #[arg(long)]
    json: bool,
}

/// What of the content comes back.
#[derive(Debug, Clone, Args)]
struct Content {
    /// Newer copies of the log, data directories, with or without their vault: what they say was erased since the backup stays erased
    #[arg(long, value_name = "DIR", num_args = 1..)]
    erasures_from: Vec<PathBuf>,
    /// Restore the log alone: all content is gone for good, and the first start records that
    #[arg(long, conflicts_with = "erasures_from")]
    without_content: bool,
}

/// Restores.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let dir = &options.dir;
    files::check_new(dir, &options.from)?;
    let from = RealDisk::open(&options.from).map_err(|error| Failure::io("open", &options.from, &error))?;
    let list = backup_list(&from).map_err(failure_of)?;
    let kept = options
        .against
        .iter()
        .map(|path| Ok(Kept { path: path.clone(), text: checkpoint_in(path)? }))
        .collect::<Result<Vec<_>, Failure>>()?;
    let part = files::beside(dir, ".part");
    if part.exists() {
        return Err(Failure::malformed(format!(
            "{0} is there, left by a restore that was cut short, with the log's keys in it. Remove it and restore again: rm -r {0}",
            part.display()
        )));
    }
    let restored = fill(options, &from, &list, &part, &kept);
    match restored {
        Err(failure) => {
            drop(fs::remove_dir_all(&part)); // what was not checked to its end must not look like a log
            Err(failure)
        }
        Ok(known) => {
            place(&part, dir)?;
            tell(options, &list, &known)
        }
    }
}

/// A checkpoint that was kept elsewhere.
struct Kept {
    path: PathBuf,
    text: String,
}

/// What is known of a restored copy.
struct Known {
    /// Size of the newest checkpoint given, when it is newer than the backup.
    newest: Option<u64>,
    /// Why nothing may be appended to it; `None`: it goes on.
    retired: Option<String>,
}

/// Makes and checks the directory.
fn fill(
    options: &Options,
    from: &RealDisk,
    list: &BackupList,
    part: &Path,
    kept: &[Kept],
) -> Result<Known, Failure> {
    let disk = backup::new_disk(part)?;
    put_back(from, disk.as_ref(), list).map_err(failure_of)?;
    configure(options, part)?;
    backup::copy_keys(&options.keys, &part.join(KEYS))?;
    let directory = Directory::find(&Place { dir: part.to_owned(), config: None })?;
    let erased = give_content_back(options, list, &directory)?;
    let (reader, _) = Reader::open(directory.disk()?, &directory.options(false)?).map_err(|error| {
        Failure::failed(format!(
            "what the backup holds cannot be read with these keys, and nothing was restored: {}",
            Failure::from(error)
        ))
    })?;
    let sizes = kept
        .iter()
        .map(|kept| size_of_own(kept, &reader, options.older_copy))
        .collect::<Result<Vec<_>, _>>()?;
    let newest = sizes.iter().copied().filter(|size| *size > list.size).max();
    if let (Some(newest), false) = (newest, options.older_copy) {
        return Err(Failure::failed(format!(
            "the backup has {} entries, and the log has signed a checkpoint of {newest}: it is an older copy, and to go on with it would fork the log. Restore a \
             newer backup, or this one to be read only: --older-copy",
            list.size
        )));
    }
    check_erasures(options, newest, &erased)?;
    if options.older_copy {
        let than = newest.map_or_else(
            || "as a copy to be read only".to_owned(),
            |newest| format!("when a checkpoint of {newest} was known"),
        );
        let why = format!("it was restored from a backup of {} entries {than}", list.size);
        retire(disk.as_ref(), &why).map_err(|error| Failure::io("mark", part, &error))?;
    }
    let retired = directory.retired()?;
    if retired.is_none() {
        check_keys(&directory, &reader).map_err(|failure| {
            Failure::failed(format!(
                "{} is an older copy of the keys: the next record could not be signed, and nothing was restored. Name the copy that was made after the keys \
                 changed: {failure}",
                options.keys.display()
            ))
        })?;
    }
    let within =
        kept.iter().zip(&sizes).filter(|(_, size)| **size <= list.size).map(|(kept, _)| kept.text.clone());
    let against: Vec<String> = std::iter::once(list.checkpoint.clone()).chain(within).collect();
    let report = fsck(&disk, &directory.options(false)?, &against);
    if report.is_sound() {
        // What a backup says of whom to trust is nobody's word; the log's own keys say it.
        files::write_whole(&part.join(TRUST_FILE), trust::text(&reader)?.as_bytes())?;
        return Ok(Known { newest, retired });
    }
    let findings: Vec<String> = report.findings.iter().take(5).cloned().collect();
    Err(Failure::failed(format!(
        "what the backup holds is not a sound log, and nothing was restored: {}",
        findings.join("; ")
    )))
}

/// Puts the operator's configuration in the place of the backup's. Refused where there is none and the backup's names a library: whoever could write to the backup would have it run.
fn configure(options: &Options, part: &Path) -> Result<(), Failure> {
    let place = part.join(config::FILE_NAME);
    if let Some(own) = &options.config {
        Config::load(own, true)?;
        let bytes = fs::read(own).map_err(|error| Failure::io("read", own, &error))?;
        return fs::write(&place, bytes).map_err(|error| Failure::io("write", &place, &error));
    }
    let Some(module) = Config::load(&place, false)?.keys.module().map(Path::to_owned) else { return Ok(()) };
    Err(Failure::failed(format!(
        "the configuration in the backup names a library that would be run, {}, and nobody signed it: name yours, or this one once you have read it, with --config \
         {}. Nothing was restored",
        terminal::printable(&module.display().to_string()),
        options.from.join(config::FILE_NAME).display()
    )))
}

/// Gives the restored log its content back, but for what newer copies say was erased since; or none of it, where that is asked for.
fn give_content_back(
    options: &Options,
    list: &BackupList,
    directory: &Directory,
) -> Result<LaterErasures, Failure> {
    let (disk, open) = (directory.disk()?, directory.options(false)?);
    if options.content.without_content {
        restore_without_content(disk.as_ref(), &open).map_err(failure_of)?;
        return Ok(LaterErasures::default());
    }
    let mut erased = LaterErasures::default();
    for dir in &options.content.erasures_from {
        let newer = RealDisk::open(dir).map_err(|error| Failure::io("open", dir, &error))?;
        let named = |error| Failure::failed(format!("{}: {}", dir.display(), failure_of(error)));
        erased = erased.and(LaterErasures::read(&newer, list).map_err(named)?);
    }
    let refused = |error| Failure::failed(format!("{}; nothing was restored", failure_of(error)));
    restore_content(disk.as_ref(), list, &open, &erased).map_err(refused)?;
    Ok(erased)
}

/// Refuses content of an older copy when nobody says what was erased since: it would bring that back.
fn check_erasures(options: &Options, newest: Option<u64>, erased: &LaterErasures) -> Result<(), Failure> {
    match newest {
        Some(newest) if !options.content.without_content && erased.size < newest => {
            Err(Failure::failed(format!(
                "the log went on to {newest} entries, and what was erased in it since the backup would come back. Name a copy of the log that has them, if only its \
             segments are left (--erasures-from), or restore the log alone (--without-content); nothing was restored [erasures_unknown]"
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses keys of before a rotation: what signs the next record and its checkpoint must be there.
fn check_keys(directory: &Directory, reader: &Reader) -> Result<(), Failure> {
    let chain = reader.keys();
    for purpose in [Purpose::Log, Purpose::Writer] {
        if let Some(key) = chain.in_force(purpose, reader.size()) {
            directory.key_pair(purpose, &key.key_id)?;
        }
    }
    Ok(())
}

/// The size of a checkpoint that this log signed. A checkpoint of another log, or one that anybody could have made up, says nothing of this log; `older_copy`:
/// one that is newer than the backup need not be signed by a key that the backup knows, since the copy is marked either way.
fn size_of_own(kept: &Kept, reader: &Reader, older_copy: bool) -> Result<u64, Failure> {
    let refused = |why: String| {
        Failure::failed(format!(
            "{}: {why}. Name receipts and checkpoints of this log; nothing was restored",
            kept.path.display()
        ))
    };
    let signed = SignedCheckpoint::parse(kept.text.as_bytes()).map_err(|error| refused(error.to_string()))?;
    let (stated, origin) = (&signed.checkpoint, reader.origin());
    if stated.origin != origin.as_str() {
        return Err(refused(format!(
            "it is a checkpoint of the log {}, the backup is of {origin}",
            stated.origin
        )));
    }
    // A key that was granted after the backup was made is not known in it: such a checkpoint is newer than the backup, and cannot be told from a forged one.
    let keys = reader.keys();
    let is_signed = keys.grants().filter(|grant| grant.purpose == Purpose::Log).any(|grant| {
        let key = VerifierKey::new(origin.as_str(), grant.info.public);
        key.is_ok_and(|key| signed.verify_with(&key).is_ok())
    });
    if is_signed || (older_copy && stated.size > reader.size()) {
        return Ok(stated.size);
    }
    Err(refused(
        "no log key that the backup knows has signed it; it is forged, or of a key that is newer than the backup, and then a newer backup is needed".to_owned(),
    ))
}

/// Gives the checked directory its name, durably.
fn place(part: &Path, dir: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::io("create", dir, &error);
    fs::rename(part, dir).map_err(failed)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
}

fn tell(options: &Options, list: &BackupList, known: &Known) -> Result<(), Failure> {
    let dir = options.dir.display().to_string();
    if options.json {
        return terminal::json(&json!({
            "dir": dir, "newest_known": known.newest, "origin": list.origin, "read_only": known.retired.is_some(), "size": list.size,
        }));
    }
    terminal::data(&format!(
        "{}: {} with {} entries, every hash, signature and unit checked\n",
        terminal::printable(&dir),
        list.origin,
        list.size
    ))?;
    if options.config.is_none() {
        terminal::say(
            "tabellion.toml and witnesses.txt are the backup's, which nobody signed: read them before you start it, or hold them against the newest config.loaded record",
        );
    }
    if let Some(why) = &known.retired {
        terminal::say(&format!(
            "this copy is read only: {}. To go on in a new log that cites it: tabellion init --origin HOST/log/NAME --continues {dir} --dir NEW",
            terminal::printable(why)
        ));
    } else if options.nothing_newer {
        terminal::say(
            "it was compared with nothing that others hold. Ask your witnesses, and whoever has a receipt, before anything is appended",
        );
    }
    Ok(())
}
