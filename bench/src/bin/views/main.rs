//! What the views cost per record, and how fast they answer, over a log of a size that an organisation reaches.
//!
//! `views make --dir DIR [--calls N] [--items M]` makes a data directory: calls spread over thirty days and register items in all states, through the real
//! sealing and append path, under a clock that runs ahead of the real one until it meets it. `views measure --dir DIR` reads it: rebuild, size, questions,
//! and the projector's cost while calls arrive; `views live --dir DIR` is the last alone. `views back --dir DIR` measures what looking back costs at its
//! limits. `scripts/bench-pages.sh` times the pages over the same directory.

mod back;
mod calls;
mod house;
mod items;
mod making;
mod measuring;
mod questions;

use std::error::Error;
use std::path::PathBuf;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What goes wrong ends the measurement.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// What is wanted.
pub(crate) struct Options {
    /// The data directory.
    pub(crate) dir: PathBuf,
    /// Calls, two records each unless denied.
    pub(crate) calls: u32,
    /// Register items.
    pub(crate) items: u32,
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let mut options = Options { dir: PathBuf::new(), calls: 1_000_000, items: 10_000 };
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--dir" => options.dir = value.into(),
            "--calls" => options.calls = value.parse()?,
            "--items" => options.items = value.parse()?,
            _ => return Err(format!("unknown option {arg}; there are --dir, --calls and --items").into()),
        }
    }
    if options.dir.as_os_str().is_empty() {
        return Err("--dir names the data directory; there is no default".into());
    }
    match what.as_str() {
        "make" => making::make(&options),
        "measure" => measuring::measure(&options),
        "live" => measuring::live(&options),
        "back" => back::measure(&options),
        _ => Err(format!("what to do? make, measure, live or back, not {what:?}").into()),
    }
}
