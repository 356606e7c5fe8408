//! `tabellion opening`: declared routes that nothing looks into are opened to one system, by two people and until a day.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, OpeningAct, OpeningLine, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// One opening, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Step {
    #[command(flatten)]
    place: Place,
    /// The opening, as `opening request` and `opening list` print it
    #[arg(value_name = "OPENING")]
    opening: String,
    /// Why; recorded and sealed
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What to do with openings.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Ask that routes be opened to a system; a second person has to confirm it
    Request {
        #[command(flatten)]
        place: Place,
        /// The system that is to call, by its id
        #[arg(long, value_name = "ID")]
        system: String,
        /// Which routes: files, images, audio, batches, moderations or passthrough
        #[arg(long, value_name = "CLASS")]
        class: String,
        /// The one provider it is for, by its name in the configuration; without it every one
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
        /// When it ends by itself: a day such as 2027-01-31, within 366 days
        #[arg(long, value_name = "DAY")]
        until: String,
        /// Why; recorded and sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List openings: asked for, open and over
    List {
        #[command(flatten)]
        place: Place,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Open what somebody else asked for
    Confirm(Step),
    /// Close an opening at once, or take a request back
    Withdraw(Step),
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    let (place, act) = match action {
        Action::Request { place, system, class, provider, until, reason } => {
            let act = OpeningAct::Request {
                system: system.clone(),
                class: class.clone(),
                provider: provider.clone(),
                until: until.clone(),
                reason: reason.clone(),
            };
            (place, act)
        }
        Action::Confirm(Step { place, opening, reason }) => {
            (place, OpeningAct::Confirm { opening: opening.clone(), reason: reason.clone() })
        }
        Action::Withdraw(Step { place, opening, reason }) => {
            (place, OpeningAct::Withdraw { opening: opening.clone(), reason: reason.clone() })
        }
        Action::List { place, .. } => (place, OpeningAct::List {}),
    };
    let openings = openings(place, act)?;
    if let Action::List { json: true, .. } = action {
        return terminal::json(&json!({ "openings": openings }));
    }
    if openings.is_empty() {
        terminal::say("nothing was ever opened");
    }
    openings.iter().try_for_each(|opening| terminal::data(&line(opening)))?;
    if matches!(action, Action::Request { .. }) {
        terminal::say("nothing is open yet: somebody else has to confirm it, over the API");
    }
    Ok(())
}

fn openings(place: &Place, act: OpeningAct) -> Result<Vec<OpeningLine>, Failure> {
    Writer::with(&Directory::find(place)?, |writer| match writer.ask(&Request::Openings { act })? {
        Answer::Openings { openings } => Ok(openings),
        other => Err(unexpected(&other)),
    })
}

fn line(opening: &OpeningLine) -> String {
    let known = |text: &Option<String>| terminal::printable(text.as_deref().unwrap_or("erased"));
    let provider = opening.provider.as_deref().map_or_else(
        || "every provider".to_owned(),
        |provider| format!("provider {}", terminal::printable(provider)),
    );
    let confirmed = opening.confirmed_by.as_deref().map_or_else(
        || "confirmed by nobody".to_owned(),
        |by| format!("confirmed by {}", terminal::printable(by)),
    );
    format!(
        "{}  {}  {} for system {} at {provider}, until {}; asked for by {}, {confirmed}, entry {}: {}\n",
        opening.id,
        terminal::printable(&opening.state),
        known(&opening.class),
        known(&opening.system),
        known(&opening.until),
        terminal::printable(&opening.requested_by),
        opening.index,
        known(&opening.reason),
    )
}
