//! The gateway as a whole: started, asked for its numbers, stopped.
//!
//! Promises: it listens before `start` returns; `stop` returns when every call has its end record or its time is over. Must never: share a port
//! with another process without noticing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tabellion_ledger::{Clock, Ledger};
use tabellion_views::gate::GateCell;
use tabellion_views::lag::{LOOK_EVERY, Lag};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use crate::circuit::{CircuitNow, Circuits};
use crate::config::{GatewayConfig, Log, StartError, span};
use crate::decide::Rules;
use crate::enrich::{Enriching, Enrichments};
use crate::evidence::{self, Evidence, OnFatal};
use crate::guards::after::Assessing;
use crate::guards::suite::ByWhen;
use crate::identity::Identities;
use crate::identity::certificate::Doorway;
use crate::masking::Masking;
use crate::metrics::Metrics;
use crate::names::Recent;
use crate::noise::Noise;
use crate::opaque::Opaque;
use crate::playground::Playground;
use crate::probes::{self, Probing, RoundBefore};
use crate::server::{self, Serving};
use crate::stops;
use crate::upstream::catalogue::Catalogue;
use crate::upstream::pool::Pool;
use crate::worker::{Shared, Worker};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// After calls were told to end: time for their end records and for what their clients still read.
const CUT_GRACE: Duration = Duration::from_secs(5);

/// What a gateway stands on.
pub struct Foundations {
    /// Where records go.
    pub ledger: Arc<Ledger>,
    /// What decisions are made from.
    pub gate: Arc<GateCell>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// From which placeholders derive: the same key gives the same placeholders after a restart. 32 random bytes, kept secret.
    pub placeholder_key: Zeroizing<[u8; 32]>,
    /// Told when nothing more can be recorded.
    pub on_fatal: OnFatal,
    /// Takes lines for whoever watches.
    pub log: Log,
    /// What the newest round of probes on record came to: what failed then fails from the first call on.
    pub probed: RoundBefore,
}

/// A gateway that serves. Dropping it stops it at once; [`Gateway::stop`] lets calls finish.
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    ledger: Arc<Ledger>,
    stop: watch::Sender<Stop>,
    probing: Probing,
    /// `true`: probes end.
    stop_probes: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    /// What looks at calls that are over: ended after all of them.
    afterwards: Vec<JoinHandle<()>>,
}

/// What the threads are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Serve.
    No,
    /// Accept no more; after this time cut what is left.
    Within(Duration),
}

impl Gateway {
    /// Starts to listen and to serve.
    pub fn start(config: &GatewayConfig, foundations: Foundations) -> Result<Self, StartError> {
        Self::start_after(config, foundations, || Ok(()))
    }

    /// The same, with `before` called once everything is there that a start can fail for, and before anybody is served: whoever connects until it returns waits
    /// in the system's queue. Where it fails, so does the start, and nobody was served.
    pub fn start_after<E: From<StartError>>(
        config: &GatewayConfig,
        foundations: Foundations,
        before: impl FnOnce() -> Result<(), E>,
    ) -> Result<Self, E> {
        let Foundations { ledger, gate, clock, placeholder_key, on_fatal, log, probed } = foundations;
        let noise = Noise::new(config.limits.noise_burst, clock.now());
        let stops = stops::of(&gate);
        let metrics = Arc::<Metrics>::default();
        let circuits = Circuits::new(config.circuit, &config.upstreams, Arc::clone(&metrics));
        let enrichments = Arc::new(Enrichments::new(&config.enrichments)?);
        let (enriching, over) = Enriching::of(&enrichments);
        let ByWhen { inline, after } = ByWhen::new(&config.guards)?;
        let (assessing, to_assess) = Assessing::of(&after, &config.limits);
        let shared = Arc::new(Shared {
            limits: config.limits,
            classes: config.classes(),
            masking: Arc::new(Masking::new(config)?),
            catalogue: Catalogue::new(&config.upstreams)?,
            identities: Identities::new(&config.identities)?,
            doorway: config.tls.as_ref().map(Doorway::new).transpose()?,
            guards: Arc::new(inline),
            after: Arc::new(after),
            assessing,
            enrichments,
            enriching,
            evidence: Evidence::new(ledger.clone(), clock.clone(), on_fatal.clone(), config.said_at_ends()),
            gate,
            clock,
            metrics,
            noise,
            rules: Rules::default(),
            placeholder_key,
            reader: ledger.reader().clone(),
            lag: Lag::new(span(config.limits.lag_ms)),
            budgets: Arc::default(),
            stops,
            circuits,
            retry: config.retry,
            failing: Arc::default(),
            names: Recent::default(),
            opaque: Opaque::default(),
            log,
        });
        let listeners = listen(config.listen, threads(config))?;
        let refused = |source| StartError::Listen { address: config.listen, source };
        let first = listeners.first().ok_or_else(|| refused(std::io::ErrorKind::AddrNotAvailable.into()))?;
        let address = first.local_addr().map_err(refused)?;
        before()?;
        let (stop, told) = watch::channel(Stop::No);
        let connections = Arc::new(Semaphore::new(config.limits.connections));
        let (stop_probes, stopping) = watch::channel(false);
        let grounds = probes::Grounds {
            config,
            shared: &shared,
            ledger: &ledger,
            on_fatal,
            stop: stopping,
            before: &probed,
        };
        let (probing, prober) = probes::start(grounds)?;
        let enricher = over.map(|over| over.follow(&shared)).transpose()?;
        let assessor = to_assess.map(|to_assess| to_assess.follow(&shared)).transpose()?;
        let afterwards = [enricher, assessor].into_iter().flatten().collect();
        let threads = vec![prober];
        let mut gateway = Self { address, shared, ledger, stop, probing, stop_probes, threads, afterwards };
        for (number, listener) in listeners.into_iter().enumerate() {
            let (shared, connections, told) =
                (Arc::clone(&gateway.shared), Arc::clone(&connections), told.clone());
            let serving = move || serve(listener, shared, connections, told, number == 0);
            gateway.threads.push(thread(format!("gateway-{number}"), serving)?);
        }
        Ok(gateway)
    }

