//! Records of outside sources, one after the other, and what a range counts of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_model::{Coverage, Entry, SourceLedger, SourceNumber};

fuzz_target!(|data: &[u8]| {
    let mut whole = SourceLedger::new(Coverage::from_first(0));
    let mut parts = SourceLedger::new(Coverage::from_first(0));
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(Entry::Record(record)) = Entry::parse(line) else { continue };
        if let Some(number) = SourceNumber::of(&record.header) {
            let again = SourceNumber::read(&number.to_clear());
            assert_eq!(again, Some(number), "a number that was read is written as another one");
        }
        whole.observe(&record.header);
        let mut one = SourceLedger::new(Coverage::from_first(0));
        one.observe(&record.header);
        // The other way round: what is counted may not depend on the order.
        one.absorb(parts);
        parts = one;
    }
    let rows = whole.rows();
    assert_eq!(rows, parts.rows(), "the order in which records came changes what is missing");
    for row in rows {
        let named: u64 = row.gaps.iter().map(|(first, last)| last - first + 1).sum();
        assert!(named <= row.missing, "more gaps are named than numbers are missing: {row:?}");
    }
});
