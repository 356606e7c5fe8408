//! The durable outbox of one configured anchor: a job file per checkpoint and, once confirmed, its evidence beside it.
//!
//! Promises: a job that was enqueued is there after a crash; evidence is durable before its job says confirmed. Two processes may use one outbox: a
//! command enqueues, the server works. Must never: remove a job or its evidence, but for one that a confirmed later one covers and whose evidence can be had
//! again.

use std::io;
use std::sync::Arc;

use tabellion_model::Micros;
use tabellion_tlog::anchor::{AnchorKind, MAX_EVIDENCE_BYTES};
use tabellion_tlog::sha256;

use super::{Job, JobState, Target};
use crate::disk::{self, Disk};
use crate::level::AnchoredBy;

/// Directory of the outboxes, below the data directory.
pub const ANCHOR_DIR: &str = "anchors";
/// Code of the fault of an anchor whose evidence is damaged here.
const DAMAGED: &str = "damaged";
/// Largest job file: a checkpoint, a state as large as evidence in base64, and a few lines.
const MAX_JOB_FILE: u64 = 512 << 10;
/// Digits of a size in file names, so that names sort as sizes do: all that 64 bits can need.
const SIZE_DIGITS: usize = 20;

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// A file operation failed.
    #[error(
        "cannot {action} {path}: {source}. Free space or mend the disk; nothing is lost, and it is tried again"
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file that no version wrote.
    #[error("{0} is no job of an anchor. Move it away and look at the backup; the other jobs go on")]
    Damaged(String),
    /// Evidence that is not what its job says.
    #[error(
        "{0} is not the evidence that was confirmed. Restore it from a backup; the log itself is untouched"
    )]
    Evidence(String),
    /// What was to be enqueued is no checkpoint.
    #[error("what was to be anchored is no checkpoint: {0}. Run tabellion fsck")]
    Checkpoint(String),
}

/// How much of the log an anchor covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The anchor's name in the configuration.
    pub name: String,
    /// What it is; `None` before its first job.
    pub kind: Option<AnchorKind>,
    /// Size of the largest confirmed checkpoint; 0: none yet.
    pub size: u64,
    /// When that checkpoint was taken, microseconds since 1970.
    pub taken_at: Option<u64>,
    /// Jobs that wait for their service.
    pub open: u64,
    /// When the oldest of these was taken.
    pub waiting_since: Option<u64>,
    /// What went wrong last with one that waits.
    pub error: Option<super::JobError>,
}

/// The outbox.
#[derive(Clone)]
pub struct Outbox {
    disk: Arc<dyn Disk>,
    name: String,
}

impl Outbox {
    /// Of the anchor that the configuration calls `name` (`a-z`, `0-9`, `-`).
    pub fn new(disk: Arc<dyn Disk>, name: &str) -> Self {
        Self { disk, name: name.to_owned() }
    }

