//! `tabellion configuration`: what starts changed of safeguards, and why.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, ConfigurationAct, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// What to do with changes of safeguards.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// List what starts changed of guards, rules of masking, probes, and who publishes and erases
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say why a start changed safeguards; whoever wants their own name on record says it in the console, or over the API
    Explain {
        #[command(flatten)]
        place: Place,
        /// The change, as `configuration list` prints it
        #[arg(value_name = "CHANGE")]
        change: String,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::List { place, json } => {
            let changes = asked(place, ConfigurationAct::List {})?;
            if *json {
                return terminal::json(&json!({ "changes": changes }));
            }
            let changes = changes.as_array().map(Vec::as_slice).unwrap_or_default();
            if changes.is_empty() {
                terminal::say("no start changed any safeguard");
            }
            changes.iter().try_for_each(|change| terminal::data(&lines(change)))
        }
        Action::Explain { place, change, reason } => {
            let act = ConfigurationAct::Explain { change: change.clone(), reason: reason.clone() };
            terminal::data(&lines(&asked(place, act)?))
        }
    }
}

fn asked(place: &Place, act: ConfigurationAct) -> Result<Value, Failure> {
    Writer::with(&Directory::find(place)?, |writer| match writer.ask(&Request::Configuration { act })? {
        Answer::Resource { resource } => Ok(resource),
        other => Err(unexpected(&other)),
    })
}

/// One change: a line of its own, and one for each setting that differs.
fn lines(change: &Value) -> String {
    let text = |value: &Value, otherwise: &str| terminal::printable(value.as_str().unwrap_or(otherwise));
    let why = match (&change["explained"], &change["reason"]) {
        (Value::Object(explained), _) => text(explained.get("reason").unwrap_or(&Value::Null), "erased"),
        (_, Value::String(reason)) => terminal::printable(reason),
        _ if change["first"] == true => "the first start".to_owned(),
        _ => "no reason was given".to_owned(),
    };
    let mut lines = format!(
        "{}  {}  run by {}, entry {}: {why}\n",
        text(&change["id"], ""),
        text(&change["at"], ""),
        text(&change["account"], "erased"),
        change["recorded"]["index"],
    );
    for section in change["sections"].as_array().into_iter().flatten() {
        lines.push_str(&format!("  {} {}\n", text(&section["turn"], ""), text(&section["section"], "")));
        for member in section["members"].as_array().into_iter().flatten() {
            let side = |name: &str| text(&member[name], "nothing");
            let name = text(&member["member"], "");
            lines.push_str(&format!("    {name}: {} -> {}\n", side("before"), side("after")));
        }
    }
    lines
}
