//! Whom a verifier believes: pins read out of a trust file (formats §10).
//!
//! Promises that a key is believed only because the trust file names it, or because a root key that the trust file names has
//! granted it in the log itself. A key that a package brings along never vouches for its own origin.

use tabellion_tlog::{Policy, PublicKey, Quorum, SignatureType, SignedCheckpoint, VerifierKey};

use crate::id::KeyId;
use crate::origin::Origin;
use crate::time::Micros;
use crate::verdict::Outcome;

/// Most names of other logs that a refusal lists.
const NAMED_LOGS: usize = 4;
/// Most witnesses that a sentence lists.
const NAMED_WITNESSES: usize = 16;
/// What the key name of a pinned root key has after the origin.
const ROOT_SUFFIX: &str = "/root";

/// The keys that a trust file pins for one log.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    log: Vec<PublicKey>,
    root: Vec<PublicKey>,
    /// Its post-quantum keys.
    hybrid: Vec<VerifierKey>,
    /// Names of pinned logs that are other logs.
    others: Vec<String>,
}

impl Pins {
    /// The pins for `origin`.
    pub fn of(policy: &Policy, origin: &Origin) -> Self {
        let mut pins = Self { hybrid: hybrid_keys(policy, origin), ..Self::default() };
        for line in &policy.logs {
            let name = line.key.name();
            let Some(key) = line.key.ed25519() else { continue };
            match name.strip_prefix(origin.as_str()) {
                Some("") => pins.log.push(key),
                Some(ROOT_SUFFIX) => pins.root.push(key),
                _ => {
                    let other = name.strip_suffix(ROOT_SUFFIX).unwrap_or(name);
                    if !pins.others.iter().any(|listed| listed == other) {
                        pins.others.push(other.to_owned());
                    }
                }
            }
        }
        pins
    }

    /// The pinned checkpoint keys.
    pub fn log_keys(&self) -> &[PublicKey] {
        &self.log
    }

    /// The pinned root keys.
    pub fn root_keys(&self) -> &[PublicKey] {
        &self.root
    }
}

/// The keys under which a file claims to be issued.
pub(crate) struct Claim<'a> {
    /// The log it names.
    pub(crate) origin: &'a Origin,
    /// The root key of its genesis, when it brings one.
    pub(crate) root: Option<&'a PublicKey>,
    /// The key that signs its checkpoint or receipt.
    pub(crate) log_key: Option<&'a PublicKey>,
    /// Its checkpoint, when it brings one.
    pub(crate) checkpoint: Option<&'a SignedCheckpoint>,
}

fn key_list<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> String {
    let ids: Vec<_> = keys.map(|key| KeyId::of(key).to_hex()).collect();
    if ids.is_empty() { "no known key".to_owned() } else { ids.join(" and ") }
}

/// Decides who issued a file. `Broken` only for a wrong line under a second key of the log or a witness that the trust file names:
/// a stranger's file can be consistent.
pub(crate) fn judge_issuer(trust: Option<&Policy>, claim: &Claim<'_>) -> (Outcome, String) {
    let Some(policy) = trust else {
        let text = "no trust file was given, so nothing says whose keys these are; get the trust file from the issuer on \
                    another way than this file and run the same command with --trust FILE";
        return (Outcome::Undetermined, text.to_owned());
    };
    let pins = Pins::of(policy, claim.origin);
    match pinned_key(&pins, claim) {
        Err(text) => (Outcome::Undetermined, text),
        Ok(text) => {
            let judged = [judge_hybrid(policy, claim), judge_quorum(policy, claim.checkpoint)];
            let mut whole = text;
            for (outcome, said) in judged {
                if outcome != Outcome::Holds {
                    return (outcome, said);
                }
                if !said.is_empty() {
                    whole = format!("{whole}; {said}");
                }
            }
            (Outcome::Holds, whole)
        }
    }
}

/// The ML-DSA-44 keys that the trust file pins for the log.
fn hybrid_keys(policy: &Policy, origin: &Origin) -> Vec<VerifierKey> {
    let is_own = |key: &&VerifierKey| key.kind() == SignatureType::MlDsa44 && key.name() == origin.as_str();
    policy.logs.iter().map(|line| &line.key).filter(is_own).cloned().collect()
}

/// Whether a line of the checkpoint stands under this key. It says nothing of whether the line is right.
fn signs(checkpoint: &SignedCheckpoint, key: &VerifierKey) -> bool {
    checkpoint.note.signatures.iter().any(|line| line.name == key.name() && line.key_id == key.id())
}

