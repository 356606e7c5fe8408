//! `tabellion serve`: one process holds the log, everybody else on the machine asks it.
//!
//! Promises: says on standard error when it is ready; SIGTERM and SIGINT end it after the requests that were read, with its epoch closed; a
//! second process is refused with the name of the first. Must never: go on after a failed sync.

use std::sync::Arc;
use std::thread;

use clap::Args;
use rustix::fs::Mode;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tabellion_ledger::Ledger;

use crate::directory::{Directory, Place, SOCKET};
use crate::failure::Failure;
use crate::socket::server::Server;
use crate::terminal;
use crate::writer::take_lock;

/// Permissions that new files of the server do not have: everybody's but the owner's.
const PRIVATE_MASK: Mode = Mode::RWXG.union(Mode::RWXO);

/// Where the log is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Serves until told to stop.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    rustix::process::umask(PRIVATE_MASK);
    let directory = Directory::find(&options.place)?;
    // First of all, so that a signal that comes while the log recovers is not lost.
    let mut signals = Signals::new([SIGTERM, SIGINT])
        .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}; start again")))?;
    let _lock = take_lock(directory.path())?;
    let ledger = Arc::new(Ledger::open(directory.disk()?, &directory.options(true)?)?);
    let served = serve(&directory, &ledger, &mut signals);
    let closed = ledger.close();
    served?;
    closed?;
    terminal::say("stopped: everything that was acknowledged is durable, the epoch is closed");
    Ok(())
}

fn serve(directory: &Directory, ledger: &Arc<Ledger>, signals: &mut Signals) -> Result<(), Failure> {
    directory.check_env(ledger.reader())?;
    terminal::say_notes(ledger.notes());
    let server = Server::bind(directory.path(), Arc::clone(ledger))?;
    let stop = server.stop();
    let handle = signals.handle();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in signals {
                stop.now();
            }
        });
        terminal::say(&format!(
            "serving the log {} with {} entries at {}",
            ledger.origin(),
            ledger.reader().size(),
            directory.path().join(SOCKET).display()
        ));
        let outcome = server.run();
        handle.close();
        outcome
    })
}
