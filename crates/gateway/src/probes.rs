//! Probes: canaries that the gateway sends through its own whole path to see whether guards and masking stop what they must (docs/probes.md).
//!
//! A canary is a call like any other: prepared, decided, masked, looked at by the same guards, recorded, sent and ended by the same code. What differs is data:
//! who calls, that the provider is a stand-in in this process, and that nothing of it counts as traffic.
//!
//! Promises: what is told of a place is what the records of its call say. Must never: reach a provider, or take for stopped what was kept from being sent by
//! something else.

mod agenda;
mod answers;
mod canary;
pub(crate) mod config;
mod corpus;
mod failing;
mod gate;
mod kept;
mod measure;
mod places;
mod round;
mod stand_in;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tabellion_ledger::Ledger;
use tabellion_model::body::{MeasuredGuard, ProbeCause, ProbeResult, ProbedPlace};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::{GatewayConfig, StartError};
use crate::evidence::OnFatal;
use crate::probes::config::{OnProbeFailure, ProbeConfig};
use crate::worker::Shared;

use agenda::{Agenda, Ask, Reply};

pub(crate) use failing::Failing;
pub use kept::RoundBefore;
use round::Prober;

/// The purpose of canaries of guards that are for every purpose.
const PURPOSE: &str = "probe";
/// Rounds that may be asked for while one runs: they are answered by the next, all together.
const MAX_ASKED: usize = 16;
/// After policies changed: several changes in a row are one round.
const SETTLE: Duration = Duration::from_secs(2);

/// From so many rounds on in which a guard could not look, one after the other, its operator is told: one may be a restart of its service.
const TOLD_AFTER: u32 = 2;

/// The model that stands for the provider of this name.
fn model_of(upstream: &str) -> String {
    format!("tabellion-probe/{upstream}")
}

/// Why a round did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The gateway ends, or too many wait already.
    #[error("guards cannot be probed now: the gateway ends, or is asked for too much; try again in a moment")]
    Busy,
    /// It takes longer.
    #[error("the probes are not over yet; they go on, and what comes of them will be on record")]
    Late,
    /// It could not be recorded.
    #[error("what came of the probes could not be recorded: {0}")]
    Unrecorded(String),
}

/// What is known outside of the thread that probes.
pub(crate) struct Board {
    config: ProbeConfig,
    /// Every place, as nobody has tried it yet.
    places: Vec<ProbedPlace>,
    /// Every guard and class that is measured, as nobody has measured it yet.
    subjects: Vec<MeasuredGuard>,
    newest: Mutex<Newest>,
}

/// What the newest round came to, with what was kept of those before.
#[derive(Default)]
struct Newest {
    places: Vec<ProbedPlace>,
    /// In how many rounds, one after the other, each guard erred where it was tried, since this process began.
    erred: BTreeMap<String, u32>,
}

impl Board {
    /// Takes over what a round found, and gives what it comes to with what is known from before.
    fn keep(&self, tried: Vec<ProbedPlace>) -> Vec<ProbedPlace> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let erring: BTreeSet<String> = tried
            .iter()
            .filter(|place| place.why.as_deref() == Some(verdict::ERRED))
            .map(|place| place.guard.clone())
            .collect();
        let count = |guard: String| {
            let rounds = newest.erred.get(&guard).copied().unwrap_or_default();
            (guard, rounds.saturating_add(1))
        };
        let erred = erring.into_iter().map(count).collect();
        let places: Vec<ProbedPlace> =
            tried.into_iter().map(|place| kept::carried(place, &newest.places)).collect();
        *newest = Newest { places: places.clone(), erred };
        places
    }
}

/// A hand on the probes of a gateway, for whoever shows or asks for them.
#[derive(Clone)]
pub struct Probing {
    board: Arc<Board>,
    ask: mpsc::Sender<Ask>,
}

impl Probing {
    /// Every place of the configuration in force, as one that is not tried.
    pub fn places(&self) -> &[ProbedPlace] {
        &self.board.places
    }

    /// How often they are tried, in seconds; none: when somebody asks for it.
    pub fn every_s(&self) -> Option<u64> {
        self.board.config.every_s
    }

