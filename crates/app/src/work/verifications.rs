//! Verifying many entries at once, as a job: asked for, watched, ended, read page by page, handed out signed.
//!
//! Promises: one job at a time; what it found is in a signed file and on record before the job says that it has ended; the same idempotency key is
//! the same job, also after a restart. A job that was under way when the process ended says that it was cut. Must never: hold up an append.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::disk::{self, Disk};
use tabellion_ledger::{Draft, Ledger};
use tabellion_model::body::{Body as _, VerificationRan};
use tabellion_model::{
    AspectStanding, MAX_RUN_ENTRIES, MAX_RUN_FILE_BYTES, Purpose, RunVerdict, VerificationRun,
};
use tabellion_tlog::{SignedCheckpoint, sha256};

use super::forms::{DigestForm, IdForm};
use super::writing::key_of;
use super::{Actor, Desk, Given};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::verification::{AskedEntry, Permanent, verify_batch};
use crate::{package_key_at, verification_page};

/// Where jobs and their results are kept.
const DIR: &str = "verifications";
/// Largest file that says how a job stands.
const MAX_STATE_BYTES: u64 = 64 << 10;
/// Verdicts on one page, when nobody says otherwise.
const PAGE: usize = 100;

/// Entries to verify, against the newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVerification {
    /// Indexes in decimal or record ids in hex. Those beyond the first 50,000 are left out, and the result says so.
    #[schemars(length(min = 1, max = 100_000), inner(length(min = 1, max = 32)))]
    pub entries: Vec<String>,
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The job.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// `cut`: the process ended while it was under way; ask again under another idempotency key.
    #[schemars(extend("enum" = ["running", "completed", "cancelled", "failed", "cut"]))]
    pub state: String,
    /// How many entries were asked for.
    pub asked: u64,
    /// Most that one job takes.
    pub cap: u64,
    /// Whether more were asked for than that.
    pub truncated: bool,
    /// How many have been reached.
    pub reached: u64,
    /// SHA-256 of the signed result; null before there is one.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// Index of the record of it; null before there is one.
    pub record: Option<u64>,
    /// Why it failed; null: it did not.
    pub failure: Option<String>,
}

/// What a job is kept as.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: String,
    /// SHA-256 over what was asked for, to tell a repetition from another request.
    request: String,
    job: Verification,
}

const KEPT_FORMAT: &str = "tabellion.verification-job/1";

/// One page of verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdicts {
    /// In the order in which they were asked for.
    pub verdicts: Vec<VerdictForm>,
    /// `from` of the next page; null: there is none yet.
    pub next: Option<u64>,
}

/// What was found about one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictForm {
    /// What was asked for.
    pub asked: String,
    /// Index of the entry; null: there is none, or it was not read.
    pub index: Option<u64>,
    /// Its signatures: `holds`, `broken` or `not checked`; likewise the next three.
    pub signature: String,
    /// Its place in the tree.
    pub inclusion: String,
    /// A clock outside the log.
    pub time: String,
    /// What is kept of its content.
    pub content: String,
    /// What is to be said besides.
    pub detail: String,
}

/// Which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictQuery {
    /// From this one on, from 0.
    #[serde(default)]
    pub from: Option<u64>,
    /// At most this many.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<usize>,
}

/// The jobs of a desk. It owns the thread of the one that runs.
#[derive(Default)]
pub(crate) struct Verifications {
    running: Mutex<Option<Running>>,
    permanent: Arc<Permanent>,
}

struct Running {
    live: Arc<Live>,
    thread: Option<JoinHandle<()>>,
}

/// What a job's thread shares with those who ask.
struct Live {
    id: String,
    cancelled: AtomicBool,
    /// The process ends: nothing more is written.
    stopping: AtomicBool,
    ended: AtomicBool,
    verdicts: Mutex<Vec<RunVerdict>>,
}

impl Live {
    fn verdicts(&self) -> MutexGuard<'_, Vec<RunVerdict>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.live.stopping.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported by its own thread; its job reads as cut.
            drop(thread.join());
        }
    }
}

