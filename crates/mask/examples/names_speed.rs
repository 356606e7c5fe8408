//! How long the names in a text take, one thread: `names_speed [FILE]`. Without a file, lower-case prose, prose with names and a dense
//! mix of records and prose; 1 KiB and 10 KiB of each, the least and the
//! middle of many rounds, and the least of a scan for patterns beside it, which tells how busy the machine is.

use std::io::Write as _;
use std::time::{Duration, Instant};

use tabellion_mask::{Classes, names, scan};

type Error = Box<dyn std::error::Error>;

const LOWER: &str = "the committee found that the plan would cost more than was said and asked for another one before the summer. ";
const PROSE: &str = "Last week Maria Jensen moved from Aarhus to Porto, where she will lead a small team of designers. Her old flat at 12 \
Elm Street was sold within a day, which nobody had expected after so long a winter; the agent said that prices in the quarter had \
not been higher for ten years. ";
const MIXED: &str = "{\"customer\": {\"name\": \"Maria Jensen\", \"city\": \"Porto\", \"total\": 129.90}, \"id\": \"7f3a-11\"}\nINFO 10:22:31 \
GET /v1/orders/8123 took 31 ms\nDear Mr. Okafor, your parcel for 12 Elm Street, 8000 Aarhus was left with a neighbour. /// The least and the middle.
fn of(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    (times.first().copied().unwrap_or_default(), times.get(times.len() / 2).copied().unwrap_or_default())
}

fn main() { \
println!(\"{}\", Error::NotFound); }\n";

fn repeated(piece: &str, bytes: usize) -> String {
    piece.chars().cycle().take(bytes).collect()
}

/// The least and the middle.
fn of(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    (times.first().copied().unwrap_or_default(), times.get(times.len() / 2).copied().unwrap_or_default())
}

fn main() -> Result<(), Error> {
    let mut texts: Vec<(String, String)> = Vec::new();
    match std::env::args().nth(1) {
        Some(path) => {
            let text = std::fs::read_to_string(&path)?;
            texts.extend([1024, 10_240].map(|bytes| (path.clone(), repeated(&text, bytes))));
        }
        None => {
            for (name, piece) in [("lower", LOWER), ("prose", PROSE), ("mixed", MIXED)] {
                texts.extend([1024, 10_240].map(|bytes| (name.to_owned(), repeated(piece, bytes))));
            }
        }
    }
    let mut report = std::io::stdout().lock();
    for (name, text) in texts {
        let (mut spans, mut times, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..2000 {
            spans.clear();
            let start = Instant::now();
            names::find(&text, None, &mut spans);
            times.push(start.elapsed());
            let start = Instant::now();
            std::hint::black_box(scan(&text, Classes::ALL).count());
            beside.push(start.elapsed());
        }
        let ((least, middle), (beside, _)) = (of(&mut times), of(&mut beside));
        let (bytes, count) = (text.len(), spans.len());
        writeln!(
            report,
            "{name:8} {bytes:6} bytes: {count:3} names, least {least:?}, middle {middle:?}; patterns {beside:?}"
        )?;
    }
    Ok(())
}
