//! `tabellion policy propose`, `proposals`, `replay`, `confirm` and `take-back`: changes of policies that two people make, on the log itself.
//!
//! Must never: confirm what the operator put forward, or something else than what was shown.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tabellion_policy::MAX_TEXT_BYTES;

use super::super::shown::{at, holds, rows, text};
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, PolicyAct, Request};
use crate::writer::{Writer, unexpected};
use crate::{files, terminal};

/// One change that waits, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Step {
    #[command(flatten)]
    place: Place,
    /// The policy
    #[arg(value_name = "POLICY")]
    policy: String,
    /// The record of what was put forward, as `policy proposals` prints it
    #[arg(value_name = "PROPOSED")]
    proposed: String,
    /// Why; recorded and sealed
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What to do with a change.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Put a text, or the end of a policy, forward; nothing is in force by that
    Propose {
        #[command(flatten)]
        place: Place,
        /// The policy
        #[arg(value_name = "POLICY")]
        policy: String,
        /// The file with its text, in Cedar
        #[arg(long, value_name = "FILE", required_unless_present = "ends", conflicts_with = "ends")]
        text: Option<PathBuf>,
        /// The policy is to go out of force
        #[arg(long)]
        ends: bool,
        /// What changes and why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        note: String,
        /// Take the place of this record, which waits, as `policy proposals` prints it
        #[arg(long, value_name = "PROPOSED")]
        replace: Option<String>,
    },
    /// List changes that wait for a second person
    Proposals {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a change that waits comes to on recorded decisions
    Replay {
        #[command(flatten)]
        place: Place,
        /// The policy
        #[arg(value_name = "POLICY")]
        policy: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Have come about what a person put forward; nobody confirms what they put forward themselves
    Confirm {
        #[command(flatten)]
        step: Step,
        /// What was looked at of what it comes to, as `policy replay` prints it
        #[arg(long, value_name = "SIZE:DIGEST")]
        acknowledge: Option<String>,
    },
    /// Take back what was put forward at this command line
    TakeBack(Step),
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Propose { place, policy, text, note, replace, .. } => {
            let text = text.as_deref().map(read).transpose()?;
            let act = PolicyAct::Propose {
                policy: policy.clone(),
                text,
                note: note.clone(),
                replace: replace.clone(),
            };
            terminal::data(&line(&asked(place, act)?))?;
            terminal::say(
                "nothing is in force by that: a second person confirms it, in the console or over the API",
            );
            Ok(())
        }
        Action::Proposals { place, json } => proposals(place, *json),
        Action::Replay { place, policy, json } => replay(place, policy, *json),
        Action::Confirm { step: Step { place, policy, proposed, reason }, acknowledge } => {
            let acknowledged = acknowledge.as_deref().map(acknowledged).transpose()?;
            let act = PolicyAct::Confirm {
                policy: policy.clone(),
                proposed: proposed.clone(),
                reason: reason.clone(),
                acknowledged,
            };
            let policy = asked(place, act)?;
            let state = if holds(&policy, "/in_force") { "in force" } else { "not in force any more" };
            terminal::data(&format!(
                "policy {} {state}, entry {}\n",
                text(&policy, "/name", "erased"),
                at(&policy, "/changed/index")
            ))
        }
        Action::TakeBack(Step { place, policy, proposed, reason }) => {
            let act = PolicyAct::TakeBack {
                policy: policy.clone(),
                proposed: proposed.clone(),
                reason: reason.clone(),
            };
            terminal::data(&line(&asked(place, act)?))
        }
    }
}

fn proposals(place: &Place, json: bool) -> Result<(), Failure> {
    let waiting = asked(place, PolicyAct::List {})?;
    if json {
        return terminal::json(&json!({ "proposals": waiting }));
    }
    let waiting = rows(&waiting, "");
    if waiting.is_empty() {
        terminal::say("nothing waits for a second person");
    }
    waiting.iter().try_for_each(|proposal| terminal::data(&line(proposal)))
}

fn replay(place: &Place, policy: &str, json: bool) -> Result<(), Failure> {
    let replay = asked(place, PolicyAct::Replay { policy: policy.to_owned() })?;
    if json {
        return terminal::json(&replay);
    }
    let mut lines = vec![format!(
        "of {} recorded decisions {} were asked again: {} would be denied now, {} permitted now, {} could not be asked",
        at(&replay, "/decisions"),
        at(&replay, "/replayed"),
        at(&replay, "/now_denied"),
        at(&replay, "/now_permitted"),
        at(&replay, "/not_asked"),
    )];
    if holds(&replay, "/needs_acknowledgement") {
        let (size, digest) = (at(&replay, "/acknowledge/size"), text(&replay, "/acknowledge/digest", ""));
        lines.push(format!("confirm it with --acknowledge {size}:{digest}"));
    }
    terminal::data(&(lines.join("\n") + "\n"))
}

fn asked(place: &Place, act: PolicyAct) -> Result<Value, Failure> {
    Writer::with(&Directory::find(place)?, |writer| match writer.ask(&Request::Policies { act })? {
        Answer::Resource { resource } => Ok(resource),
        other => Err(unexpected(&other)),
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = files::read_limited(path, MAX_TEXT_BYTES as u64, "policy")?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::malformed(format!("{} is not UTF-8; a policy is text", path.display())))
}

/// A log size and a digest, as they are printed.
fn acknowledged(text: &str) -> Result<(u64, String), Failure> {
    let parts = text.split_once(':');
    let read = parts.and_then(|(size, digest)| Some((size.parse().ok()?, digest.to_owned())));
    read.ok_or_else(|| {
        Failure::malformed(format!(
            "{text:?} is no SIZE:DIGEST; tabellion policy replay prints what to acknowledge"
        ))
    })
}

fn line(proposal: &Value) -> String {
    let what = match at(proposal, "/withdraws").as_bool() {
        Some(true) => "the policy is to go out of force",
        Some(false) => "a text is to come into force",
        None => "erased",
    };
    let state = match (holds(proposal, "/waiting"), at(proposal, "/taken_back").is_object()) {
        (true, _) => "waits",
        (false, true) => "taken back",
        (false, false) => "decided",
    };
    format!(
        "{}  {}  {state}: {what}; put forward {} by {}, entry {}: {}\n",
        text(proposal, "/name", "erased"),
        text(proposal, "/proposed", "erased"),
        text(proposal, "/at", "erased"),
        text(proposal, "/by", "erased"),
        at(proposal, "/recorded/index"),
        text(proposal, "/note", "erased"),
    )
}
