//! Answers of time-stamp authorities: only the two that are trusted here can ever hold, and only with what they signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_tlog::Hash;
use tabellion_tlog::anchor::rfc3161::{Expected, verify};

const STAMPED: &str = include_str!("../../../crates/tlog/tests/golden/anchor/stamped.sha256");
const ROOTS: [&[u8]; 2] = [
    include_bytes!("../../../crates/tlog/tests/golden/anchor/authority-p256.der"),
    include_bytes!("../../../crates/tlog/tests/golden/anchor/authority-rsa.der"),
];

fuzz_target!(|data: &[u8]| {
    let roots = ROOTS.map(<[u8]>::to_vec);
    let imprint = Hash::from_hex(STAMPED.trim()).expect("64 hex digits");
    if let Ok(stamp) = verify(data, &Expected { imprint: &imprint, nonce: None, policy: None }, &roots) {
        assert_eq!(stamp.policy, "1.3.6.1.4.1.99999.1", "a stamp says what nobody signed");
    }
    let other = Hash([0x55; 32]);
    let other = verify(data, &Expected { imprint: &other, nonce: None, policy: None }, &roots);
    assert!(other.is_err(), "a stamp holds for data that nobody stamped");
});
