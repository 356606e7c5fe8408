//! The trust file of a log (docs/formats.md §10): what somebody else needs to know whose evidence they hold.
//!
//! Promises: names the root key, which vouches for every other, and every checkpoint key that was not revoked, so that receipts of any age and
//! transparent statements verify. Must never: hold a secret.

use std::fmt::Write as _;
use std::path::Path;

use tabellion_model::{KeyChain, KeyEnd, Purpose};
use tabellion_tlog::{MAX_POLICY_BYTES, Policy, VerifierKey};

use crate::failure::Failure;
use crate::files;

/// The text of the trust file of the log whose keys these are.
pub(crate) fn text(keys: &KeyChain) -> Result<String, Failure> {
    let origin = keys.origin().as_str();
    let vkey = |name: &str, public| {
        VerifierKey::new(name, public).map_err(|error| {
            Failure::failed(format!("the trust file of {origin} cannot be written: {error}"))
        })
    };
    let mut out = format!(
        "# Trust file of the log {origin} ({env}).\n\
         # It says which keys speak for this log. A package, receipt or transparent statement of it verifies against this file:\n\
         #     tabellion verify PATH --trust trust.txt\n\
         # Hand it over by another way than the packages it is to judge, or read the keys out over the telephone: whoever can replace\n\
         # both can forge both. It holds no secret. Format: C2SP tlog-policy.\n\n",
        env = keys.env()
    );
    let mut line = |about: &str, key: &VerifierKey| {
        writeln!(out, "# {about}\nlog {key}").map_err(|error| Failure::failed(error.to_string()))
    };
    line("The root key, which grants all others.", &vkey(&format!("{origin}/root"), keys.root().public)?)?;
    let mut logs: Vec<_> = keys.grants().filter(|grant| grant.purpose == Purpose::Log).collect();
    logs.sort_by_key(|grant| grant.since);
    for grant in logs.into_iter().filter(|grant| grant.revocations.is_empty()) {
        let about = match &grant.end {
            None => "The key that signs checkpoints.",
            Some(KeyEnd::Rotated { .. }) => {
                "A key that signed checkpoints before; what it signed then stays valid."
            }
            Some(_) => continue,
        };
        line(about, &vkey(origin, grant.info.public)?)?;
    }
    out.push_str("quorum none\n");
    Ok(out)
}

/// Reads a trust file.
pub(crate) fn read(path: &Path) -> Result<Policy, Failure> {
    let bytes = files::read_limited(path, MAX_POLICY_BYTES as u64, "trust file")?;
    Policy::parse(&bytes).map_err(|error| {
        let (path, hint) = (
            path.display(),
            "a trust file is the trust.txt that tabellion init wrote, or a C2SP tlog-policy",
        );
        Failure::malformed(format!("the trust file {path} cannot be used: {error}; {hint}"))
    })
}
