//! Verification runs, and what they prove.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_model::{VerificationRun, verify_run};

fuzz_target!(|data: &[u8]| {
    let parsed = VerificationRun::parse(data);
    let report = verify_run(data, None);
    assert_ne!(report.exit_code(), 0, "a run holds although nobody is trusted");
    assert!(parsed.is_ok() || report.exit_code() == 2, "what cannot be read was judged");
});
