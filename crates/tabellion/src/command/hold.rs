//! `tabellion hold`: what may not be erased, whoever asks.

use clap::Subcommand;
use serde_json::{Value, json};
use tabellion_ledger::HoldView;

use super::target::TargetOptions;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// What to do with holds.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Place a hold
    Place {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        target: TargetOptions,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Release a hold
    Release {
        #[command(flatten)]
        place: Place,
        /// The hold, as `hold place` and `hold list` print it
        #[arg(value_name = "HOLD")]
        hold: String,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List the holds in force
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
        Action::Place { place, target, reason } => {
            let target = target
                .target()
                .ok_or_else(|| Failure::malformed("say what to hold: --subject, --record or --system"))?;
            let request = Request::PlaceHold { target, reason: reason.clone() };
            let (hold, index) =
                Writer::with(&Directory::find(place)?, |writer| match writer.ask(&request)? {
                    Answer::Held { hold, record } => Ok((hold, record.index)),
                    other => Err(unexpected(&other)),
                })?;
            terminal::data(&format!("hold {hold} in force, entry {index}\n"))
        }
        Action::Release { place, hold, reason } => {
            let request = Request::ReleaseHold { hold: hold.clone(), reason: reason.clone() };
            let records = Writer::with(&Directory::find(place)?, |writer| writer.append(&request))?;
            let index = records.first().map(|record| record.index).unwrap_or_default();
            terminal::data(&format!("hold {hold} released, entry {index}\n"))
        }
        Action::List { place, json } => {
            let holds = Directory::find(place)?.reader()?.holds();
            if *json {
                return terminal::json(&json!({ "holds": holds.iter().map(row).collect::<Vec<_>>() }));
            }
            holds.iter().try_for_each(|hold| terminal::data(&line(hold)))
        }
    }
}

/// What a hold keeps. Whose content it is the log does not know: it holds no names, only keys.
fn target(hold: &HoldView) -> String {
    match (hold.system, hold.keys) {
        (Some(system), None) => format!("system {system}"),
        (_, keys) => format!(
            "content under {} keys{}",
            keys.unwrap_or_default(),
            if hold.personal { ", about a data subject" } else { "" }
        ),
    }
}

fn line(hold: &HoldView) -> String {
    format!(
        "{}  {}  placed {}, entry {}: {}\n",
        hold.hold,
        target(hold),
        hold.placed_at.map_or_else(|| "at an unknown time".to_owned(), |at| at.to_string()),
        hold.index,
        terminal::printable(hold.reason.as_deref().unwrap_or("the reason cannot be read"))
    )
}

fn row(hold: &HoldView) -> Value {
    json!({
        "hold": hold.hold.to_hex(), "index": hold.index, "placed_at": hold.placed_at.map(|at| at.0), "reason": hold.reason, "target": target(hold),
    })
}
