//! `tabellion system`: an AI system's content goes after a time of grace.

use clap::Subcommand;
use serde_json::json;
use tabellion_ledger::{Clock as _, SystemClock};
use tabellion_model::{Env, Micros, SystemId};

use super::erase;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, HeldSystem, Request, Response, Target};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// Seconds of grace before content goes: a week in which a mistake can be taken back.
const GRACE_SECONDS: u64 = 7 * 86_400;
/// The same in a sandbox, where a test waits for it.
const SANDBOX_GRACE_SECONDS: u64 = 3600;
/// Longest grace that can be asked for: ten years.
const MAX_GRACE_HOURS: u64 = 10 * 366 * 24;
const MICROS_PER_SECOND: u64 = 1_000_000;

/// What to do with a system.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Ask for its deletion: records that name it are refused from now on, its content goes when the grace is over
    Delete {
        #[command(flatten)]
        place: Place,
        /// The system's id
        #[arg(value_name = "ID")]
        system: String,
        /// Hours of grace [default: 168, in a sandbox 1]
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(0..=MAX_GRACE_HOURS))]
        grace_hours: Option<u64>,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take a deletion back that is not yet done
    Cancel {
        #[command(flatten)]
        place: Place,
        /// The system's id
        #[arg(value_name = "ID")]
        system: String,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Erase the content of every system whose grace is over
    PurgeDue {
        #[command(flatten)]
        place: Place,
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
    /// List systems whose deletion is asked for or done
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Delete { place, system, grace_hours, reason } => delete(place, system, *grace_hours, reason),
        Action::Cancel { place, system, reason } => {
            let request = Request::CancelDeletion { system: system.clone(), reason: reason.clone() };
            let records = Writer::with(&Directory::find(place)?, |writer| writer.append(&request))?;
            let index = records.first().map(|record| record.index).unwrap_or_default();
            terminal::data(&format!("deletion of system {system} taken back, entry {index}\n"))
        }
        Action::PurgeDue { place, json } => {
            let (erasures, held) = Writer::with(&Directory::find(place)?, |writer| {
                match writer.ask(&Request::PurgeDue {})? {
                    Answer::Purged { erasures, held } => Ok((erasures, held)),
                    other => Err(unexpected(&other)),
                }
            })?;
            if *json {
                return terminal::json(&json!({ "erasures": erasures, "held": held }));
            }
            if erasures.is_empty() && held.is_empty() {
                terminal::say("no deletion is due");
            }
            say_what_stays(place, &held)?;
            for one in &held {
                terminal::say(&format!("system {} stays: {}", one.system, one.why));
            }
            erase::tell(&erasures, false)
        }
        Action::List { place, json } => list(place, *json),
    }
}

fn delete(place: &Place, system: &str, grace_hours: Option<u64>, reason: &str) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let grace = match (grace_hours, directory.reader()?.env()) {
        (Some(hours), _) => hours * 3600,
        (None, Env::Sandbox) => SANDBOX_GRACE_SECONDS,
        (None, _) => GRACE_SECONDS,
    };
    let due = Micros(SystemClock.now().0 + grace * MICROS_PER_SECOND);
    let (system, reason) = (system.to_owned(), reason.to_owned());
    let request = Request::RequestDeletion { system: system.clone(), due: due.0, reason: reason.clone() };
    let answer = Writer::with(&directory, |writer| match writer.respond(&request)? {
        Response::Done(answer) => Ok(answer),
        Response::Refused(refusal) if refusal.code.as_deref() == Some(erase::SECOND_PERSON) => {
            let target = Target::System(system.clone());
            writer.ask(&Request::RequestErasure { target, grace_seconds: Some(grace), reason })
        }
        Response::Refused(refusal) => Err(refusal.into()),
    })?;
    match answer {
        Answer::Appended { records } => {
            let index = records.first().map(|record| record.index).unwrap_or_default();
            terminal::data(&format!(
                "deletion of system {system} asked for, entry {index}; content goes at {due} (tabellion system purge-due)\n"
            ))
        }
        Answer::Requested { request, record } => {
            erase::asked_for(&format!("deletion of system {system}:"), &request, record.index, false)
        }
        other => Err(unexpected(&other)),
    }
}

/// Names the systems whose deletion one person asked for alone; those in `held` stay for another reason.
fn say_what_stays(place: &Place, held: &[HeldSystem]) -> Result<(), Failure> {
    let now = SystemClock.now();
    let deletions = Directory::find(place)?.reader()?.deletions();
    let is_held = |system: &SystemId| held.iter().any(|one| one.system == system.to_hex());
    let due = deletions.iter().filter(|(_, due)| due.is_some_and(|due| due <= now));
    for (system, _) in due.filter(|(system, _)| !is_held(system)) {
        terminal::say(&format!(
            "system {system} stays: one person asked for its deletion, and this log takes two; ask again with tabellion system delete"
        ));
    }
    Ok(())
}

fn list(place: &Place, as_json: bool) -> Result<(), Failure> {
    let deletions = Directory::find(place)?.reader()?.deletions();
    if as_json {
        let rows: Vec<_> = deletions
            .iter()
            .map(|(system, due)| json!({ "system": system.to_hex(), "due": due.map(|due| due.0) }))
            .collect();
        return terminal::json(&json!({ "deletions": rows }));
    }
    deletions.iter().try_for_each(|(system, due)| {
        let state = due.map_or_else(|| "content is gone".to_owned(), |due| format!("content goes at {due}"));
        terminal::data(&format!("{system}  {state}\n"))
    })
}