    /// Whether calls are denied while a canary gets through.
    pub fn denies(&self) -> bool {
        self.board.config.on_failure == OnProbeFailure::Deny
    }

    /// Every guard and class of the configuration in force, as one that is not measured.
    pub fn subjects(&self) -> &[MeasuredGuard] {
        &self.board.subjects
    }

    /// How often guards are measured, in seconds; none: when somebody asks for it.
    pub fn corpus_s(&self) -> Option<u64> {
        self.board.config.corpus_s
    }

    /// From here on guards are measured by themselves: first when that is due after the newest measurement, which is so old and of `guards`; none: soon. Called
    /// again, the last word holds.
    pub fn measured_before(&self, newest: Option<(Duration, &[MeasuredGuard])>) {
        let every = Duration::from_secs(self.board.config.corpus_s.unwrap_or_default());
        let after = agenda::due(every, &self.board.subjects, newest);
        // There is always room at a start; later on somebody's question is enough.
        drop(self.ask.try_send(Ask::Due(after)));
    }

    /// Tries every place now, and waits for what comes of it `within` this time.
    pub fn run(&self, within: Duration) -> Result<(), ProbeError> {
        self.asked(Ask::Probe, within)
    }

    /// Measures every guard now, and waits for what comes of it `within` this time.
    pub fn measure(&self, within: Duration) -> Result<(), ProbeError> {
        self.asked(Ask::Measure, within)
    }

    fn asked(&self, ask: impl FnOnce(Reply) -> Ask, within: Duration) -> Result<(), ProbeError> {
        let (tell, told) = sync_channel(1);
        self.ask.try_send(ask(tell)).map_err(|_| ProbeError::Busy)?;
        match told.recv_timeout(within) {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout) => Err(ProbeError::Late),
            Err(RecvTimeoutError::Disconnected) => Err(ProbeError::Busy),
        }
    }

    /// What an operator has to look at: the places whose canaries got through, and the guards that could not look.
    pub fn trouble(&self) -> Option<String> {
        let newest = self.board.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let both: Vec<String> = self.through(&newest).into_iter().chain(erring(&newest)).collect();
        (!both.is_empty()).then(|| both.join("; "))
    }

    fn through(&self, newest: &Newest) -> Option<String> {
        let through = newest.places.iter().filter(|place| place.result == ProbeResult::GotThrough);
        let named: BTreeSet<&str> = through.map(|place| place.guard.as_str()).collect();
        if named.is_empty() {
            return None;
        }
        let named: Vec<&str> = named.into_iter().collect();
        let then = if self.denies() { "calls that they are for are denied" } else { "calls go on" };
        Some(format!(
            "a canary got through {}, so that they can be bypassed; {then}. GET /api/v1/probes says where; mend the guard, then run tabellion probe run",
            named.join(", ")
        ))
    }

    /// Adds the numbers of the newest round, in the Prometheus text format.
    pub fn render(&self, out: &mut String) {
        use std::fmt::Write as _;
        let newest = self.board.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "tabellion_gateway_probed_places";
        let _ = writeln!(
            out,
            "# HELP {name} Places of guards by what the newest round of probes came to.\n# TYPE {name} gauge"
        );
        for (result, label) in [
            (ProbeResult::Stopped, "stopped"),
            (ProbeResult::Flagged, "flagged"),
            (ProbeResult::GotThrough, "got_through"),
            (ProbeResult::Untested, "untested"),
        ] {
            let count = newest.places.iter().filter(|place| place.result == result).count();
            let _ = writeln!(out, "{name}{{result=\"{label}\"}} {count}");
        }
    }
}

/// Guards whose canaries nobody can try, since they err.
fn erring(newest: &Newest) -> Option<String> {
    let long = newest.erred.iter().filter(|(_, rounds)| **rounds >= TOLD_AFTER);
    let named: Vec<&str> = long.map(|(guard, _)| guard.as_str()).collect();
    (!named.is_empty()).then(|| {
        format!(
            "{} gave no verdict on canaries in the last {TOLD_AFTER} rounds or more, so that nobody knows whether they stop what they must; see whether the service of each answers, then run tabellion probe run",
            named.join(", ")
        )
    })
}

