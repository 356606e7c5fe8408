//! `tabellion serve`: one process holds the log, everybody else on the machine asks it.
//!
//! Promises: says on standard error when it is ready; records the settings that it serves under once nothing of them can refuse the start any more, and before it lets
//! anything through; SIGTERM and SIGINT end it after the requests that were read, with its epoch closed; a second process is refused with the name of the first.
//! Must never: go on after a failed sync.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use clap::Args;
use rustix::fs::Mode;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tabellion_app::api;
use tabellion_app::work::OnFatal;
use tabellion_app::work::registers::Watch;
use tabellion_gateway::Gateway;
use tabellion_ledger::anchor::Anchoring;
use tabellion_ledger::{DailyExpiry, Draft, Ledger};

use crate::directory::{Directory, Place, SOCKET};
use crate::failure::Failure;
use crate::held::Held;
use crate::socket::server::{Server, Stop};
use crate::terminal;
use crate::witnesses::Witnesses;
use crate::writer::take_lock;
use crate::{anchoring, data_path, playground, running, safeguards};

/// Permissions that new files of the server do not have: everybody's but the owner's.
const PRIVATE_MASK: Mode = Mode::RWXG.union(Mode::RWXO);

/// Where the log is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Start also where no policy is in force any more; every call is denied until one is published
    #[arg(long)]
    pub(crate) without_policy: bool,
    /// Why guards, rules of masking or other safeguards of the configuration were changed; recorded and sealed where they were
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// What whoever starts it says of this start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Start also where no policy is in force any more.
    pub(crate) without_policy: bool,
    /// Why safeguards were changed.
    pub(crate) reason: Option<String>,
}

/// What a server that is ready tells whoever started it in this process.
pub(crate) struct Ready {
    /// Where the control plane listens; `None`: nowhere.
    pub(crate) control: Option<SocketAddr>,
    /// Where the gateway listens; `None`: nowhere.
    pub(crate) gateway: Option<SocketAddr>,
    /// Stops it.
    pub(crate) stop: Stop,
}

/// Asks for pages of the usual size: in pages of two megabytes a stream that ends gives nothing back, and a server at rest takes half as much again.
/// Where the system knows no others nothing changes.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Serves until told to stop.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let directory = Directory::find(&options.place)?;
    options.place.check_config_is_there()?;
    let reason = options.reason.as_deref().map(safeguards::checked).transpose()?;
    let said = Said { without_policy: options.without_policy, reason };
    hold(&directory, &said, Arc::new(terminal::say), |_| {})?;
    terminal::say("stopped: everything that was acknowledged is durable, the epoch is closed");
    Ok(())
}

/// Holds the log of `directory` and serves until told to stop, by a signal or by what `ready` was given. `access` takes the control plane's access log.
pub(crate) fn hold(
    directory: &Directory,
    said: &Said,
    access: api::Log,
    ready: impl FnOnce(Ready),
) -> Result<(), Failure> {
    rustix::process::umask(PRIVATE_MASK);
    keep_pages_small();
    // First of all, so that a signal that comes while the log recovers is not lost.
    let mut signals = Signals::new([SIGTERM, SIGINT])
        .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}; start again")))?;
    // A rule below its floor is refused before anything is opened.
    directory.config().retention.rules()?;
    let _lock = take_lock(directory.path())?;
    let disk = directory.disk()?;
    let ledger = Ledger::open(Arc::clone(&disk), &directory.options(true)?)?;
    let fatal = Fatal::default();
    let held = Arc::new(Held::new(
        ledger,
        disk,
        directory.path(),
        fatal.hook(),
        directory.config().observation.0,
        directory.config().gateway.upstream_names(),
    ));
    let served = serve((directory, said), &held, &fatal, &mut signals, access, ready);
    let closed = held.close();
    served?;
    Ok(closed?)
}

/// A fatal error of the log that the control plane saw.
#[derive(Default)]
struct Fatal {
    seen: Arc<Mutex<Option<String>>>,
    stop: Arc<OnceLock<Stop>>,
}

