//! `tabellion anchor`: who outside vouches for checkpoints, how much of the log that covers, and once more now.
//!
//! Promises: what it prints is read from the outboxes, so that it says the same with and without a server; `now` is done by the server where one runs. Must
//! never: call a checkpoint anchored that its anchor has not confirmed.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::{Value, json};
use tabellion_ledger::anchor::{
    Coverage, Ed25519AnchorKey, EvmKey, Job, JobState, Outbox, OutboxError, OutboxLock, new_anchor_key,
};
use tabellion_ledger::{Clock as _, OsEntropy, Reader, SystemClock};
use tabellion_model::Micros;
use tabellion_tlog::anchor::{AnchorKind, AnchorTrust};

use crate::anchoring::{self, Patiences, now_us, overdue_since};
use crate::config::AnchorConfig;
use crate::directory::{Directory, Place};
use crate::failure::{Exit, Failure};
use crate::socket::Client;
use crate::terminal;
use crate::writer::Writer;

/// Between two looks at what came of a request.
const LOOK: Duration = Duration::from_millis(200);

/// What to do with anchors.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// How much of the log each anchor covers, how old that is, and what waits
    Status {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the checkpoints that were anchored or wait to be
    List {
        #[command(flatten)]
        place: Place,
        /// Only this anchor's
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Print as JSON, one line each
        #[arg(long)]
        json: bool,
    },
    /// Anchor the newest checkpoint now, and wait until each anchor has taken it
    Now {
        #[command(flatten)]
        place: Place,
        /// Only with this anchor
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Seconds to wait
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
    },
    /// Print the lines for a trust file that name the configured time-stamp authorities and root logs
    Trust {
        #[command(flatten)]
        place: Place,
    },
    /// Make a key file for an anchor that signs (arweave, evm), and print what the key is known by
    Key {
        /// The file; one that exists is never replaced
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Status { place, json } => status(&Directory::find(place)?, *json),
        Action::List { place, name, json } => list(&Directory::find(place)?, name.as_deref(), *json),
        Action::Now { place, name, wait } => {
            anchor_now(&Directory::find(place)?, name.as_deref(), Duration::from_secs(*wait))
        }
        Action::Trust { place } => trust(&Directory::find(place)?),
        Action::Key { out } => {
            let refused =
                |error: tabellion_ledger::anchor::AnchorKeyError| Failure::malformed(error.to_string());
            new_anchor_key(out, &OsEntropy).map_err(refused)?;
            let owner = Ed25519AnchorKey::load(out).map_err(refused)?.public();
            let address = EvmKey::load(out).map_err(refused)?.address();
            terminal::data(&format!(
                "arweave owner (Ed25519) {}\nevm address 0x{}\n",
                hex::encode(owner),
                hex::encode(address)
            ))
        }
    }
}

fn failed(error: &OutboxError) -> Failure {
    Failure::failed(error.to_string())
}

/// The configured anchors that are meant, with their outboxes.
fn chosen<'a>(
    directory: &'a Directory,
    name: Option<&str>,
) -> Result<Vec<(Outbox, &'a AnchorConfig)>, Failure> {
    let all = &directory.config().anchors.0;
    if let Some(name) = name.filter(|name| !all.contains_key(*name)) {
        return Err(Failure::malformed(format!(
            "there is no anchor {name:?}; configured are: {}",
            all.keys().cloned().collect::<Vec<_>>().join(", ")
        )));
    }
    if all.is_empty() {
        return Err(Failure::malformed(
            "no anchor is configured. Add a section [anchor.NAME] with kind and url; docs/anchors.md says how",
        ));
    }
    let disk = directory.disk()?;
    let wanted = all.iter().filter(|(known, _)| name.is_none_or(|name| name == known.as_str()));
    Ok(wanted.map(|(name, config)| (Outbox::new(disk.clone(), name), config)).collect())
}

fn status(directory: &Directory, json: bool) -> Result<(), Failure> {
    let reader = directory.reader()?;
    let patiences = anchoring::patiences(directory.config());
    let coverage = chosen(directory, None)?
        .iter()
        .map(|(outbox, _)| outbox.coverage().map_err(|error| failed(&error)))
        .collect::<Result<Vec<_>, _>>()?;
    if json {
        let lines = coverage.iter().map(|one| coverage_json(one, &reader, &patiences));
        let lines = lines.collect::<Result<Vec<Value>, Failure>>()?;
        return terminal::json(&json!({ "anchors": lines, "size": reader.size() }));
    }
    coverage.iter().try_for_each(|one| terminal::data(&coverage_text(one, &reader, &patiences)?))
}

fn coverage_json(one: &Coverage, reader: &Reader, patiences: &Patiences) -> Result<Value, Failure> {
    Ok(json!({
        "age_seconds": one.taken_at.map(|at| now_us().saturating_sub(at) / 1_000_000),
        "covered_permille": reader.covered_permille(one.size)?,
        "error": one.error,
        "name": one.name,
        "open": one.open,
        "overdue": overdue_since(one, reader, patiences).is_some(),
        "size": one.size,
        "waiting_seconds": one.waiting_since.map(|at| now_us().saturating_sub(at) / 1_000_000),
    }))
}

