//! Both ends of a measurement over HTTP: a model provider that answers at once, and clients that ask without pause.
//!
//! - `traffic upstream ADDRESS` answers every request with the same chat completion, or with a stream of 20 events when the body asks for one. Of the model
//!   `bench-json` an answer's text is JSON; of `bench-still-N` a stream stands still for N milliseconds after its first event. On any path that ends in
//!   `/check` it is a guard of the form `tabellion`, to which everything may pass.
//! - `traffic load ADDRESS` keeps requests in flight, each over a connection of its own, and prints one line: answers per second, milliseconds p50 and p99 until
//!   the whole answer is there, or with `--first-event` until the first event of a stream is.
//! - `traffic records ADDRESS` records events, `--batch` a request, each request under an idempotency key of its own.
//! - `traffic open ADDRESS --process PID` opens that many streams and prints what memory the process takes before, while they all stand open, and after.
//! - `traffic probe DIRECTORY` prints what one fdatasync of 4 KiB takes there, milliseconds p50 and p99.
//!
//! Options, where they say something: `--key KEY`, `--in-flight N`, `--seconds S`, `--body BYTES`, `--stream`, `--first-event`, `--batch N`, `--process PID`, and for
//! gateways of others `--path PATH`, `--model MODEL` and `--header "NAME: VALUE"`, more than once. One thread each, so that both ends fit on one core beside the program measured on
//! the other. scripts/bench-*.sh run them.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use tabellion_bench::{percentile, preallocated, write_sync_loop};

mod load;
mod open;
mod options;
mod upstream;
mod wire;

use options::Options;

type Failure = Box<dyn Error>;

/// Syncs that the probe times, and the file it writes over.
const PROBES: usize = 500;
const PROBE_BYTES: u64 = 4 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let place = args.get(1).ok_or("an address or a directory is missing")?;
    let options = Options::read(args.get(2..).unwrap_or_default())?;
    match args.first().map(String::as_str) {
        Some("upstream") => upstream::upstream(place.parse()?).await,
        Some("load") => {
            let request = options.request();
            load::load(place.parse()?, &options, 200, move |_, _| request.clone()).await
        }
        Some("records") => load::load(place.parse()?, &options, 201, options.records()).await,
        Some("open") => open::open(place.parse()?, &options).await,
        Some("probe") => probe(Path::new(place)),
        _ => Err(
            "there are `upstream ADDRESS`, `load ADDRESS`, `records ADDRESS`, `open ADDRESS` and `probe DIRECTORY`"
                .into(),
        ),
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
