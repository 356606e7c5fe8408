//! COSE_Sign1 messages: statements, seals, receipts, and statements that carry receipts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::{CoseReceipt, Sign1, attach_receipts, detach_receipts};

fuzz_target!(|data: &[u8]| {
    one_form(data, Sign1::parse, Sign1::encode);
    one_form(data, CoseReceipt::parse, CoseReceipt::encode);
    one_form(data, detach_receipts, |(statement, receipts)| {
        attach_receipts(statement, receipts).expect("what was taken apart can be put together")
    });
});
