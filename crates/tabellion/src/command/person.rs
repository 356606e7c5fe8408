//! `tabellion person`: the first people, and a way in for whoever lost theirs; everybody else is added over the control plane.
//!
//! Must never: print a link's token twice, or make anybody a person of this log without a record.

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use tabellion_app::work::sessions::LINK_MINUTES;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// Roles, as the command line names them.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    Administrator,
    Developer,
    GovernanceEngineer,
    ComplianceOfficer,
    BusinessOwner,
    Approver,
    Auditor,
}

impl RoleName {
    /// The word in records.
    fn word(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Developer => "developer",
            Self::GovernanceEngineer => "governance_engineer",
            Self::ComplianceOfficer => "compliance_officer",
            Self::BusinessOwner => "business_owner",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Make a person known, and print a link that lets them in once
    Add {
        #[command(flatten)]
        place: Place,
        /// Their name; kept so that it can be erased
        #[arg(value_name = "NAME")]
        name: String,
        /// What they are to be; give it again for more
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<RoleName>,
        /// Their e-mail address
        #[arg(long, value_name = "ADDRESS", default_value = "")]
        email: String,
        /// How long the link works
        #[arg(long, value_name = "MINUTES", default_value_t = LINK_MINUTES, value_parser = clap::value_parser!(u64).range(15..=1440))]
        valid_minutes: u64,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a new link that lets a person in once
    Link {
        #[command(flatten)]
        place: Place,
        /// The person's id
        #[arg(value_name = "ID")]
        person: String,
        /// How long the link works
        #[arg(long, value_name = "MINUTES", default_value_t = LINK_MINUTES, value_parser = clap::value_parser!(u64).range(15..=1440))]
        valid_minutes: u64,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// End every session of a person, and the links that nobody used yet
    SignOut {
        #[command(flatten)]
        place: Place,
        /// The person's name or id
        #[arg(value_name = "NAME")]
        person: String,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Add { place, name, roles, email, valid_minutes, json } => {
            let roles = roles.iter().map(|role| role.word().to_owned()).collect();
            let add = Request::AddPerson { name: name.clone(), email: email.clone(), roles };
            let directory = Directory::find(place)?;
            Writer::with(&directory, |writer| {
                let person = match writer.ask(&add)? {
                    Answer::Person { person, .. } => person,
                    other => return Err(unexpected(&other)),
                };
                link(writer, &directory, &person, *valid_minutes, *json)
            })
        }
        Action::Link { place, person, valid_minutes, json } => {
            let directory = Directory::find(place)?;
            Writer::with(&directory, |writer| link(writer, &directory, person, *valid_minutes, *json))
        }
        Action::SignOut { place, person } => {
            let directory = Directory::find(place)?;
            let ask = Request::EndSessions { person: person.clone() };
            let ended = Writer::with(&directory, |writer| match writer.ask(&ask)? {
                Answer::Person { person, record } => Ok((person, record.index)),
                other => Err(unexpected(&other)),
            })?;
            terminal::say(&format!(
                "person {} is signed out everywhere, and links handed out before are void (entry {}); tabellion person link lets them in again",
                ended.0, ended.1
            ));
            Ok(())
        }
    }
}

fn link(
    writer: &mut Writer,
    directory: &Directory,
    person: &str,
    valid_minutes: u64,
    as_json: bool,
) -> Result<(), Failure> {
    let base = directory.config().console_url();
    let ask = Request::IssueLink { person: person.to_owned(), valid_minutes, base };
    let (url, expires_at) = match writer.ask(&ask)? {
        Answer::Link { url, expires_at, .. } => (url, expires_at),
        other => return Err(unexpected(&other)),
    };
    if as_json {
        return terminal::json(&json!({ "expires_at": expires_at, "person": person, "url": url }));
    }
    terminal::data(&format!("person {person}\nlink   {url}\n"))?;
    terminal::say(&format!(
        "The link lets whoever opens it in once, until {expires_at}. Hand it to that person alone; it is not shown again"
    ));
    Ok(())
}
