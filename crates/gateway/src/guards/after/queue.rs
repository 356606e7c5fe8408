//! The thread on which guards look at calls that are over.
//!
//! Promises: whoever hands a call over waits for nothing; what waits is bounded, in calls and in bytes; of what is above it, and of what a stop leaves, it is on record that
//! nobody looked. A call whose record could not be made is counted, and found by the next start.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tabellion_ledger::Ack;
use tabellion_model::body::{CallAssessed, GuardOutcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use crate::authenticate::Caller;
use crate::config::{Limits, StartError};
use crate::evidence::{self, EvidenceError};
use crate::gateway::thread;
use crate::guards::after::assessing::{Ask, Looked, look, put};
use crate::guards::after::batches::{Question, Services, Word, heard};
use crate::guards::after::pending::Pending;
use crate::guards::after::suite::AfterGuards;
use crate::guards::after::why;
use crate::guards::config::Side;
use crate::worker::Shared;

/// Calls that may wait to be recorded as not looked at, beside those that may wait to be looked at. Each takes about a kibibyte.
const UNSEEN: usize = 16_384;
/// Calls of which nobody looks at anything, that are recorded at once: their records share a sync.
const UNSEEN_AT_ONCE: usize = 256;
/// After a stop, time for verdicts on what still waits.
const DRAIN: Duration = Duration::from_secs(5);
/// After that, time for the records of what got none.
const RECORD: Duration = Duration::from_secs(5);
/// A record that was refused is tried again so often, with this pause between: a disk may have space again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// How far the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It serves.
    Open,
    /// No more calls are handed over.
    Closing,
    /// What has no verdict gets none any more.
    Cut,
}

/// A call that is over.
struct Job {
    pending: Pending,
    caller: Caller,
    authorised: Ack,
    ended: Instant,
    /// Its share of the room, given back with it; none: nobody looks at it.
    _room: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

/// Where calls are handed over.
pub(crate) struct Assessing {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    calls: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    phase: Arc<watch::Sender<Phase>>,
}

/// What waits to be followed by a thread.
pub(crate) struct Waiting {
    jobs: mpsc::Receiver<Job>,
    phase: Arc<watch::Sender<Phase>>,
    /// Most that go on at once.
    at_once: usize,
}

impl Default for Assessing {
    /// One that nobody follows: nothing is handed over.
    fn default() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        let phase = Arc::new(watch::channel(Phase::Cut).0);
        Self { queue: Mutex::new(None), calls: none(), bytes: none(), phase }
    }
}

impl Assessing {
    /// A queue, and what a thread follows; where there are no such guards nothing is handed over and no thread is needed.
    pub(crate) fn of(after: &AfterGuards, limits: &Limits) -> (Self, Option<Waiting>) {
        if after.is_empty() {
            return (Self::default(), None);
        }
        let most = limits.after_calls.min(Semaphore::MAX_PERMITS);
        let (queue, jobs) = mpsc::channel(most.saturating_add(UNSEEN).min(Semaphore::MAX_PERMITS));
        let phase = Arc::new(watch::channel(Phase::Open).0);
        let assessing = Self {
            queue: Mutex::new(Some(queue)),
            calls: Arc::new(Semaphore::new(most)),
            bytes: Arc::new(Semaphore::new(limits.after_bytes.min(Semaphore::MAX_PERMITS))),
            phase: Arc::clone(&phase),
        };
        let at_once = most.saturating_add(UNSEEN_AT_ONCE);
        (assessing, Some(Waiting { jobs, phase, at_once }))
    }

    /// Hands a call over whose end is durable; `false`: it has no record, and the next start finds it.
    pub(crate) fn push(&self, mut pending: Pending, caller: Caller, authorised: Ack) -> bool {
        let room = if pending.seen.is_ok() { self.room(pending.bytes()) } else { None };
        if room.is_none() && pending.seen.is_ok() {
            pending.give_up(why::QUEUE_FULL);
        }
        let job = Job { pending, caller, authorised, ended: Instant::now(), _room: room };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().is_some_and(|queue| queue.try_send(job).is_ok())
    }

    fn room(&self, bytes: usize) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let call = Arc::clone(&self.calls).try_acquire_owned().ok()?;
        let bytes = u32::try_from(bytes).ok()?;
        Some((call, Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?))
    }

    /// Nothing more is handed over.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.phase.send_if_modified(|phase| {
            let is_open = *phase == Phase::Open;
            if is_open {
                *phase = Phase::Closing;
            }
            is_open
        });
    }
}

impl Waiting {
    /// Starts the thread. It ends some seconds after [`Assessing::close`] at the latest.
    pub(crate) fn follow(self, shared: &Arc<Shared>) -> Result<JoinHandle<()>, StartError> {
        let shared = Arc::clone(shared);
        thread("gateway-after".to_owned(), move || until_closed(shared, self))
    }
}

async fn until_closed(shared: Arc<Shared>, Waiting { jobs, phase, at_once }: Waiting) {
    let end = async {
        // A sender that is gone closes too.
        drop(phase.subscribe().wait_for(|phase| *phase != Phase::Open).await);
        sleep(DRAIN).await;
        phase.send_replace(Phase::Cut);
        sleep(RECORD).await;
    };
    let told = phase.subscribe();
    tokio::select! {
        () = follow(&shared, jobs, &told, at_once) => {}
        () = end => {}
    }
}

