//! Trust files: a policy that reads is read the same from its own text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_tlog::{Policy, VerifierKey};

fuzz_target!(|data: &[u8]| {
    if let Ok(policy) = Policy::parse(data) {
        let text = policy.to_string();
        let again = Policy::parse(&text).expect("a policy that was read can be read from its own text");
        assert!(again.to_string() == text, "a policy changes by being written:\n{text}");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text, "a second form of one key");
    }
});
