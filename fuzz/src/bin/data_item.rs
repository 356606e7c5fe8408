//! ANS-104 data items.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_form;
use tabellion_tlog::anchor::ans104::DataItem;

fuzz_target!(|data: &[u8]| {
    one_form(data, DataItem::parse, DataItem::to_bytes);
    let Ok(item) = DataItem::parse(data) else { return };
    let _ = item.verify();
});
