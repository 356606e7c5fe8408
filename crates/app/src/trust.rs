//! The trust file of a log (docs/formats.md §10): what somebody else needs to know whose evidence they hold.
//!
//! Promises: names the root key, which vouches for every other, and every checkpoint key that was not revoked, so that receipts of any age and
//! transparent statements verify. Must never: hold a secret.

use std::fmt::Write as _;

use tabellion_ledger::Reader;
use tabellion_model::{KeyEnd, Purpose};
use tabellion_tlog::{PublicKey, VerifierKey};

/// A key that cannot be written as a line of a trust file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trust file of {origin} cannot be written: {why}")]
pub struct TrustTextError {
    origin: String,
    why: String,
}

/// The text of the trust file of the log.
pub fn trust_text(reader: &Reader) -> Result<String, TrustTextError> {
    let keys = reader.keys();
    let origin = keys.origin().as_str();
    let line = |about: &str, name: &str, public: PublicKey| {
        let key = VerifierKey::new(name, public)
            .map_err(|error| TrustTextError { origin: origin.to_owned(), why: error.to_string() })?;
        Ok(format!("# {about}\nlog {key}\n"))
    };
    let mut out = format!(
        "# Trust file of the log {origin} ({env}).\n\
         # It says which keys speak for this log. A package, receipt or transparent statement of it verifies against this file:\n\
         #     tabellion verify PATH --trust trust.txt\n\
         # Hand it over by another way than the packages it is to judge, or read the keys out over the telephone: whoever can replace\n\
         # both can forge both. It holds no secret. Format: C2SP tlog-policy.\n\n",
        env = keys.env()
    );
    out.push_str(&line(
        "The root key, which grants all others.",
        &format!("{origin}/root"),
        keys.root().public,
    )?);
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
        out.push_str(&line(about, origin, grant.info.public)?);
    }
    if let Some(key) = reader.hybrid_key() {
        let _ = write!(out, "# The key that signs checkpoints a second time, by ML-DSA-44.\nlog {key}\n");
    }
    out.push_str("quorum none\n");
    Ok(out)
}
