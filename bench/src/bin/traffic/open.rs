//! Many streams that stand open at once, and what memory they cost whoever carries them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Failure;
use crate::options::Options;
use crate::wire::{Incoming, message_len, send};

/// Streams that are being opened at once, so that no queue of connections overflows.
const OPENING: usize = 32;
/// After all are open, until memory is read again: what opening them allocated for a moment is given back by then.
const SETTLED: Duration = Duration::from_secs(2);
/// Written to `clear_refs`, sets the peak of a process back to what it takes now (proc(5)).
const RESET_PEAK: &str = "5";

/// One stream whose first event is there.
struct Stream {
    connection: TcpStream,
    incoming: Incoming,
}

pub(crate) async fn open(address: SocketAddr, options: &Options) -> Result<(), Failure> {
    let process = options.process.ok_or("--process PID is missing: whose memory is looked at")?;
    fs::write(format!("/proc/{process}/clear_refs"), RESET_PEAK)?;
    println!("| | streams open | MiB now | MiB at most so far |\n|---|---|---|---|");
    report("before the first", 0, process)?;
    let request = options.request();
    let mut streams = Vec::with_capacity(options.in_flight);
    while streams.len() < options.in_flight {
        let mut opening = JoinSet::new();
        for _ in 0..OPENING.min(options.in_flight - streams.len()) {
            let request = request.clone();
            opening.spawn(async move { Stream::begin(address, &request).await });
        }
        while let Some(stream) = opening.join_next().await {
            streams.push(stream??);
        }
    }
    report("all open", streams.len(), process)?;
    tokio::time::sleep(SETTLED).await;
    let ended = streams.iter_mut().map(Stream::has_ended).collect::<io::Result<Vec<_>>>()?;
    if ended.contains(&true) {
        return Err(
            "streams ended before all were looked at: ask for a model that stands still longer".into()
        );
    }
    report("the same, a while later", streams.len(), process)?;
    for stream in &mut streams {
        stream.incoming.message(&stream.connection).await?;
    }
    drop(streams);
    tokio::time::sleep(SETTLED).await;
    report("all ended", 0, process)
}

impl Stream {
    async fn begin(address: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let connection = TcpStream::connect(address).await?;
        connection.set_nodelay(true)?;
        let mut incoming = Incoming::new();
        send(&connection, request).await?;
        incoming.first_event(&connection).await?;
        if message_len(incoming.so_far()).is_some() {
            let answer = String::from_utf8_lossy(incoming.so_far());
            return Err(io::Error::other(format!("no stream that stands still: {answer}")));
        }
        Ok(Self { connection, incoming })
    }

    /// Whether more came than the first event: bytes, or the end of the connection.
    fn has_ended(&mut self) -> io::Result<bool> {
        let mut next = [0];
        match self.connection.try_read(&mut next) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn report(when: &str, open: usize, process: u32) -> Result<(), Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let mib = |field: &str| -> Result<f64, Failure> {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|rest| rest.split_ascii_whitespace().next());
        Ok(kib.ok_or_else(|| format!("/proc has no {field}"))?.parse::<f64>()? / 1024.0)
    };
    println!("| {when} | {open} | {:.1} | {:.1} |", mib("VmRSS:")?, mib("VmHWM:")?);
    Ok(())
}
