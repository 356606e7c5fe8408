//! What logs send to a witness, and what a witness answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::{AddCheckpoint, parse_conflict_size, parse_signature_lines};

fuzz_target!(|data: &[u8]| {
    one_form(data, AddCheckpoint::parse, |request| request.to_string().into_bytes());
    one_form(data, parse_signature_lines, |lines| {
        (lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n").into_bytes()
    });
    if let Some(size) = parse_conflict_size(data) {
        assert_eq!(format!("{size}\n").as_bytes(), data, "a second form of one size");
    }
    // A request that reads is decided without a panic, whatever its proof holds.
    if let Ok(request) = AddCheckpoint::parse(data) {
        let _ = request.check(None);
        let latest = request.checkpoint.checkpoint.clone();
        let _ = request.check(Some(&latest));
    }
});
