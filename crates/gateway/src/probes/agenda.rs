//! What the thread that probes has to do next: rounds of canaries, measurements, and who waits for them.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use tabellion_model::body::{MeasuredGuard, ProbeCause};
use tokio::time::Instant;

use super::ProbeError;
use super::config::ProbeConfig;

/// After something that could not be recorded, before the next try.
const AGAIN: Duration = Duration::from_secs(30);

/// After a start, before guards are measured that were not: whoever starts has other work first.
const MEASURE_AFTER: Duration = Duration::from_mins(1);

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

/// In how long guards are to be measured, every so often, when the newest measurement is so old and of those guards.
pub(super) fn due(
    every: Duration,
    subjects: &[MeasuredGuard],
    newest: Option<(Duration, &[MeasuredGuard])>,
) -> Duration {
    let is_of_all = |guards: &[MeasuredGuard]| {
        subjects.iter().all(|subject| guards.iter().any(|known| known.is_same(subject)))
    };
    let rest = newest.filter(|(_, guards)| is_of_all(guards)).map(|(age, _)| every.saturating_sub(age));
    rest.unwrap_or_default().max(MEASURE_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn guard(version: &str) -> MeasuredGuard {
        MeasuredGuard { guard: "house".to_owned(), version: version.to_owned(), ..MeasuredGuard::default() }
    }

    /// Requirement: B07. A restart measures nothing anew that still counts, and soon what is old, new or of another version.
    #[test]
    fn guards_are_measured_again_when_that_is_due_or_they_changed() {
        let (now, other) = ([guard("words.1-a")], [guard("words.1-b")]);
        let every = HOUR * 7;
        assert_eq!(due(every, &now, Some((HOUR, &now))), HOUR * 6);
        assert_eq!(due(every, &now, Some((HOUR * 9, &now))), MEASURE_AFTER, "an old one puts it off");
        assert_eq!(due(every, &now, Some((HOUR, &other))), MEASURE_AFTER, "another version puts it off");
        assert_eq!(due(every, &now, None), MEASURE_AFTER);
    }

    /// Requirement: B07. Off stays off, and what could not be recorded is tried again soon.
    #[tokio::test]
    async fn measurements_come_by_themselves_only_where_that_is_set() {
        let mut off = Agenda::new(&ProbeConfig { corpus_s: None, every_s: None, ..ProbeConfig::default() });
        off.take(Ask::Due(HOUR));
        assert!(off.measurements.next.is_none(), "it is off, and comes all the same");
        let mut on = Agenda::new(&ProbeConfig { every_s: None, ..ProbeConfig::default() });
        assert!(on.measurements.next.is_none(), "before anybody said what was measured");
        on.take(Ask::Due(HOUR));
        assert!(on.measurements.next.is_some_and(|next| next > Instant::now()));
        on.measurements.done(&Err(ProbeError::Busy));
        let soon = Instant::now() + AGAIN;
        assert!(on.measurements.next.is_some_and(|next| next <= soon), "a failure puts it off for a week");
        assert!(!on.is_scheduled() && on.rounds.cause.is_none());
    }
}
