//! What the thread that probes has to do next: rounds of canaries, measurements, and who waits for them.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tabellion_model::body::ProbeCause;
use tokio::time::Instant;

use super::ProbeError;
use super::config::ProbeConfig;

/// After something that could not be recorded, before the next try.
const AGAIN: Duration = Duration::from_secs(30);

/// Told how something came out.
pub(super) type Reply = SyncSender<Result<(), ProbeError>>;

/// What the thread is asked for.
pub(super) enum Ask {
    /// A round of canaries.
    Probe(Reply),
    /// A measurement.
    Measure(Reply),
    /// From here on measurements are made by themselves, the first after this long.
    Due(Duration),
}

/// One kind of work: how often, when next, why now, and who waits for it.
#[derive(Default)]
pub(super) struct Work {
    every: Option<Duration>,
    pub(super) next: Option<Instant>,
    pub(super) cause: Option<ProbeCause>,
    waiting: Vec<Reply>,
}

impl Work {
    fn asked(&mut self, reply: Reply) {
        self.waiting.push(reply);
        self.cause = Some(ProbeCause::Asked);
    }

    /// Tells everybody who waits, and knows when it is to be done again.
    pub(super) fn done(&mut self, done: &Result<(), ProbeError>) {
        let every = self.every;
        let wait = if done.is_ok() { every } else { every.map(|every| every.min(AGAIN)) };
        self.next = wait.map(|wait| Instant::now() + wait);
        for reply in self.waiting.drain(..) {
            // Whoever asked may have gone.
            drop(reply.try_send(done.clone()));
        }
    }
}

/// Both kinds.
pub(super) struct Agenda {
    pub(super) rounds: Work,
    pub(super) measurements: Work,
}

impl Agenda {
    /// As a configuration has it: a round now, measurements when somebody says what was measured before.
    pub(super) fn new(config: &ProbeConfig) -> Self {
        let every = config.every_s.map(Duration::from_secs);
        let rounds = Work {
            every,
            next: every.map(|every| Instant::now() + every),
            cause: every.map(|_| ProbeCause::Start),
            waiting: Vec::new(),
        };
        let measurements = Work { every: config.corpus_s.map(Duration::from_secs), ..Work::default() };
        Self { rounds, measurements }
    }

    /// Takes in what is asked for.
    pub(super) fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Probe(reply) => self.rounds.asked(reply),
            Ask::Measure(reply) => self.measurements.asked(reply),
            Ask::Due(after) => {
                let is_on = self.measurements.every.is_some();
                self.measurements.next = is_on.then(|| Instant::now() + after);
            }
        }
    }

    /// Whether rounds come by themselves.
    pub(super) fn is_scheduled(&self) -> bool {
        self.rounds.every.is_some()
    }
}
