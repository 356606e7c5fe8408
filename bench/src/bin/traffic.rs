//! Both ends of a measurement over HTTP: a model provider that answers at once, and clients that ask without pause.
//!
//! `traffic upstream ADDRESS` answers every request with the same chat completion, or with a stream of 20 events when the body asks for one.
//! `traffic load ADDRESS [--key KEY] [--in-flight N] [--seconds S] [--body BYTES] [--stream]` keeps N requests in flight over N connections and
//! prints one line: answers per second, milliseconds p50 and p99 until the whole answer is there. For gateways of others there are `--path PATH`, `--model
//! MODEL` and `--header "NAME: VALUE"`, more than once. `traffic records ADDRESS` takes the same options but the
//! last and `--batch N`: it records events of that size, N a request (1), each request under an idempotency key of its own. `traffic probe DIRECTORY` prints what one
//! fdatasync of 4 KiB takes there, milliseconds p50 and p99. One thread each, so that both ends fit on one core beside the program measured on
//! the other. scripts/bench-gateway.sh and scripts/bench-records.sh run them.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tabellion_bench::{percentile, preallocated, write_sync_loop};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn Error>;

const EVENTS: usize = 20;
/// Answers before this are not counted: connections are made and caches filled.
const WARM_UP: Duration = Duration::from_millis(500);
/// Syncs that the probe times, and the file it writes over.
const PROBES: usize = 500;
const PROBE_BYTES: u64 = 4 << 20;
/// Room for the largest answer.
const BUFFER: usize = 64 << 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let place = args.get(1).ok_or("an address or a directory is missing")?;
    match args.first().map(String::as_str) {
        Some("upstream") => upstream(place.parse()?).await,
        Some("load") => {
            let options = Options::read(args.get(2..).unwrap_or_default())?;
            let request = options.request();
            load(place.parse()?, &options, 200, move |_, _| request.clone()).await
        }
        Some("records") => {
            let options = Options::read(args.get(2..).unwrap_or_default())?;
            let (body, run, key) = (options.records(), std::process::id(), options.key.clone());
            let path = if options.batch == 1 { "/api/v1/records" } else { "/api/v1/records/batch" };
            let request = move |client: usize, number: usize| {
                format!(
                    "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nauthorization: Bearer {key}\r\nidempotency-key: \
                     {run}-{client}-{number}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes()
            };
            load(place.parse()?, &options, 201, request).await
        }
        Some("probe") => probe(Path::new(place)),
        _ => {
            Err("there are `upstream ADDRESS`, `load ADDRESS`, `records ADDRESS` and `probe DIRECTORY`"
                .into())
        }
    }
}

fn probe(directory: &Path) -> Result<(), Failure> {
    let file = tempfile::NamedTempFile::new_in(directory)?;
    let preallocated = preallocated(file.path(), PROBE_BYTES)?;
    let mut times = write_sync_loop(&preallocated, 4096, PROBES, PROBE_BYTES)?;
    let milliseconds = |p, times: &mut [Duration]| percentile(times, p).as_secs_f64() * 1000.0;
    println!("{:.2} {:.2}", milliseconds(50, &mut times), milliseconds(99, &mut times));
    Ok(())
}

