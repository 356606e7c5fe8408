//! A model provider on loopback that does on command what no real one does: dies in mid-answer, answers 200 with rubbish,
//! never ends, waits until it is told to go on.
//!
//! Promises: the bytes of a script go out as written, in the pieces it names; what is received is kept byte for byte; a
//! pause is a handshake with the test ([`Gate`]), never a sleep; dropping it ends every thread and connection. Must never:
//! guess. It knows HTTP/1.1 framing and nothing of what it carries, so that a fault in a gateway is not repaired here.

mod answer;
pub mod anthropic;
mod gate;
pub mod openai;
mod request;
pub mod responses;
mod serve;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use answer::{Answer, End, Framing};
pub use gate::Gate;
pub use request::Request;

use serve::Connection;

/// How long a test waits for anything here. A healthy run needs milliseconds; this is for a loaded machine, and so that a
/// fault ends in a failed assertion and not in a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the answer to a request; the number counts requests from 0.
type Choose = Box<dyn Fn(&Request, usize) -> Answer + Send + Sync>;

/// What is answered to which request.
pub struct Script(Choose);

impl Script {
    /// Every request gets `answer`.
    pub fn always(answer: Answer) -> Self {
        Self::by(move |_, _| answer.clone())
    }

    /// The first request gets the first answer, and so on; after the last, the last again. Without any, silence.
    pub fn in_order(answers: impl Into<Vec<Answer>>) -> Self {
        let answers: Vec<Answer> = answers.into();
        Self::by(move |_, number| {
            answers.get(number).or_else(|| answers.last()).cloned().unwrap_or_else(Answer::silence)
        })
    }

    /// The answer is made from the request and its number, counted from 0: an echo, or one answer per path or model.
    pub fn by(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self(Box::new(answer))
    }
}

impl From<Answer> for Script {
    fn from(answer: Answer) -> Self {
        Self::always(answer)
    }
}

/// The provider. It ends when it is dropped.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the test and the serving threads both see.
struct Shared {
    script: Script,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    connections: usize,
    requests: Vec<Request>,
    hang_ups: usize,
    open: BTreeMap<usize, Connection>,
    gates: Vec<Gate>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        let result = with(&mut self.state());
        self.changed.notify_all();
        result
    }
}

impl Upstream {
    /// Listens on a free port of 127.0.0.1 and answers by `script`.
    ///
    /// # Panics
    /// When loopback has no free port: no test that asks for an upstream can go on then.
    #[expect(clippy::expect_used, reason = "a test without a port to listen on has to stop")]
    pub fn start(script: impl Into<Script>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("no free port on 127.0.0.1");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared =
            Arc::new(Shared { script: script.into(), state: Mutex::default(), changed: Condvar::new() });
        let accepting = serve::spawn("upstream-accept", {
            let shared = Arc::clone(&shared);
            move || serve::accept(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// A base URL at which nobody listens: connecting is refused.
    ///
    /// # Panics
    /// As [`Upstream::start`] does.
    #[expect(clippy::expect_used, reason = "a test without a port has to stop")]
    pub fn nobody() -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("no free port on 127.0.0.1");
        base_url(listener.local_addr().expect("a bound socket has an address"))
    }

    /// The base URL for a client, `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        base_url(self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests received so far, in the order in which they were complete.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// How many answers the other side did not wait for: it closed the connection before their end.
    pub fn hang_ups(&self) -> usize {
        self.shared.state().hang_ups
    }

    /// Waits for at least `count` requests, with [`PATIENCE`]; gives what arrived, so assert on its length.
    #[must_use]
    pub fn wait_for_requests(&self, count: usize) -> Vec<Request> {
        self.wait(|state| state.requests.len() >= count);
        self.requests()
    }

    /// Waits for at least `count` hang-ups, with [`PATIENCE`]; says whether they came.
    #[must_use]
    pub fn wait_for_hang_ups(&self, count: usize) -> bool {
        self.wait(|state| state.hang_ups >= count)
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state();
        while !until(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let (connections, gates) = self.shared.change(|state| {
            state.stopped = true;
            (std::mem::take(&mut state.open), std::mem::take(&mut state.gates))
        });
        for gate in gates {
            gate.open();
        }
        let serving: Vec<_> = connections.into_values().map(Connection::cut).collect();
        serve::wake(self.address);
        for thread in self.accepting.take().into_iter().chain(serving) {
            // A thread that panicked has failed its test already, by what the test then did not receive.
            let _ = thread.join();
        }
    }
}

fn base_url(address: SocketAddr) -> String {
    format!("http://{address}/v1")
}
