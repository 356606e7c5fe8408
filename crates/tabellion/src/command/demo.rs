//! `tabellion demo`: the whole story once, on sample data of a fictional bank: record, approve, rotate a key, erase, export, verify.
//!
//! Promises: needs no network; a second run on the same directory goes on where the first ended. Must never: touch a log that is not its own.

mod recorder;
mod sample;
mod verdicts;

use std::path::PathBuf;

use clap::Args;
use tabellion_app::ExportRequest;
use tabellion_ledger::NewLog;
use tabellion_model::{DisclosurePolicy, Env, Origin};

use super::{export, init, serve};
use crate::config::Config;
use crate::directory::{self, Directory, Place, TRUST_FILE};
use crate::failure::Failure;
use crate::request::{Answer, Request, Response, Target};
use crate::terminal;
use crate::writer::{Writer, unexpected};

use recorder::Recorder;

/// The fictional bank's log.
const HOST: &str = "notary.brisant-credit.example";
const TENANT: &str = "lending";
/// The package of the story.
const PACKAGE: &str = "evidence.zip";
/// Who asks to be forgotten in the story.
const FORGOTTEN: &str = "customer-1017";

/// What is said of them when there is nothing left to erase.
const FORGOTTEN_BEFORE: &str = "   An earlier run has erased everything about them already.\n\n";

/// Where the story takes place.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The directory of the demo's log; made when it is not there
    #[arg(long, value_name = "DIR", default_value = "tabellion-demo")]
    dir: PathBuf,
    /// Tell the story and end; without it the log is served afterwards
    #[arg(long)]
    once: bool,
}

/// Tells the story.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let place = Place { dir: options.dir.clone(), config: None };
    let directory = prepare(&place)?;
    terminal::data(
        "Brisant Credit, a fictional bank, lets an assistant prepare loan decisions that people take. Its notary keeps the record.\n\n",
    )?;
    Writer::with(&directory, |writer| {
        let run = runs_so_far(&directory)? + 1;
        record(&directory, writer, run)?;
        rotate(&directory, writer)?;
        forget(writer)
    })?;
    let package = directory.path().join(PACKAGE);
    hand_out(&directory, &package)?;
    verdicts::show(&package, &directory.path().join(TRUST_FILE))?;
    let dir = directory.path().display();
    terminal::data(&format!(
        "\nWhere to look\n\
         \x20 unzip -o {dir}/{PACKAGE} -d {dir}/evidence    the package: open report.html (what is evidenced) and verify.html (check it yourself)\n\
         \x20 tabellion log tail --dir {dir}    the last entries; tabellion log show INDEX --dir {dir} for one\n\
         \x20 tabellion verify {dir}/{PACKAGE} --trust {dir}/{TRUST_FILE}\n"
    ))?;
    if options.once { Ok(()) } else { serve::run(&serve::Options { place }) }
}

/// The demo's own log: made on the first run, and nobody else's touched.
fn prepare(place: &Place) -> Result<Directory, Failure> {
    let origin = Origin::with(HOST, TENANT).map_err(|error| Failure::failed(error.to_string()))?;
    if !directory::has_log(&place.dir)? {
        init::make(place, &Config::default(), &NewLog { origin, env: Env::Sandbox })?;
        return Directory::find(place);
    }
    let directory = Directory::find(place)?;
    let found = directory.reader()?.origin();
    if found != origin {
        return Err(Failure::malformed(format!(
            "{} holds the log {found}, not the demo's; name another directory with --dir",
            directory.path().display()
        )));
    }
    Ok(directory)
}

/// How many packages earlier runs have handed out.
fn runs_so_far(directory: &Directory) -> Result<usize, Failure> {
    let reader = directory.reader()?;
    let mut runs = 0;
    reader.entries(0, reader.size(), |view| {
        runs += usize::from(
            view.entry.header().is_some_and(|header| header.record_type.as_str() == "package.exported"),
        );
        Ok(())
    })?;
    Ok(runs)
}