impl Verifications {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, id: &str) -> Option<Arc<Live>> {
        self.running()
            .as_ref()
            .filter(|running| running.live.id == id)
            .map(|running| Arc::clone(&running.live))
    }
}

impl Desk {
    /// Begins to verify entries.
    pub fn begin_verification(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewVerification,
    ) -> Result<Verification, Refusal> {
        reaches_all(actor)?;
        let asked = asked_entries(new)?;
        let request = sha256(new.entries.join("\n").as_bytes()).to_hex();
        let id = match key_of(actor, "verification", given)? {
            None => hex::encode(self.random_id()?),
            Some(key) => {
                let digest = sha256(key.as_bytes());
                hex::encode(digest.as_bytes().get(..16).unwrap_or_default())
            }
        };
        let mut running = self.verifying.running();
        if let Some(kept) = self.kept_verification(&id)? {
            drop(running);
            if kept.request != request {
                return Err(Refusal::new(
                    Code::IdempotencyConflict,
                    "this idempotency key began the verification of other entries; nothing was begun",
                ));
            }
            return Ok(self.as_it_stands(kept));
        }
        if running.as_ref().is_some_and(|running| !running.live.has_ended()) {
            return Err(Refusal::new(Code::Conflict, "another verification runs; one at a time"));
        }
        let job = Verification {
            id: id.clone(),
            state: "running".to_owned(),
            asked: asked.len() as u64,
            cap: MAX_RUN_ENTRIES,
            truncated: asked.len() as u64 > MAX_RUN_ENTRIES,
            reached: 0,
            digest: None,
            record: None,
            failure: None,
        };
        let kept = Kept { format: KEPT_FORMAT.to_owned(), request, job: job.clone() };
        let disk = &self.tools.disk;
        disk::create_dir_durably(disk.as_ref(), DIR).map_err(|error| not_kept(&error))?;
        keep(disk.as_ref(), &kept)?;
        let live = Arc::new(Live {
            id,
            cancelled: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            verdicts: Mutex::default(),
        });
        let work = Work {
            ledger: Arc::clone(&self.ledger),
            disk: Arc::clone(disk),
            permanent: Arc::clone(&self.verifying.permanent),
            live: Arc::clone(&live),
            asked,
            actor: actor.credential().map(|id| id.to_hex()),
        };
        let thread =
            std::thread::Builder::new().name("verification".to_owned()).spawn(move || work.run(kept));
        let thread = thread.map_err(|error| {
            Refusal::new(Code::Unavailable, format!("its thread cannot be started: {error}"))
        })?;
        *running = Some(Running { live, thread: Some(thread) });
        Ok(job)
    }

    /// How a job stands.
    pub fn verification(&self, actor: &Actor, id: &str) -> Result<Verification, Refusal> {
        reaches_all(actor)?;
        let kept = self.kept_verification(id)?.ok_or_else(|| Refusal::not_found("verification"))?;
        Ok(self.as_it_stands(kept))
    }

    /// Ends a job; what was reached is signed and on record as a run that was cancelled. Ending one that has ended changes nothing.
    pub fn cancel_verification(&self, actor: &Actor, id: &str) -> Result<Verification, Refusal> {
        let job = self.verification(actor, id)?;
        if let Some(live) = self.verifying.live(id) {
            live.cancelled.store(true, Ordering::SeqCst);
        }
        Ok(job)
    }

    /// One page of what was found, also while the job is under way.
    pub fn verdicts(&self, actor: &Actor, id: &str, query: &VerdictQuery) -> Result<Verdicts, Refusal> {
        let job = self.verification(actor, id)?;
        let from = usize::try_from(query.from.unwrap_or(0)).unwrap_or(usize::MAX);
        let limit = query.limit.unwrap_or(PAGE);
        let page = |all: &[RunVerdict]| {
            let some: Vec<VerdictForm> = all.iter().skip(from).take(limit).map(form).collect();
            let next = from.saturating_add(some.len());
            let more = next < all.len() || (job.state == "running" && !some.is_empty());
            Verdicts { verdicts: some, next: more.then_some(next as u64) }
        };
        if let Some(live) = self.verifying.live(id) {
            return Ok(page(&live.verdicts()));
        }
        if job.digest.is_none() {
            return Ok(Verdicts { verdicts: Vec::new(), next: None });
        }
        Ok(page(&self.run_of(&self.result_of(&job)?)?.verdicts))
    }