    /// Its anchor's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn path(&self, size: u64, ending: &str) -> String {
        format!("{ANCHOR_DIR}/{}.{size:0SIZE_DIGITS$}.{ending}", self.name)
    }

    /// Puts a checkpoint in. `false`: its size was there already.
    pub fn enqueue(&self, kind: AnchorKind, checkpoint: &str, now: Micros) -> Result<bool, OutboxError> {
        let target = Target::of(checkpoint).map_err(|error| OutboxError::Checkpoint(error.to_string()))?;
        let size = target.checkpoint.checkpoint.size;
        let path = self.path(size, "json");
        disk::create_dir_durably(self.disk.as_ref(), ANCHOR_DIR).map_err(io_error("create", ANCHOR_DIR))?;
        if self.disk.exists(&path).map_err(io_error("look for", &path))? {
            return Ok(false);
        }
        self.save(&Job::new(kind, checkpoint, size, now))?;
        Ok(true)
    }

    /// Sizes that it has jobs for, ascending.
    pub fn sizes(&self) -> Result<Vec<u64>, OutboxError> {
        let names = job_names(self.disk.as_ref())?;
        Ok(names.into_iter().filter(|(name, _)| *name == self.name).map(|(_, size)| size).collect())
    }

    /// The job of a size.
    pub fn job(&self, size: u64) -> Result<Job, OutboxError> {
        let path = self.path(size, "json");
        let bytes =
            disk::read_all(self.disk.as_ref(), &path, MAX_JOB_FILE).map_err(io_error("read", &path))?;
        Job::parse(&bytes).filter(|job| job.size == size).ok_or(OutboxError::Damaged(path))
    }

    /// Every job, by size.
    pub fn jobs(&self) -> Result<Vec<Job>, OutboxError> {
        self.sizes()?.into_iter().map(|size| self.job(size)).collect()
    }

    /// Keeps a job as it is now.
    pub(crate) fn save(&self, job: &Job) -> Result<(), OutboxError> {
        let path = self.path(job.size, "json");
        let bytes = job.to_bytes().ok_or_else(|| OutboxError::Damaged(path.clone()))?;
        disk::write_file_durably(self.disk.as_ref(), &path, &bytes).map_err(io_error("write", &path))
    }

    /// Keeps evidence, and after it the job that has it.
    pub(crate) fn confirm(&self, job: &mut Job, evidence: &[u8]) -> Result<(), OutboxError> {
        let path = self.evidence_path(job);
        disk::write_file_durably(self.disk.as_ref(), &path, evidence).map_err(io_error("write", &path))?;
        job.state = JobState::Confirmed;
        job.evidence_sha256 = Some(sha256(evidence).to_hex());
        job.set_working(None);
        self.save(job)
    }

    /// Removes a job that a later one covers, and its evidence after it.
    pub(crate) fn withdraw(&self, job: &Job) -> Result<(), OutboxError> {
        for path in [self.path(job.size, "json"), self.evidence_path(job)] {
            if self.disk.exists(&path).map_err(io_error("look for", &path))? {
                self.disk.remove(&path).map_err(io_error("remove", &path))?;
            }
            self.disk.sync_dir(ANCHOR_DIR).map_err(io_error("sync", ANCHOR_DIR))?;
        }
        Ok(())
    }

    /// Where a job's evidence is, below the data directory.
    pub fn evidence_path(&self, job: &Job) -> String {
        self.path(job.size, job.kind().map_or("evidence", AnchorKind::file_ending))
    }

    /// A confirmed job's evidence.
    pub fn evidence(&self, job: &Job) -> Result<Vec<u8>, OutboxError> {
        let path = self.evidence_path(job);
        let bytes = disk::read_all(self.disk.as_ref(), &path, MAX_EVIDENCE_BYTES as u64)
            .map_err(io_error("read", &path))?;
        if job.evidence_hash() == Some(sha256(&bytes)) { Ok(bytes) } else { Err(OutboxError::Evidence(path)) }
    }

    /// How much of the log it covers, by evidence that is whole: what is damaged covers nothing, and is told as a fault.
    pub fn coverage(&self) -> Result<Coverage, OutboxError> {
        let mut jobs = self.jobs()?;
        let mut damaged = None;
        // The newest evidence that is whole says how far it goes; older damage takes nothing away from that.
        while let Some(newest) = jobs.iter().rposition(|job| job.state == JobState::Confirmed) {
            let Some(error) = jobs.get(newest).and_then(|job| self.evidence(job).err()) else { break };
            damaged.get_or_insert_with(|| error.to_string());
            jobs.remove(newest);
        }
        let mut coverage = coverage_of(&self.name, &jobs);
        if let Some(text) = damaged {
            coverage.error = Some(super::JobError { code: DAMAGED.to_owned(), text });
        }
        Ok(coverage)
    }
}

/// Every outbox below `disk`, also of anchors that are no longer configured, with the sizes of its jobs.
pub(crate) fn job_names(disk: &dyn Disk) -> Result<Vec<(String, u64)>, OutboxError> {
    if !disk.exists(ANCHOR_DIR).map_err(io_error("look for", ANCHOR_DIR))? {
        return Ok(Vec::new());
    }
    let names = disk.list(ANCHOR_DIR).map_err(io_error("list", ANCHOR_DIR))?;
    let job = |file: &String| {
        let (name, size) = file.strip_suffix(".json")?.split_once('.')?;
        (size.len() == SIZE_DIGITS).then(|| Some((name.to_owned(), size.parse().ok()?)))?
    };
    Ok(names.iter().filter_map(job).collect())
}

/// Of each outbox the smallest confirmed checkpoint that covers entry `index` and whose evidence is whole. What is damaged proves nothing and hides no
/// other; [`super::anchored`] names it.
pub(crate) fn covering(disk: &Arc<dyn Disk>, index: u64) -> Result<Vec<AnchoredBy>, OutboxError> {
    let mut found: Vec<AnchoredBy> = Vec::new();
    // Names sort by anchor and then by size.
    for (name, size) in job_names(disk.as_ref())?.into_iter().filter(|(_, size)| *size > index) {
        if found.last().is_some_and(|known| known.name == name) {
            continue;
        }
        let outbox = Outbox::new(Arc::clone(disk), &name);
        let is_proved = |job: &Job| job.state == JobState::Confirmed && outbox.evidence(job).is_ok();
        if outbox.job(size).is_ok_and(|job| is_proved(&job)) {
            found.push(AnchoredBy { name, size });
        }
    }
    Ok(found)
}

/// What these jobs, by size, cover.
pub(crate) fn coverage_of<'a>(name: &str, jobs: impl IntoIterator<Item = &'a Job>) -> Coverage {
    let mut coverage = Coverage {
        name: name.to_owned(),
        kind: None,
        size: 0,
        taken_at: None,
        open: 0,
        waiting_since: None,
        error: None,
    };
    for job in jobs {
        coverage.kind = job.kind();
        if job.state == JobState::Confirmed {
            coverage.size = job.size;
            coverage.taken_at = Some(job.created_at);
        } else {
            coverage.open += 1;
            coverage.waiting_since.get_or_insert(job.created_at);
            if job.error.is_some() {
                coverage.error.clone_from(&job.error);
            }
        }
    }
    coverage
}

fn io_error(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> OutboxError {
    let path = path.to_owned();
    move |source| OutboxError::Io { action, path, source }
}
