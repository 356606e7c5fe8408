//! The socket: connections in, answers out, an orderly end.
//!
//! Promises: bounded connections, and of one peer no more than its share, each with a time to send its head; a stop takes no more connections and answers the requests that were
//! read. Must never: outlive its handle.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tabellion_views::lag::LOOK_EVERY;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::dispatch::{Peer, Service, router};
use super::peers::Peers;
use super::settings::Settings;
use crate::work::Desk;

/// Most connections at a time: consoles and programs keep theirs open.
const MAX_CONNECTIONS: usize = 512;
/// Most connections of one address, a quarter of all: a proxy in front gets by with them, and one machine cannot shut out the others.
const MAX_CONNECTIONS_OF_ONE: usize = 128;
/// How long a connection may take for the head of its next request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Largest head of a request.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// Threads that serve connections; what waits for a disk is done on others.
const THREADS: usize = 2;
/// How long accepting pauses when the system is out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A serving control plane.
pub struct Server {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Asks a server to stop, from anywhere, any number of times.
#[derive(Clone)]
pub struct Stopper(Arc<watch::Sender<bool>>);

impl Stopper {
    /// Asks it to stop.
    pub fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Serves on a bound socket.
    pub fn start(desk: Arc<Desk>, settings: Settings, listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("api")
            .enable_io()
            .enable_time()
            .build()?;
        let (sender, stop) = watch::channel(false);
        let stop_within = settings.stop_within;
        runtime.spawn(watch_the_lag(Arc::clone(&desk)));
        let service = Arc::new(Service::new(desk, settings));
        let thread = std::thread::Builder::new().name("api-owner".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, router(&service), stop, stop_within));
            // What is still being worked on was given its time.
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self { address, stopper: Stopper(Arc::new(sender)), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle that stops it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Stops it and waits for its end.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopper.now();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

async fn serve(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
    stop_within: Duration,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let peers = Peers::new(MAX_CONNECTIONS_OF_ONE);
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let permit = Arc::clone(&room).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accepted => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                // Closed at once: an answer would cost more than the connection.
                let Some(place) = peers.admit(peer.ip()) else { continue };
                let connection = converse(stream, peer, router.clone(), stop.clone());
                connections.spawn(async move {
                    let (_permit, _place) = (permit, place);
                    connection.await;
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // Who is not done by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(stop_within, all).await;
}

/// Looks at the lag also while nobody asks, so that whoever does is judged by the time that views have stood still, and not by the time since somebody looked.
async fn watch_the_lag(desk: Arc<Desk>) {
    loop {
        desk.is_up_to_date();
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn converse(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        let mut router = router.clone();
        async move { tower_call(&mut router, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A connection that breaks is its peer's affair.
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Routes one request; a router is always ready and never fails.
async fn tower_call(
    router: &mut Router,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    use tower_service::Service as _;
    router.call(request.map(axum::body::Body::new)).await
}