async fn upstream(address: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    let (whole, stream) = (whole_answer(), streamed_answer());
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let (whole, stream) = (whole.clone(), stream.clone());
        tokio::spawn(async move {
            let mut incoming = Incoming::new(&connection);
            while let Ok(request) = incoming.message().await {
                let asked = request.windows(13).any(|part| part == b"\"stream\":true");
                if send(&connection, if asked { &stream } else { &whole }).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn whole_answer() -> Vec<u8> {
    let content = "The application meets the conditions that were asked about. ".repeat(8);
    let body = format!(
        "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"bench-1\",\"choices\":[{{\"index\":0,\"message\":\
         {{\"role\":\"assistant\",\"content\":\"{content}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":200,\
         \"completion_tokens\":90,\"total_tokens\":290}}}}"
    );
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn streamed_answer() -> Vec<u8> {
    let mut answer =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let mut chunk = |text: &str| answer.push_str(&format!("{:x}\r\n{text}\r\n", text.len()));
    for n in 0..EVENTS {
        let reason = if n + 1 == EVENTS { "\"stop\"" } else { "null" };
        chunk(&format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"bench-1\",\"choices\":[{{\"index\":0,\
             \"delta\":{{\"content\":\"word \"}},\"finish_reason\":{reason}}}]}}\n\n"
        ));
    }
    chunk("data: [DONE]\n\n");
    answer.push_str("0\r\n\r\n");
    answer.into_bytes()
}

struct Options {
    key: String,
    in_flight: usize,
    time: Duration,
    body: usize,
    stream: bool,
    batch: usize,
    path: String,
    model: String,
    headers: String,
}

impl Options {
    fn read(args: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            key: "none".to_owned(),
            in_flight: 64,
            time: Duration::from_secs(3),
            body: 1024,
            stream: false,
            batch: 1,
            path: "/v1/chat/completions".to_owned(),
            model: "bench-1".to_owned(),
            headers: String::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--stream" {
                options.stream = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
            match arg.as_str() {
                "--key" => options.key.clone_from(value),
                "--in-flight" => options.in_flight = value.parse()?,
                "--seconds" => options.time = Duration::from_secs(value.parse()?),
                "--batch" => options.batch = value.parse()?,
                "--body" => options.body = value.parse()?,
                "--path" => options.path.clone_from(value),
                "--model" => options.model.clone_from(value),
                "--header" => options.headers.push_str(&format!("{value}\r\n")),
                _ => return Err(format!("unknown option {arg}").into()),
            }
        }
        Ok(options)
    }

    /// A request whose body has about the size asked for.
    fn request(&self) -> Vec<u8> {
        let text = "Is this application within the limits of the product? ".repeat(self.body / 54 + 1);
        let stream = if self.stream { ",\"stream\":true" } else { "" };
        let body = format!(
            "{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}],\"temperature\":0{stream}}}",
            self.model,
            text.get(..self.body).unwrap_or_default()
        );
        format!(
            "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nauthorization: Bearer {}\r\n{}content-length: {}\r\n\r\n{body}",
            self.path,
            self.key,
            self.headers,
            body.len()
        )
        .into_bytes()
    }

    /// One event, or a batch of them, each of about the size asked for.
    fn records(&self) -> String {
        let text = "The application meets the conditions that were asked about. ".repeat(self.body / 60 + 1);
        let fields = format!("{{\"score\":614,\"text\":\"{}\"}}", text.get(..self.body).unwrap_or_default());
        let event =
            format!("{{\"kind\":\"event\",\"event\":{{\"name\":\"credit decision\",\"fields\":{fields}}}}}");
        match self.batch {
            1 => event,
            many => format!("{{\"records\":[{}]}}", vec![event; many].join(",")),
        }
    }
}

/// Asks without pause; `request` gives the bytes of each client's n-th request, and `status` is what a good answer has.
async fn load(
    address: SocketAddr,
    options: &Options,
    status: u16,
    request: impl Fn(usize, usize) -> Vec<u8> + Send + Sync + 'static,
) -> Result<(), Failure> {
    let begin = Instant::now() + WARM_UP;
    let span = begin..begin + options.time;
    let request = Arc::new(request);
    let good = format!("HTTP/1.1 {status}");
    let clients: Vec<_> = (0..options.in_flight)
        .map(|number| {
            let (request, span, good) = (Arc::clone(&request), span.clone(), good.clone());
            tokio::spawn(async move { client(address, span, &good, |n| request(number, n)).await })
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

/// Times from each request to the end of its answer.
async fn client(
    address: SocketAddr,
    span: Range<Instant>,
    good: &str,
    request: impl Fn(usize) -> Vec<u8>,
) -> io::Result<Vec<Duration>> {
    let connection = TcpStream::connect(address).await?;
    connection.set_nodelay(true)?;
    let mut incoming = Incoming::new(&connection);
    let mut times = Vec::new();
    for number in 0.. {
        let bytes = request(number);
        let asked = Instant::now();
        if asked >= span.end {
            break;
        }
        send(&connection, &bytes).await?;
        let answer = incoming.message().await?;
        if !answer.starts_with(good.as_bytes()) {
            return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
        if asked >= span.start {
            times.push(asked.elapsed());
        }
    }
    Ok(times)
}

async fn send(connection: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        connection.writable().await?;
        match connection.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The messages that come over one connection, one after the other.
struct Incoming<'a> {
    connection: &'a TcpStream,
    bytes: Vec<u8>,
    part: Vec<u8>,
}

impl<'a> Incoming<'a> {
    fn new(connection: &'a TcpStream) -> Self {
        Self { connection, bytes: Vec::with_capacity(BUFFER), part: vec![0; BUFFER] }
    }

    /// The next whole message, head and body.
    async fn message(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(len) = message_len(&self.bytes) {
                return Ok(self.bytes.drain(..len).collect());
            }
            self.connection.readable().await?;
            match self.connection.try_read(&mut self.part) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.bytes.extend_from_slice(self.part.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Length of the message at the start of `bytes`, once it is all there: what both peers send is simple enough for this.
fn message_len(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?.to_ascii_lowercase();
    if let Some((_, after)) = text.split_once("content-length: ") {
        let length: usize = after.split("\r\n").next()?.trim().parse().ok()?;
        return (bytes.len() >= head + length).then_some(head + length);
    }
    const LAST: &[u8] = b"\r\n0\r\n\r\n";
    bytes.windows(LAST.len()).position(|part| part == LAST).map(|at| at + LAST.len())
}
