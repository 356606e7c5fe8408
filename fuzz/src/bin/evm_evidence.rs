//! Evidence of transactions in blocks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::Hash;
use tabellion_tlog::anchor::evm::Evidence;

fuzz_target!(|data: &[u8]| {
    one_form(data, Evidence::parse, Evidence::to_bytes);
    let Ok(evidence) = Evidence::parse(data) else { return };
    let _ = evidence.verify(&Hash([0x55; 32]));
});
