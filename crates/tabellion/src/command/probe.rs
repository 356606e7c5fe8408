//! `tabellion probe`: whether guards stop what they must, and trying and measuring them now.
//!
//! Must never: end well while a canary gets through.

use clap::Subcommand;
use serde_json::json;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, MeasureLine, ProbeLine, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// What to do with probes.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Send a canary to every guard of the server's gateway now, and say what came of it
    Run {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Send the corpus of known-bad and benign inputs through every guard now, and say how much each found
    Measure {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// List every guard by route: proven, configured or bypassable
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
    let (place, json, request) = match action {
        Action::Run { place, json } => (place, *json, Request::RunProbes {}),
        Action::List { place, json } => (place, *json, Request::ListProbes {}),
        Action::Measure { place, json } => return measure(place, *json),
    };
    let asked = Writer::with(&Directory::find(place)?, |writer| match writer.ask(&request)? {
        Answer::Probes { has_gateway, every_s, places } => Ok((has_gateway, every_s, places)),
        other => Err(unexpected(&other)),
    })?;
    let (has_gateway, every_s, places) = asked;
    if json {
        terminal::json(&json!({ "has_gateway": has_gateway, "every_s": every_s, "places": places }))?;
    } else {
        places.iter().try_for_each(|place| terminal::data(&line(place)))?;
    }
    if !has_gateway {
        terminal::say("no gateway runs here, so nothing is enforced here and nothing proven");
    } else if every_s.is_none() {
        terminal::say(
            "probes are off: guards are tried only when somebody asks for it ([probes] every_minutes)",
        );
    }
    if places.iter().any(|place| place.state == "bypassable") {
        return Err(Failure::failed(
            "a canary got through: mend the guards that are bypassable, then run tabellion probe run"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Has guards measured, and prints what came of it.
fn measure(place: &Place, json: bool) -> Result<(), Failure> {
    let guards =
        Writer::with(&Directory::find(place)?, |writer| match writer.ask(&Request::MeasureGuards {})? {
            Answer::Measured { guards } => Ok(guards),
            other => Err(unexpected(&other)),
        })?;
    if json {
        return terminal::json(&json!({ "guards": guards }));
    }
    guards.iter().try_for_each(|guard| terminal::data(&measured(guard)))
}

fn measured(line: &MeasureLine) -> String {
    let found = line.stopped.saturating_add(line.flagged);
    let class =
        line.class.as_ref().map(|class| format!(" {}", terminal::printable(class))).unwrap_or_default();
    let why = line.why.as_ref().map(|why| format!(" ({})", terminal::printable(why))).unwrap_or_default();
    format!(
        "{:<10}  {}{class}: found {found} of {}, false hits {} of {}, not tested {}{why}\n",
        line.state,
        terminal::printable(&line.guard),
        line.tried,
        line.benign_hit,
        line.benign_tried,
        line.untested,
    )
}

fn line(place: &ProbeLine) -> String {
    let answer = if place.stream { "stream" } else { "whole" };
    let came_to = match (&place.result, &place.why, &place.at) {
        (Some(result), Some(why), Some(at)) => format!("{result} ({}) {at}", terminal::printable(why)),
        (Some(result), None, Some(at)) => format!("{result} {at}"),
        _ => "not tried".to_owned(),
    };
    format!(
        "{:<10}  {}  {}  {}  {answer}  {}: {came_to}\n",
        place.state,
        place.surface,
        terminal::printable(&place.guard),
        place.side,
        terminal::printable(&place.upstream)
    )
}
