//! Prints how long our scan and mask take beside those of `datafog-core` for the same texts, in turns, one thread, medians: `tabellion-bench-masks [RUNS]`.
//!
//! "Forms" looks for what a form or a word near it tells, which is all that datafog-core does; "names" looks for people, places and organisations as well. A scan
//! finds; a mask also writes the text anew, here with a keyed placeholder for each value, there with `[CLASS]` (its `redact`, the cheapest that it has). The two do not look for the same
//! classes, so the number of values found stands beside each.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use datafog_core::{ScanAndTransformConfig, TransformationConfig, TransformationStrategy};
use mimalloc::MiMalloc;
use tabellion_mask::{Classes, Scope, ScopeKey, mask_text, scan};

#[path = "../../../crates/mask/examples/speed/texts.rs"]
mod texts;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const RUNS: usize = 2000;
/// Before anything is timed: tables are built and caches filled.
const WARM_UP: usize = 50;
const LENGTHS: [usize; 2] = [1 << 10, 10 << 10];

/// One way to look at a text; gives how many values it found.
type Way<'w> = (&'static str, Box<dyn Fn(&str) -> usize + 'w>);

fn main() -> Result<(), Box<dyn Error>> {
    let runs = env::args().nth(1).map_or(Ok(RUNS), |runs| runs.parse())?;
    let key = ScopeKey::new([7; 32]);
    let redact = ScanAndTransformConfig::new(TransformationConfig::new(TransformationStrategy::Redact));
    let masked = |text: &str, classes| {
        // As for a request: a scope of its own.
        mask_text(text, classes, &mut Scope::new(&key)).map_or(0, |(text, found)| {
            black_box(text);
            found.len()
        })
    };
    let ways: [Way<'_>; 6] = [
        ("scan, forms", Box::new(|text| scan(text, Classes::FORMS).count())),
        ("scan, datafog-core", Box::new(|text| datafog_core::scan(text).len())),
        ("scan, forms and names", Box::new(|text| scan(text, Classes::DEFAULT).count())),
        ("mask, forms", Box::new(|text| masked(text, Classes::FORMS))),
        (
            "mask, datafog-core",
            Box::new(|text| {
                datafog_core::scan_and_transform(text, &redact).map_or(0, |result| {
                    black_box(result.text.len());
                    result.transformations.len()
                })
            }),
        ),
        ("mask, forms and names", Box::new(|text| masked(text, Classes::DEFAULT))),
    ];
    println!(
        "| text | bytes | what | found | p50 µs | p99 µs | MB/s of one core |\n|---|---|---|---|---|---|---|"
    );
    for (name, text) in texts::TEXTS {
        for length in LENGTHS {
            let text: String = text.chars().cycle().take(length).collect();
            measure(name, &text, &ways, runs);
        }
    }
    Ok(())
}

/// All ways in turns, so that each has the same minute.
fn measure(name: &str, text: &str, ways: &[Way<'_>], runs: usize) {
    let mut times = vec![Vec::with_capacity(runs); ways.len()];
    for run in 0..WARM_UP + runs {
        for ((_, way), times) in ways.iter().zip(&mut times) {
            let start = Instant::now();
            black_box(way(black_box(text)));
            let time = start.elapsed();
            if run >= WARM_UP {
                times.push(time);
            }
        }
    }
    for ((what, way), times) in ways.iter().zip(&mut times) {
        times.sort_unstable();
        let at = |percent: usize| {
            times.get((times.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default()
        };
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let rate = text.len() as f64 / micros(at(50));
        println!(
            "| {name} | {} | {what} | {} | {:.1} | {:.1} | {rate:.0} |",
            text.len(),
            way(text),
            micros(at(50)),
            micros(at(99))
        );
    }
}
