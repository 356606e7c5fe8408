//! `tabellion erase`: content goes, every proof stays.

use clap::Args;
use serde_json::json;

use super::target::TargetOptions;
use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::request::{Answer, Erased, Request};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// What is to go, and why.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    target: TargetOptions,
    /// Why; recorded, sealed, and never erased
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Erases.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let target = options
        .target
        .target()
        .ok_or_else(|| Failure::malformed("say what to erase: --subject, --record or --system"))?;
    let request = Request::Erase { target, reason: options.reason.clone() };
    let erasures = Writer::with(&directory, |writer| erase(writer, &request))?;
    tell(&erasures, options.json)
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
