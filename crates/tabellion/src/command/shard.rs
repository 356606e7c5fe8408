//! `tabellion shard`: which logs hand in their checkpoints here, for a log that is their root log (`docs/shards.md`).
//!
//! Must never: take a log's keys in without a word on where they came from.

use std::path::PathBuf;

use clap::Subcommand;
use tabellion_tlog::MAX_POLICY_BYTES;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::writer::{Writer, unexpected};
use crate::{files, terminal};

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Take a log's checkpoints from now on, or under other keys
    Register {
        #[command(flatten)]
        place: Place,
        /// That log's trust file, as its operator gave it to you
        #[arg(value_name = "FILE")]
        trust: PathBuf,
        /// The system whose API keys hand in its checkpoints
        #[arg(long, value_name = "ID")]
        system: String,
        /// Whose log that is, and how you came by its trust file; recorded
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    let Action::Register { place, trust, system, note } = action;
    let text = files::read_limited(trust, MAX_POLICY_BYTES as u64, "trust file")?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::malformed(format!("{} is no trust file: it is not text", trust.display())))?;
    let request = Request::RegisterShard { trust: text, system: system.clone(), note: note.clone() };
    let (id, origin, record) =
        Writer::with(&Directory::find(place)?, |writer| match writer.ask(&request)? {
            Answer::Shard { id, origin, record } => Ok((id, origin, record)),
            other => Err(unexpected(&other)),
        })?;
    terminal::data(&format!("checkpoints of {origin} are taken as shard {id}, entry {}\n", record.index))
}
