//! `tabellion erase`: content goes, every proof stays.
//!
//! Promises: where it takes two people, the command asks for the erasure and says so, with an exit status of its own. Must never: confirm what it asked for.

use clap::{Args, Subcommand};
use serde_json::json;
use tabellion_model::Micros;

use super::target::TargetOptions;
use crate::directory::{Directory, Place};
use crate::failure::{Exit, Failure};
use crate::request::{Answer, Erased, Pending, Request, Response, Target};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// The refusal of a log in which it takes two people.
pub(crate) const SECOND_PERSON: &str = "second_person";

/// What is to go, and why; or what is to become of an erasure that a person asked for.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    target: TargetOptions,
    /// Why; recorded, sealed, and never erased
    #[arg(long, value_name = "TEXT", required = true)]
    reason: Option<String>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

/// The second step of an erasure that takes two people.
#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List the erasures that wait for a second person
    Pending {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Confirm an erasure that a person asked for; the content goes
    Confirm(Decision),
    /// Decline an erasure, or take one back; nothing goes
    Decline(Decision),
}

/// On which erasure, and why.
#[derive(Debug, Clone, Args)]
struct Decision {
    #[command(flatten)]
    place: Place,
    /// The erasure, as `erase pending` prints it
    #[arg(value_name = "ERASURE")]
    request: String,
    /// Why; recorded and sealed
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Erases, or does the second step of an erasure.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    match &options.action {
        None => order(options),
        Some(Action::Pending { place, json }) => pending(place, *json),
        Some(Action::Confirm(decision)) => {
            let erasures = Writer::with(&Directory::find(&decision.place)?, |writer| {
                erase(writer, &decision.request(true))
            })?;
            tell(&erasures, false)
        }
        Some(Action::Decline(decision)) => {
            let records = Writer::with(&Directory::find(&decision.place)?, |writer| {
                writer.append(&decision.request(false))
            })?;
            let index = records.first().map(|record| record.index).unwrap_or_default();
            terminal::data(&format!("declined, entry {index}; nothing was erased\n"))
        }
    }
}

impl Decision {
    fn request(&self, confirmed: bool) -> Request {
        Request::DecideErasure { request: self.request.clone(), confirmed, reason: self.reason.clone() }
    }
}

fn order(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let target = options
        .target
        .target()
        .ok_or_else(|| Failure::malformed("say what to erase: --subject, --record, --call or --system"))?;
    let reason = options.reason.clone().unwrap_or_default();
    let request = Request::Erase { target: target.clone(), reason: reason.clone() };
    let answer = Writer::with(&directory, |writer| match writer.respond(&request)? {
        Response::Done(answer) => Ok(answer),
        Response::Refused(refusal) if refusal.code.as_deref() == Some(SECOND_PERSON) => {
            writer.ask(&Request::RequestErasure { target, grace_seconds: None, reason })
        }
        Response::Refused(refusal) => Err(refusal.into()),
    })?;
    match answer {
        Answer::Erased { erasures } => tell(&erasures, options.json),
        Answer::Requested { request, record } => asked_for("erasure", &request, record.index, options.json),
        other => Err(unexpected(&other)),
    }
}

/// Says that a second person has to confirm what was asked for, with an exit status of its own.
pub(crate) fn asked_for(what: &str, request: &str, index: u64, as_json: bool) -> Result<(), Failure> {
    if as_json {
        terminal::json(&json!({ "requested": { "index": index, "request": request } }))?;
    } else {
        terminal::data(&format!(
            "{what} {request} asked for, entry {index}. Nothing is erased before a second person confirms it\n"
        ))?;
    }
    Err(Failure::told(Exit::Undetermined))
}

fn pending(place: &Place, as_json: bool) -> Result<(), Failure> {
    let directory = Directory::find(place)?;
    let erasures = Writer::with(&directory, |writer| match writer.ask(&Request::PendingErasures {})? {
        Answer::Pending { erasures } => Ok(erasures),
        other => Err(unexpected(&other)),
    })?;
    if as_json {
        return terminal::json(&json!({ "erasures": erasures }));
    }
    erasures.iter().try_for_each(|erasure| terminal::data(&line(erasure)))
}

fn line(erasure: &Pending) -> String {
    let what = match &erasure.target {
        Some(Target::Subject(subject)) => format!("subject {subject}"),
        Some(Target::Record(index)) => format!("entry {index}"),
        Some(Target::Call(call)) => format!("call {call}"),
        Some(Target::System(system)) => match erasure.grace_seconds {
            Some(grace) => format!("system {system}, deleted {} hours after the confirmation", grace / 3600),
            None => format!("system {system}"),
        },
        Some(Target::Retention { class, until }) => format!("{class} until {until}"),
        None => "erased already".to_owned(),
    };
    let (by, reason) =
        (erasure.by.as_deref().unwrap_or("the operator"), erasure.reason.as_deref().unwrap_or(""));
    format!(
        "{}  {}  asked for by {by}: {}\n",
        erasure.request,
        terminal::printable(&what),
        terminal::printable(reason)
    )
}

/// Has erasures carried out.
pub(crate) fn erase(writer: &mut Writer, request: &Request) -> Result<Vec<Erased>, Failure> {
    match writer.ask(request)? {
        Answer::Erased { erasures } => Ok(erasures),
        other => Err(unexpected(&other)),
    }
}

/// Prints what was erased.
pub(crate) fn tell(erasures: &[Erased], as_json: bool) -> Result<(), Failure> {
    if as_json {
        return terminal::json(&json!({ "erasures": erasures }));
    }
    for erased in erasures {
        if let Some(due) = erased.due {
            let index = erased.orders.first().map(|order| order.index).unwrap_or_default();
            terminal::data(&format!(
                "confirmed, entry {index}: the content goes at {} (tabellion system purge-due)\n",
                Micros(due)
            ))?;
            continue;
        }
        let orders: Vec<String> =
            erased.orders.iter().map(|order| format!("entry {}", order.index)).collect();
        let system = erased.system.as_ref().map(|system| format!("system {system}: ")).unwrap_or_default();
        let orders = if orders.is_empty() {
            "nothing was left to order".to_owned()
        } else {
            format!("ordered in {}", orders.join(", "))
        };
        terminal::data(&format!(
            "{system}erased {} units of content under {} keys; {orders}. Every proof stays valid\n",
            erased.units, erased.keys
        ))?;
    }
    Ok(())
}
