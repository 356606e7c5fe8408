//! Envelopes onto the record: the bytes as they came, in a statement that says in clear what they are and what was checked.
//!
//! Promises: all files are checked before any is recorded; a broken one stops all of them; the same envelope again, in whatever layout, answers its
//! first receipt.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};
use tabellion_ledger::{Clock as _, SystemClock};
use tabellion_model::envelope::Found;
use tabellion_model::registry::{self, EnvelopeImported, Facts};
use tabellion_model::{Entry, Env, Outcome, ProducerId, Receipt, RecordType, Report};

use super::{Believed, Evidence, read_envelope};
use crate::command::record::{last_epoch, log_of, receipt_path, remembered, signer};
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Appended, Request, SignedStatement};
use crate::sealing::{Epoch, Said};
use crate::writer::Writer;
use crate::{files, terminal};

/// Most envelopes of one command: with their content they fit into one step of the log ([`MAX_BYTES`]), which succeeds or fails whole.
const MAX_FILES: usize = 120;
/// Most bytes of envelopes in one command; as base64 inside disclosures they grow by 16/9, and a step holds 3 MiB with room to spare.
const MAX_BYTES: usize = 3 << 19;

/// What to import.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Envelopes or proof bundles; FILE.receipt is written beside each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    believed: Believed,
    /// The actor key to sign with [default: the one that init made]
    #[arg(long, value_name = "KEYID")]
    actor: Option<String>,
    /// Print what was recorded as JSON, one line each
    #[arg(long)]
    json: bool,
}

/// A file that may be imported.
struct Checked {
    path: PathBuf,
    bytes: Vec<u8>,
    facts: EnvelopeImported,
}

impl Checked {
    /// What makes it the same envelope: not its layout.
    fn idempotency_key(&self) -> String {
        format!("envelope/{}", self.facts.digest.to_hex())
    }

    fn fields(&self) -> Vec<(String, Value)> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        vec![
            ("content".to_owned(), STANDARD.encode(&self.bytes).into()),
            ("media_type".to_owned(), "application/json".into()),
            ("name".to_owned(), name.into()),
            ("sha256".to_owned(), tabellion_tlog::sha256(&self.bytes).to_hex().into()),
            ("size".to_owned(), (self.bytes.len() as u64).into()),
        ]
    }
}

/// Imports.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let evidence = Evidence::read(&options.believed, options.files.len())?;
    let checked = options.files.iter().map(|file| check(file, &evidence)).collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = checked.iter().map(|file| file.bytes.len()).sum();
    if checked.len() > MAX_FILES || bytes > MAX_BYTES {
        return Err(Failure::malformed(format!(
            "{} files with {bytes} bytes are too many for one step; import at most {MAX_FILES} with {MAX_BYTES} bytes at a time",
            checked.len()
        )));
    }
    Writer::with(&directory, |writer| record(options, &directory, writer, &checked))
}

/// Reads and verifies a file; what is broken or malformed is refused with its code.
fn check(file: &std::path::Path, evidence: &Evidence) -> Result<Checked, Failure> {
    let bytes = read_envelope(file)?;
    let report = evidence.verify(&bytes);
    let fault =
        report.checks.iter().find(|check| matches!(check.outcome, Outcome::Broken | Outcome::Malformed));
    if let Some(fault) = fault {
        let text = format!(
            "{}: {}: {}. Nothing was imported; tabellion envelope verify says more",
            terminal::printable(&file.display().to_string()),
            fault.name,
            fault.detail
        );
        return Err(if fault.outcome == Outcome::Broken {
            Failure::failed(text)
        } else {
            Failure::malformed(text)
        });
    }
    let found = Found::parse(&bytes, evidence.legacy)
        .map_err(|error| Failure::malformed(format!("{}: {error} [{}]", file.display(), error.code())))?;
    Ok(Checked { path: file.to_owned(), facts: facts(&found, &report), bytes })
}

fn facts(found: &Found, report: &Report) -> EnvelopeImported {
    let holds = |name: &str| report.check(name).is_some_and(|check| check.outcome == Outcome::Holds);
    let envelope = found.envelope();
    EnvelopeImported {
        digest: found.digest(),
        kind: found.kind(),
        payload_checked: holds("payload"),
        payload_hash: envelope.payload_hash,
        signer: *envelope.public_key.as_bytes(),
        signer_known: holds("signer"),
    }
}

