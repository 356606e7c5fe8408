//! Trust policies (C2SP tlog-policy): which logs and witnesses are believed, and which witnesses have to have signed.
//!
//! Promises that every name is defined once, on a line before it is used, and that a witness counts in one way only. A policy is
//! written by people, so comments and spaces are read; `Display` writes it in one form. Names and URLs have to be UTF-8, which the
//! specification recommends; comments need not be.

mod read;

use std::collections::HashSet;
use std::fmt;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::note::NoteSignature;
use crate::vkey::{VerifierKey, VerifierKeyError};

/// Most bytes of a policy: three times the lines below, with long names.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;
/// Most logs, most witnesses and most groups; the specification asks for at least 32 of each.
pub const MAX_DEFINITIONS: usize = 256;

/// A line of a policy that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the trust policy: {fault}")]
pub struct PolicyError {
    /// Line number, from 1; the number of lines when something is missing.
    pub line: usize,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Too many bytes.
    #[error("{0} bytes are too long for a policy; the most is 262144")]
    TooLong(usize),
    /// A byte that no policy has.
    #[error("control character 0x{0:02x}; only tab and newline are allowed")]
    Control(u8),
    /// Bytes that are not UTF-8 outside a comment.
    #[error("names and URLs have to be UTF-8")]
    NotUtf8,
    /// A first word other than `log`, `witness`, `group` and `quorum`.
    #[error("{0:?} is not log, witness, group or quorum")]
    Keyword(String),
    /// Words missing or left over.
    #[error("write it as: {0}")]
    Words(&'static str),
    /// A key that cannot be used.
    #[error(transparent)]
    Key(#[from] VerifierKeyError),
    /// A log with a witness's type of key, or the reverse.
    #[error(
        "a log's key has type 0x01 or 0x06 and a witness's key type 0x04 or 0x06; this one is of another kind"
    )]
    KeyType,
    /// One public key twice.
    #[error("the public key of {0} is already listed")]
    DuplicateKey(String),
    /// One name twice.
    #[error("the name {0:?} is already taken")]
    DuplicateName(String),
    /// A name that no earlier line defines.
    #[error("the name {0:?} is not defined on a line before this one")]
    UnknownName(String),
    /// A name that is a member already.
    #[error("{0:?} is already the member of a group; each name can be so once")]
    DuplicateMember(String),
    /// A threshold outside 1 … n.
    #[error("the threshold {threshold:?} is not any, all or a number from 1 to {members}")]
    Threshold {
        /// As written.
        threshold: String,
        /// Members of the group.
        members: usize,
    },
    /// Too many definitions of one kind.
    #[error("more than 256 logs, witnesses or groups")]
    TooMany,
    /// No quorum line, or two.
    #[error("a policy has exactly one quorum line")]
    Quorum,
}

/// A log that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The key that signs its checkpoints; its name is the origin.
    pub key: VerifierKey,
    /// Where to reach it.
    pub url: Option<String>,
}

/// A witness that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessLine {
    /// Its name inside this policy.
    pub name: String,
    /// The key that signs its cosignatures.
    pub key: VerifierKey,
    /// Where to reach it.
    pub url: Option<String>,
}

/// A group of witnesses and earlier groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name inside this policy.
    pub name: String,
    /// How many members have to have witnessed, 1 to their number.
    pub threshold: usize,
    /// Names of witnesses and groups.
    pub members: Vec<String>,
}

/// Who has to have witnessed a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// Nobody.
    None,
    /// This witness or group.
    Of(String),
}

/// A parsed policy. `Display` is its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Logs, in the order of the file.
    pub logs: Vec<LogLine>,
    /// Witnesses, in the order of the file.
    pub witnesses: Vec<WitnessLine>,
    /// Groups, each after its members.
    pub groups: Vec<Group>,
    /// Who has to have witnessed a checkpoint.
    pub quorum: Quorum,
}

