//! Trust files on the command line: written as the control plane writes them, read with a hint when they are something else.

use std::path::Path;

use tabellion_app::trust_text;
use tabellion_ledger::Reader;
use tabellion_tlog::anchor::AnchorTrust;
use tabellion_tlog::{MAX_POLICY_BYTES, Policy, WitnessLine};

use crate::failure::Failure;
use crate::files;

/// The text of the trust file of the log.
pub(crate) fn text(reader: &Reader) -> Result<String, Failure> {
    trust_text(reader).map_err(|error| Failure::failed(error.to_string()))
}

/// A trust file that asks for the witnesses of `policy` as well.
pub(crate) fn with_witnesses(text: &str, policy: Policy) -> Result<String, Failure> {
    let unusable =
        |error: &dyn std::fmt::Display| Failure::failed(format!("the trust file cannot be made: {error}"));
    let logs = Policy::parse(text).map_err(|error| unusable(&error))?.logs;
    // An address is for those who ask the witness, not for those who verify.
    let witnesses =
        policy.witnesses.into_iter().map(|witness| WitnessLine { url: None, ..witness }).collect();
    let whole = Policy { logs, witnesses, ..policy }.to_string();
    Policy::parse(&whole).map_err(|error| unusable(&error))?;
    let comments: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
    Ok(format!("{}\n\n{whole}", comments.join("\n")))
}

/// Reads a trust file, for whoever asks about logs alone.
pub(crate) fn read(path: &Path) -> Result<Policy, Failure> {
    read_with_anchors(path).map(|(policy, _)| policy)
}

/// Reads a trust file: the logs that it names, and the time-stamp authorities and blocks.
pub(crate) fn read_with_anchors(path: &Path) -> Result<(Policy, AnchorTrust), Failure> {
    let bytes = files::read_limited(path, MAX_POLICY_BYTES as u64, "trust file")?;
    let policy = Policy::parse(&bytes).map_err(|error| {
        let (path, hint) = (
            path.display(),
            "a trust file is the trust.txt that tabellion init wrote, or a C2SP tlog-policy",
        );
        Failure::malformed(format!("the trust file {path} cannot be used: {error}; {hint}"))
    })?;
    let anchors = AnchorTrust::parse(&bytes).map_err(|error| {
        Failure::malformed(format!("the trust file {} cannot be used: {error}", path.display()))
    })?;
    Ok((policy, anchors))
}
