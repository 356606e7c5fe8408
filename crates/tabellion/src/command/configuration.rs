//! `tabellion configuration`: what starts changed of safeguards, and why.

use clap::Subcommand;
use serde_json::{Value, json};

use super::shown::{at, holds, rows, text};
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
            let changes = rows(&changes, "");
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
    let why = if at(change, "/explained").is_object() {
        text(change, "/explained/reason", "erased")
    } else if at(change, "/reason").is_string() {
        text(change, "/reason", "")
    } else if holds(change, "/unexplained") {
        "no reason was given".to_owned()
    } else if holds(change, "/first") {
        "the first start".to_owned()
    } else {
        // Its record is, and nobody knows any more whether a reason stood in it.
        "erased".to_owned()
    };
    let mut lines = vec![format!(
        "{}  {}  run by {}, entry {}: {why}",
        text(change, "/id", ""),
        text(change, "/at", ""),
        text(change, "/account", "erased"),
        at(change, "/recorded/index"),
    )];
    for section in rows(change, "/sections") {
        lines.push(format!("  {} {}", text(section, "/turn", ""), text(section, "/section", "")));
        lines.extend(rows(section, "/members").iter().map(|member| {
            let side = |pointer: &str| text(member, pointer, "nothing");
            format!("    {}: {} -> {}", text(member, "/member", ""), side("/before"), side("/after"))
        }));
    }
    lines.join("\n") + "\n"
}
