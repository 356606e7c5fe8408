//! `tabellion export`: an evidence package for somebody else, and the record that it was made.
//!
//! Promises: the file appears whole, and only when its export is on record; the package is of the log as it was before that record. A log that records nothing
//! any more, as a copy that must not go on or one that a witness's conflict stopped, is exported without that record, and that is said. Must never: disclose more than asked for or configured; without either, nothing about a data subject and nothing that was captured of prompts and answers.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use tabellion_app::{ExportError, ExportRequest, Exported, export, package_key_at};
use tabellion_ledger::{Draft, Reader};
use tabellion_model::catalogue::Reference;
use tabellion_model::registry::{Facts, PackageExported};
use tabellion_model::{DisclosurePolicy, Micros, Purpose};

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::Request;
use crate::writer::Writer;
use crate::{files, terminal};

/// Bytes gathered before they are written to the package's file.
const BUFFER_BYTES: usize = 1 << 20;

/// What the package is to hold.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    /// A label for the reader; it selects no records. With iso42001 the package also says how clauses and controls stood
    #[arg(long, value_name = "LABEL")]
    framework: Option<String>,
    /// A clause or control to say that of, such as 8.4 or A.6.2.8; may be given more than once [default: all of them]
    #[arg(long, value_name = "REFERENCE")]
    reference: Vec<String>,
    /// First commit time inside: YYYY-MM-DD or RFC 3339 [default: the beginning]
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// First commit time outside [default: the end]
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Log size whose checkpoint the package proves against; the same size gives the same bytes [default: the newest]
    #[arg(long, value_name = "SIZE")]
    at: Option<u64>,
    /// Prove against the newest checkpoint that the witnesses cosigned; what was recorded since is left out
    #[arg(long, conflicts_with = "at")]
    witnessed: bool,
    /// Whose content is shown; business is all but what is about a data subject and captured prompts and answers [default: as configured, else business]
    #[arg(long, value_name = "WHAT")]
    disclose: Option<Disclose>,
    /// For whom it is made; recorded and sealed, for the log of who had it (tabellion log custody)
    #[arg(long = "for", value_name = "WHOM")]
    recipient: Option<String>,
    /// The package
    #[arg(long, value_name = "FILE.zip")]
    out: PathBuf,
    /// Print what was exported as JSON
    #[arg(long)]
    json: bool,
}

/// Disclosure policies, as the command line names them.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Disclose {
    All,
    Business,
    None,
}

impl From<Disclose> for DisclosurePolicy {
    fn from(name: Disclose) -> Self {
        match name {
            Disclose::All => Self::All,
            Disclose::Business => Self::Business,
            Disclose::None => Self::None,
        }
    }
}

/// Exports, and records that.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    files::check_new(&options.out, directory.path())?;
    let reader = directory.reader()?;
    let at = if options.witnessed { Some(cosigned_size(&reader)?) } else { options.at };
    let disclosure = options.disclose.map(DisclosurePolicy::from).or(directory.config().disclose);
    let request = ExportRequest {
        period: period(options.from.as_deref(), options.to.as_deref())?,
        at,
        framework: options.framework.clone(),
        references: references(&options.reference)?,
        disclosure: disclosure.unwrap_or(DisclosurePolicy::Business),
        content_of: None,
    };
    let (exported, index) =
        hand_out(&directory, &reader, &request, &options.out, options.recipient.as_deref())?;
    tell(options, &exported, &index)
}

fn cosigned_size(reader: &Reader) -> Result<u64, Failure> {
    let cosigned = reader.cosigned().ok_or_else(|| {
        Failure::failed("no checkpoint has been cosigned by enough witnesses yet; leave out --witnessed, or see tabellion doctor")
    })?;
    Ok(cosigned.checkpoint.size)
}

fn references(named: &[String]) -> Result<Vec<Reference>, Failure> {
    let read = named.iter().map(|text| Reference::parse(text));
    read.collect::<Result<_, _>>().map_err(|error| Failure::malformed(format!("--reference: {error}")))
}

/// Why an export of this log cannot be put on record: it never records anything again, or not before somebody has looked.
fn unrecordable(directory: &Directory, reader: &Reader) -> Result<Option<String>, Failure> {
    let marked = directory.retired()?;
    let stopped = || reader.conflict().map(|conflict| conflict.to_string());
    Ok(marked.map(|why| format!("nothing is appended to this copy of the log: {why}")).or_else(stopped))
}

