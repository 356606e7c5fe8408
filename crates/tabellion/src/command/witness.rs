//! `tabellion witness`: be a witness for the logs of others (docs/witnesses.md).
//!
//! Must never: touch a log of its own.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use rustix::fs::Mode;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tabellion_ledger::OsEntropy;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::terminal;
use crate::witness::identity::Identity;
use crate::witness::judge::Judge;
use crate::witness::server;
use crate::writer::take_lock;

/// Permissions that new files do not have: everybody's but the owner's.
const PRIVATE_MASK: Mode = Mode::RWXG.union(Mode::RWXO);

/// What to do; without a subcommand: serve.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    serving: Serving,
}

/// Where to serve.
#[derive(Debug, Clone, Args)]
struct Serving {
    /// The witness's directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Where to listen; put a proxy with TLS in front of anything but this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Make a witness: its two keys, and the directories for the logs it is to watch
    Init {
        /// The witness's directory
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// Its name, fixed for ever: a URL without scheme, such as witness.example.org/w1
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Print the witness's public keys
    Show {
        /// The witness's directory
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
}

/// Carries it out.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    match &options.action {
        Some(Action::Init { dir, name }) => {
            rustix::process::umask(PRIVATE_MASK);
            show(&Identity::create(dir, name, &OsEntropy)?)?;
            terminal::say(&format!(
                "Put the trust file of each log to watch into {0}/logs, then run: tabellion witness --dir {0} --listen ADDRESS\n\
                 Back up {0}/witness.key. Give the keys above to the logs, by another way than the witness's own answers.",
                dir.display()
            ));
            Ok(())
        }
        Some(Action::Show { dir }) => show(&Identity::load(dir)?),
        None => serve(&options.serving),
    }
}

fn show(identity: &Identity) -> Result<(), Failure> {
    let mut text = String::new();
    for key in identity.keys() {
        writeln!(text, "{key}").map_err(|error| Failure::failed(error.to_string()))?;
    }
    terminal::data(&text)
}

fn serve(serving: &Serving) -> Result<(), Failure> {
    rustix::process::umask(PRIVATE_MASK);
    let mut signals = Signals::new([SIGTERM, SIGINT])
        .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}; start again")))?;
    // A directory that is no witness's is named before it is locked.
    Identity::load(&serving.dir)?;
    let _lock = take_lock(&serving.dir)?;
    let judge = Arc::new(Judge::open(&serving.dir)?);
    let failed = |error: std::io::Error| {
        Failure::failed(format!(
            "the witness cannot listen on {}: {error}. Free the port, or name another with --listen",
            serving.listen
        ))
    };
    let listener = TcpListener::bind(serving.listen).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("witness")
        .enable_io()
        .enable_time()
        .build()
        .map_err(failed)?;
    let (stop, stopped) = watch::channel(false);
    let handle = signals.handle();
    let outcome = std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in &mut signals {
                stop.send_replace(true);
            }
        });
        terminal::say(&format!(
            "witness {} at http://{bound}, watching {} {}",
            judge.identity().keys()[0].name(),
            judge.log_count(),
            if judge.log_count() == 1 { "log" } else { "logs" }
        ));
        let outcome = runtime.block_on(server::serve(listener, Arc::clone(&judge), stopped));
        handle.close();
        outcome
    });
    outcome.map_err(failed)?;
    if judge.has_failed() {
        return Err(Failure::failed(format!(
            "a cosigned checkpoint could not be written below {}, so nothing more is cosigned. Look at the disk, then start again",
            serving.dir.display()
        )));
    }
    Ok(())
}