/// What the log's second, post-quantum signature says, where the trust file pins a key for it. Either signature suffices; a wrong one never does. Empty:
/// none is pinned, or there is no checkpoint.
fn judge_hybrid(policy: &Policy, claim: &Claim<'_>) -> (Outcome, String) {
    let keys = hybrid_keys(policy, claim.origin);
    let Some(checkpoint) = claim.checkpoint.filter(|_| !keys.is_empty()) else {
        return (Outcome::Holds, String::new());
    };
    if !keys.iter().any(|key| signs(checkpoint, key)) {
        let text = "the log's ML-DSA-44 key, which the trust file pins too, did not sign this checkpoint";
        return (Outcome::Holds, text.to_owned());
    }
    match checkpoint.verify_any(&keys) {
        Ok(_) => (Outcome::Holds, "the log's ML-DSA-44 signature was checked too".to_owned()),
        Err(error) => (Outcome::Broken, format!("the log's ML-DSA-44 signature: {error}")),
    }
}

/// Which pin vouches for the claim, or why none does.
fn pinned_key(pins: &Pins, claim: &Claim<'_>) -> Result<String, String> {
    let origin = claim.origin;
    if pins.log.is_empty() && pins.root.is_empty() {
        // Whether its line is right, `judge_hybrid` says: a wrong one is broken, not unknown.
        if claim.checkpoint.is_some_and(|checkpoint| pins.hybrid.iter().any(|key| signs(checkpoint, key))) {
            return Ok(format!(
                "the trust file pins the ML-DSA-44 log key of {origin} alone, which signs here"
            ));
        }
        let others: Vec<_> = pins.others.iter().take(NAMED_LOGS).map(String::as_str).collect();
        let others = if others.is_empty() { "no log at all".to_owned() } else { others.join(", ") };
        return Err(format!(
            "this was issued under {origin}, and the trust file pins {others}; ask the issuer of {origin} for theirs"
        ));
    }
    match claim.root {
        Some(root) if pins.root.contains(root) => {
            return Ok(format!(
                "the trust file pins root key {} of {origin}, which granted the keys used here",
                KeyId::of(root)
            ));
        }
        // A genesis that contradicts a pinned root outweighs a pinned log key.
        Some(_) if !pins.root.is_empty() => {}
        _ => {
            if let Some(key) = claim.log_key.filter(|key| pins.log.contains(key)) {
                return Ok(format!(
                    "the trust file pins log key {} of {origin}, which signs here",
                    KeyId::of(key)
                ));
            }
        }
    }
    let pinned = key_list(pins.root.iter().chain(&pins.log));
    let used = key_list(claim.root.into_iter().chain(claim.log_key));
    Err(format!(
        "the trust file pins {origin} with key {pinned}, and this file uses {used}: either it comes from somebody else or the \
         trust file is out of date; ask the issuer on another way before you rely on it"
    ))
}

/// Whether the cosignatures meet the quorum of the trust file, and a sentence about who signed, who did not, and what was not checked. Empty: the
/// trust file has no word about witnesses.
fn judge_quorum(policy: &Policy, checkpoint: Option<&SignedCheckpoint>) -> (Outcome, String) {
    let asks = match &policy.quorum {
        Quorum::None if policy.witnesses.is_empty() => return (Outcome::Holds, String::new()),
        Quorum::None => "the trust file asks for no witnesses".to_owned(),
        Quorum::Of(quorum) => format!("the trust file asks for witnesses ({quorum})"),
    };
    let Some(checkpoint) = checkpoint else {
        return match policy.quorum {
            Quorum::None => (Outcome::Holds, asks),
            Quorum::Of(_) => {
                (Outcome::Undetermined, format!("{asks}, and this form of receipt cannot carry any"))
            }
        };
    };
    let report = match policy.report(checkpoint) {
        Ok(report) => report,
        Err(error) => return (Outcome::Broken, format!("{asks}: {error}")),
    };
    let mut text = format!("{asks}, {}", if report.met { "and that is met" } else { "and that is not met" });
    let seen: Vec<String> =
        report.seen.iter().map(|(name, time)| format!("{name} at {}", second(*time))).collect();
    let outside = if policy.quorum == Quorum::None { &Vec::new() } else { &report.outside };
    let lists = [
        ("cosigned by", &seen),
        ("outside the quorum, so that its time is not used:", outside),
        ("not by", &report.missing),
        ("not checked, because the trust file has no such key:", &report.unchecked),
    ];
    for (what, names) in lists {
        if !names.is_empty() {
            let more = if names.len() > NAMED_WITNESSES { " and others" } else { "" };
            let names: Vec<&str> = names.iter().take(NAMED_WITNESSES).map(String::as_str).collect();
            text = format!("{text}; {what} {}{more}", names.join(", "));
        }
    }
    (if report.met { Outcome::Holds } else { Outcome::Undetermined }, text)
}

/// A time in seconds, as every report shows times.
fn second(time: u64) -> Micros {
    Micros(time.saturating_mul(1_000_000))
}

/// The witness by whom the quorum of the trust file was met, with its time in seconds since 1970; nothing unless it is met. Others than the quorum's
/// members date nothing, and of a group of which k are asked for, k have to have signed by then.
pub(crate) fn witnessed(trust: Option<&Policy>, checkpoint: &SignedCheckpoint) -> Option<(String, u64)> {
    let policy = trust.filter(|policy| policy.quorum != Quorum::None)?;
    policy.report(checkpoint).ok()?.met_by(policy)
}