    /// The signed result, as `tabellion verify` takes it.
    pub fn verification_result(&self, actor: &Actor, id: &str) -> Result<Vec<u8>, Refusal> {
        let job = self.verification(actor, id)?;
        self.result_of(&job)
    }

    /// The result as a page to print.
    pub fn verification_print(&self, actor: &Actor, id: &str) -> Result<String, Refusal> {
        let bytes = self.verification_result(actor, id)?;
        Ok(verification_page(&self.run_of(&bytes)?, &bytes))
    }

    fn result_of(&self, job: &Verification) -> Result<Vec<u8>, Refusal> {
        let digest = job.digest.as_ref().ok_or_else(|| {
            Refusal::new(Code::NotFound, format!("the verification is {}: there is no result", job.state))
        })?;
        let path = format!("{DIR}/{}.run", job.id);
        let bytes = disk::read_all(self.tools.disk.as_ref(), &path, MAX_RUN_FILE_BYTES as u64)
            .map_err(|error| Refusal::new(Code::Unavailable, format!("{path} cannot be read: {error}")))?;
        if sha256(&bytes).to_hex() == *digest {
            return Ok(bytes);
        }
        Err(Refusal::new(Code::Broken, format!("{path} is not what was signed and recorded; verify again")))
    }

    #[expect(clippy::unused_self, reason = "it belongs to the results of this desk")]
    fn run_of(&self, bytes: &[u8]) -> Result<VerificationRun, Refusal> {
        VerificationRun::parse(bytes).map_err(|error| Refusal::new(Code::Broken, error.to_string()))
    }

    fn kept_verification(&self, id: &str) -> Result<Option<Kept>, Refusal> {
        let plain = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = format!("{DIR}/{id}.json");
        let disk = self.tools.disk.as_ref();
        if !plain || !disk.exists(&path).unwrap_or(false) {
            return Ok(None);
        }
        let unusable =
            |what: String| Refusal::new(Code::Unavailable, format!("{path} cannot be used: {what}"));
        let bytes =
            disk::read_all(disk, &path, MAX_STATE_BYTES).map_err(|error| unusable(error.to_string()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(error.to_string()))
    }

    /// A job that is under way says how far it is; one that nobody works on was cut.
    fn as_it_stands(&self, kept: Kept) -> Verification {
        let job = kept.job;
        if job.state != "running" {
            return job;
        }
        match self.verifying.live(&job.id) {
            Some(live) => Verification { reached: live.verdicts().len() as u64, ..job },
            None => Verification { state: "cut".to_owned(), ..job },
        }
    }
}

/// What a job's thread works with.
struct Work {
    ledger: Arc<Ledger>,
    disk: Arc<dyn Disk>,
    permanent: Arc<Permanent>,
    live: Arc<Live>,
    asked: Vec<AskedEntry>,
    actor: Option<String>,
}

impl Work {
    fn run(self, mut kept: Kept) {
        let outcome = self.verify(&mut kept.job);
        if !self.live.is_stopping() {
            if let Err(what) = outcome {
                "failed".clone_into(&mut kept.job.state);
                kept.job.failure = Some(what);
            }
            // What cannot be kept reads as cut after the next start; the record, where there is one, says what was found.
            let _ = keep(self.disk.as_ref(), &kept);
        }
        self.live.ended.store(true, Ordering::SeqCst);
    }

