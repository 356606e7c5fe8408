//! `tabellion demo`: the whole story once, on sample data of a fictional bank. An organisation is entered, calls go through the gateway, records
//! are made, a key gives way to another, somebody is forgotten, and evidence is handed out and verified.
//!
//! Promises: needs no network; everything goes the way of a user, over HTTP or the local socket; a call that ends otherwise than the data says
//! makes it fail; a second run on the same directory goes on where the first ended. Must never: touch a log that is not its own.

mod chapters;
mod client;
mod door;
mod management;
mod organisation;
mod progress;
mod recorder;
mod requests;
mod sample;
mod serving;
mod summary;
mod verdicts;
mod work;

use std::path::PathBuf;

use clap::Args;
use tabellion_ledger::NewLog;
use tabellion_model::{Env, Origin};

use super::init;
use crate::config::Config;
use crate::directory::{self, Directory, Place, TRUST_FILE};
use crate::failure::Failure;
use crate::terminal;
use crate::writer::Writer;

use client::Api;
use management::Management;
use organisation::{Organisation, Secrets};
use recorder::Recorder;
use serving::Serving;
use work::Work;

/// The fictional bank's log.
const HOST: &str = "notary.brisant-credit.example";
const TENANT: &str = "lending";
/// The package of the story.
const PACKAGE: &str = "evidence.zip";
/// The key that a reader is given to try things with.
const KEY_TO_TRY: &str = "officers-desk";

/// Where the story takes place.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The directory of the demo's log; made when it is not there
    #[arg(long, value_name = "DIR", default_value = "tabellion-demo")]
    dir: PathBuf,
    /// Tell the story and end; without it gateway and control plane go on serving
    #[arg(long)]
    once: bool,
    /// Base URL of a real model's OpenAI-compatible server, up to /v1; without it a simulated provider answers
    #[arg(long, value_name = "URL")]
    model: Option<String>,
}

/// Tells the story.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let place = Place { dir: options.dir.clone(), config: None };
    let directory = prepare(&place)?;
    let organisation = Organisation::read()?;
    let serving = Serving::start(&directory, &organisation, options.model.as_deref())?;
    terminal::data(&format!(
        "{}, lets an assistant help its loan officers. A gateway stands before its models, and a notary keeps the record.\n\n",
        organisation.name
    ))?;
    let run = runs_so_far(&directory)? + 1;
    let secrets = calls(&directory, &serving, &organisation, options.model.as_deref(), run)?;
    Writer::with(&directory, |writer| {
        record(&directory, writer, run)?;
        chapters::rotate(&directory, writer)?;
        chapters::forget(writer)
    })?;
    let package = directory.path().join(PACKAGE);
    chapters::hand_out(&directory, &package)?;
    verdicts::show(&package, &directory.path().join(TRUST_FILE))?;
    let dir = directory.path().display();
    terminal::data(&format!(
        "\nWhere to look\n\
         \x20 unzip -o {dir}/{PACKAGE} -d {dir}/evidence    the package: open report.html (what is evidenced) and verify.html (check it yourself)\n\
         \x20 tabellion log tail --dir {dir}    the last entries; tabellion log show INDEX --dir {dir} for one\n\
         \x20 tabellion verify {dir}/{PACKAGE} --trust {dir}/{TRUST_FILE}\n"
    ))?;
    if options.once {
        return serving.end();
    }
    invite(&directory, &serving, &organisation, &secrets)?;
    serving.wait()
}

/// The organisation and its calls; gives the secrets of its keys.
fn calls(
    directory: &Directory,
    serving: &Serving,
    organisation: &Organisation,
    model: Option<&str>,
    run: usize,
) -> Result<Secrets, Failure> {
    let administrator = &organisation.administrator;
    let link = link(directory, serving, organisation)?;
    let api = Api::sign_in(serving.control, door::token(&link))?;
    terminal::data(&format!(
        "1. The organisation and its rules, entered over the API at http://{}\n   {} came in by a link that works once.\n",
        serving.control,
        administrator.introduced()
    ))?;
    let (secrets, entered, mut known) = organisation.enter(&api)?;
    terminal::data(&format!(
        "   {} people, systems and policies were entered, {} were there already; each key's secret was shown once.\n",
        entered.new, entered.known
    ))?;
    let managed = Management::read()?.enter(serving.control, &api, &known)?;
    terminal::data(&format!(
        "   {} inventory entries, assessments and statements were written by those who answer for them and decided on by somebody else, {} were there already.\n",
        managed.new, managed.known
    ))?;
    let work = Work::read()?.enter(serving.control, &api, &mut known)?;
    terminal::data(&format!(
        "   {} tasks and requests, and an auditor who asks, were entered, {} were there already; none of them moves a status.\n\n",
        work.new, work.known
    ))?;
    let lines = requests::read()?;
    terminal::data(&format!(
        "2. {} requests of its applications, through the gateway at http://{} (run {run})\n",
        lines.len(),
        serving.gateway
    ))?;
    let route = requests::Route { gateway: serving.gateway, api: &api, secrets: &secrets };
    let summary = requests::send_all(&lines, &route)?;
    terminal::data(&summary.table(model))?;
    if summary.faults().is_empty() {
        terminal::data("   Each ended as its data says, and each call of a known key has its records.\n\n")?;
        return Ok(secrets);
    }
    Err(Failure::failed(format!(
        "{} requests ended otherwise than their data says:\n  {}\nThis is a fault of tabellion or of the model behind --model; please report it",
        summary.faults().len(),
        summary.faults().join("\n  ")
    )))
}

fn link(directory: &Directory, serving: &Serving, organisation: &Organisation) -> Result<String, Failure> {
    Writer::with(directory, |writer| {
        let person = door::administrator(directory, writer, &organisation.administrator.name)?;
        door::link(writer, &person, &format!("http://{}", serving.control))
    })
}

/// What somebody needs who wants to try things now.
fn invite(
    directory: &Directory,
    serving: &Serving,
    organisation: &Organisation,
    secrets: &Secrets,
) -> Result<(), Failure> {
    let link = link(directory, serving, organisation)?;
    let models = organisation.upstreams.first().and_then(|upstream| upstream.models.first());
    terminal::data(&format!(
        "\nTry it, until you end it with Ctrl-C\n\
         \x20 gateway         http://{}/v1    (the OpenAI interface, for any OpenAI client)\n\
         \x20 control plane   http://{}/api/v1    (docs/api.md)\n\
         \x20 come in         {link}    (works once, for an hour; what follows #link= is its token)\n\
         \x20 a key           {}    (shown once)\n\
         \x20 a model         {}\n",
        serving.gateway,
        serving.control,
        secrets.of(KEY_TO_TRY).unwrap_or_default(),
        models.map_or("", String::as_str)
    ))
}

/// The demo's own log: made on the first run, and nobody else's touched.
fn prepare(place: &Place) -> Result<Directory, Failure> {
    let origin = Origin::with(HOST, TENANT).map_err(|error| Failure::failed(error.to_string()))?;
    if !directory::has_log(&place.dir)? {
        init::make(place, &Config::default(), &NewLog { origin, env: Env::Sandbox }, false)?;
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
    terminal::data(&format!("3. Recording {total} things that happened around them (run {run})\n"))?;
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
