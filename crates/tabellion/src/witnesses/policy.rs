//! The declared policy: a C2SP tlog-policy whose witnesses have addresses.

use std::path::{Path, PathBuf};

use hyper::Uri;
use sha2::{Digest as _, Sha256};
use tabellion_tlog::{Policy, VerifierKey};

use crate::failure::Failure;
use crate::trust;

/// Most witnesses: each has a connection of its own.
const MAX_WITNESSES: usize = 32;

/// A policy that can be acted on.
#[derive(Debug, Clone)]
pub(crate) struct WitnessPolicy {
    pub(crate) policy: Policy,
    pub(crate) peers: Vec<Peer>,
    /// SHA-256 of the policy's canonical text, hex.
    pub(crate) digest: String,
}

/// One witness, with all its keys that the policy names: it is asked once for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Submission prefix, without a slash at its end.
    pub(crate) url: String,
    /// The names of its keys in the policy, joined.
    pub(crate) name: String,
    pub(crate) keys: Vec<VerifierKey>,
}

impl WitnessPolicy {
    /// Reads the policy in `file`, which is relative to the data directory `dir`.
    pub(crate) fn read(file: &Path, dir: &Path) -> Result<Self, Failure> {
        let path: PathBuf = dir.join(file);
        let refused =
            |why: String| Failure::malformed(format!("the witnesses' policy {}: {why}", path.display()));
        let policy = trust::read(&path)?;
        if policy.witnesses.is_empty() {
            return Err(refused("it names no witness; add a line: witness NAME VKEY URL".to_owned()));
        }
        let mut peers: Vec<Peer> = Vec::new();
        for line in &policy.witnesses {
            let url = line.url.as_deref().ok_or_else(|| {
                refused(format!(
                    "witness {} has no URL, so it cannot be asked; write it as: witness NAME VKEY URL",
                    line.name
                ))
            })?;
            let url = url.trim_end_matches('/');
            check_url(url).map_err(|why| refused(format!("the URL of witness {} {why}", line.name)))?;
            match peers.iter_mut().find(|peer| peer.url == url) {
                Some(peer) => {
                    peer.name = format!("{}, {}", peer.name, line.name);
                    peer.keys.push(line.key.clone());
                }
                None => peers.push(Peer {
                    url: url.to_owned(),
                    name: line.name.clone(),
                    keys: vec![line.key.clone()],
                }),
            }
        }
        if peers.len() > MAX_WITNESSES {
            return Err(refused(format!(
                "it names {} witnesses, at most {MAX_WITNESSES} are asked",
                peers.len()
            )));
        }
        let digest = hex::encode(Sha256::digest(policy.to_string().as_bytes()));
        Ok(Self { policy, peers, digest })
    }
}

fn check_url(url: &str) -> Result<(), &'static str> {
    let uri: Uri = url.parse().map_err(|_| "is no URL")?;
    let authority = uri.authority().ok_or("names no host")?;
    if authority.as_str().contains('@') || uri.query().is_some() {
        return Err("holds more than host and path");
    }
    match uri.scheme_str() {
        Some("https" | "http") => Ok(()),
        _ => Err("is neither https nor http"),
    }
}
