//! Asking all witnesses, round after round: one task for each, and one place where their answers come together.
//!
//! Promises: whoever fails is asked again after a pause that doubles up to a minute; a conflict stops the asking until it is lifted. Must never:
//! hold up the ledger: everything here happens behind it.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tabellion_ledger::{Ledger, NewConflict, Reader};
use tabellion_model::Micros;
use tabellion_tlog::SignedCheckpoint;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::ask::{Said, ask};
use super::board::Board;
use super::link::{Link, Trusting};
use super::policy::{Peer, WitnessPolicy};
use super::progress::Progress;
use super::status::Status;
use crate::terminal;

/// How often the log is looked at for a newer checkpoint.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long one witness may take for one conversation; an answer of C2SP's public witnesses takes a tenth of a second.
const ASK_WITHIN: Duration = Duration::from_secs(10);
/// First pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LAST_PAUSE: Duration = Duration::from_mins(1);
/// How often the small file of progress is written.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// Answers that may wait to be looked at: two of each witness.
const ANSWERS: usize = 64;

/// What is being asked about; `None`: nothing.
type Target = Option<Arc<SignedCheckpoint>>;

/// One witness's answer.
struct Heard {
    witness: usize,
    /// Size of the checkpoint it is about.
    size: u64,
    said: Said,
    /// Size of the newest checkpoint that it has cosigned, as far as is known.
    known: u64,
}

/// Everything that asking needs.
pub(super) struct Rounds {
    ledger: Arc<Ledger>,
    policy: WitnessPolicy,
    trusting: Trusting,
    progress: Progress,
    status: Arc<Status>,
    board: Board,
    /// Of each witness, whether its last answer was a failure.
    down: Vec<bool>,
}

