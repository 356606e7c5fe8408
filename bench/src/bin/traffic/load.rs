//! Clients that ask without pause.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_bench::percentile;
use tokio::net::TcpStream;

use crate::Failure;
use crate::options::Options;
use crate::wire::{Incoming, send};

/// Answers before this are not counted: connections are made and caches filled.
const WARM_UP: Duration = Duration::from_millis(500);

/// Asks without pause; `request` gives the bytes of each client's n-th request, and `status` is what a good answer has.
pub(crate) async fn load(
    address: SocketAddr,
    options: &Options,
    status: u16,
    request: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> Result<(), Failure> {
    let begin = Instant::now() + WARM_UP;
    let span = begin..begin + options.time;
    let request = Arc::new(request);
    let good = format!("HTTP/1.1 {status}");
    let first_event = options.first_event;
    let clients: Vec<_> = (0..options.in_flight)
        .map(|number| {
            let (request, span, good) = (Arc::clone(&request), span.clone(), good.clone());
            let client = Client { address, span, good, first_event };
            tokio::spawn(async move { client.run(|n| request(number, n)).await })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    let per_second = times.len() as f64 / options.time.as_secs_f64();
    let milliseconds = |p, times: &mut Vec<Duration>| percentile(times, p).as_secs_f64() * 1000.0;
    let (half, most) = (milliseconds(50, &mut times), milliseconds(99, &mut times));
    println!("{per_second:.0} {half:.2} {most:.2}");
    Ok(())
}

struct Client {
    address: SocketAddr,
    span: Range<Instant>,
    good: String,
    first_event: bool,
}

impl Client {
    /// Times from each request to the end of its answer, or to its first event.
    async fn run(self, request: impl Fn(usize) -> Vec<u8>) -> io::Result<Vec<Duration>> {
        let connection = TcpStream::connect(self.address).await?;
        connection.set_nodelay(true)?;
        let mut incoming = Incoming::new();
        let mut times = Vec::new();
        for number in 0.. {
            let bytes = request(number);
            let asked = Instant::now();
            if asked >= self.span.end {
                break;
            }
            send(&connection, &bytes).await?;
            let mut time = None;
            if self.first_event {
                incoming.first_event(&connection).await?;
                time = Some(asked.elapsed());
            }
            let answer = incoming.message(&connection).await?;
            if !answer.starts_with(self.good.as_bytes()) {
                return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
            }
            if asked >= self.span.start {
                times.push(time.unwrap_or_else(|| asked.elapsed()));
            }
        }
        Ok(times)
    }
}
