//! Proofs in the form of C2SP tlog-proof: what a receipt is made of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::{TlogProof, leaf_hash};

fuzz_target!(|data: &[u8]| {
    one_form(data, TlogProof::parse, |proof| proof.to_string().into_bytes());
    let Ok(proof) = TlogProof::parse(data) else { return };
    if let Ok(signed) = proof.signed_checkpoint() {
        let _ = proof.verify_inclusion(&leaf_hash(b"entry"), &signed.checkpoint); // any size, index and path: no panic
    }
});
