//! The thread on which detectors look at calls that are over.
//!
//! Promises: whoever hands a call over waits for nothing; what waits is bounded, in calls and in bytes, and what is above it is on record as not looked at; of a call that was
//! erased nothing is looked at and nothing recorded; at a stop what waits is looked at for a few seconds more. A call whose record could not be made, or that was still waiting when the process ended, has none, which
//! every reader takes for "not looked at".

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tabellion_ledger::Ack;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use crate::authenticate::Caller;
use crate::config::StartError;
use crate::enrich::pending::Pending;
use crate::enrich::suite::Enrichments;
use crate::evidence::{self, Kin, Terms};
use crate::gateway::thread;
use crate::upstream::pool::Pool;
use crate::worker::Shared;

/// Calls that may wait: what a thread looks at in a second or two.
const QUEUE: usize = 1024;
/// Bytes of texts that may wait, over all calls: with more the gateway would be a store of conversations.
const ROOM_BYTES: usize = 64 << 20;
/// Calls that are looked at, or recorded, at once: their records share a sync.
const AT_ONCE: usize = 32;
/// After a stop, time for what still waits.
const DRAIN: Duration = Duration::from_secs(5);

/// A call that is over.
struct Job {
    pending: Box<Pending>,
    caller: Caller,
    authorised: Ack,
    kin: Kin,
    /// Its share of the room, given back with it.
    _room: Option<OwnedSemaphorePermit>,
}

/// Where calls are handed over.
pub(crate) struct Enriching {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    room: Arc<Semaphore>,
    closed: watch::Sender<bool>,
}

/// What waits to be followed by a thread.
pub(crate) struct Waiting {
    jobs: mpsc::Receiver<Job>,
    closed: watch::Receiver<bool>,
}

impl Default for Enriching {
    /// One that nobody follows: nothing is handed over.
    fn default() -> Self {
        Self { queue: Mutex::new(None), room: Arc::new(Semaphore::new(0)), closed: watch::channel(false).0 }
    }
}

impl Enriching {
    /// A queue, and what a thread follows; where there are no enrichments nothing is handed over and no thread is needed.
    pub(crate) fn of(enrichments: &Enrichments) -> (Self, Option<Waiting>) {
        if enrichments.is_empty() {
            return (Self::default(), None);
        }
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (closed, told) = watch::channel(false);
        let room = Arc::new(Semaphore::new(ROOM_BYTES));
        (Self { queue: Mutex::new(Some(queue)), room, closed }, Some(Waiting { jobs, closed: told }))
    }

    /// Hands a call over whose end is durable; `false`: it is looked at by nobody, and has no record that says so.
    pub(crate) fn push(
        &self,
        mut pending: Box<Pending>,
        caller: Caller,
        (authorised, kin): (Ack, Kin),
    ) -> bool {
        let bytes = u32::try_from(pending.bytes()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).ok();
        if room.is_none() {
            pending.give_up();
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let job = Job { pending, caller, authorised, kin, _room: room };
        queue.as_ref().is_some_and(|queue| queue.try_send(job).is_ok())
    }

    /// Nothing more is handed over.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.closed.send_replace(true);
    }
}

impl Waiting {
    /// Starts the thread. It ends some seconds after [`Enriching::close`] at the latest.
    pub(crate) fn follow(self, shared: &Arc<Shared>) -> Result<JoinHandle<()>, StartError> {
        let shared = Arc::clone(shared);
        thread("gateway-enrich".to_owned(), move || until_closed(shared, self))
    }
}

async fn until_closed(shared: Arc<Shared>, Waiting { jobs, mut closed }: Waiting) {
    let late = async {
        // A sender that is gone closes too.
        drop(closed.wait_for(|closed| *closed).await);
        sleep(DRAIN).await;
    };
    tokio::select! {
        () = follow(shared, jobs) => {}
        () = late => {}
    }
}

async fn follow(shared: Arc<Shared>, mut jobs: mpsc::Receiver<Job>) {
    let pool = Arc::new(shared.enrichments.pool());
    let mut under_way = JoinSet::new();
    while let Some(job) = jobs.recv().await {
        while let Some(ended) = under_way.try_join_next() {
            note(&shared, &ended);
        }
        if under_way.len() >= AT_ONCE
            && let Some(ended) = under_way.join_next().await
        {
            note(&shared, &ended);
        }
        let (shared, pool) = (Arc::clone(&shared), Arc::clone(&pool));
        // Owned by the set: what is left of it ends with this thread.
        under_way.spawn(async move { enrich(&shared, &pool, job).await });
    }
    while let Some(ended) = under_way.join_next().await {
        note(&shared, &ended);
    }
}

/// A look that broke off, by a fault of its detector, made no record; others go on.
fn note(shared: &Shared, ended: &Result<(), JoinError>) {
    if ended.is_err() {
        shared.metrics.not_enriched();
    }
}

async fn enrich(shared: &Shared, pool: &Pool, job: Job) {
    // Nothing is said, to a service neither, of a call that was erased while it waited.
    if shared.evidence.is_erased(&job.kin.keys) {
        return shared.metrics.not_enriched();
    }
    let body = job.pending.look(&shared.enrichments, pool).await;
    let terms = Terms { only_while: Some(&job.kin.keys), ..Terms::default() };
    let recorded = match evidence::enriched(&body, &job.caller, &job.authorised, job.kin.alone) {
        Ok(draft) => shared.evidence.append_under(&draft, terms).await.is_ok(),
        Err(_) => false,
    };
    if !recorded {
        shared.metrics.not_enriched();
    }
}
