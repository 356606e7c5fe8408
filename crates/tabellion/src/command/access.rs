//! `tabellion access`: what is kept about one person, in a file for them, and the record that it was made.
//!
//! Promises: the file appears whole, and only when it is on record. Must never: be made of a log that records nothing any more.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tabellion_app::{AccessError, AccessFile, AccessRequest, access};

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::Request;
use crate::writer::Writer;
use crate::{files, terminal};

/// About whom, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// The person, named as in the records
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// Why; recorded and sealed
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The entry to begin at, where the file before ended
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    from: u64,
    /// The file
    #[arg(long, value_name = "FILE.zip")]
    out: PathBuf,
    /// Print what was made as JSON
    #[arg(long)]
    json: bool,
}

/// Makes it, and records that.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    files::check_new(&options.out, directory.path())?;
    if options.reason.trim().is_empty() {
        return Err(Failure::malformed("give a reason: it is recorded"));
    }
    let reader = directory.reader()?;
    let names = tabellion_gateway::subject_names(&options.subject);
    let about = reader.about_subject(&names)?.ok_or_else(|| {
        Failure::failed(
            "nothing is kept about anybody of this name, and nothing was erased; ask by the other names that records may use. No file was written",
        )
    })?;
    let request = AccessRequest { subject: &options.subject, about: &about, from: options.from };
    let file = access(&reader, &request).map_err(|error| match error {
        AccessError::Ledger(error) => Failure::from(error),
        other => Failure::failed(other.to_string()),
    })?;
    let request = Request::RecordAccess { given: file.on_record(&options.subject, &options.reason) };
    let records = Writer::with(&directory, |writer| writer.append(&request))
        .map_err(|failure| failure.with(". No file was written, because it is not on record"))?;
    files::write_whole(&options.out, &file.bytes)?;
    tell(options, &file, records.first().map(|record| record.index))
}

fn tell(options: &Options, file: &AccessFile, index: Option<u64>) -> Result<(), Failure> {
    let out = options.out.display().to_string();
    if options.json {
        return terminal::json(&json!({
            "entry": index, "erased": file.erased, "from": file.from, "next": file.next, "out": out, "records": file.records, "sha256": file.sha256.to_hex(), "size": file.size,
        }));
    }
    terminal::data(&format!(
        "{}: {} records of {} entries, {} with content that was erased; recorded as entry {}\n",
        terminal::printable(&out),
        file.records,
        file.size,
        file.erased,
        index.map_or_else(|| "?".to_owned(), |index| index.to_string())
    ))?;
    if let Some(next) = file.next {
        terminal::say(&format!("this is not all: ask for the next file with --from {next}"));
    }
    Ok(())
}
