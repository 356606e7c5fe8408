//! `tabellion stop`: calls are stopped at once, and let through again by a second person.
//!
//! Must never: stop everything because an option was forgotten.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request, StopLine, StopOrder};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// What is recorded where nobody says why: at three in the morning nothing more is asked.
const NO_REASON: &str = "no reason was given at the command line";

/// Exactly one of these.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ScopeOptions {
    /// Every call of this log
    #[arg(long)]
    all: bool,
    /// Every key of a system
    #[arg(long, value_name = "ID")]
    system: Option<String>,
    /// One API key, by its id
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// A model, as it is asked for or as its provider is given it; with * at its end every name that begins so
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// A provider, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Calls for a person, as their records have them: SECTION|WHO
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Calls of an agent, as their records have it: SECTION|CLIENT
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
}

impl ScopeOptions {
    /// The scope and its subject. The group admits exactly one.
    fn scope(&self) -> (&'static str, Option<String>) {
        let named = [
            ("system", &self.system),
            ("key", &self.key),
            ("model", &self.model),
            ("provider", &self.provider),
            ("person", &self.person),
            ("agent", &self.agent),
        ];
        let given = named.into_iter().find(|(_, subject)| subject.is_some());
        given.map_or(("tenant", None), |(scope, subject)| (scope, subject.clone()))
    }
}

/// What to do with stops.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Refuse new calls and cut running ones, from now until a second person lifts it
    Order {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        scope: ScopeOptions,
        /// Why; recorded and sealed, and not told to callers
        #[arg(long, value_name = "TEXT", default_value = NO_REASON, hide_default_value = true)]
        reason: String,
        /// Record it as an exercise; it is in force like any other
        #[arg(long)]
        drill: bool,
    },
    /// List stops, in force and lifted, with what each did
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Lift a stop that somebody else ordered; every other one stays
    Lift {
        #[command(flatten)]
        place: Place,
        /// The stop, as `stop order` and `stop list` print it
        #[arg(value_name = "STOP")]
        stop: String,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Order { place, scope, reason, drill } => {
            let (scope, subject) = scope.scope();
            let order = StopOrder { scope: scope.to_owned(), subject, reason: reason.clone(), drill: *drill };
            for stop in stops(place, &Request::OrderStop { order })? {
                terminal::data(&format!(
                    "stop {} in force: {}, entry {}\n",
                    stop.id,
                    what(&stop),
                    stop.index
                ))?;
            }
            terminal::say(
                "somebody else has to lift it: in the console, or over the API; tabellion stop list says what it did",
            );
            Ok(())
        }
        Action::List { place, json } => {
            let stops = stops(place, &Request::ListStops {})?;
            if *json {
                return terminal::json(&json!({ "stops": stops }));
            }
            if stops.is_empty() {
                terminal::say("nothing was ever stopped");
            }
            stops.iter().try_for_each(|stop| terminal::data(&line(stop)))
        }
        Action::Lift { place, stop, reason } => {
            let request = Request::LiftStop { stop: stop.clone(), reason: reason.clone() };
            stops(place, &request)?
                .iter()
                .try_for_each(|stop| terminal::data(&format!("stop {} lifted: {}\n", stop.id, what(stop))))
        }
    }
}

fn stops(place: &Place, request: &Request) -> Result<Vec<StopLine>, Failure> {
    Writer::with(&Directory::find(place)?, |writer| match writer.ask(request)? {
        Answer::Stops { stops } => Ok(stops),
        other => Err(unexpected(&other)),
    })
}

/// What is stopped, in words.
fn what(stop: &StopLine) -> String {
    match (stop.scope.as_deref(), stop.subject.as_deref()) {
        (Some("tenant"), _) => "every call".to_owned(),
        (Some(scope), Some(subject)) => format!("{scope} {}", terminal::printable(subject)),
        _ => "every call, since what it was for is erased".to_owned(),
    }
}

fn line(stop: &StopLine) -> String {
    let state = if stop.in_force { "in force" } else { "lifted" };
    let drill = if stop.drill == Some(true) { ", an exercise" } else { "" };
    let refused = stop.first_refused_after_ms.map_or_else(
        || "no call was refused".to_owned(),
        |first| format!("calls refused: {}, the first after {first} ms", stop.calls_refused),
    );
    let cut = stop.last_cut_after_ms.map_or_else(
        || "no call was cut".to_owned(),
        |last| format!("calls cut: {}, the last after {last} ms", stop.calls_cut),
    );
    let lifted = stop.lifted_at.as_ref().map_or_else(String::new, |at| format!(", lifted {at}"));
    format!(
        "{}  {state}{drill}  {}  ordered {} by {}{lifted}; {refused}; {cut}: {}\n",
        stop.id,
        what(stop),
        stop.durable_at,
        terminal::printable(&stop.by),
        terminal::printable(stop.reason.as_deref().unwrap_or("the reason cannot be read"))
    )
}
