//! Entry bundles: what reads without an error is written back byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_tlog::{BundleReader, push_entry};

fuzz_target!(|data: &[u8]| {
    let Ok(entries) = BundleReader::new(data).collect::<Result<Vec<_>, _>>() else { return };
    let mut again = Vec::new();
    for entry in entries {
        push_entry(&mut again, entry).expect("an entry that was read can be written");
    }
    assert_eq!(again, data, "two forms of one bundle");
});
