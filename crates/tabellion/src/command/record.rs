//! `tabellion record`: files become signed statements, drafts become sealed records; both are durable before anything is said.
//!
//! Promises: a line is printed only for what is durable; a retry under the same idempotency key gives the first receipt. Must never: send the
//! operator's key anywhere.

mod drafts;
mod file;
mod retry;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tabellion_ledger::keyring::{self, KeyPair};
use tabellion_ledger::{Clock as _, SystemClock};
use tabellion_model::registry::PreviousEpoch;
use tabellion_model::{Env, KeyId, Origin, ProducerId, Purpose, RecordType, SystemId};
use tabellion_tlog::Hash;

use crate::command::log::level::Wanted;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Appended, Request, SignedStatement};
use crate::sealing::{Epoch, Said};
use crate::writer::{Writer, unexpected};
use crate::{files, terminal};

use file::FileFacts;

/// Most statements and most of their bytes that are appended in one step: two of these fit into one commit with room to spare.
const GROUP_STATEMENTS: usize = 128;
const GROUP_BYTES: usize = 3 << 20;
/// Type of a file's record when none is named.
const DEFAULT_TYPE: &str = "document.captured";
/// What a receipt's name ends in.
const RECEIPT_SUFFIX: &str = ".receipt";

/// What to record.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Files to record, each as a statement signed with the operator's key; FILE.receipt is written beside each. `-` alone reads drafts
    /// from standard input
    #[arg(value_name = "FILE", required_unless_present = "drafts")]
    files: Vec<PathBuf>,
    /// Record drafts instead: JSON, one per line, sealed by the log
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "record_type", "system", "subject", "with_content", "actor", "idempotency_key"])]
    drafts: Option<PathBuf>,
    /// Record type [default: document.captured]
    #[arg(long = "type", value_name = "TYPE")]
    record_type: Option<String>,
    /// The AI system it is about
    #[arg(long, value_name = "ID")]
    system: Option<String>,
    /// The person it is about; kept so that it is erased with everything else about them
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Keep the content too, not only name, size and SHA-256
    #[arg(long)]
    with_content: bool,
    /// The actor key to sign with [default: the one that init made]
    #[arg(long, value_name = "KEYID")]
    actor: Option<String>,
    /// Makes a retry safe: the same key and file give the first receipt, another file is refused
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// Print what was recorded as JSON, one line each
    #[arg(long)]
    json: bool,
}

/// Records.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let from_stdin = options.files.iter().any(|file| file.as_os_str() == "-");
    if from_stdin && options.files.len() > 1 {
        return Err(Failure::malformed(
            "`-` reads drafts from standard input and stands alone; record files in a command of their own",
        ));
    }
    match options.drafts.as_deref() {
        Some(file) => drafts::record(&directory, file, options),
        None if from_stdin => drafts::record(&directory, Path::new("-"), options),
        None => record_files(options, &directory),
    }
}

/// What every statement of one invocation shares.
struct Common {
    record_type: RecordType,
    system: Option<SystemId>,
}

fn record_files(options: &Options, directory: &Directory) -> Result<(), Failure> {
    if options.idempotency_key.is_some() && options.files.len() != 1 {
        return Err(Failure::malformed("an idempotency key stands for one record; give one FILE with it"));
    }
    let name = options.record_type.as_deref().unwrap_or(DEFAULT_TYPE);
    let record_type =
        RecordType::new(name).map_err(|error| Failure::malformed(format!("--type {name:?}: {error}")))?;
    let system = options.system.as_deref().map(|hex| {
        SystemId::from_hex(hex).ok_or_else(|| {
            Failure::malformed(format!("--system {hex:?} is not an id of 32 lower-case hex digits"))
        })
    });
    let common = Common { record_type, system: system.transpose()? };
    let facts = options
        .files
        .iter()
        .map(|file| FileFacts::of(file, options.with_content))
        .collect::<Result<Vec<_>, _>>()?;
    Writer::with(directory, |writer| {
        let last = state_files(options, directory, writer, &common, &facts)?;
        options.wanted.wait(writer, last, directory.path(), options.json)
    })
}

fn state_files(
    options: &Options,
    directory: &Directory,
    writer: &mut Writer,
    common: &Common,
    facts: &[FileFacts],
) -> Result<Option<u64>, Failure> {
    let (origin, env, actors) = log_of(writer)?;
    let signer = signer(options.actor.as_deref(), directory, &actors)?;
    let producer = ProducerId::of_key(&signer.key_id());
    let mut idem = None;
    if let (Some(key), Some(file)) = (&options.idempotency_key, facts.first()) {
        let (tag, index) = remembered(writer, Some(&signer.key_id()), key)?;
        if let Some(index) = index {
            let record = retry::same(writer, index, common, options.subject.as_deref(), file)?;
            return tell(writer, options, file, &record).map(|()| Some(record.index));
        }
        idem = Some(tag);
    }
    let previous = last_epoch(writer, &producer)?;
    let (mut epoch, opened) = Epoch::open(&origin, env, &signer, previous, SystemClock.now())?;
    let mut group = vec![opened];
    let mut waiting: Vec<&FileFacts> = Vec::new();
    for file in facts {
        let statement = epoch.state(Said {
            record_type: common.record_type.clone(),
            system: common.system,
            subject: options.subject.clone(),
            idem,
            parents: Vec::new(),
            clear: None,
            fields: file.fields(),
        })?;
        if group.len() >= GROUP_STATEMENTS || bytes_of(&group) + size_of(&statement) > GROUP_BYTES {
            append(writer, options, std::mem::take(&mut group), std::mem::take(&mut waiting))?;
        }
        group.push(statement);
        waiting.push(file);
    }
    group.push(epoch.close()?);
    append(writer, options, group, waiting)
}

