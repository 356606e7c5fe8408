//! Whether a checkpoint is cosigned: the log is known, it signed, and the tree extends the one cosigned before.
//!
//! Promises: looking at the state, remembering the new checkpoint and making its cosignature are one step for each log, so that two requests at
//! the same time are two requests one after the other. Must never: let a cosignature out that is not remembered durably.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tabellion_tlog::{AddCheckpoint, AddCheckpointError, NoteError, Refused, SignedCheckpoint, VerifierKey};

use super::identity::Identity;
use super::logs;
use super::state::{States, name_of};
use crate::failure::Failure;

/// One log.
struct Log {
    keys: Vec<VerifierKey>,
    newest: Mutex<Newest>,
}

/// What was cosigned last.
#[derive(Default)]
struct Newest {
    signed: Option<SignedCheckpoint>,
    /// The time in that cosignature: clocks that go back do not take later ones back with them.
    at: u64,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Cosigned and remembered: the signature lines.
    Cosigned(String),
    /// Not a request: 400.
    Malformed(AddCheckpointError),
    /// Nobody configured this log: 404.
    UnknownLog(String),
    /// The log did not sign it: 403.
    NotSigned(String),
    /// It does not follow from what was cosigned before: 400, 409 or 422.
    Refused(Refused),
    /// The witness cannot remember, so it does not speak: 500.
    Failed(String),
}

/// A witness at work.
pub(crate) struct Judge {
    identity: Identity,
    logs: BTreeMap<String, Log>,
    states: States,
}

impl Judge {
    /// The witness in `dir`, which the caller has locked.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let identity = Identity::load(dir)?;
        let states = States::open(dir)?;
        let mut known = BTreeMap::new();
        for (origin, keys) in logs::load(dir)? {
            let signed = states.load(&origin, identity.keys())?;
            let at = signed.as_ref().and_then(|signed| time_of(signed, identity.keys())).unwrap_or(0);
            known.insert(origin, Log { keys, newest: Mutex::new(Newest { signed, at }) });
        }
        Ok(Self { identity, logs: known, states })
    }

    /// Who it is.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// How many logs it knows.
    pub(crate) fn log_count(&self) -> usize {
        self.logs.len()
    }

    /// Whether it can no longer remember.
    pub(crate) fn has_failed(&self) -> bool {
        self.states.has_failed()
    }

    /// Decides about the body of an `add-checkpoint` request. Waits for the disk.
    pub(crate) fn add_checkpoint(&self, body: &[u8]) -> Verdict {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return Verdict::Malformed(error),
        };
        let origin = &request.checkpoint.checkpoint.origin;
        let Some(log) = self.logs.get(origin) else { return Verdict::UnknownLog(origin.clone()) };
        if let Err(error) = request.checkpoint.verify_any(&log.keys) {
            return Verdict::NotSigned(error.to_string());
        }
        let mut newest = log.newest();
        if let Err(refused) = request.check(newest.signed.as_ref().map(|signed| &signed.checkpoint)) {
            return Verdict::Refused(refused);
        }
        match self.cosign(&request.checkpoint, &log.keys, &mut newest) {
            Ok(lines) => Verdict::Cosigned(lines),
            Err(why) => Verdict::Failed(why),
        }
    }

    /// Cosigns, remembers, and only then gives the lines.
    fn cosign(
        &self,
        asked: &SignedCheckpoint,
        log: &[VerifierKey],
        newest: &mut Newest,
    ) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let at = now.max(newest.at).max(1);
        let text = |error: NoteError| error.to_string();
        let lines = self.identity.cosign(&asked.checkpoint, at).map_err(text)?;
        // What others put beside the log's own lines is not ours to hand on.
        let mut own = asked.clone();
        own.note
            .signatures
            .retain(|line| log.iter().any(|key| key.name() == line.name && key.id() == line.key_id));
        let signed = own.with_signatures(&lines);
        self.states.keep(&signed)?;
        *newest = Newest { signed: Some(signed), at };
        let [classic, quantum] = lines;
        Ok(format!("{classic}\n{quantum}\n"))
    }

    /// The newest cosigned checkpoint of the log with this name.
    pub(crate) fn newest(&self, name: &str) -> Option<String> {
        let (_, log) = self.logs.iter().find(|(origin, _)| name_of(origin) == name)?;
        log.newest().signed.as_ref().map(|signed| signed.bytes.clone())
    }
}

impl Log {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        // A panic in between leaves the old state or the new one, never a part.
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest time in the cosignatures of these keys.
fn time_of(signed: &SignedCheckpoint, keys: &[VerifierKey]) -> Option<u64> {
    let verified = signed.verify_any(keys).ok()?;
    verified.into_iter().filter_map(|signature| signature.timestamp).max()
}