async fn follow(
    shared: &Arc<Shared>,
    mut jobs: mpsc::Receiver<Job>,
    phase: &watch::Receiver<Phase>,
    at_once: usize,
) {
    let (mut asking, mut under_way) = (JoinSet::new(), JoinSet::new());
    let services = Arc::new(Services::start(&shared.after, &mut asking));
    loop {
        let has_room = under_way.len() < at_once;
        let job = tokio::select! {
            Some(ended) = under_way.join_next(), if !under_way.is_empty() => {
                note(shared, &ended);
                continue;
            }
            job = jobs.recv(), if has_room => job,
        };
        let Some(job) = job else { break };
        let (shared, services, phase) = (Arc::clone(shared), Arc::clone(&services), phase.clone());
        // Owned by the set: what is left of it ends with this thread.
        under_way.spawn(async move { assess(&shared, services, phase, job).await });
    }
    // When the last call has put its questions too, nothing waits for more of them.
    drop(services);
    while let Some(ended) = under_way.join_next().await {
        note(shared, &ended);
    }
}

/// A look that broke off, by a fault of its guard, made no record; others go on.
fn note(shared: &Shared, ended: &Result<(), JoinError>) {
    shared.metrics.after_waits(-1);
    if ended.is_err() {
        shared.metrics.not_assessed();
    }
}

/// A verdict that a call waits for.
struct Awaited {
    side: Side,
    /// Where it belongs among the results of the side.
    place: usize,
    /// The guard that asked.
    number: usize,
    until: Instant,
    word: watch::Receiver<Word>,
}

/// Ends when nothing more is waited for.
async fn cut(phase: &mut watch::Receiver<Phase>) {
    // A sender that is gone waits for nothing either.
    drop(phase.wait_for(|phase| *phase == Phase::Cut).await);
}

/// Puts the questions of a call that `ended` then.
async fn ask(
    shared: &Shared,
    services: &Services,
    phase: &mut watch::Receiver<Phase>,
    (looked, ended): (&mut Looked, Instant),
) -> Vec<Awaited> {
    let asks = std::mem::take(&mut looked.asks);
    let mut waiting = Vec::with_capacity(asks.len());
    for Ask { side, place, number, texts } in asks {
        let (speaks, word) = watch::channel(Word::NotYet(None));
        let (until, about) = (ended + shared.after.within(number), Arc::clone(&looked.about));
        let question = Question { side, about, texts, until, word: speaks };
        tokio::select! {
            () = services.ask(number, question) => {}
            () = cut(phase) => {}
        }
        waiting.push(Awaited { side, place, number, until, word });
    }
    waiting
}

/// Has a call looked at, and records what came of it.
async fn assess(shared: &Shared, services: Arc<Services>, mut phase: watch::Receiver<Phase>, job: Job) {
    let Job { mut pending, caller, authorised, ended, _room } = job;
    let seen = std::mem::replace(&mut pending.seen, Err(why::QUEUE_FULL));
    let body = match seen {
        Err(why) => {
            drop(services);
            pending.not_run(why)
        }
        Ok(kept) => {
            let mut looked = look(*kept, &shared.after, &shared.limits);
            let waiting = ask(shared, &services, &mut phase, (&mut looked, ended)).await;
            drop(services);
            let is_asked = !waiting.is_empty();
            for Awaited { side, place, number, until, word } in waiting {
                let Some(guard) = shared.after.guards.all.get(number) else { continue };
                let said = tokio::select! {
                    biased;
                    said = heard(word, until) => {
                        said.unwrap_or_else(|labels| guard.says(GuardOutcome::Errored, labels))
                    }
                    () = cut(&mut phase) => guard.says(GuardOutcome::NotRun, vec![why::STOPPING.to_owned()]),
                };
                put(looked.of(side), place, said);
            }
            let after_ms = if is_asked { ended.elapsed().as_millis() } else { 0 };
            let after_ms = u64::try_from(after_ms).unwrap_or(u64::MAX);
            CallAssessed { prompt: looked.prompt, answer: looked.answer, after_ms }
        }
    };
    record(shared, &phase, &body, (&caller, &authorised)).await;
}

async fn record(
    shared: &Shared,
    phase: &watch::Receiver<Phase>,
    body: &CallAssessed,
    (caller, authorised): (&Caller, &Ack),
) {
    let Ok(draft) = evidence::assessed(body, caller, authorised) else {
        return shared.metrics.not_assessed();
    };
    for _ in 0..TRIES {
        let is_cut = *phase.borrow() == Phase::Cut;
        match shared.evidence.append(&draft).await {
            Ok(_) => return shared.metrics.assessed([&body.prompt, &body.answer].into_iter().flatten()),
            Err(EvidenceError::Unavailable(_)) if !is_cut => sleep(PAUSE).await,
            Err(_) => break,
        }
    }
    shared.metrics.not_assessed();
}