fn record(directory: &Directory, writer: &mut Writer, run: usize) -> Result<(), Failure> {
    let chapters = sample::chapters()?;
    let total: usize = chapters.iter().map(|chapter| chapter.lines.len()).sum();
    terminal::data(&format!("1. Recording {total} things that happened (run {run})\n"))?;
    let mut recorder = Recorder::new(directory, writer, run, sample::named(&chapters))?;
    let mut done = 0;
    for chapter in &chapters {
        recorder.record(&chapter.lines)?;
        done += chapter.lines.len();
        terminal::data(&format!("   {done:>4} of {total}  {}\n", chapter.title))?;
    }
    let Some(retried) = recorder.retry(&chapters)? else {
        return Err(Failure::failed(
            "the retried record was recorded twice; this is a fault of tabellion, please report it",
        ));
    };
    terminal::data(&format!(
        "   A client that lost its answer sent one record again under the same idempotency key: it got entry {retried} back, nothing new.\n\
         \x20  {} of them are statements that an officer signed with a key of their own; {} had been recorded by a run before.\n\n",
        recorder.signed, recorder.duplicates
    ))
}

fn rotate(directory: &Directory, writer: &mut Writer) -> Result<(), Failure> {
    let Answer::Status { actors, .. } = writer.ask(&Request::Status {})? else {
        return Err(Failure::failed("the log does not say which keys are in force"));
    };
    let old = actors
        .first()
        .cloned()
        .ok_or_else(|| Failure::failed("no actor key is in force; create one: tabellion key create"))?;
    let answer = writer.ask(&Request::RotateKey { key_id: old.clone() })?;
    let Answer::Key { key_id: Some(new), record, .. } = &answer else { return Err(unexpected(&answer)) };
    let short = |key: &str| key.chars().take(16).collect::<String>();
    terminal::data(&format!(
        "2. Rotating the officers' key\n   {}… gave way to {}… in entry {}, signed by both. What the old key signed stays valid.\n\n",
        short(&old),
        short(new),
        record.index
    ))?;
    init::write_trust(directory.path(), &directory.reader()?)
}

fn forget(writer: &mut Writer) -> Result<(), Failure> {
    let reason = "the applicant withdrew and asked to be forgotten";
    let request = Request::Erase { target: Target::Subject(FORGOTTEN.to_owned()), reason: reason.to_owned() };
    terminal::data(&format!("3. Erasing {FORGOTTEN}, who asked to be forgotten\n"))?;
    match writer.respond(&request)? {
        Response::Done(Answer::Erased { erasures }) => {
            let (units, keys): (usize, usize) =
                erasures.iter().fold((0, 0), |(units, keys), done| (units + done.units, keys + done.keys));
            if units == 0 {
                return terminal::data(FORGOTTEN_BEFORE);
            }
            terminal::data(&format!(
                "   {units} pieces of content are gone with {keys} keys; their entries stay, every proof stays valid, nothing can be guessed.\n\n"
            ))
        }
        Response::Done(other) => Err(unexpected(&other)),
        Response::Refused(refusal) if refusal.code.as_deref() == Some("not_found") => {
            terminal::data(FORGOTTEN_BEFORE)
        }
        Response::Refused(refusal) => Err(refusal.into()),
    }
}

fn hand_out(directory: &Directory, package: &std::path::Path) -> Result<(), Failure> {
    let request = ExportRequest {
        framework: Some("iso42001".to_owned()),
        ..ExportRequest::everything(DisclosurePolicy::Business)
    };
    let exported = export::write_package(directory, &directory.reader()?, &request, package)?;
    let index = Writer::with(directory, |writer| export::record(writer, &exported))?;
    terminal::data(&format!(
        "4. Handing out evidence\n   {}: {} entries; {} units of content shown, {} about people withheld, {} erased. Recorded as entry {index}.\n\n",
        package.display(),
        exported.count,
        exported.totals.shown,
        exported.totals.withheld,
        exported.totals.erased
    ))
}
