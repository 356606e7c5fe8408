//! Texts whose scan is timed, here and beside a scanner of others (`bench/masks`).

/// Each with its name, to be repeated to the length wanted.
pub(crate) const TEXTS: [(&str, &str); 3] = [("mixed", MIXED), ("technical", TECHNICAL), ("prose", PROSE)];

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
