//! What a scan costs, counted in bytes looked at: hostile text may cost more than prose, by a factor that has a limit.

use std::cell::Cell;

use super::{Classes, scan};

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

/// Counts bytes that were looked at.
pub(super) fn note(bytes: usize) {
    LOOKS.set(LOOKS.get() + bytes as u64);
}

/// Most looks at a byte of any text. Rows of as many single digits as a card has cost most: each may begin a number.
const MAX_LOOKS_PER_BYTE: u64 = 60;
const LEN: usize = 1 << 16;

const PATTERNS: [&str; 39] = [
    "4 ",
    "41 ",
    "411 ",
    "4111 ",
    "4111-",
    "4 4-",
    "4-",
    "4.",
    "44.",
    "4\u{a0}",
    "4",
    // The longest rows that may still be one number, then what breaks them.
    "5 5 5 5 5 5 5 5 5 5 5 5 x",
    "4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 x",
    "4111 1111 1111 1112 ",
    "411111111111111 ",
    "41111111111111112a ",
    "%204",
    "%41",
    "%40",
    "a@",
    "@",
    "@a.b",
    "a@b.",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@",
    "a:b@",
    "\\",
    "\\u0040",
    "\\u0034 ",
    "\\u0034",
    "\\u005c",
    "\\\\\\u005cu00",
    "\\ud83d",
    "4\u{200b}",
    "DE89 3704 ",
    "GT11 ",
    "GT11",
    "LC11 AAAA ",
    "\u{7528}@",
    "MT84MALT011000012345MTLCAST001S",
];

/// The same for structured classes: what has to be looked at from each place, and is nothing.
const STRUCTURED: [&str; 30] = [
    "+4 ",
    "(4",
    "44 55 66 ",
    "phone 44 ",
    "123456789 ",
    "1234567890 id ",
    "id 123456789012",
    "1.",
    "1.1.1.1.",
    ":",
    "::",
    "a:",
    "ab:cd:",
    "ab-cd-",
    "-",
    "--",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "eyJa1.ey",
    "eyJ0",
    "password=",
    "key=a1 ",
    "sk-a1",
    "a_",
    "0x1",
    "May 1 ",
    "AB 1 ",
    "電話",
    "Ab1",
    "://a:b",
];

fn looks(text: &str) -> u64 {
    LOOKS.set(0);
    scan(text, Classes::ALL).for_each(drop);
    LOOKS.get()
}

// Before rows were counted once, `4 4 4 …` took 42 looks at each byte with memory fetched for each group: 6 seconds for 8 MiB, 0.2 now.
#[test]
fn no_text_costs_more_than_a_few_looks_at_each_byte() {
    for pattern in PATTERNS.iter().chain(&STRUCTURED) {
        let text = pattern.repeat(LEN / pattern.len());
        let looks = looks(&text);
        let per_byte = looks / text.len() as u64;
        assert!(
            per_byte <= MAX_LOOKS_PER_BYTE,
            "one key would starve the others with {pattern:?}: {per_byte} looks a byte"
        );
        let twice = self::looks(&text.repeat(2));
        assert!(
            twice <= looks * 2 + looks / 8,
            "{pattern:?} costs more than its length: {looks}, then {twice}"
        );
    }
}
