//! Receipts, and what they prove.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_model::{Receipt, verify_receipt};

fuzz_target!(|data: &[u8]| {
    one_form(data, Receipt::parse, |receipt| {
        receipt.to_bytes().expect("a receipt that was read can be written")
    });
    assert_ne!(verify_receipt(data, None).exit_code(), 0, "a receipt holds although nobody is trusted");
});