/// What probing stands on.
pub(crate) struct Grounds<'a> {
    pub(crate) config: &'a GatewayConfig,
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) ledger: &'a Arc<Ledger>,
    pub(crate) on_fatal: OnFatal,
    /// `true`: it ends.
    pub(crate) stop: watch::Receiver<bool>,
    /// What the log says of the newest round.
    pub(crate) before: &'a RoundBefore,
}

/// Starts the thread that probes; what failed before fails from here on, before anybody is served. It serves no calls of anybody, and ends when it is told to.
pub(crate) fn start(grounds: Grounds<'_>) -> Result<(Probing, JoinHandle<()>), StartError> {
    let Grounds { config, shared, ledger, on_fatal, stop, before } = grounds;
    let places = places::places(config, &shared.catalogue, &shared.guards, &shared.masking);
    let subjects = measure::subjects(config, &shared.catalogue, &shared.guards, &shared.masking);
    let known = kept::at_start(&places, before);
    shared.failing.heed(config.probes.on_failure, &places, &shared.guards, &known);
    let board = Arc::new(Board {
        config: config.probes,
        places: places.iter().map(|place| place.came_to(ProbeResult::Untested, None)).collect(),
        subjects: subjects.iter().map(measure::Subject::unmeasured).collect(),
        newest: Mutex::new(Newest { places: known, erred: BTreeMap::new() }),
    });
    let (ask, asked) = mpsc::channel(MAX_ASKED);
    let (cell, changed) = gate::beside(&shared.gate, &places);
    let shared_of_probes = round::shared(config, shared, ledger, cell, on_fatal);
    let prober = round::Parts {
        places,
        subjects,
        board: Arc::clone(&board),
        failing: Arc::clone(&shared.failing),
        shared: shared_of_probes,
    };
    let runtime =
        Builder::new_current_thread().enable_io().enable_time().build().map_err(StartError::Thread)?;
    let thread = std::thread::Builder::new()
        .name("gateway-probes".to_owned())
        .spawn(move || runtime.block_on(serve(prober, asked, changed, stop)))
        .map_err(StartError::Thread)?;
    Ok((Probing { board, ask }, thread))
}

/// Probes at the start, from time to time, when policies changed or a stop was lifted, and when asked, and measures when that is due, until it is told to end.
async fn serve(
    parts: round::Parts,
    mut asked: mpsc::Receiver<Ask>,
    mut changed: watch::Receiver<gate::Changes>,
    mut stop: watch::Receiver<bool>,
) {
    let mut agenda = Agenda::new(&parts.board.config);
    let prober = Prober::new(parts, stop.clone());
    let mut is_changed = true;
    loop {
        while let Ok(ask) = asked.try_recv() {
            agenda.take(ask);
        }
        if let Some(cause) = agenda.rounds.cause.take() {
            changed.mark_unchanged();
            let done = prober.round(cause).await;
            if *stop.borrow() {
                return;
            }
            agenda.rounds.done(&done);
            continue;
        }
        if let Some(cause) = agenda.measurements.cause.take() {
            let done = prober.measure(cause).await;
            if *stop.borrow() {
                return;
            }
            agenda.measurements.done(&done);
            continue;
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            ask = asked.recv() => match ask {
                Some(ask) => agenda.take(ask),
                // Nobody can ask any more: the gateway is gone.
                None => return,
            },
            told = changed.changed(), if is_changed && agenda.is_scheduled() => match told {
                Ok(()) => {
                    sleep(SETTLE).await;
                    agenda.rounds.cause = Some(ProbeCause::Change);
                }
                Err(_) => is_changed = false,
            },
            () = at(agenda.rounds.next) => agenda.rounds.cause = Some(ProbeCause::Schedule),
            () = at(agenda.measurements.next) => agenda.measurements.cause = Some(ProbeCause::Schedule),
        }
    }
}

/// Waits until then; for ever where there is no such time.
async fn at(next: Option<Instant>) {
    match next {
        Some(next) => sleep_until(next).await,
        None => std::future::pending().await,
    }
}
