//! OpenTimestamps proofs and calendars' answers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::anchor::ots::{OtsProof, Timestamp};

fuzz_target!(|data: &[u8]| {
    one_form(data, Timestamp::parse, Timestamp::to_bytes);
    one_form(data, OtsProof::parse, OtsProof::to_bytes);
    let Ok(mut proof) = OtsProof::parse(data) else { return };
    assert_eq!(proof.attested_by(1, &[0; 80]), None, "a block without a root attests something");
    for (_, message) in proof.promises() {
        let _ = proof.upgrade(&message, &data[..data.len() / 2]);
    }
});
