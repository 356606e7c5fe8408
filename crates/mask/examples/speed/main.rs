//! How long a scan takes: the median of many runs, with everything in memory. Reports; asserts nothing. `speed [TEXT]`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use tabellion_mask::{Classes, scan};

mod texts;

fn main() -> std::io::Result<()> {
    let mut report = String::new();
    let wanted = std::env::args().nth(1);
    for (name, text) in texts::TEXTS {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        for len in [1 << 10, 10 << 10] {
            let text: String = text.chars().cycle().take(len).collect();
            for (profile, classes) in [("forms", Classes::FORMS), ("default", Classes::DEFAULT)] {
                let mut times: Vec<u128> = (0..4000)
                    .map(|_| {
                        let start = Instant::now();
                        black_box(scan(black_box(&text), classes).count());
                        start.elapsed().as_nanos()
                    })
                    .collect();
                times.sort_unstable();
                let median = times.get(times.len() / 2).copied().unwrap_or(0).max(1);
                let least = times.first().copied().unwrap_or(0);
                let found = scan(&text, classes).count();
                let rate = len as u128 * 1000 / median;
                let _ = writeln!(
                    report,
                    "{name:10} {len:6} bytes, {profile:7}: p50 {median:7} ns, least {least:7} ns, {rate:5} MB/s, {found} found"
                );
            }
        }
    }
    std::io::stdout().write_all(report.as_bytes())
}