/// Appends a group, says what became of the files in it, and gives the last one's entry. The group may begin and end with the epoch's own records.
fn append(
    writer: &mut Writer,
    options: &Options,
    group: Vec<SignedStatement>,
    facts: Vec<&FileFacts>,
) -> Result<Option<u64>, Failure> {
    let is_content = |statement: &SignedStatement| !statement.disclosures.is_empty();
    let content: Vec<bool> = group.iter().map(is_content).collect();
    let records = writer.append(&Request::AppendStatements { statements: group })?;
    let records = records.iter().zip(content).filter(|(_, content)| *content).map(|(record, _)| record);
    let mut last = None;
    for (record, file) in records.zip(facts) {
        tell(writer, options, file, record)?;
        last = Some(record.index);
    }
    Ok(last)
}

/// Writes the receipt and prints the line of one file.
fn tell(writer: &mut Writer, options: &Options, file: &FileFacts, record: &Appended) -> Result<(), Failure> {
    let receipt = writer.receipt(record.index)?;
    let path = receipt_path(&file.path, record.index, receipt.as_bytes());
    files::write_whole(&path, receipt.as_bytes()).map_err(|failure| {
        failure.with(&format!(
            ". The record is durable as entry {}; get its receipt with: tabellion log prove {} --dir {} --out OTHER.receipt",
            record.index,
            record.index,
            options.place.dir.display()
        ))
    })?;
    if options.json {
        return terminal::json_line(&json!({
            "duplicate": record.duplicate, "file": file.path.display().to_string(), "index": record.index,
            "receipt": path.display().to_string(), "record_id": record.record_id, "sha256": file.sha256, "size": record.size,
        }));
    }
    let before = if record.duplicate { " (recorded before)" } else { "" };
    terminal::data(&format!(
        "{}  entry {}  record {}  receipt {}{before}\n",
        terminal::printable(&file.path.display().to_string()),
        record.index,
        record.record_id,
        terminal::printable(&path.display().to_string())
    ))
}

/// FILE.receipt; where another record's receipt is there already, FILE.INDEX.receipt, so that none is lost.
pub(crate) fn receipt_path(file: &Path, index: u64, receipt: &[u8]) -> PathBuf {
    let path = files::beside(file, RECEIPT_SUFFIX);
    match fs::read(&path) {
        Ok(there) if there != receipt => files::beside(file, &format!(".{index}{RECEIPT_SUFFIX}")),
        _ => path,
    }
}

fn size_of(statement: &SignedStatement) -> usize {
    statement.entry.len() + statement.disclosures.iter().map(String::len).sum::<usize>()
}

fn bytes_of(group: &[SignedStatement]) -> usize {
    group.iter().map(size_of).sum()
}

/// Which log this is, and its actor keys in force.
pub(crate) fn log_of(writer: &mut Writer) -> Result<(Origin, Env, Vec<String>), Failure> {
    let Answer::Status { origin, env, actors, .. } = writer.ask(&Request::Status {})? else {
        return Err(Failure::failed(
            "the log does not say what it is; run the same version of tabellion on both sides",
        ));
    };
    let unreadable = |what: &str| {
        Failure::failed(format!("the log names an {what} that this version does not know; update tabellion"))
    };
    let env = Env::parse(&env).ok_or_else(|| unreadable("environment"))?;
    Ok((Origin::new(&origin).map_err(|_| unreadable("origin"))?, env, actors))
}

/// The key to sign with: the named one, else the first actor key in force whose file is here.
pub(crate) fn signer(
    named: Option<&str>,
    directory: &Directory,
    actors: &[String],
) -> Result<KeyPair, Failure> {
    let disk = directory.disk()?;
    if let Some(name) = named {
        let key_id = KeyId::from_hex(name).ok_or_else(|| {
            Failure::malformed(format!(
                "--actor {name:?} is not a key id of 64 lower-case hex digits (tabellion key list)"
            ))
        })?;
        return directory.key_pair(Purpose::Actor, &key_id);
    }
    let here = keyring::list_keys(disk.as_ref(), Purpose::Actor)?;
    let first = actors.iter().find_map(|key_id| here.iter().find(|key| key.to_hex() == *key_id));
    let first = first.ok_or_else(|| {
        Failure::failed(format!(
            "no actor key that is in force has its file in {}/keys. Put the file back from your key backup, or create a key: tabellion key create",
            directory.path().display()
        ))
    })?;
    directory.key_pair(Purpose::Actor, first)
}

/// The tag of an idempotency key of `signer` (of the log itself without one), and the entry recorded under it.
pub(crate) fn remembered(
    writer: &mut Writer,
    signer: Option<&KeyId>,
    key: &str,
) -> Result<(Hash, Option<u64>), Failure> {
    match writer.ask(&Request::Remembered { signer: signer.map(KeyId::to_hex), key: key.to_owned() })? {
        Answer::Remembered { tag, index } => {
            let tag = Hash::from_hex(&tag)
                .ok_or_else(|| Failure::failed("the log gave an idempotency tag that is no hash"))?;
            Ok((tag, index))
        }
        other => Err(unexpected(&other)),
    }
}

/// How the last epoch of `producer` ended.
pub(crate) fn last_epoch(
    writer: &mut Writer,
    producer: &ProducerId,
) -> Result<Option<PreviousEpoch>, Failure> {
    match writer.ask(&Request::Producer { producer: producer.to_hex() })? {
        Answer::Producer { last } => Ok(last.map(|last| PreviousEpoch {
            closed: last.closed,
            epoch: last.epoch,
            last_seq: last.last_seq,
        })),
        other => Err(unexpected(&other)),
    }
}
