//! What witnesses have to do with a log: the newest checkpoint they cosigned, kept beside the published one, and a conflict, which stops it.
//!
//! Promises: what is kept as cosigned is this log's own checkpoint, letter by letter, with lines after it; once a conflict is known nothing is
//! signed but its record, whatever restarts, until somebody lifts it for a recorded reason. Must never: delay a commit for a witness, or ask one
//! (that is for whoever holds the ledger).

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tabellion_model::registry::{ConflictFound, Divergence, Facts, Kind};
use tabellion_model::{Header, Micros, RecordId};
use tabellion_tlog::{MAX_NOTE_BYTES, SignedCheckpoint};

use crate::commit::Ack;
use crate::disk;
use crate::draft::Draft;
use crate::error::{LedgerError, RejectCode};
use crate::ledger::Ledger;
use crate::reader::Reader;
use crate::shared::Shared;
use crate::vault::EVIDENCE_CLASS;

/// The newest cosigned checkpoint.
pub(crate) const COSIGNED_PATH: &str = "log/cosigned";
/// Longest text that a conflict's record keeps of what the witness showed: a checkpoint with a few post-quantum signatures.
const MAX_SHOWN_BYTES: usize = 24 << 10;

/// A conflict that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Its record.
    pub record_id: RecordId,
    /// When it was found.
    pub at: Micros,
    /// What it says.
    pub found: ConflictFound,
}

impl Conflict {
    /// The conflict that a record's header states.
    pub(crate) fn of(header: &Header, found: ConflictFound) -> Self {
        Self { record_id: header.record_id, at: header.observed_at, found }
    }
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.found.kind {
            Divergence::RolledBack => "larger than this log: this log was put back to an earlier state",
            Divergence::Forked => "with another history than this log's",
        };
        let whose = if self.found.proved { "signed by this log's own key" } else { "on its word alone" };
        write!(
            f,
            "a witness knows a tree of {} entries, {how} ({whose}; record {}, {}). Nothing more is recorded. Find out which copy is the right one; \
             then restore it, or let this one go on: tabellion log resume --reason TEXT",
            self.found.size, self.record_id, self.at
        )
    }
}

/// What is known of a conflict when it is found.
#[derive(Debug, Clone)]
pub struct NewConflict {
    /// What stands in clear.
    pub found: ConflictFound,
    /// Name of the witness.
    pub witness: String,
    /// What it said, in a sentence.
    pub said: String,
    /// The checkpoint that it showed, when it showed one.
    pub shown: Option<String>,
}

impl Ledger {
    /// Keeps a checkpoint of this log that witnesses have cosigned, durably; one that is older than the one that is kept is left. The caller has
    /// verified the witnesses' lines.
    pub fn keep_cosigned(&self, signed: &SignedCheckpoint) -> Result<(), LedgerError> {
        check_own(self.reader(), signed).map_err(|why| LedgerError::rejected(RejectCode::Malformed, why))?;
        let mut kept = self.shared.cosigned.write().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|kept| kept.checkpoint.size > signed.checkpoint.size) {
            return Ok(());
        }
        disk::write_file_durably(self.shared.disk.as_ref(), COSIGNED_PATH, signed.bytes.as_bytes())
            .map_err(|error| LedgerError::Unavailable(format!("cannot write {COSIGNED_PATH}: {error}")))?;
        *kept = Some(Arc::new(signed.clone()));
        drop(kept);
        self.shared.cosigned_size.set(signed.checkpoint.size);
        Ok(())
    }

    /// Records that a witness knows another tree, and stops the log: from now on nothing else is recorded. One conflict is in force at a time; a
    /// second one changes nothing.
    pub fn stop_for_conflict(&self, new: &NewConflict) -> Result<Conflict, LedgerError> {
        if let Some(conflict) = self.reader().conflict() {
            return Ok(conflict);
        }
        // Before the record: what is sealed meanwhile must not be signed either.
        self.shared.stopped.store(true, Ordering::Release);
        let mut draft = evidence(&Facts::ConflictFound(new.found)).with("witness", new.witness.as_str());
        draft = draft.with("said", new.said.as_str());
        if let Some(shown) = new.shown.as_ref().filter(|shown| shown.len() <= MAX_SHOWN_BYTES) {
            draft = draft.with("checkpoint", shown.as_str());
        }
        self.append_one_own(&draft)?;
        let gone = || LedgerError::Fatal("a conflict was recorded and is not in the log's state".to_owned());
        self.reader().conflict().ok_or_else(gone)
    }

    /// Lets the log record again, for `reason`, which is recorded.
    pub fn lift_conflict(&self, reason: &str) -> Result<Ack, LedgerError> {
        if reason.trim().is_empty() {
            return Err(crate::draft::malformed("give a reason: it is recorded".to_owned()));
        }
        let conflict = self.reader().conflict().ok_or_else(|| {
            LedgerError::rejected(
                RejectCode::NotFound,
                "no witness's conflict is in force: the log is not stopped",
            )
        })?;
        let ack = self
            .append_one_own(&evidence(&Facts::ConflictLifted(conflict.record_id)).with("reason", reason))?;
        self.shared.stopped.store(false, Ordering::Release);
        Ok(ack)
    }
}

