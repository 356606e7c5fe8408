//! `tabellion mask test`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{cases, rules};
use crate::directory::Place;
use crate::failure::{Exit, Failure};
use crate::terminal::{self, printable};

/// The exit status, for `--help`.
pub(super) const EXIT_CODES: &str =
    "Exit status: 0 of every text became what its case says; 1 of some not; 2 wrong use";

/// Which tables.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Tables of texts, as docs/masking.md has them
    #[arg(value_name = "FILE", required = true)]
    tables: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Tries, and says what came otherwise.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let rules = rules(&options.place)?;
    let mut tried = 0_u64;
    let mut faults = Vec::new();
    for table in &options.tables {
        for case in cases::read(table)? {
            tried += 1;
            let fault = case.fault(&rules).map_err(Failure::malformed)?;
            faults.extend(fault.map(|fault| (table.display().to_string(), case.name, fault)));
        }
    }
    if tried == 0 {
        return Err(Failure::malformed("the files name no case; write [[case]] tables, or name others"));
    }
    if options.json {
        let faults: Vec<Value> = faults
            .iter()
            .map(|(table, name, fault)| json!({ "table": table, "case": name, "fault": fault }))
            .collect();
        terminal::json(&json!({ "tried": tried, "faults": faults }))?;
    } else {
        for (table, name, fault) in &faults {
            terminal::data(&format!("{}\n", printable(&format!("{table}: {name}: {fault}"))))?;
        }
        let failed = faults.len();
        terminal::data(&format!("{tried} texts, {failed} of which did not become what their case says\n"))?;
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::told(Exit::Failed)) }
}
