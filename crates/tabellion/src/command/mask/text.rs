//! `tabellion mask text`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CallOptions, check_upstream, nobody, rules};
use crate::directory::Place;
use crate::failure::{Exit, Failure};
use crate::{files, terminal};

/// The exit status, for `--help`.
pub(super) const EXIT_CODES: &str =
    "Exit status: 0 it would be sent as shown; 1 a rule keeps it from being sent; 2 wrong use";

/// Largest text that is read: a long request.
const MAX_BYTES: u64 = 10 << 20;

/// Which text, and of which call.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The file that holds it; without one it is read from standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    call: CallOptions,
    #[command(flatten)]
    place: Place,
}

/// Shows it; what was found, and which rules are for it, on standard error.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let rules = rules(&options.place)?;
    if let Some(upstream) = &options.call.upstream {
        check_upstream(&options.place, upstream)?;
    }
    let text = read(options.file.as_deref())?;
    let call = &options.call;
    let purpose = call.purpose.as_deref().unwrap_or_default();
    let upstream = call.upstream.as_deref().unwrap_or_default();
    let preview = rules
        .preview(call.system.unwrap_or_else(nobody), purpose, upstream, &text)
        .map_err(Failure::malformed)?;
    for ((class, operator), count) in &preview.found {
        terminal::say(&format!("{count} x {class}: {operator}"));
    }
    if preview.found.is_empty() {
        terminal::say("nothing was found");
    }
    match preview.rules.as_slice() {
        [] => terminal::say("no rule is for such a call: the default holds"),
        rules => terminal::say(&format!("rules: {}", rules.join(", "))),
    }
    if !preview.blocked.is_empty() {
        let classes: Vec<&str> = preview.blocked.into_iter().collect();
        terminal::say(&format!("it would not be sent: it holds {}", classes.join(", ")));
        return Err(Failure::told(Exit::Failed));
    }
    terminal::data(&preview.sent)
}

fn read(file: Option<&Path>) -> Result<String, Failure> {
    let bytes = if let Some(file) = file { files::read_limited(file, MAX_BYTES, "text")? } else { typed()? };
    String::from_utf8(bytes)
        .map_err(|_| Failure::malformed("the text is not UTF-8, which is what models are sent; convert it"))
}

/// What comes on standard input.
fn typed() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let input = std::io::stdin().lock();
    let read = input.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::io("read", Path::new("standard input"), &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::malformed(format!("the text has more than {MAX_BYTES} bytes; give less of it")));
    }
    Ok(bytes)
}
