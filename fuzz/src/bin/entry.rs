//! Entries of the log: sealed records, statements, seals.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_model::{BatchSeal, Entry, SealedRecord};

fuzz_target!(|data: &[u8]| {
    let _ = Entry::parse(data);
    let _ = BatchSeal::parse(data);
    one_form(data, SealedRecord::parse, |record| {
        record.to_bytes().expect("a record that was read can be written")
    });
});
