//! The log's side of witnesses (C2SP tlog-witness): asks those that the policy names to cosign, keeps what they say, and raises the alarm when
//! one of them knows another tree.
//!
//! Promises: no append ever waits for a witness; one that is down is asked again, for ever, less and less often; a conflict is recorded and stops
//! the log. Must never: offer a checkpoint that is not durable, or count a cosignature that was not verified.

mod ask;
mod board;
mod link;
pub(crate) mod policy;
mod progress;
mod rounds;
mod status;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use tabellion_ledger::Ledger;
use tokio::sync::watch;

use crate::failure::Failure;
use link::Trusting;
use policy::WitnessPolicy;
use progress::Progress;
use rounds::Rounds;
pub(crate) use status::Status;

/// How long a start waits for the witnesses' first answers, before anything new is signed.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// The thread that asks.
pub(crate) struct Witnesses {
    status: Arc<Status>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Witnesses {
    /// Begins to ask, and waits until every witness has answered once or three seconds are over: a log that was put back to an earlier state is
    /// found out before it signs anything new.
    pub(crate) fn start(ledger: &Arc<Ledger>, policy: WitnessPolicy, dir: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::failed(format!("the witnesses cannot be asked: {error}; start again"))
        };
        let trusting = Trusting::system(&policy)?;
        let progress = Progress::load(dir)?;
        let status = Arc::new(Status::new(&policy));
        let (stop, stopped) = watch::channel(false);
        let (looked, first_look) = sync_channel(1);
        let rounds = Rounds::new(Arc::clone(ledger), policy, trusting, progress, Arc::clone(&status));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("witnesses".to_owned())
            .spawn(move || runtime.block_on(rounds.run(stopped, looked)))
            .map_err(failed)?;
        // Nobody having answered is no reason not to start.
        let _ = first_look.recv_timeout(FIRST_LOOK);
        Ok(Self { status, stop, thread: Some(thread) })
    }

    /// What is known of them.
    pub(crate) fn status(&self) -> Arc<Status> {
        Arc::clone(&self.status)
    }

    /// Stops asking.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Witnesses {
    fn drop(&mut self) {
        self.end();
    }
}
