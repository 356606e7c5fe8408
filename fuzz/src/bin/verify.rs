//! The verifier as a user meets it: any file at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_model::verify;

fuzz_target!(|data: &[u8]| {
    let report = verify(data, None);
    assert_ne!(report.exit_code(), 0, "a file holds although nobody is trusted:\n{}", report.to_text());
});
