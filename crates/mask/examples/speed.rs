//! How long a scan takes: the median of many runs, with everything in memory. Reports; asserts nothing. `speed [TEXT]`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use tabellion_mask::{Classes, scan};

/// Prompts, logs, code and data with eight values in a kibibyte, which is dense.
const MIXED: &str = r#"Please write to ann.lee@example.org or call +44 20 7946 0018 before Friday, since the courier wants to know
which of the two doors is open and whether somebody will be at home. {"user":{"id":81233,"email":"bob@mail.example.co.uk","plan":
"basic"},"total":129.90,"items":[{"sku":"AB-1200","count":2},{"sku":"AB-1300","count":1}]} 2026-03-14T09:26:53.589Z INFO auth login
ok ip=203.0.113.77 latency_ms=396 trace=5a63764d5c07d2d954a0a59b6f2e5cef. My SSN is 472-96-1046 and the card 4111 1111 1111 1111 was
charged twice; can you draft a letter to the bank that asks for the second charge back, in plain words? fn parse(input: &str) ->
Result<u32, Error> { input.trim().parse::<u32>().map_err(Error::from) } The invoice goes to DE89 3704 0044 0532 0130 00 as agreed;
thank you for the quick answer, and have a good week. | Wei Murphy | (415) 555-0132 | ward 4B | admitted | the table has the names of
those who came in during the night, sorted by the ward that they were sent to, and nothing else of note. "#;
const TECHNICAL: &str = "GET /v1/models/4fff5044?page=54 HTTP/1.1 404 89585 commit 4ae1b350b85df32375769aa4fae432e9215b8a68 \
Merge branch 'fix/8891-retry' into main; epoch_ms=1717197451097 seq=685914913775 shard=47 kubectl get pods -o wide | grep \
worker-8f86c5a6f4-fe432 Upgrade from 5.6.28 to 7.14.1-rc.1 before the release freeze. SELECT count(*) FROM events WHERE bucket \
BETWEEN 738199795 AND 633300498; ";
const PROSE: &str = "the yield of the sample was higher than expected, which the authors put down to the light that the leaves had \
during the night before; a second run gave the same, so the result was taken as it was and written into the report. ";

fn main() -> std::io::Result<()> {
    let mut report = String::new();
    let wanted = std::env::args().nth(1);
    for (name, text) in [("mixed", MIXED), ("technical", TECHNICAL), ("prose", PROSE)] {
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