impl Fatal {
    /// Notes the first reason and stops the server.
    fn hook(&self) -> OnFatal {
        let (seen, stop) = (Arc::clone(&self.seen), Arc::clone(&self.stop));
        Arc::new(move |reason| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason.to_owned());
            if let Some(stop) = stop.get() {
                stop.now();
            }
        })
    }

    fn outcome(&self) -> Result<(), Failure> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        seen.map_or(Ok(()), |reason| Err(Failure::failed(reason)))
    }
}

/// Where the control plane is to listen, taken already: a port that somebody else has refuses the start before anything of it is on record. Whoever connects
/// waits in the system's queue.
fn control_listener(directory: &Directory) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = directory.config().console_listen.0 else { return Ok(None) };
    TcpListener::bind(address).map(Some).map_err(|error| no_control(address, &error))
}

fn no_control(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::failed(format!(
        "the control plane cannot listen on {address}: {error}. Free the port, or set [console] listen to another one or to off"
    ))
}

/// The control plane, where the configuration wants one.
fn control_plane(
    directory: &Directory,
    held: &Held,
    listener: Option<TcpListener>,
    gateway: Option<&Gateway>,
    (witnesses, anchors): (Option<&Witnesses>, Option<&Anchoring>),
    access: api::Log,
) -> Result<Option<api::Server>, Failure> {
    let config = directory.config();
    let (Some(address), Some(listener)) = (config.console_listen.0, listener) else { return Ok(None) };
    let failed = |error: std::io::Error| no_control(address, &error);
    let bound = listener.local_addr().map_err(failed)?;
    let url = config.console_url.clone().unwrap_or_else(|| format!("http://{bound}"));
    let mut settings = api::Settings::new(&url);
    settings.log = access;
    settings.public_log = config.public_log;
    settings.configuration.clone_from(&config.set);
    settings.running = running::of(&config.gateway.as_said(), gateway);
    if let Some(gateway) = gateway {
        let (metrics, probing) = (gateway.metrics(), gateway.probing());
        settings.numbers.push(Arc::new(move |text| text.push_str(&metrics.render())));
        let noted = probing.clone();
        settings.numbers.push(Arc::new(move |text| probing.render(text)));
        settings.notes.push(Arc::new(move || noted.trouble().map(|trouble| format!("probes: {trouble}"))));
        let (trouble, numbers) = (gateway.identity_trouble(), gateway.identity_numbers());
        settings.numbers.push(Arc::new(numbers));
        settings.notes.push(Arc::new(move || trouble().map(|trouble| format!("identity: {trouble}"))));
        settings.ready.push(("gateway", Arc::new(gateway.readiness())));
        settings.playground = Some(playground::of(gateway));
    }
    if let Some(status) = witnesses.map(Witnesses::status) {
        let (ledger, known) = (Arc::clone(&held.ledger), Arc::clone(&status));
        settings.numbers.push(Arc::new(move |text| known.numbers(text, ledger.reader().size())));
        let ledger = Arc::clone(&held.ledger);
        settings.notes.push(Arc::new(move || status.trouble(ledger.reader().size())));
    }
    if let Some(anchors) = anchors {
        let (coverage, reader) = (anchors.coverage(), held.ledger.reader().clone());
        let patiences = Arc::new(anchoring::patiences(config));
        let (seen, log, allowed) = (Arc::clone(&coverage), reader.clone(), Arc::clone(&patiences));
        settings.numbers.push(Arc::new(move |text| anchoring::render(text, &seen(), &log, &allowed)));
        settings.notes.push(Arc::new(move || anchoring::trouble(&coverage(), &reader, &patiences)));
    }
    let server = api::Server::start(held.desk()?, settings, listener).map_err(failed)?;
    terminal::say(&format!("control plane at {url}, its API described at {url}/api/openapi.json"));
    Ok(Some(server))
}

