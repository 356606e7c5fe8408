//! `tabellion envelope`: evidence that others signed in the ar.io family's form is checked, put on record, and made (docs/envelopes.md).
//!
//! Promises: one verifier decides for all of it; what was not checked never ends with 0. Must never: import what is broken.

mod chain;
mod export;
mod import;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use tabellion_model::Report;
use tabellion_model::envelope::{
    EnvelopeContext, InclusionReceipt, MAX_ENVELOPE_BYTES, MAX_PAYLOAD_BYTES, verify_envelope,
};
use tabellion_tlog::PublicKey;

use crate::failure::{Exit, Failure};
use crate::{files, terminal, verifying};

/// What to do with envelopes.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Action {
    /// Check envelopes and proof bundles, offline
    #[command(after_help = verifying::EXIT_CODES)]
    Verify(VerifyOptions),
    /// Check envelopes and put them on record, each with its signature and a receipt of ours
    Import(import::Options),
    /// Put the envelopes that were imported in the order in which they name each other; a gap, a fork or a foreign predecessor is named and ends with 1
    #[command(after_help = verifying::EXIT_CODES)]
    Chain(chain::Options),
    /// Make an envelope for a record of the log, which others' verifiers read
    Export(export::Options),
}

/// What the checks rest on.
#[derive(Debug, Clone, Args)]
pub(crate) struct Believed {
    /// A public key that you got another way and believe (64 hex digits or base64); may be given more than once
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// The payload that the envelope commits to, for profiles that keep it elsewhere; goes with one FILE
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// Accept envelopes that their signer marked as made for trying out
    #[arg(long)]
    dev: bool,
    /// Accept envelopes without `spec_version`, from before that member existed
    #[arg(long)]
    legacy: bool,
}

/// What to check.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyOptions {
    /// Envelopes or proof bundles
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    believed: Believed,
    /// The receipt that says where the envelope stands in a batch; goes with one FILE
    #[arg(long, value_name = "FILE", requires = "checkpoint_payload")]
    inclusion: Option<PathBuf>,
    /// The record that the batch's checkpoint commits to
    #[arg(long, value_name = "FILE", requires = "inclusion")]
    checkpoint_payload: Option<PathBuf>,
    /// Print the reports as JSON, one line each
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn run(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Verify(options) => verify(options),
        Action::Import(options) => import::run(options),
        Action::Chain(options) => chain::run(options),
        Action::Export(options) => export::run(options),
    }
}

fn verify(options: &VerifyOptions) -> Result<(), Failure> {
    let evidence = Evidence::read(&options.believed, options.files.len())?;
    let inclusion = match (&options.inclusion, &options.checkpoint_payload) {
        (Some(_), _) if options.files.len() > 1 => {
            return Err(Failure::malformed(
                "--inclusion goes with one FILE; check the others in commands of their own",
            ));
        }
        (Some(receipt), Some(record)) => Some((read_receipt(receipt)?, read_payload(record)?)),
        _ => None,
    };
    let mut worst = 0;
    for file in &options.files {
        let bytes = read_envelope(file)?;
        let mut context = evidence.context();
        context.inclusion = inclusion.as_ref().map(|(receipt, record)| (receipt, record.as_slice()));
        let report = verify_envelope(&bytes, &context);
        if options.json {
            terminal::json_line(&report.to_json())?;
        } else {
            let name = terminal::printable(&file.display().to_string());
            let title = if options.files.len() > 1 { format!("{name}\n") } else { String::new() };
            terminal::data(&format!("{title}{}", report.to_text()))?;
        }
        worst = worse(worst, report.exit_code());
    }
    match worst {
        0 => Ok(()),
        1 => Err(Failure::told(Exit::Failed)),
        2 => Err(Failure::told(Exit::Malformed)),
        _ => Err(Failure::told(Exit::Undetermined)),
    }
}

/// Of two exit codes the one that says more against the evidence: broken, malformed, undetermined, holds.
fn worse(left: u8, right: u8) -> u8 {
    [1, 2, 3].into_iter().find(|code| left == *code || right == *code).unwrap_or(0)
}

/// What was given besides the envelopes, read.
struct Evidence {
    keys: Vec<PublicKey>,
    payload: Option<Vec<u8>>,
    dev: bool,
    legacy: bool,
}

impl Evidence {
    /// Reads it, for `count` files.
    fn read(believed: &Believed, count: usize) -> Result<Self, Failure> {
        if believed.payload.is_some() && count > 1 {
            return Err(Failure::malformed(
                "--payload goes with one FILE; give the others in commands of their own",
            ));
        }
        Ok(Self {
            keys: believed.keys.iter().map(|text| key_of(text)).collect::<Result<_, _>>()?,
            payload: believed.payload.as_deref().map(read_payload).transpose()?,
            dev: believed.dev,
            legacy: believed.legacy,
        })
    }

    fn context(&self) -> EnvelopeContext<'_> {
        EnvelopeContext {
            keys: &self.keys,
            payload: self.payload.as_deref(),
            inclusion: None,
            allow_dev: self.dev,
            allow_legacy: self.legacy,
        }
    }

    fn verify(&self, bytes: &[u8]) -> Report {
        verify_envelope(bytes, &self.context())
    }
}

fn read_envelope(file: &Path) -> Result<Vec<u8>, Failure> {
    files::read_limited(file, MAX_ENVELOPE_BYTES as u64, "envelope")
}

fn read_payload(file: &Path) -> Result<Vec<u8>, Failure> {
    files::read_limited(file, MAX_PAYLOAD_BYTES as u64, "payload")
}

fn read_receipt(file: &Path) -> Result<InclusionReceipt, Failure> {
    InclusionReceipt::parse(&read_envelope(file)?).map_err(|error| {
        Failure::malformed(format!(
            "the inclusion receipt {} cannot be used: {error} [{}]",
            file.display(),
            error.code()
        ))
    })
}

/// 64 hex digits, as envelopes write a key, or base64, as `tabellion key show` does.
fn key_of(text: &str) -> Result<PublicKey, Failure> {
    let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text)).ok();
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.and_then(|bytes| PublicKey::from_bytes(&bytes).ok()).ok_or_else(|| {
        Failure::malformed(format!(
            "--key {:?} is not an Ed25519 public key; give its 32 bytes as hex or base64",
            terminal::printable(text)
        ))
    })
}
