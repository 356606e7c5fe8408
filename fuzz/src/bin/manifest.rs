//! The manifest of a package and the proof of its range.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_model::Manifest;
use tabellion_model::package::RangeProof;

fuzz_target!(|data: &[u8]| {
    one_form(data, Manifest::parse, |manifest| {
        manifest.to_bytes().expect("a manifest that was read can be written")
    });
    one_form(data, RangeProof::parse, |proof| {
        proof.to_bytes().expect("a proof that was read can be written")
    });
});
