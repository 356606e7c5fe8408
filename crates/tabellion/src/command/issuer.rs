//! `tabellion issuer`: whose signed statements the log registers (SCITT).
//!
//! Must never: take a key in without a word on where it came from.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::writer::{Writer, unexpected};
use crate::{files, terminal};

/// A public key in PEM has less than 200 bytes.
const MAX_KEY_BYTES: u64 = 1024;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Register statements of an issuer under a key from now on
    Add {
        #[command(flatten)]
        place: Place,
        /// The issuer, as the claim `iss` of its statements has it
        #[arg(value_name = "ISSUER")]
        issuer: String,
        /// Its public key in PEM: Ed25519, or ECDSA on P-256
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Key id that its statements carry, hex [default: the key's COSE thumbprint alone]
        #[arg(long, value_name = "HEX")]
        kid: Option<String>,
        /// Who that is, and how you came by the key; recorded
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
    /// Register nothing more under a key; what was registered stays
    Remove {
        #[command(flatten)]
        place: Place,
        /// The key's id, as `list` shows it
        #[arg(value_name = "ID")]
        id: String,
        /// Why; recorded
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List every key of an issuer, also those removed
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Add { place, issuer, key, kid, note } => {
            let pem = files::read_limited(key, MAX_KEY_BYTES, "public key")?;
            let public_key = String::from_utf8(pem)
                .map_err(|_| Failure::malformed(format!("{} is not a public key in PEM", key.display())))?;
            let add = Request::AddIssuer {
                issuer: issuer.clone(),
                public_key,
                kid: kid.clone(),
                note: note.clone(),
            };
            let (id, index) = changed(place, &add)?;
            terminal::data(&format!("statements of {issuer} are registered under key {id}, entry {index}\n"))
        }
        Action::Remove { place, id, reason } => {
            let remove = Request::RemoveIssuer { id: id.clone(), reason: reason.clone() };
            let (id, index) = changed(place, &remove)?;
            terminal::data(&format!("nothing more is registered under key {id}, entry {index}\n"))
        }
        Action::List { place, json } => list(place, *json),
    }
}

fn changed(place: &Place, request: &Request) -> Result<(String, u64), Failure> {
    Writer::with(&Directory::find(place)?, |writer| match writer.ask(request)? {
        Answer::Issuer { id, record } => Ok((id, record.index)),
        other => Err(unexpected(&other)),
    })
}

fn list(place: &Place, as_json: bool) -> Result<(), Failure> {
    let issuers =
        Writer::with(&Directory::find(place)?, |writer| match writer.ask(&Request::ListIssuers {})? {
            Answer::Issuers { issuers } => Ok(issuers),
            other => Err(unexpected(&other)),
        })?;
    if as_json {
        return terminal::json(&json!(issuers));
    }
    for issuer in issuers {
        let standing = if issuer.counts { "counts" } else { "does not count" };
        let whose = issuer.issuer.as_deref().unwrap_or("(erased)");
        let algorithm = issuer.algorithm.as_deref().unwrap_or("(erased)");
        terminal::data(&format!("{}  {algorithm}  {standing}  {}\n", issuer.id, terminal::printable(whose)))?;
    }
    Ok(())
}