/// Why a policy does not accept a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyCheckError {
    /// The policy names no log of this origin.
    #[error("the trust policy names no log {0}")]
    UnknownLog(String),
    /// A signature is wrong or missing.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Too few witnesses.
    #[error("the witnesses {seen:?} are not enough for the quorum {quorum}")]
    Quorum {
        /// Names of the witnesses that cosigned.
        seen: Vec<String>,
        /// The quorum's name.
        quorum: String,
    },
}

/// How far the witnesses of a checkpoint meet a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumReport {
    /// Who has to have witnessed it.
    pub quorum: Quorum,
    /// Whether they have.
    pub met: bool,
    /// The witnesses that cosigned it, by their names in the policy, with the time each claims (seconds since 1970).
    pub seen: Vec<(String, u64)>,
    /// Those of `seen` that the quorum does not rest on: their times say nothing.
    pub outside: Vec<String>,
    /// The witnesses that the quorum rests on and that did not.
    pub missing: Vec<String>,
    /// Key names of signature lines that no key of the policy could check; the log's own are left out.
    pub unchecked: Vec<String>,
}

impl QuorumReport {
    /// The witness whose cosignature met the quorum, in the order of their times and of the file, and that time (seconds since 1970): of two
    /// of three, the second. One witness with a wrong clock decides it only where one is enough. `None`: the quorum is not met, or asks for
    /// nobody.
    pub fn met_by(&self, policy: &Policy) -> Option<(String, u64)> {
        if policy.quorum == Quorum::None {
            return None;
        }
        let mut seen = self.seen.clone();
        seen.sort_by_key(|(_, time)| *time);
        let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
        let enough =
            (1..=names.len()).find(|count| names.get(..*count).is_some_and(|some| policy.satisfied(some)))?;
        seen.get(enough - 1).cloned()
    }

    /// The time of [`Self::met_by`].
    pub fn met_at(&self, policy: &Policy) -> Option<u64> {
        self.met_by(policy).map(|(_, time)| time)
    }
}

/// Who vouches for a checkpoint that a policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedCheckpoint {
    /// The log keys of the policy that signed it.
    pub logs: Vec<VerifierKey>,
    /// The witnesses that cosigned it, by their names in the policy, with the time each claims (seconds since 1970).
    pub witnesses: Vec<(String, u64)>,
}

