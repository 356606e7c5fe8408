//! `tabellion vault`: the key that the keys of content are wrapped under.
//!
//! Must never: show a key, or say that a change is over before nothing is wrapped under the key of before.

use clap::Subcommand;
use serde_json::json;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

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
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    let Action::Rotate { place, reason, json } = action;
    let request =
        Request::RotateVaultKey { reason: reason.clone(), account: Some(crate::safeguards::account()) };
    let answer = Writer::with(&Directory::find(place)?, |writer| writer.ask(&request))?;
    let Answer::VaultRotated { generation, moved, begun, record } = answer else {
        return Err(unexpected(&answer));
    };
    if *json {
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
