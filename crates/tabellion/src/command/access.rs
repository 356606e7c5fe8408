//! `tabellion access`: what is kept about one person, in a file for them, and the record that it was made.
//!
//! Promises: the file appears whole, and only when it is on record. Must never: be made of a log that records nothing any more.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tabellion_app::{AccessError, AccessFile, AccessRequest, AskedNames, access, sought};
use tabellion_ledger::{EntryView, Reader, SoughtName, UnitContent};
use tabellion_model::body::{Body as _, PersonAdded};

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
    /// The person, named as in the records; of a person of the console, also their name or address
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
    let mut names = tabellion_gateway::subject_names(&options.subject);
    let (about, person) = sought(&reader, &mut names, |asked| person_called(&reader, asked))?;
    let about = about.ok_or_else(|| {
        let names: Vec<String> = names.iter().map(|name| terminal::printable(name)).collect();
        Failure::failed(format!(
            "nothing is kept about anybody of this name, and nothing was erased; looked for: {}. Ask by the other names and writings that records may use. No file was written",
            names.join(", ")
        ))
    })?;
    let request = AccessRequest {
        subject: &options.subject,
        person: person.as_deref(),
        about: &about,
        from: options.from,
    };
    let file = access(&reader, &request).map_err(|error| match error {
        AccessError::Ledger(error) => Failure::from(error),
        other => Failure::failed(other.to_string()),
    })?;
    let request = Request::RecordAccess { given: file.on_record(&options.reason) };
    let records = Writer::with(&directory, |writer| writer.append(&request))
        .map_err(|failure| failure.with(". No file was written, because it is not on record"))?;
    files::write_whole(&options.out, &file.bytes)?;
    tell(options, &file, &about.names, records.first().map(|record| record.index))
}

/// The person of the console who goes by any of these names or addresses: the id that they are recorded under. Refused where several do, of whom one would be given what is kept about another.
fn person_called(reader: &Reader, asked: &AskedNames) -> Result<Option<String>, Failure> {
    let mut found = BTreeSet::new();
    reader.entries(0, reader.size(), |view| {
        let is_person =
            view.entry.header().is_some_and(|header| header.record_type.as_str() == PersonAdded::TYPE);
        if is_person
            && ["name", "email"].into_iter().any(|name| text(&view, name).is_some_and(|text| asked.has(text)))
        {
            found.extend(text(&view, "person").map(str::to_owned));
        }
        Ok(())
    })?;
    match found.len() {
        0 | 1 => Ok(found.pop_first()),
        more => Err(Failure::failed(format!(
            "{more} people of the console go by this name or address; ask for one of them by their id: {}. No file was written",
            found.into_iter().collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// A text that the entry shows under this name.
fn text<'v>(view: &'v EntryView, name: &str) -> Option<&'v str> {
    let fields = view.units.iter().filter_map(|unit| match &unit.content {
        UnitContent::Shown(fields) => Some(fields),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    fields.flatten().find(|field| field.name() == name)?.value().as_str()
}

fn tell(
    options: &Options,
    file: &AccessFile,
    names: &[SoughtName],
    index: Option<u64>,
) -> Result<(), Failure> {
    let out = options.out.display().to_string();
    let of = |wanted: fn(&SoughtName) -> bool| -> Vec<String> {
        names.iter().filter(|sought| wanted(sought)).map(|sought| sought.name.clone()).collect()
    };
    let found = of(|sought| sought.kept || sought.erased);
    let nothing = of(|sought| !sought.kept && !sought.erased);
    if options.json {
        return terminal::json(&json!({
            "entry": index, "erased": file.erased, "found_by": found, "from": file.from, "next": file.next, "not_found_by": nothing, "out": out, "records": file.records, "sha256": file.sha256.to_hex(), "size": file.size,
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
    let listed = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| terminal::printable(name)).collect();
        if names.is_empty() { "nothing else".to_owned() } else { names.join(", ") }
    };
    terminal::say(&format!(
        "found by: {}; looked for as well: {}; what was recorded under other writings is not in it",
        listed(&found),
        listed(&nothing)
    ));
    if let Some(next) = file.next {
        terminal::say(&format!("this is not all: ask for the next file with --from {next}"));
    }
    Ok(())
}