fn coverage_text(one: &Coverage, reader: &Reader, patiences: &Patiences) -> Result<String, Failure> {
    let (size, permille) = (reader.size(), reader.covered_permille(one.size)?);
    let covered = match one.taken_at {
        None => "nothing confirmed yet".to_owned(),
        Some(at) => format!(
            "confirmed up to size {} of {size}, {}.{} % of what calls for it, taken at {}",
            one.size,
            permille / 10,
            permille % 10,
            Micros(at)
        ),
    };
    let open = match one.waiting_since {
        None => String::new(),
        Some(since) => format!("; {} waiting, the oldest since {}", one.open, Micros(since)),
    };
    let overdue = overdue_since(one, reader, patiences);
    let overdue =
        overdue.map_or_else(String::new, |since| format!("\n  overdue: owed since {}", Micros(since)));
    let error = one.error.as_ref();
    let error =
        error.map_or_else(String::new, |error| format!("\n  last fault [{}]: {}", error.code, error.text));
    Ok(format!("{}: {covered}{open}{overdue}{}\n", one.name, terminal::printable_lines(&error)))
}

fn list(directory: &Directory, name: Option<&str>, json: bool) -> Result<(), Failure> {
    for (outbox, _) in chosen(directory, name)? {
        for job in outbox.jobs().map_err(|error| failed(&error))? {
            if json {
                terminal::json_line(&job_json(&outbox, &job))?;
            } else {
                terminal::data(&job_text(&outbox, &job))?;
            }
        }
    }
    Ok(())
}

fn job_json(outbox: &Outbox, job: &Job) -> Value {
    let evidence = (job.state == JobState::Confirmed).then(|| outbox.evidence_path(job));
    json!({
        "anchor": outbox.name(), "attempts": job.attempts, "checked": job.checked, "error": job.error, "evidence": evidence,
        "evidence_sha256": job.evidence_sha256, "kind": job.kind().map(AnchorKind::as_str), "passed_over": job.passed_over,
        "record": job.record, "served_by": job.served_by, "size": job.size, "state": job.state, "taken_at": job.created_at, "time": job.time,
    })
}

fn job_text(outbox: &Outbox, job: &Job) -> String {
    let more = match (&job.checked, &job.error) {
        (Some(checked), _) => format!(": {checked}; evidence in {}", outbox.evidence_path(job)),
        (None, Some(error)) => {
            format!(", asked {} times in vain [{}]: {}", job.attempts, error.code, error.text)
        }
        (None, None) => String::new(),
    };
    let by =
        if job.served_by.is_empty() { String::new() } else { format!(" by {}", job.served_by.join(", ")) };
    let passed: Vec<&str> = job.passed_over.iter().map(|one| one.text.as_str()).collect();
    let passed =
        if passed.is_empty() { String::new() } else { format!("; passed over: {}", passed.join("; ")) };
    let line = format!("{} size {} {}{by}{more}{passed}", outbox.name(), job.size, job.state);
    format!("{}\n", terminal::printable(&line))
}

fn anchor_now(directory: &Directory, name: Option<&str>, wait: Duration) -> Result<(), Failure> {
    let chosen = chosen(directory, name)?;
    let reader = directory.reader()?;
    let size = reader.size();
    for (outbox, config) in &chosen {
        let kind = anchoring::kind(outbox.name(), config)?;
        outbox.enqueue(kind, &reader.checkpoint(), SystemClock.now()).map_err(|error| failed(&error))?;
    }
    let jobs = || -> Result<Vec<(&Outbox, Job)>, Failure> {
        chosen
            .iter()
            .map(|(outbox, _)| Ok((outbox, outbox.job(size).map_err(|error| failed(&error))?)))
            .collect()
    };
    let until = Instant::now() + wait;
    let waits = || -> Result<bool, Failure> {
        let queued = jobs()?.iter().any(|(_, job)| job.state == JobState::Queued);
        Ok(queued && Instant::now() < until)
    };
    if Client::connect(directory.path())?.is_some() {
        while waits()? {
            thread::sleep(LOOK);
        }
    } else {
        ask_here(directory, name, &waits)?;
    }
    let jobs = jobs()?;
    for (outbox, job) in &jobs {
        terminal::data(&job_text(outbox, job))?;
    }
    if jobs.iter().any(|(_, job)| job.state == JobState::Queued) {
        terminal::say(
            "not every anchor has taken it; tabellion serve goes on asking, and tabellion anchor status says how it stands",
        );
        return Err(Failure::told(Exit::Failed));
    }
    Ok(())
}

/// Asks while `waits` says so, without a server. The log is held only to record what came of it, so that a service that stalls keeps nobody from it.
fn ask_here(
    directory: &Directory,
    name: Option<&str>,
    waits: &dyn Fn() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let wanted = |one: &str| name.is_none_or(|name| name == one);
    let mut round =
        anchoring::round(directory.config(), &directory.disk()?, &directory.reader()?, wanted, false)?;
    let lock = OutboxLock::acquire(directory.path())?;
    round.ask();
    while waits()? {
        thread::sleep(LOOK);
        round.ask();
    }
    // A server that started meanwhile waits for this, and then records what is confirmed.
    Writer::with(directory, |writer| {
        if let Some(held) = writer.own() {
            round.record(&held.ledger);
        }
        drop(lock);
        Ok(())
    })
}

fn trust(directory: &Directory) -> Result<(), Failure> {
    for (outbox, config) in chosen(directory, None)? {
        match config.kind {
            Some(AnchorKind::Rfc3161) => {
                for root in anchoring::roots(outbox.name(), config)? {
                    terminal::data(&AnchorTrust::authority_line(outbox.name(), &root))?;
                }
            }
            Some(AnchorKind::RootLog) => {
                for key in anchoring::root_keys(outbox.name(), config)?.root_logs {
                    terminal::data(&AnchorTrust::root_log_line(&key))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