impl Reader {
    /// The newest checkpoint that witnesses have cosigned, with their lines.
    pub fn cosigned(&self) -> Option<Arc<SignedCheckpoint>> {
        self.shared.cosigned.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The signed checkpoint of exactly `size`, with the cosignatures that are kept for it.
    pub fn cosigned_at(&self, size: u64) -> Result<String, LedgerError> {
        match self.cosigned().filter(|cosigned| cosigned.checkpoint.size == size) {
            Some(cosigned) => Ok(self.shared.handed_out(&cosigned.bytes)),
            None => self.checkpoint_at(size),
        }
    }

    /// The newest signed checkpoint, with the cosignatures that are kept for it.
    pub fn checkpoint_with_cosignatures(&self) -> String {
        self.with_cosignatures(&self.checkpoint())
    }

    /// A checkpoint of this log with the cosignatures that are kept for it.
    pub(crate) fn with_cosignatures(&self, checkpoint: &str) -> String {
        match self.cosigned().filter(|cosigned| checkpoint.starts_with(&cosigned.note.text)) {
            Some(cosigned) => self.shared.handed_out(&cosigned.bytes),
            None => self.shared.handed_out(checkpoint),
        }
    }

    /// The conflict that stopped this log.
    pub fn conflict(&self) -> Option<Conflict> {
        self.state().conflict
    }

    /// Reads the cosigned checkpoint that an earlier process kept. It is no part of the log: one that does not fit is left alone and named.
    pub(crate) fn load_cosigned(&self) -> Result<Option<String>, io::Error> {
        let disk = self.shared.disk.as_ref();
        if !disk.exists(COSIGNED_PATH)? {
            return Ok(None);
        }
        let bytes = disk::read_all(disk, COSIGNED_PATH, MAX_NOTE_BYTES as u64)?;
        let read = SignedCheckpoint::parse(&bytes).map_err(|error| error.to_string());
        match read.and_then(|signed| check_own(self, &signed).map(|()| signed)) {
            Ok(signed) => {
                self.shared.cosigned_size.set(signed.checkpoint.size);
                *self.shared.cosigned.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Arc::new(signed));
                Ok(None)
            }
            Err(why) => Ok(Some(format!("{COSIGNED_PATH} is not used: {why}"))),
        }
    }
}

/// Whether this is the log's own checkpoint of a size that it has.
fn check_own(reader: &Reader, signed: &SignedCheckpoint) -> Result<(), String> {
    let size = signed.checkpoint.size;
    if signed.checkpoint.origin != reader.origin().as_str() {
        return Err(format!("it is of {}", signed.checkpoint.origin));
    }
    if size > reader.size() {
        return Err(format!("it has {size} entries, the log has {}", reader.size()));
    }
    match reader.root_at(size) {
        Ok(root) if root == signed.checkpoint.root => Ok(()),
        Ok(root) => {
            Err(format!("its root is {}, the log's at {size} entries is {root}", signed.checkpoint.root))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Refuses what may not be recorded while a conflict is in force.
pub(crate) fn check_running(
    shared: &Shared,
    conflict: Option<&Conflict>,
    header: &Header,
) -> Result<(), LedgerError> {
    if conflict.is_none() && !shared.stopped.load(Ordering::Acquire) {
        return Ok(());
    }
    match Kind::of(&header.record_type) {
        // The alarm, its end, the epoch that either may have to open, and the end of an erasure that was carried out.
        Some(Kind::ConflictFound | Kind::ConflictLifted | Kind::EpochOpened | Kind::ErasureDone) => Ok(()),
        _ => Err(LedgerError::Unavailable(conflict.map_or_else(
            || "a witness knows another tree of this log; nothing more is recorded".to_owned(),
            ToString::to_string,
        ))),
    }
}

/// A draft that says `facts`, of the class that never expires.
fn evidence(facts: &Facts) -> Draft {
    let mut draft = Draft::new(facts.kind().name());
    draft.clear = facts.to_clear().unwrap_or_default();
    draft.retention = Some(EVIDENCE_CLASS.to_owned());
    draft
}