/// Puts the package of `request`, made for `recipient`, at `out`, as soon as its export is on record where that is possible; gives the record's entry.
pub(crate) fn hand_out(
    directory: &Directory,
    reader: &Reader,
    request: &ExportRequest,
    out: &Path,
    recipient: Option<&str>,
) -> Result<(Exported, Result<u64, String>), Failure> {
    let key = package_key_at(reader, request.at).map_err(failure_of)?;
    let pair = directory.key_pair(Purpose::Package, &key)?;
    let temporary = files::beside(out, ".part");
    let failed = |error: std::io::Error| Failure::io("write the package", out, &error);
    let handed_out = File::create(&temporary).map_err(failed).and_then(|file| {
        let mut buffer = BufWriter::with_capacity(BUFFER_BYTES, file);
        let exported = export(reader, &pair, request, &mut buffer).map_err(failure_of)?;
        buffer.flush().and_then(|()| buffer.get_ref().sync_all()).map_err(failed)?;
        let index = match unrecordable(directory, reader)? {
            Some(why) => Err(why),
            None => Ok(Writer::with(directory, |writer| record(writer, &exported, recipient)).map_err(
                |failure| failure.with(". No package was written, because its export is not on record"),
            )?),
        };
        fs::rename(&temporary, out).map_err(failed)?;
        Ok((exported, index))
    });
    if handed_out.is_err() {
        drop(fs::remove_file(&temporary)); // nobody may hold what is not on record
    }
    handed_out
}

/// Appends the record of an export; gives its entry.
fn record(writer: &mut Writer, exported: &Exported, recipient: Option<&str>) -> Result<u64, Failure> {
    let facts = Facts::PackageExported(PackageExported {
        first: exported.first,
        count: exported.count,
        size: exported.size,
        manifest_sha256: exported.manifest_sha256,
    });
    let mut draft = Draft::new(facts.kind().name());
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.assurance = Some("observed".to_owned());
    if let Some(recipient) = recipient {
        draft.body.insert("recipient".to_owned(), recipient.into());
    }
    let records = writer.append(&Request::Append { drafts: vec![draft] })?;
    records
        .first()
        .map(|record| record.index)
        .ok_or_else(|| Failure::failed("the record of the export was answered without its place"))
}

fn tell(options: &Options, exported: &Exported, index: &Result<u64, String>) -> Result<(), Failure> {
    let totals = &exported.totals;
    if options.json {
        return terminal::json(&json!({
            "count": exported.count, "entry": index.as_ref().ok(), "first": exported.first, "left_out": exported.left_out, "manifest_sha256": exported.manifest_sha256.to_hex(),
            "not_recorded": index.as_ref().err(), "out": options.out.display().to_string(), "size": exported.size, "shown_personal": exported.shown_personal,
            "units": { "erased": totals.erased, "shown": totals.shown, "withheld": totals.withheld },
        }));
    }
    terminal::data(&format!(
        "{}: entries {} to {} of {}, {} units shown, {} withheld, {} erased; {}\n",
        terminal::printable(&options.out.display().to_string()),
        exported.first,
        (exported.first + exported.count).saturating_sub(1),
        exported.size,
        totals.shown,
        totals.withheld,
        totals.erased,
        index
            .as_ref()
            .map_or_else(|_| "NOT on record".to_owned(), |index| format!("recorded as entry {index}"))
    ))?;
    if let Err(why) = index {
        terminal::say(&format!("that this package was made is not on record: {}", terminal::printable(why)));
    }
    for damaged in &exported.left_out {
        terminal::say(&format!("evidence of an anchor is not in the package: {damaged}"));
    }
    if exported.shown_personal > 0 {
        terminal::say(&format!(
            "{} of the units shown are about data subjects; hand the package only to those who may see that, or use --disclose business",
            exported.shown_personal
        ));
    }
    Ok(())
}

/// The period that was named; a side that was not is open.
fn period(from: Option<&str>, to: Option<&str>) -> Result<Option<(Micros, Micros)>, Failure> {
    let read = |name: &str, text: &str| {
        Micros::parse_date(text)
            .map_err(|error| Failure::malformed(format!("{name} {text:?} is no date: {error}")))
    };
    let from = from.map(|text| read("--from", text)).transpose()?;
    let to = to.map(|text| read("--to", text)).transpose()?;
    Ok(match (from, to) {
        (None, None) => None,
        (from, to) => Some((from.unwrap_or_default(), to.unwrap_or(LAST_TIME))),
    })
}

/// The last time that a package can name: integers in signed JSON end at 2^53 − 1.
const LAST_TIME: Micros = Micros((1 << 53) - 1);

fn failure_of(error: ExportError) -> Failure {
    match error {
        ExportError::Ledger(error) => error.into(),
        ExportError::Backwards { .. } | ExportError::Empty { .. } | ExportError::Label => {
            Failure::malformed(error.to_string())
        }
        other => Failure::failed(other.to_string()),
    }
}