impl Rounds {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        policy: WitnessPolicy,
        trusting: Trusting,
        progress: Progress,
        status: Arc<Status>,
    ) -> Self {
        if let Some(cosigned) = ledger.reader().cosigned() {
            status.cosigned(&policy.policy, &cosigned);
        }
        let count = policy.peers.len();
        Self {
            ledger,
            policy,
            trusting,
            progress,
            status,
            board: Board::new(count),
            down: vec![false; count],
        }
    }

    /// Asks until told to stop. `looked` hears when every witness has answered once or failed.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>, looked: SyncSender<()>) {
        let (targets, _) = watch::channel::<Target>(None);
        let (answers, mut heard) = mpsc::channel(ANSWERS);
        let mut tasks = JoinSet::new();
        for (number, peer) in self.policy.peers.iter().enumerate() {
            let attendant = Attendant {
                number,
                peer: peer.clone(),
                link: Link::new(&peer.url, self.trusting.clone()),
                reader: self.ledger.reader().clone(),
                known: self.progress.of(&peer.url),
            };
            tasks.spawn(attendant.run(targets.subscribe(), answers.clone()));
        }
        drop(answers);
        let mut written = Instant::now();
        loop {
            self.turn(&targets);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(answer) = heard.recv() => self.take(answer).await,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if self.board.all_heard() {
                let _ = looked.try_send(());
            }
            if written.elapsed() >= PROGRESS_EVERY {
                self.progress.write();
                written = Instant::now();
            }
        }
        tasks.shutdown().await;
        self.progress.write();
    }

    /// Chooses what is asked about.
    fn turn(&mut self, targets: &watch::Sender<Target>) {
        let reader = self.ledger.reader();
        if reader.conflict().is_some() {
            self.board.clear();
            targets.send_replace(None);
            return;
        }
        let now = Instant::now();
        if !self.board.is_due(now) || self.board.size().is_some_and(|size| size >= reader.size()) {
            return;
        }
        // The newest one is durable: no checkpoint is anywhere before its data are.
        if let Ok(target) = SignedCheckpoint::parse(reader.checkpoint().as_bytes()) {
            self.board.begin(target.clone(), &self.down, now);
            targets.send_replace(Some(Arc::new(target)));
        }
    }

    async fn take(&mut self, answer: Heard) {
        let Heard { witness, size, said, known } = answer;
        let Some(peer) = self.policy.peers.get(witness) else { return };
        self.progress.set(&peer.url, known);
        self.board.hear(witness);
        let failure = match &said {
            Said::Cosigned(_) => None,
            Said::Failed(why) => Some(why.clone()),
            Said::Conflict(conflict) => Some(conflict.said.clone()),
        };
        let was_down = self.down.get(witness).copied().unwrap_or(false);
        match &failure {
            Some(why) if !was_down => terminal::say(&terminal::printable(&format!(
                "witness {} at {} has not cosigned: {why}. It is asked again; appends do not wait for it",
                peer.name, peer.url
            ))),
            None if was_down => terminal::say(&format!("witness {} cosigns again", peer.name)),
            _ => {}
        }
        self.status.heard(witness, known, failure.as_deref());
        if let Some(down) = self.down.get_mut(witness) {
            *down = failure.is_some();
        }
        match said {
            Said::Failed(_) => {}
            Said::Conflict(conflict) => self.alarm(*conflict).await,
            Said::Cosigned(lines) => {
                if let Some(signed) = self.board.add(size, lines) {
                    self.keep(signed).await;
                }
            }
        }
    }

    /// Keeps the checkpoint once its cosignatures meet the quorum.
    async fn keep(&mut self, signed: SignedCheckpoint) {
        let Ok(report) = self.policy.policy.report(&signed) else { return };
        if !report.met {
            return;
        }
        if let Some(seconds) = report.met_at(&self.policy.policy) {
            self.ledger.note_outside_time(Micros(seconds.saturating_mul(1_000_000)));
        }
        self.board.meet();
        let (ledger, kept) = (Arc::clone(&self.ledger), signed.clone());
        // It waits for the disk.
        match tokio::task::spawn_blocking(move || ledger.keep_cosigned(&kept)).await {
            Ok(Ok(())) => self.status.cosigned(&self.policy.policy, &signed),
            Ok(Err(error)) => terminal::say(&format!("a cosigned checkpoint could not be kept: {error}")),
            Err(_) => {}
        }
    }

    async fn alarm(&mut self, conflict: NewConflict) {
        self.board.clear();
        let ledger = Arc::clone(&self.ledger);
        match tokio::task::spawn_blocking(move || ledger.stop_for_conflict(&conflict)).await {
            Ok(Ok(conflict)) => terminal::say(&format!("ALARM: {conflict}")),
            Ok(Err(error)) => terminal::say(&format!(
                "ALARM: a witness knows another tree of this log, and that could not be recorded: {error}. Nothing more is recorded"
            )),
            Err(_) => {}
        }
    }
}

/// One witness's task.
struct Attendant {
    number: usize,
    peer: Peer,
    link: Link,
    reader: Reader,
    known: u64,
}

impl Attendant {
    async fn run(mut self, mut targets: watch::Receiver<Target>, answers: mpsc::Sender<Heard>) {
        let (mut done, mut pause) = (None, FIRST_PAUSE);
        loop {
            let is_new =
                |target: &Target| target.as_ref().is_some_and(|target| Some(target.checkpoint.size) != done);
            // The channel closes when the asking ends.
            let Ok(target) = targets.wait_for(is_new).await.map(|target| target.clone()) else { return };
            let Some(target) = target else { continue };
            let asked = ask(&mut self.link, &self.peer, &self.reader, &target, &mut self.known);
            let said = tokio::time::timeout(ASK_WITHIN, asked).await;
            let said =
                said.unwrap_or_else(|_| Said::Failed(format!("no answer within {} s", ASK_WITHIN.as_secs())));
            let failed = !matches!(said, Said::Cosigned(_));
            let size = target.checkpoint.size;
            if answers.send(Heard { witness: self.number, size, said, known: self.known }).await.is_err() {
                return;
            }
            if failed {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
            } else {
                (done, pause) = (Some(size), FIRST_PAUSE);
            }
        }
    }
}
