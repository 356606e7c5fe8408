//! An `ario.events/v1` envelope for a record of the log, signed with an actor key in force.
//!
//! Promises: nothing of the record's content leaves; what is written was accepted by our own verifier first. An actor key signs the envelope because
//! envelopes are statements of whoever signs them, and no statement of ours has the bytes of one: ours are CBOR.

use std::path::PathBuf;

use clap::Args;
use tabellion_ledger::{Clock as _, SystemClock};
use tabellion_model::envelope::{EnvelopeContext, EventRecord, export_event, verify_envelope};

use crate::command::record::signer;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::perform::actors;
use crate::sealing::random_id;
use crate::{files, terminal};

/// What the payload's file name ends in.
const PAYLOAD_SUFFIX: &str = ".payload";

/// What to export.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// Index of the record's entry
    #[arg(value_name = "INDEX")]
    index: u64,
    /// Where the envelope goes; FILE.payload is written beside it, which says what the envelope is about
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The actor key to sign with [default: the one that init made]
    #[arg(long, value_name = "KEYID")]
    actor: Option<String>,
}

/// Exports.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let payload_path = files::beside(&options.out, PAYLOAD_SUFFIX);
    for path in [&options.out, &payload_path] {
        files::check_new(path, directory.path())?;
    }
    let reader = directory.reader()?;
    directory.check_env(&reader)?;
    let signer = signer(options.actor.as_deref(), &directory, &actors(&reader))?;
    let view = reader.entry(options.index)?;
    let header = view.entry.header().ok_or_else(|| {
        Failure::malformed(format!(
            "entry {} is a seal, which is no record; name a record's entry",
            options.index
        ))
    })?;
    let log = reader.origin();
    let record = EventRecord {
        log: &log,
        env: reader.env(),
        index: options.index,
        entry: &view.bytes,
        record_id: header.record_id,
        record_type: &header.record_type,
    };
    let made = export_event(&record, random_id()?, SystemClock.now(), signer.key.as_ref())
        .map_err(|error| Failure::failed(format!("the envelope cannot be signed: {error}")))?;
    let keys = [signer.key.public()];
    let context = EnvelopeContext {
        keys: &keys,
        payload: Some(&made.payload),
        allow_dev: true,
        ..EnvelopeContext::default()
    };
    let report = verify_envelope(&made.envelope, &context);
    if report.exit_code() != 0 {
        return Err(Failure::failed(format!(
            "the envelope made for entry {} does not verify; report this\n{}",
            options.index,
            report.to_text()
        )));
    }
    files::write_whole(&payload_path, &made.payload)?;
    files::write_whole(&options.out, &made.envelope)?;
    terminal::data(&format!(
        "{}  ario.events/v1 for entry {}  signed by {}  payload {}\n",
        terminal::printable(&options.out.display().to_string()),
        options.index,
        hex::encode(signer.key.public().as_bytes()),
        terminal::printable(&payload_path.display().to_string())
    ))
}