    /// Whether a gateway could start with `config`, but for its port: guards, identity providers, rules of masking, providers, models, and the keys and authorities that they refer to.
    pub fn check(config: &GatewayConfig) -> Result<(), StartError> {
        ByWhen::new(&config.guards)?;
        Enrichments::new(&config.enrichments)?;
        Identities::new(&config.identities)?;
        config.tls.as_ref().map(Doorway::new).transpose()?;
        Masking::new(config)?;
        Catalogue::new(&config.upstreams).map(drop)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How its guards are tried, for whoever shows that or asks for it.
    pub fn probing(&self) -> Probing {
        self.probing.clone()
    }

    /// Its numbers.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.shared.metrics)
    }

    /// What an operator should know of its identity providers. It can be asked for as long as one likes, also after a stop.
    pub fn identity_trouble(&self) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.identities.trouble()
    }

    /// Adds the numbers of its identity providers, in the Prometheus text format.
    pub fn identity_numbers(&self) -> impl Fn(&mut String) + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move |out| shared.identities.render(out)
    }

    /// Why nothing more can be recorded, once that is so: the process has to end and recover at its next start. Until then every call is
    /// refused.
    pub fn fatal(&self) -> Option<&str> {
        self.shared.evidence.fatal()
    }

    /// Why records are refused at present, and with them calls: a full disk, mostly. `None`: they are not.
    pub fn trouble(&self) -> Option<String> {
        self.shared.evidence.trouble()
    }

    /// Where calls are tried without becoming any.
    pub fn playground(&self) -> Playground {
        Playground::new(Arc::clone(&self.shared))
    }

    /// Whether calls are let in and can be recorded; if not, why. It can be asked for as long as one likes, also after a stop.
    pub fn readiness(&self) -> impl Fn() -> Result<(), String> + Send + Sync + 'static {
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.subscribe());
        move || {
            if *stop.borrow() != Stop::No {
                return Err("ending: it takes no more calls".to_owned());
            }
            let evidence = &shared.evidence;
            let stopped = evidence.fatal().map(|why| format!("stopped for good: {why}"));
            let recorded = stopped.or_else(|| evidence.no_room()).or_else(|| evidence.fresh_trouble());
            recorded.map_or_else(|| shared.fresh(), Err)
        }
    }

    /// How the circuits to its providers stand. It can be asked for as long as one likes, also after a stop.
    pub fn circuits(&self) -> impl Fn() -> Vec<CircuitNow> + Send + Sync + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.circuits.now()
    }

    /// Accepts no more, lets calls finish `within` this time, then ends the rest with a record each. The ledger must still be open; it may be
    /// closed afterwards.
    pub fn stop(mut self, within: Duration) {
        self.end(within);
        if let Some(counted) = self.shared.noise.take(self.shared.clock.now()) {
            // A last minute's count that cannot be recorded any more is lost, as the calls it counted were nobody's.
            if let Ok(draft) = evidence::noise(&counted) {
                drop(self.ledger.append(&draft));
            }
        }
    }

    fn end(&mut self, within: Duration) {
        // First: a canary under way is nobody's, and not waited for.
        self.stop_probes.send_replace(true);
        self.stop.send_replace(Stop::Within(within));
        for thread in self.threads.drain(..) {
            // A thread that panicked has ended as well.
            drop(thread.join());
        }
        // Every call is over: nothing more is handed over.
        self.shared.enriching.close();
        self.shared.assessing.close();
        for thread in self.afterwards.drain(..) {
            drop(thread.join());
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// A thread of its own for `work`, which ends with it.
pub(crate) fn thread<F: Future<Output = ()>>(
    name: String,
    work: impl FnOnce() -> F + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    let runtime =
        Builder::new_current_thread().enable_io().enable_time().build().map_err(StartError::Thread)?;
    std::thread::Builder::new().name(name).spawn(move || runtime.block_on(work())).map_err(StartError::Thread)
}

/// How many threads serve.
fn threads(config: &GatewayConfig) -> usize {
    match config.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// One socket for each thread, so that the system deals connections out between them.
fn listen(address: SocketAddr, threads: usize) -> Result<Vec<std::net::TcpListener>, StartError> {
    let refused = |source| StartError::Listen { address, source };
    // Sockets that share a port would also share it with another gateway of the same user, silently. One that does not share finds out.
    let alone = socket(address, false).map_err(refused)?;
    let found = alone.local_addr().map_err(refused)?.as_socket().unwrap_or(address);
    drop(alone);
    (0..threads)
        .map(|_| {
            let socket = socket(found, true)?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        })
        .collect::<std::io::Result<_>>()
        .map_err(refused)
}

fn socket(address: SocketAddr, share: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of the process before, still in TIME_WAIT, are no reason to refuse.
    socket.set_reuse_address(true)?;
    if share {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// One thread, from its first connection to the end of its last call.
async fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    connections: Arc<Semaphore>,
    mut told: watch::Receiver<Stop>,
    is_first: bool,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let (drain, draining) = watch::channel(false);
    let (cut, cutting) = watch::channel(false);
    let (busy, mut ended) = mpsc::channel(1);
    let pool = Pool::new(shared.catalogue.upstreams.len());
    let guard_pool = Pool::new(shared.guards.outside.len());
    let worker =
        Arc::new(Worker { shared: Arc::clone(&shared), pool, guard_pool, cut: cutting, own_key: None });
    let accepting =
        tokio::spawn(server::accept(listener, Serving { worker, connections, drain: draining, busy }));
    let beside = is_first.then(|| {
        let mut beside: Vec<_> = shared.identities.follow(&shared.log).map(tokio::spawn).collect();
        beside.extend(shared.catalogue.follow(&shared.log).map(tokio::spawn));
        beside.extend([tokio::spawn(count_noise(Arc::clone(&shared))), tokio::spawn(watch_the_lag(shared))]);
        beside
    });
    let within = match told.wait_for(|stop| *stop != Stop::No).await.as_deref() {
        Ok(Stop::Within(within)) => *within,
        _ => Duration::ZERO,
    };
    drain.send_replace(true);
    drop(accepting.await);
    if timeout(within, ended.recv()).await.is_err() {
        cut.send_replace(true);
        // What is left then is a client that does not read, or a ledger that does not answer.
        drop(timeout(CUT_GRACE, ended.recv()).await);
    }
    for task in beside.into_iter().flatten() {
        task.abort();
    }
}

/// Records a minute's noise, when there was any.
async fn count_noise(shared: Arc<Shared>) {
    loop {
        sleep(span(shared.limits.noise_ms)).await;
        let Some(counted) = shared.noise.take(shared.clock.now()) else { continue };
        let recorded = match evidence::noise(&counted) {
            Ok(draft) => shared.evidence.append(&draft).await.map(drop),
            Err(error) => Err(error),
        };
        if recorded.is_err() {
            shared.noise.put_back(&counted);
        }
    }
}

/// Looks at the lag also while nobody calls, so that the first call after a quiet time is judged by the time that views have stood still, and not by the
/// time since somebody looked.
async fn watch_the_lag(shared: Arc<Shared>) {
    loop {
        drop(shared.fresh());
        shared.metrics.views_stand(shared.lag.standing(Instant::now()));
        sleep(LOOK_EVERY).await;
    }
}
