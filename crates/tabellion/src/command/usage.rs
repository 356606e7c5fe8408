//! `tabellion usage`: what providers say that they counted, held against the calls that went through the gateway.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use tabellion_model::usage::{MAX_TOLERANCE_PER_MILLE, MAX_USAGE_BYTES};

use crate::directory::{Directory, Place};
use crate::failure::Failure;
use crate::files;
use crate::request::{Answer, Request, UsageImport, UsageOutcome};
use crate::terminal;
use crate::writer::{Writer, unexpected};

/// Whose form an export has.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// Pages of `OpenAI`'s `/v1/organization/usage/completions`
    OpenaiUsage,
    /// Pages of Anthropic's `/v1/organizations/usage_report/messages`
    AnthropicUsage,
    /// A table in the columns of docs/unseen.md
    Csv,
}

impl Format {
    fn word(self) -> &'static str {
        match self {
            Self::OpenaiUsage => "openai_usage",
            Self::AnthropicUsage => "anthropic_usage",
            Self::Csv => "csv",
        }
    }
}

/// What to do with usage.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Put a provider's usage export on record and hold it against the calls; traffic past the gateway opens a finding
    Import {
        #[command(flatten)]
        place: Place,
        /// The provider, a short word; also the upstream that is compared, unless --upstream names others
        #[arg(long, value_name = "NAME")]
        provider: String,
        /// Whose form the export has
        #[arg(long, value_enum)]
        format: Format,
        /// An upstream of the configuration that calls this provider, and after a = the account or key at the provider that it calls with; can be repeated
        #[arg(long, value_name = "NAME[=ACCOUNT]")]
        upstream: Vec<String>,
        /// Difference in tokens that is let pass as rounding, in thousandths of what was counted here; requests are exact
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=MAX_TOLERANCE_PER_MILLE))]
        tolerance: u64,
        /// Print as JSON
        #[arg(long)]
        json: bool,
        /// The export
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Carries it out.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    let Action::Import { place, provider, format, upstream, tolerance, json, file } = action;
    let bytes = files::read_limited(file, MAX_USAGE_BYTES as u64, "export")?;
    let content = String::from_utf8(bytes)
        .map_err(|error| Failure::malformed(format!("{} is no text in UTF-8: {error}", file.display())))?;
    let accounts = upstream.iter().map(|named| match named.split_once('=') {
        Some((upstream, account)) => (upstream.to_owned(), Some(account.to_owned())),
        None => (named.clone(), None),
    });
    let import = UsageImport {
        provider: provider.clone(),
        format: format.word().to_owned(),
        content,
        name: file.file_name().and_then(|name| name.to_str()).map(str::to_owned),
        accounts: accounts.collect(),
        tolerance_per_mille: *tolerance,
    };
    let request = Request::ReportUsage { import };
    let outcome = Writer::with(&Directory::find(place)?, |writer| match writer.ask(&request)? {
        Answer::Usage { outcome } => Ok(outcome),
        other => Err(unexpected(&other)),
    })?;
    if *json {
        return terminal::json(&json!(outcome));
    }
    shown(&outcome)
}

fn shown(outcome: &UsageOutcome) -> Result<(), Failure> {
    let UsageOutcome { report, index, agrees, more_here, not_comparable, more_there, open } = outcome;
    for line in more_there {
        terminal::data(&format!("off the gateway: {}\n", terminal::printable(line)))?;
    }
    terminal::data(&format!(
        "report {report} at entry {index}: {} days of models with more there, {agrees} agree, {more_here} with more here, {not_comparable} not comparable\n",
        more_there.len()
    ))?;
    if *open > 0 {
        terminal::data(&format!(
            "not yet certain: calls of that time without an end: {open}; it is compared again when they have ended, and what shows then opens a finding\n"
        ))?;
    }
    Ok(())
}