    fn verify(&self, job: &mut Verification) -> Result<(), String> {
        let live = &self.live;
        let run = verify_batch(self.ledger.reader(), &self.asked, &self.permanent, |verdict| {
            live.verdicts().push(verdict.clone());
            !live.is_cancelled() && !live.is_stopping()
        });
        let run = run.map_err(|error| error.to_string())?;
        if live.is_stopping() {
            return Ok(());
        }
        job.reached = run.verdicts.len() as u64;
        let reader = self.ledger.reader();
        let size = SignedCheckpoint::parse(run.checkpoint.as_bytes())
            .map_err(|error| error.to_string())?
            .checkpoint
            .size;
        let key = package_key_at(reader, Some(size)).map_err(|error| error.to_string())?;
        let pair = self.ledger.key_pair(Purpose::Package, &key).map_err(|error| error.to_string())?;
        let bytes = run.sign(pair.key.as_ref()).map_err(|error| error.to_string())?;
        let digest = sha256(&bytes).to_hex();
        disk::write_file_durably(self.disk.as_ref(), &format!("{DIR}/{}.run", job.id), &bytes)
            .map_err(|error| format!("the result cannot be kept: {error}"))?;
        let mut draft = Draft::new(VerificationRan::TYPE);
        draft.assurance = Some("observed".to_owned());
        draft.body = verification_ran(&run, &digest, size).fields().map_err(|error| error.to_string())?;
        draft.actor.clone_from(&self.actor);
        draft.idempotency_key = Some(format!("verification/{}", job.id));
        let ack = self.ledger.append(&draft).map_err(|error| error.to_string())?;
        (job.digest, job.record) = (Some(digest), Some(ack.index));
        run.end.as_str().clone_into(&mut job.state);
        Ok(())
    }
}

/// What is recorded of a run against a tree of `size` entries whose signed file has this digest.
pub fn verification_ran(run: &VerificationRun, digest: &str, size: u64) -> VerificationRan {
    let is_broken =
        |verdict: &&RunVerdict| verdict.standings().iter().any(|(_, one)| *one == AspectStanding::Broken);
    VerificationRan {
        digest: digest.to_owned(),
        size,
        asked: run.asked,
        reached: run.verdicts.len() as u64,
        broken: run.verdicts.iter().filter(is_broken).count() as u64,
        end: run.end.as_str().to_owned(),
    }
}

fn asked_entries(new: &NewVerification) -> Result<Vec<AskedEntry>, Refusal> {
    let parse = |(number, text): (usize, &String)| {
        AskedEntry::parse(text).ok_or_else(|| {
            let what = "this is neither an index in decimal nor a record's id of 32 hex digits";
            Refusal::at(Code::Malformed, format!("/entries/{number}"), what)
        })
    };
    new.entries.iter().enumerate().map(parse).collect()
}

fn keep(disk: &dyn Disk, kept: &Kept) -> Result<(), Refusal> {
    let bytes = serde_json::to_vec(kept)
        .map_err(|error| Refusal::new(Code::Broken, format!("the job cannot be written: {error}")))?;
    let path = format!("{DIR}/{}.json", kept.job.id);
    disk::write_file_durably(disk, &path, &bytes).map_err(|error| not_kept(&error))
}

fn not_kept(error: &std::io::Error) -> Refusal {
    Refusal::new(Code::Unavailable, format!("the job cannot be kept below {DIR}: {error}; nothing was begun"))
}

fn reaches_all(actor: &Actor) -> Result<(), Refusal> {
    if actor.reach(Permission::ReadEntries) == Reach::All {
        return Ok(());
    }
    Err(Refusal::new(Code::NotPermitted, "verifying many entries takes a role that reads every entry"))
}

fn form(verdict: &RunVerdict) -> VerdictForm {
    let standings: BTreeMap<&str, AspectStanding> = verdict.standings().into_iter().collect();
    let word = |name: &str| standings.get(name).map_or("not checked", |one| one.as_str()).to_owned();
    VerdictForm {
        asked: verdict.asked.clone(),
        index: verdict.entry.map(|(index, _)| index),
        signature: word("signature"),
        inclusion: word("inclusion"),
        time: word("time"),
        content: word("content"),
        detail: verdict.detail.clone(),
    }
}