fn record(
    options: &Options,
    directory: &Directory,
    writer: &mut Writer,
    checked: &[Checked],
) -> Result<(), Failure> {
    let (origin, env, actors) = log_of(writer)?;
    refuse_dev_in_production(options, env)?;
    let signer = signer(options.actor.as_deref(), directory, &actors)?;
    let mut seen = BTreeSet::new();
    let mut fresh = Vec::new();
    for file in checked.iter().filter(|file| seen.insert(file.facts.digest)) {
        match remembered(writer, Some(&signer.key_id()), &file.idempotency_key())? {
            (_, Some(index)) => {
                let (first, said) = first_import(writer, index, file)?;
                tell(writer, options, (file, &said), &first)?;
            }
            (tag, None) => fresh.push((file, tag)),
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    let previous = last_epoch(writer, &ProducerId::of_key(&signer.key_id()))?;
    let (mut epoch, opened) = Epoch::open(&origin, env, &signer, previous, SystemClock.now())?;
    let mut statements = vec![opened];
    for (file, tag) in &fresh {
        statements.push(state(&mut epoch, file, *tag)?);
    }
    statements.push(epoch.close()?);
    let records = writer.append(&Request::AppendStatements { statements })?;
    // The first is the epoch's opening, the last its end.
    let mut placed = fresh.iter().zip(records.iter().skip(1));
    placed.try_for_each(|((file, _), record)| tell(writer, options, (file, &file.facts), record))
}

/// A mark inside the signed bytes says that it was made for trying out; a production log is no place for it, whatever was asked for.
fn refuse_dev_in_production(options: &Options, env: Env) -> Result<(), Failure> {
    if options.believed.dev && env == Env::Production {
        return Err(Failure::malformed(
            "--dev accepts what was made for trying out, and this is a production log; import it into a sandbox log [dev_environment]",
        ));
    }
    Ok(())
}

fn state(
    epoch: &mut Epoch<'_>,
    file: &Checked,
    tag: tabellion_tlog::Hash,
) -> Result<SignedStatement, Failure> {
    let facts = Facts::EnvelopeImported(file.facts);
    let record_type =
        RecordType::new(facts.kind().name()).map_err(|error| Failure::failed(error.to_string()))?;
    epoch.state(Said {
        record_type,
        system: None,
        subject: None,
        idem: Some(tag),
        parents: Vec::new(),
        clear: facts.to_clear(),
        fields: file.fields(),
    })
}

/// The record at `index`, when it is this envelope's, and what it says: what was checked then, not now.
fn first_import(
    writer: &mut Writer,
    index: u64,
    file: &Checked,
) -> Result<(Appended, EnvelopeImported), Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::failed(format!(
            "entry {index}, recorded for this envelope, cannot be read: {error}; run tabellion fsck"
        ))
    };
    let receipt = Receipt::parse(writer.receipt(index)?.as_bytes()).map_err(|error| unreadable(&error))?;
    let entry = Entry::parse(&receipt.entry).map_err(|error| unreadable(&error))?;
    let header = entry.header().ok_or_else(|| unreadable(&"it is a seal"))?;
    let said = match registry::facts(header) {
        Ok(Some(Facts::EnvelopeImported(said))) if said.digest == file.facts.digest => said,
        _ => {
            return Err(Failure::failed(format!(
                "the idempotency key of this envelope was used for another record (entry {index}); nothing was recorded [idempotency_conflict]"
            )));
        }
    };
    if receipt.disclosures.is_empty() {
        return Err(Failure::failed(format!(
            "this envelope was recorded as entry {index}, whose content is erased; it is not recorded again under the same key [idempotency_erased]"
        )));
    }
    let size = tabellion_tlog::SignedCheckpoint::parse(receipt.checkpoint.as_bytes())
        .map_err(|error| unreadable(&error))?
        .checkpoint
        .size;
    Ok((Appended { index, record_id: header.record_id.to_hex(), size, duplicate: true }, said))
}

/// Writes the receipt and prints the line of one file.
fn tell(
    writer: &mut Writer,
    options: &Options,
    (file, facts): (&Checked, &EnvelopeImported),
    record: &Appended,
) -> Result<(), Failure> {
    let receipt = writer.receipt(record.index)?;
    let path = receipt_path(&file.path, record.index, receipt.as_bytes());
    files::write_whole(&path, receipt.as_bytes())?;
    if options.json {
        return terminal::json_line(&json!({
            "digest": facts.digest.to_hex(), "duplicate": record.duplicate, "file": file.path.display().to_string(), "index": record.index,
            "kind": facts.kind.as_str(), "payload_checked": facts.payload_checked, "receipt": path.display().to_string(),
            "record_id": record.record_id, "signer": hex::encode(facts.signer), "signer_known": facts.signer_known,
        }));
    }
    let open: Vec<&str> = [(facts.payload_checked, "payload"), (facts.signer_known, "signer")]
        .into_iter()
        .filter_map(|(checked, name)| (!checked).then_some(name))
        .collect();
    let open = if open.is_empty() { String::new() } else { format!(", not checked: {}", open.join(" and ")) };
    let before = if record.duplicate { " (recorded before)" } else { "" };
    terminal::data(&format!(
        "{}  {}  entry {}  record {}  receipt {}  signature holds{open}{before}\n",
        terminal::printable(&file.path.display().to_string()),
        facts.kind.as_str(),
        record.index,
        record.record_id,
        terminal::printable(&path.display().to_string())
    ))
}
