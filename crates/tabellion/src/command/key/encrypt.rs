//! `tabellion key encrypt`: key files that lay in the open are encrypted, or all get another passphrase.
//!
//! Promises: every file is opened before the first is replaced. Must never: take a passphrase from the command line, where everybody on the machine reads it.

use std::path::PathBuf;

use clap::Args;
use tabellion_ledger::OsEntropy;
use tabellion_ledger::keyring::encrypt_keys;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::secret::{Asked, SecretPlace};
use crate::terminal;
use crate::writer::take_lock;

/// Where, and under what.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Encrypt under the passphrase in this file's first line, and what is encrypted already under it too
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

/// Encrypts.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let keys = &directory.config().keys;
    let old = keys.access(Asked::Known);
    let new = match &options.new_passphrase_file {
        Some(file) => keys.with_passphrase_at(SecretPlace::File(file.clone())).access(Asked::Anew),
        None if directory.has_encrypted_keys()? => old.clone(),
        None => keys.access(Asked::Anew),
    };
    let _lock = take_lock(directory.path())?;
    let count = encrypt_keys(directory.disk()?.as_ref(), &old, &new, &OsEntropy)?;
    terminal::data(&format!("encrypted {count} key files\n"))?;
    terminal::say(
        "Back up the keys directory again, and keep the passphrase apart from it: without either, content cannot be read and nothing more can be \
         signed.\nWhat lay in the open may be left on the disk and in older backups: if that matters, rotate the keys (tabellion key rotate).",
    );
    Ok(())
}
