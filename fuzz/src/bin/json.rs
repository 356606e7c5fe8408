//! Canonical JSON: the one reader under every record, manifest and seal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_model::{parse_jcs, to_jcs};

fuzz_target!(|data: &[u8]| one_form(data, parse_jcs, |value| to_jcs(value)
    .expect("a value that was read can be written")));
