//! `tabellion log`: looking at what is recorded, and proofs of it.
//!
//! Promises: reads the committed prefix, also while a server writes; changes nothing, but for `resume`, which is recorded.

mod custody;
mod find;
pub(crate) mod level;
mod prove;
mod shards;
mod show;
mod tail;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use tabellion_ledger::Reader;
use tabellion_model::Micros;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::Request;
use crate::terminal;
use crate::writer::Writer;

/// What to look at.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Size, root, time and the newest signed checkpoint
    Head {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// One entry: its header, what it discloses here, what is withheld or erased
    Show {
        #[command(flatten)]
        place: Place,
        /// The entry
        #[arg(value_name = "INDEX")]
        index: u64,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Whose hands a package went through: who exported it, when and for whom, and who signed that they have it (statement hash, registered)
    Custody {
        #[command(flatten)]
        place: Place,
        /// The package
        #[arg(value_name = "FILE.zip")]
        file: PathBuf,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// The records that speak of a content, by its SHA-256: as the thing itself (asset), as what it should be (baseline), or as what it was found to be (observed)
    Find {
        #[command(flatten)]
        place: Place,
        /// The SHA-256: 64 hex digits, with sha256: before them or without
        #[arg(value_name = "SHA256", required_unless_present = "file")]
        digest: Option<String>,
        /// The content itself
        #[arg(long, value_name = "FILE", conflicts_with = "digest")]
        file: Option<PathBuf>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// How far the evidence of an entry has come: durable, included, witnessed, anchored
    Level {
        #[command(flatten)]
        place: Place,
        /// The entry
        #[arg(value_name = "INDEX")]
        index: u64,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// A proof of one entry, to hand out
    Prove {
        #[command(flatten)]
        place: Place,
        /// The entry
        #[arg(value_name = "INDEX")]
        index: u64,
        /// Which kind of proof
        #[arg(long, value_name = "FORMAT", default_value = "receipt")]
        format: prove::Format,
        /// Prove it under the newest checkpoint that the witnesses cosigned, with their signatures; receipts only
        #[arg(long)]
        witnessed: bool,
        /// Prove it under a checkpoint that anchors confirmed, with their evidence; receipts only
        #[arg(long, conflicts_with = "witnessed")]
        anchored: bool,
        #[command(flatten)]
        shown: prove::Shown,
        /// Where to write it [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify up to 50,000 entries at once; the result is signed, recorded, and checked offline like a package
    #[command(after_help = verify::EXIT_CODES)]
    Verify(verify::Options),
    /// Let a log record again that stopped because a witness knows another tree of it
    Resume {
        #[command(flatten)]
        place: Place,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// As a root log: each log whose checkpoints it takes, held against itself and, where given, against that log
    #[command(after_help = shards::EXIT_CODES)]
    Shards {
        #[command(flatten)]
        place: Place,
        /// Data directory of a shard to compare with; may be given several times
        #[arg(long = "shard", value_name = "DIR")]
        shards: Vec<PathBuf>,
        /// Where shards hand out their logs, to compare with what they say now: lines ORIGIN URL [TOKEN-FILE]
        #[arg(long, value_name = "FILE")]
        live: Option<PathBuf>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// The last entries, and those that follow
    Tail {
        #[command(flatten)]
        place: Place,
        /// How many
        #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 10)]
        lines: u32,
        /// Go on printing what is appended, until interrupted
        #[arg(long, short)]
        follow: bool,
        /// Print as JSON, one line each
        #[arg(long)]
        json: bool,
    },
}

/// Looks.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Head { place, json } => head(&Directory::find(place)?.reader()?, *json),
        Action::Show { place, index, json } => show::run(&Directory::find(place)?.reader()?, *index, *json),
        Action::Custody { place, file, json } => {
            custody::run(&Directory::find(place)?.reader()?, file, *json)
        }
        Action::Find { place, digest, file, json } => {
            let digest = find::digest_of(digest.as_deref(), file.as_deref())?;
            find::run(&Directory::find(place)?.reader()?, &digest, *json)
        }
        Action::Level { place, index, json } => level::run(&Directory::find(place)?.reader()?, *index, *json),
        Action::Prove { place, index, format, witnessed, anchored, shown, out } => {
            let evidence = prove::Evidence::of(*witnessed, *anchored);
            prove::run(&Directory::find(place)?, *index, *format, evidence, shown, out.as_deref())
        }
        Action::Verify(options) => verify::run(options),
        Action::Resume { place, reason } => {
            let request = Request::LiftConflict { reason: reason.clone() };
            let records = Writer::with(&Directory::find(place)?, |writer| writer.append(&request))?;
            let index = records.first().map(|record| record.index).unwrap_or_default();
            terminal::data(&format!("the log records again, entry {index}\n"))
        }
        Action::Shards { place, shards, live, json } => {
            shards::run(&Directory::find(place)?.reader()?, shards, live.as_deref(), *json)
        }
        Action::Tail { place, lines, follow, json } => {
            tail::run(&Directory::find(place)?, *lines, *follow, *json)
        }
    }
}

fn head(reader: &Reader, as_json: bool) -> Result<(), Failure> {
    let size = reader.size();
    let root = reader.root_at(size)?.to_hex();
    let committed_at = committed_at(reader)?;
    let checkpoint = reader.checkpoint();
    if as_json {
        return terminal::json(&json!({
            "checkpoint": &*checkpoint, "committed_at": committed_at.0, "env": reader.env().as_str(), "origin": reader.origin().as_str(),
            "root": root, "size": size,
        }));
    }
    terminal::data(&format!(
        "log         {}\nenvironment {}\nsize        {size}\nroot        {root}\ncommitted   {committed_at}\n\n{checkpoint}",
        reader.origin(),
        reader.env()
    ))
}

/// When the newest commit was made.
fn committed_at(reader: &Reader) -> Result<Micros, Failure> {
    let last = reader.size().saturating_sub(1);
    match reader.entry(last)?.entry {
        tabellion_model::Entry::Seal(seal) => Ok(seal.seal.committed_at),
        _ => Err(Failure::failed(format!("entry {last} ends the log and is no seal; run tabellion fsck"))),
    }
}
