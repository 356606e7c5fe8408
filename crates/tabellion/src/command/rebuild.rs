//! `tabellion rebuild`: the views are thrown away and made again from the log.
//!
//! Promises: the old views stay until the new ones are whole; says whether they differed. Must never: run beside a server, which keeps its own.

use clap::Args;
use tabellion_views::Views;

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::terminal;
use crate::writer::take_lock;

/// Where the views are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: Place,
}

/// Rebuilds.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    let _lock = take_lock(directory.path())?;
    let reader = directory.reader()?;
    let rebuilt = Views::rebuild(directory.path(), &reader)
        .map_err(|error| Failure::failed(format!("the views cannot be rebuilt: {error}")))?;
    let compared = match rebuilt.before {
        None => "there were none to compare with",
        Some(_) if rebuilt.differed() => {
            "the ones before had OTHER rows: a fault in them or in the disk; keep this line for your incident report"
        }
        Some(_) => "the ones before had the same rows",
    };
    terminal::data(&format!(
        "views rebuilt from {} entries in {:.1} s; {compared}\n",
        rebuilt.after.position,
        rebuilt.took.as_secs_f64()
    ))
}
