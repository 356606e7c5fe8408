//! `tabellion mask`: the rules of masking of a configuration, tried before they hold.
//!
//! Promises: reads the configuration and the files it is given, and nothing else; masks with the engine that the gateway masks with. Must never: send, record
//! or keep what it reads.

mod cases;
mod test;
mod text;

use clap::{Args, Subcommand};
use tabellion_gateway::Masking;
use tabellion_model::SystemId;

use crate::directory::Place;
use crate::failure::Failure;
use crate::terminal;

/// What to do with them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Show a text as it would be sent
    #[command(after_help = text::EXIT_CODES)]
    Text(text::Options),
    /// Try the rules on a table of texts, each with what must become of it
    #[command(after_help = test::EXIT_CODES)]
    Test(test::Options),
}

/// Does it.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Text(options) => text::run(options),
        Action::Test(options) => test::run(options),
    }
}

/// Which call a text is of. What is left out is no system, purpose or provider that a rule names.
#[derive(Debug, Clone, Args)]
struct CallOptions {
    /// The system that sends it
    #[arg(long, value_name = "ID", value_parser = system)]
    system: Option<SystemId>,
    /// The purpose it is sent for
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// The provider it goes to, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
}

fn system(text: &str) -> Result<SystemId, String> {
    SystemId::from_hex(text).ok_or_else(|| "a system's id has 32 hex digits".to_owned())
}

/// A system that is nobody's.
fn nobody() -> SystemId {
    SystemId::from_bytes([0; 16])
}

/// Refuses an upstream that no section of the configuration is for: the default would hold, and look like what the rules make of it.
fn check_upstream(place: &Place, name: &str) -> Result<(), Failure> {
    let known = place.load_config()?.gateway.upstream_names();
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    let (name, file) = (terminal::printable(name), place.config_file());
    if !file.exists() {
        return Err(Failure::malformed(format!(
            "there is no configuration at {}, so no upstream {name}; name it with --config, or its directory with --dir",
            file.display()
        )));
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Failure::malformed(format!("{} has no [upstream.{name}]; it has {known}", file.display())))
}

/// The rules of the configuration that applies in a place.
fn rules(place: &Place) -> Result<Masking, Failure> {
    let config = place.load_config()?.gateway.as_said();
    Masking::new(&config).map_err(|error| Failure::malformed(error.to_string()))
}
