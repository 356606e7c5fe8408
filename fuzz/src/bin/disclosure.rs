//! Disclosures and the plaintext of a unit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::{one_form, one_text};
use tabellion_model::{Disclosure, parse_unit_plaintext, unit_plaintext};

fuzz_target!(|data: &[u8]| {
    one_text(data, Disclosure::parse, Disclosure::encode);
    one_form(data, parse_unit_plaintext, |shown| unit_plaintext(shown).to_vec());
});
