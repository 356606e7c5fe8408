//! `tabellion vault`: the key that the keys of content are wrapped under.
//!
//! Must never: show a key, or say that a change is over before nothing is wrapped under the key of before.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{backup_list, restore_vault};

use super::backup::failure_of;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::terminal;
use crate::writer::{Writer, take_lock, unexpected};

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Make a new wrapping key and move every key of content to it, while the log goes on; the key before opens nothing any more
    Rotate {
        #[command(flatten)]
        place: Place,
        /// Why; recorded
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take the vault of a log that lost its own from a backup, while no server runs; what was erased since stays erased
    Restore {
        #[command(flatten)]
        place: Place,
        /// The backup
        #[arg(long, value_name = "BACKUP")]
        from: PathBuf,
        /// Print what came back as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Rotate { place, reason, json } => rotate(place, reason, *json),
        Action::Restore { place, from, json } => restore(place, from, *json),
    }
}

fn rotate(place: &Place, reason: &str, json: bool) -> Result<(), Failure> {
    let request =
        Request::RotateVaultKey { reason: reason.to_owned(), account: Some(crate::safeguards::account()) };
    let answer = Writer::with(&Directory::find(place)?, |writer| writer.ask(&request))?;
    let Answer::VaultRotated { generation, moved, begun, record } = answer else {
        return Err(unexpected(&answer));
    };
    if json {
        let ended = record.index;
        return terminal::json(
            &json!({ "begun": begun, "ended": ended, "generation": generation, "moved": moved }),
        );
    }
    terminal::data(&format!(
        "{moved} keys of content are under a new wrapping key, entries {begun} and {}\n",
        record.index
    ))?;
    terminal::say(
        "Back up the keys directory again: keys/vault.key is another one now, and the vault opens with no other. Copies of the vault that were made before need the \
         key of before: destroy both where what was erased since must not come back.",
    );
    Ok(())
}

fn restore(place: &Place, from: &Path, json: bool) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let _lock = take_lock(directory.path())?;
    let backup = RealDisk::open(from).map_err(|error| Failure::io("open", from, &error))?;
    let list = backup_list(&backup).map_err(failure_of)?;
    let back = restore_vault(directory.disk()?.as_ref(), &backup, &list, &directory.options(false)?)
        .map_err(failure_of)?;
    if json {
        return terminal::json(&json!({ "keys": back.keys, "missing": back.missing }));
    }
    terminal::data(&format!("{} keys of content are back\n", back.keys))?;
    if back.missing > 0 {
        let dir = directory.path().display();
        terminal::say(&format!(
            "{} keys of what was recorded after the backup are not in it. Look for a newer backup first. If there is none, what was kept under them is lost (entries, proofs and receipts are not): \
             say so by install -m 600 /dev/null {dir}/vault/lost, and the next start records that",
            back.missing
        ));
    }
    Ok(())
}