/// Starts what looks by itself from time to time: over registers, and for content whose time is over and systems whose deletion is due, where nobody wants to
/// do that by hand. Both end when they are stopped or dropped.
fn start_watches(
    directory: &Directory,
    held: &Held,
    fatal: &Fatal,
) -> Result<(Watch, Option<DailyExpiry>), Failure> {
    let watch = Watch::start(held.desk()?, Watch::EVERY, Arc::new(terminal::say))
        .map_err(|error| Failure::failed(format!("the watch over registers cannot start: {error}")))?;
    let (ledger, every) = (Arc::clone(&held.ledger), DailyExpiry::EVERY);
    if directory.config().expire_by_hand {
        // By itself nothing goes from now on, and whatever is to go later is on record for its time of grace first.
        ledger.record_rules(&[])?;
        return Ok((watch, None));
    }
    let (rules, grace) = (directory.config().retention.rules()?, directory.config().rule_grace.0);
    let expiry = DailyExpiry::start(ledger, rules, grace, every, Arc::new(terminal::say), fatal.hook());
    let expiry = expiry.map_err(|error| {
        Failure::failed(format!("the thread of retention cannot start: {error}; start again"))
    })?;
    Ok((watch, Some(expiry)))
}

/// Records that this start takes `settings`, and what they change of safeguards, and starts the gateway, where the configuration has one: the record is there
/// once nothing of them can refuse the start any more, and before anything is let through.
fn let_through(
    directory: &Directory,
    held: &Held,
    fatal: &Fatal,
    settings: &Draft,
    said: &Said,
) -> Result<Option<Gateway>, Failure> {
    if let Some(conflict) = held.ledger.reader().conflict() {
        terminal::say(&format!("ALARM: {conflict}"));
        terminal::say(
            "no gateway while the log is stopped: after tabellion log resume, start the server again",
        );
        return Ok(None);
    }
    let record = || safeguards::take(held, settings, said.reason.as_deref());
    let Some(config) = directory.config().gateway.config() else {
        record()?;
        terminal::say(
            "no gateway: no provider is configured. Add a section [upstream.NAME] with base_url and models",
        );
        return Ok(None);
    };
    let views = held.views()?;
    data_path::start_gateway(&config, held, &views, fatal.hook(), said.without_policy, record).map(Some)
}

fn serve(
    (directory, said): (&Directory, &Said),
    held: &Arc<Held>,
    fatal: &Fatal,
    signals: &mut Signals,
    access: api::Log,
    ready: impl FnOnce(Ready),
) -> Result<(), Failure> {
    let ledger = &held.ledger;
    directory.check_env(ledger.reader())?;
    terminal::say_notes(ledger.notes());
    let server = Server::bind(directory.path(), Arc::clone(held))?;
    let stop = server.stop();
    drop(fatal.stop.set(stop.clone()));
    let policy = directory.witnesses()?;
    let segment_bytes = directory.options(true)?.segment_bytes;
    let settings = directory.config().loaded(ledger.reader(), segment_bytes, policy.as_ref())?;
    // Before anything new is signed: a witness may know more of this log than this copy of it.
    let witnesses = policy.map(|policy| Witnesses::start(ledger, policy, directory.path())).transpose()?;
    // What else can refuse the start does so before anything of it is on record.
    let listener = control_listener(directory)?;
    drop(anchoring::round(directory.config(), held.disk(), ledger.reader(), |_| true, true)?);
    let gateway = let_through(directory, held, fatal, &settings, said)?;
    let anchors = anchoring::start(directory.config(), held)?;
    let parts = (witnesses.as_ref(), anchors.as_ref());
    let control = control_plane(directory, held, listener, gateway.as_ref(), parts, access)?;
    let (watch, expiry) = start_watches(directory, held, fatal)?;
    let handle = signals.handle();
    thread::scope(|scope| {
        let stopped = stop.clone();
        scope.spawn(move || {
            for _ in signals {
                stopped.now();
            }
        });
        ready(Ready {
            control: control.as_ref().map(api::Server::address),
            gateway: gateway.as_ref().map(Gateway::address),
            stop,
        });
        terminal::say(&format!(
            "serving the log {} with {} entries at {}",
            ledger.origin(),
            ledger.reader().size(),
            directory.path().join(SOCKET).display()
        ));
        let outcome = server.run();
        if let Some(gateway) = gateway {
            data_path::stop_gateway(gateway);
        }
        if let Some(control) = control {
            control.stop();
        }
        watch.stop();
        drop(expiry);
        if let Some(witnesses) = witnesses {
            witnesses.stop();
        }
        if let Some(anchors) = anchors {
            anchors.stop();
        }
        handle.close();
        outcome.and_then(|()| fatal.outcome())
    })
}