impl Policy {
    /// Reads a policy of the full specification.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        read::parse(text.as_ref())
    }

    /// Whether the quorum is met when exactly these witnesses, by their names in the policy, have cosigned. Other names are ignored.
    pub fn satisfied(&self, witnesses_seen: &[&str]) -> bool {
        let Quorum::Of(quorum) = &self.quorum else { return true };
        let defined = |name: &&str| self.witnesses.iter().any(|witness| witness.name == *name);
        let mut witnessed: HashSet<&str> = witnesses_seen.iter().copied().filter(defined).collect();
        // INVARIANT: a group stands after its members, so one pass decides all.
        for group in &self.groups {
            let members = group.members.iter().filter(|member| witnessed.contains(member.as_str())).count();
            if members >= group.threshold {
                witnessed.insert(&group.name);
            }
        }
        witnessed.contains(quorum.as_str())
    }

    /// Whether a log of this policy signed the checkpoint and its witnesses meet the quorum.
    pub fn accept(&self, signed: &SignedCheckpoint) -> Result<AcceptedCheckpoint, PolicyCheckError> {
        let origin = &signed.checkpoint.origin;
        let log_keys: Vec<_> =
            self.logs.iter().map(|log| &log.key).filter(|key| key.name() == origin).cloned().collect();
        if log_keys.is_empty() {
            return Err(PolicyCheckError::UnknownLog(origin.clone()));
        }
        let verified = signed.verify_any(&log_keys)?;
        let logs = log_keys
            .into_iter()
            .filter(|key| verified.iter().any(|one| one.key == *key.material()))
            .collect();
        let witnesses = self.witnesses_of(signed)?;
        let names: Vec<_> = witnesses.iter().map(|(name, _)| name.as_str()).collect();
        if let Quorum::Of(quorum) = &self.quorum
            && !self.satisfied(&names)
        {
            let seen = names.into_iter().map(str::to_owned).collect();
            return Err(PolicyCheckError::Quorum { seen, quorum: quorum.clone() });
        }
        Ok(AcceptedCheckpoint { logs, witnesses })
    }

    /// How far the checkpoint's cosignatures meet the quorum, and what of it could not be checked. A wrong cosignature is an error.
    pub fn report(&self, signed: &SignedCheckpoint) -> Result<QuorumReport, CheckpointError> {
        let seen = self.witnesses_of(signed)?;
        let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
        let asked = self.asked_for();
        let missing = asked.iter().copied().filter(|name| !names.contains(name));
        let outside = names.iter().copied().filter(|name| !asked.contains(name));
        let known = |line: &NoteSignature| {
            let is = |key: &VerifierKey| key.name() == line.name && key.id() == line.key_id;
            line.name == signed.checkpoint.origin || self.witnesses.iter().any(|witness| is(&witness.key))
        };
        let unchecked = signed.note.signatures.iter().filter(|line| !known(line));
        Ok(QuorumReport {
            quorum: self.quorum.clone(),
            met: self.satisfied(&names),
            outside: outside.map(str::to_owned).collect(),
            missing: missing.map(str::to_owned).collect(),
            unchecked: unchecked.map(|line| line.name.clone()).collect(),
            seen,
        })
    }

    /// Names of the witnesses that the quorum rests on, in the order of the file.
    fn asked_for(&self) -> Vec<&str> {
        let Quorum::Of(quorum) = &self.quorum else { return Vec::new() };
        let mut asked: HashSet<&str> = HashSet::from([quorum.as_str()]);
        // INVARIANT: a group stands after its members, so backwards every group is met before they are.
        for group in self.groups.iter().rev() {
            if asked.contains(group.name.as_str()) {
                asked.extend(group.members.iter().map(String::as_str));
            }
        }
        let names = self.witnesses.iter().map(|witness| witness.name.as_str());
        names.filter(|name| asked.contains(name)).collect()
    }

    /// The witnesses of this policy that cosigned, by name, with the time each claims. A wrong cosignature is an error.
    pub fn witnesses_of(&self, signed: &SignedCheckpoint) -> Result<Vec<(String, u64)>, CheckpointError> {
        let keys: Vec<_> = self.witnesses.iter().map(|witness| witness.key.clone()).collect();
        let is_ours = |key: &VerifierKey| {
            signed.note.signatures.iter().any(|line| line.name == key.name() && line.key_id == key.id())
        };
        if !keys.iter().any(is_ours) {
            return Ok(Vec::new());
        }
        let verified = signed.verify_any(&keys)?;
        let named = self.witnesses.iter().filter_map(|witness| {
            let signature = verified.iter().find(|signature| signature.key == *witness.key.material())?;
            Some((witness.name.clone(), signature.timestamp?))
        });
        Ok(named.collect())
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = |url: &Option<String>| url.as_ref().map_or_else(String::new, |url| format!(" {url}"));
        for log in &self.logs {
            writeln!(f, "log {}{}", log.key, url(&log.url))?;
        }
        for witness in &self.witnesses {
            writeln!(f, "witness {} {}{}", witness.name, witness.key, url(&witness.url))?;
        }
        for group in &self.groups {
            writeln!(f, "group {} {} {}", group.name, group.threshold, group.members.join(" "))?;
        }
        match &self.quorum {
            Quorum::None => writeln!(f, "quorum {}", read::NONE),
            Quorum::Of(name) => writeln!(f, "quorum {name}"),
        }
    }
}
